"""The simulator as the Python client reaches it, and what the cases share: names, refusals, waiting for a state."""

import json
import os
import subprocess
import time
import unittest

from azure.iot.hub import IoTHubConfigurationManager, IoTHubJobManager, IoTHubRegistryManager
from msrest.exceptions import HttpOperationError

HUB = os.environ["SIM_HUB"]
HOST = os.environ["SIM_ENDPOINT"].removeprefix("https://")
ZERO_AT_CREATION = "0001-01-01T00:00:00"
ZERO = "0001-01-01T00:00:00Z"

# Two keys of 32 bytes.
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
OTHER_KEY = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="


def connection_string(policy=None):
    """The owner's connection string, or that of another policy of the hub."""
    path = os.environ["SIM_CONNECTION_STRING_FILE"] + (f"-{policy}" if policy else "")
    with open(path, encoding="utf-8") as file:
        return file.read()


def registry(policy=None):
    return IoTHubRegistryManager.from_connection_string(connection_string(policy))


def configurations(policy=None):
    return IoTHubConfigurationManager.from_connection_string(connection_string(policy))


def jobs(policy=None):
    return IoTHubJobManager.from_connection_string(connection_string(policy))


def steer(*words):
    """Throws a switch of the simulator, as `edgedeck sim do` does."""
    done = subprocess.run([os.environ["EDGEDECK"], "sim", "do", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def text_of(response):
    """Code or number, and text, of a refusal in any of the service's three shapes."""
    body = response.json()
    if "errorCode" in body:
        return body["errorCode"], body["message"]
    if body["Message"].startswith("{"):
        inner = json.loads(body["Message"])
        return inner["errorCode"], inner["message"]
    name, _, text = body["Message"].removeprefix("ErrorCode:").partition(";")
    return name, text


class Case(unittest.TestCase):
    """A case; each makes its own devices below its own name."""

    maxDiff = None

    def name(self, suffix=""):
        """An id no other case has, readable in whatever fails."""
        _, group, case = self.id().rsplit(".", 2)
        return f"py-{group}-{case.removeprefix('test_').replace('_', '-')}"[:90] + suffix

    def refused(self, status, code, call, *args, **kwargs):
        """The call is refused with this status and code in the header; gives number or name, and text, of the body."""
        with self.assertRaises(HttpOperationError) as caught:
            call(*args, **kwargs)
        response = caught.exception.response
        self.assertEqual((response.status_code, response.headers.get("iothub-errorcode")), (status, code), response.text)
        self.assertEqual(response.headers["Content-Type"], "application/json; charset=utf-8")
        self.assertRegex(response.headers["x-ms-request-id"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        return text_of(response)

    def eventually(self, look, seconds=20):
        """Looks until it sees something that is true, and gives that."""
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s")
            time.sleep(0.2)
