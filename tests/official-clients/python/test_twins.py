"""Twins of devices and modules: read, merge, replace, conflicts, limits."""

import base64

from azure.iot.hub.models import Twin, TwinProperties

from hub import KEY, OTHER_KEY, ZERO, Case, registry


def twin_etag(number):
    """The entity tag of a twin that was written so often: eight bytes, the largest first."""
    return base64.b64encode(number.to_bytes(8, "big")).decode()


def tags(**values):
    return Twin(tags=values)


def desired(**values):
    return Twin(properties=TwinProperties(desired=values))


class Twins(Case):
    def setUp(self):
        self.hub = registry()
        self.device = self.name()
        self.identity = self.hub.create_device_with_sas(self.device, KEY, OTHER_KEY, "enabled")

    def test_a_new_twin(self):
        answer = self.hub.protocol.devices.get_twin(self.device, raw=True).response
        twin = answer.json()
        self.assertIsNone(answer.headers.get("ETag"))
        self.assertEqual((twin["etag"], twin["version"]), (twin_etag(1), 2))
        self.assertEqual(twin["deviceEtag"], self.identity.etag)
        self.assertEqual((twin["status"], twin["connectionState"]), ("enabled", "Disconnected"))
        self.assertEqual((twin["lastActivityTime"], twin["authenticationType"]), (ZERO, "sas"))
        self.assertNotIn("tags", twin)
        for section in ("desired", "reported"):
            self.assertEqual(list(twin["properties"][section]), ["$metadata", "$version"])
            self.assertEqual(twin["properties"][section]["$version"], 1)
        self.assertEqual(twin["capabilities"], {"iotEdge": False})
        # The creation instant of the identity, in ticks since the year 1.
        created = twin["properties"]["desired"]["$metadata"]["$lastUpdated"]
        self.assertIn(created.rstrip("Z").rpartition(".")[2].rstrip("0"), self.identity.generation_id)

    def test_a_new_module_twin(self):
        self.hub.create_module_with_sas(self.device, "m", "", KEY, OTHER_KEY)
        twin = self.hub.protocol.modules.get_twin(self.device, "m", raw=True).response.json()
        self.assertEqual((twin["deviceId"], twin["moduleId"]), (self.device, "m"))
        self.assertEqual(twin["properties"]["desired"]["$metadata"]["$lastUpdated"], ZERO)
        self.assertEqual((twin["etag"], twin["version"]), (twin_etag(1), 2))

    def test_a_patch_of_tags_moves_tag_and_version_and_no_desired_version(self):
        twin = self.hub.update_twin(self.device, tags(site={"floor": 2}, line="A"))
        self.assertEqual(twin.tags, {"site": {"floor": 2}, "line": "A"})
        self.assertEqual((twin.etag, twin.version, twin.properties.desired["$version"]), (twin_etag(2), 3, 1))
        self.assertEqual(twin.device_etag, self.identity.etag)

    def test_a_patch_merges_and_null_takes_away(self):
        self.hub.update_twin(self.device, desired(a={"x": 1, "y": [1, 2]}, b="stays", c=True))
        twin = self.hub.update_twin(self.device, desired(a={"x": None, "z": 3.5}, c=None))
        wanted = {key: value for key, value in twin.properties.desired.items() if not key.startswith("$")}
        self.assertEqual(wanted, {"a": {"y": [1, 2], "z": 3.5}, "b": "stays"})
        self.assertEqual(twin.properties.desired["$version"], 3)
        metadata = twin.properties.desired["$metadata"]
        self.assertEqual(metadata["a"]["z"]["$lastUpdatedVersion"], 3)
        self.assertEqual(metadata["b"]["$lastUpdatedVersion"], 2)
        self.assertNotIn("c", metadata)
        emptied = self.hub.update_twin(self.device, desired(a={"y": None, "z": None}))
        self.assertEqual(emptied.properties.desired["a"], {})

    def test_an_equal_value_is_a_write(self):
        for version in (2, 3):
            twin = self.hub.update_twin(self.device, desired(a=1))
            self.assertEqual(twin.properties.desired["$version"], version)

    def test_a_whole_twin_may_be_sent_back(self):
        before = self.hub.update_twin(self.device, desired(a=1))
        before.tags = {"new": True}
        after = self.hub.update_twin(self.device, before)
        self.assertEqual(after.tags, {"new": True})
        self.assertEqual(after.properties.desired["a"], 1)
        self.assertEqual((after.status, after.properties.reported["$version"]), ("enabled", 1))

    def test_a_stale_tag_is_a_conflict_and_changes_nothing(self):
        read = self.hub.get_twin(self.device)
        mine = self.hub.update_twin(self.device, tags(by="me"), read.etag)
        self.assertEqual(mine.etag, twin_etag(2))
        code, text = self.refused(
            412, "PreconditionFailed", self.hub.update_twin, self.device, tags(by="you"), read.etag
        )
        self.assertEqual((code, text), ("PreconditionFailed", "PreconditionFailed, ETag may be invalid."))
        self.refused(412, "PreconditionFailed", self.hub.replace_twin, self.device, tags(by="you"), read.etag)
        self.assertEqual(self.hub.get_twin(self.device).tags, {"by": "me"})
        self.assertEqual(self.hub.update_twin(self.device, tags(by="force")).tags, {"by": "force"})

    def test_an_identity_write_leaves_the_twin_s_tag(self):
        before = self.hub.get_twin(self.device)
        updated = self.hub.update_device_with_sas(self.device, None, KEY, OTHER_KEY, "disabled")
        after = self.hub.get_twin(self.device)
        self.assertEqual((after.etag, after.version), (before.etag, before.version))
        self.assertEqual((after.device_etag, after.status), (updated.etag, "disabled"))

    def test_a_replacement_takes_away_what_it_does_not_name(self):
        self.hub.update_twin(self.device, Twin(tags={"a": 1, "b": 2}, properties=TwinProperties(desired={"x": 1, "y": 2})))
        both = Twin(tags={"b": 3}, properties=TwinProperties(desired={"y": 4}))
        twin = self.hub.replace_twin(self.device, both)
        self.assertEqual(twin.tags, {"b": 3})
        self.assertEqual({k for k in twin.properties.desired if not k.startswith("$")}, {"y"})

    def test_module_twins_are_patched_and_replaced(self):
        self.hub.create_module_with_sas(self.device, "m", "", KEY, OTHER_KEY)
        first = self.hub.update_module_twin(self.device, "m", desired(a=1, b=2))
        self.assertEqual((first.module_id, first.properties.desired["b"]), ("m", 2))
        self.refused(
            412, "PreconditionFailed", self.hub.update_module_twin, self.device, "m", tags(a=1), twin_etag(1)
        )
        second = self.hub.replace_module_twin(self.device, "m", desired(c=3), first.etag)
        self.assertEqual({k for k in second.properties.desired if not k.startswith("$")}, {"c"})
        self.assertEqual(self.hub.get_module_twin(self.device, "m").etag, second.etag)

    def test_unknown_twins(self):
        for call in (
            lambda: self.hub.get_twin(self.name("-none")),
            lambda: self.hub.update_twin(self.name("-none"), tags(a=1)),
            lambda: self.hub.replace_twin(self.name("-none"), tags(a=1)),
            lambda: self.hub.get_module_twin(self.device, "none"),
            lambda: self.hub.update_module_twin(self.device, "none", tags(a=1)),
        ):
            number, _ = self.refused(404, "DeviceNotFound", call)
            self.assertEqual(number, 404001)

    def test_the_twins_of_the_runtime_are_nobody_s_to_change(self):
        code = "SystemModuleModifyUnauthorizedAccess"
        for module in ("$edgeAgent", "$edgeHub"):
            before = self.hub.get_module_twin("gateway-1", module)
            _, text = self.refused(401, code, self.hub.update_module_twin, "gateway-1", module, desired(a=1))
            self.assertEqual(text, "Unauthorized to modify reserved module.")
            self.refused(401, code, self.hub.replace_module_twin, "gateway-1", module, desired(a=1))
            self.assertEqual(self.hub.get_module_twin("gateway-1", module).etag, before.etag)

    def test_what_edge_agent_reports(self):
        twin = self.hub.get_module_twin("gateway-1", "$edgeAgent")
        reported = twin.properties.reported
        self.assertEqual(reported["lastDesiredVersion"], twin.properties.desired["$version"])
        self.assertEqual(reported["lastDesiredStatus"]["code"], 200)
        self.assertEqual(sorted(reported["modules"]), ["sensor", "worker"])
        self.assertEqual(reported["modules"]["sensor"]["runtimeStatus"], "running")
        # It says nothing about edgeAgent, however well it is.
        self.assertEqual(twin.connection_state, "Disconnected")

    def test_limits(self):
        deep = 1
        for _ in range(12):
            deep = {"d": deep}
        for label, patch in {
            "a dot in a key": tags(**{"a.b": 1}),
            "a space in a key": desired(**{"a b": 1}),
            "a hash in a key": desired(**{"a#b": 1}),
            "eleven levels": desired(**deep),
            "a text over 4 KB": desired(a="x" * 4097),
            "a key over 1 KB": desired(**{"k" * 1025: 1}),
            "tags over 8 KB": tags(a="x" * 4000, b="x" * 4000, c="x" * 1000),
            "desired over 32 KB": desired(**{f"k{n}": "x" * 4000 for n in range(9)}),
            "null in an array": desired(a=[1, None]),
            "an integer beyond 2^52": desired(a=2**53),
        }.items():
            with self.subTest(label):
                self.refused(400, "ArgumentInvalid", self.hub.update_twin, self.device, patch)
        self.assertEqual(self.hub.get_twin(self.device).version, 2)
        fits = self.hub.update_twin(self.device, desired(**{"ключ": "x" * 4096, "": 1, "n": -(2**52)}))
        self.assertEqual(fits.properties.desired["n"], -(2**52))
