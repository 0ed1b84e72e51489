"""What `edgedeck sim recipes` gives is pasted as it is, and works."""

import json
import os
import subprocess
import sys

from hub import Case


def edgedeck(*words):
    done = subprocess.run([os.environ["EDGEDECK"], *words], capture_output=True, text=True, check=True)
    return done.stdout


class Recipes(Case):
    def recipe(self, client):
        items = json.loads(edgedeck("sim", "recipes", "-o", "json"))["items"]
        return {item["client"]: item["recipe"] for item in items}[client]

    def pasted(self, client):
        # In a shell that has been told nothing, with this Python first in its path.
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
        env = {"HOME": os.environ["HOME"], "PATH": path}
        done = subprocess.run(["sh"], input=self.recipe(client), capture_output=True, text=True, env=env, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_python(self):
        lines = self.pasted("Python SDK").splitlines()
        self.assertEqual((len(lines), lines[0]), (10, "gateway-1 enabled"))

    def test_curl(self):
        devices = json.loads(self.pasted("curl"))
        self.assertEqual((len(devices), devices[0]["deviceId"]), (10, "gateway-1"))

    def test_a_token_has_the_rights_of_its_policy(self):
        header = edgedeck("sim", "token", "--policy", "registryRead")
        self.assertRegex(header, "^Authorization: SharedAccessSignature sr=.*&skn=registryRead\n$")
