"""Many devices in one call, answered in a shape of its own."""

from azure.iot.hub.models import AuthenticationMechanism, ExportImportDevice, PropertyContainer, SymmetricKey

from hub import KEY, OTHER_KEY, Case, registry

SAS = AuthenticationMechanism(type="sas", symmetric_key=SymmetricKey(primary_key=KEY, secondary_key=OTHER_KEY))


class Bulk(Case):
    def setUp(self):
        self.hub = registry()

    def item(self, suffix, mode, **members):
        return ExportImportDevice(id=self.name(suffix), import_mode=mode, **members)

    def send(self, *items):
        return self.hub.bulk_create_or_update_devices(list(items))

    def exists(self, suffix):
        found = self.hub.get_device_registry_statistics() and [
            device.device_id for device in self.hub.get_devices() if device.device_id == self.name(suffix)
        ]
        return bool(found)

    def test_create_with_twin_update_and_delete(self):
        made = self.send(
            self.item("-a", "create", status="enabled", authentication=SAS),
            self.item(
                "-b",
                "create",
                status="disabled",
                authentication=SAS,
                tags={"line": "A"},
                properties=PropertyContainer(desired={"x": 1}),
            ),
        )
        self.assertEqual((made.is_successful, made.errors, made.warnings), (True, [], []))
        device = self.hub.get_device(self.name("-a"))
        self.assertEqual(device.authentication.symmetric_key.primary_key, KEY)
        twin = self.hub.get_twin(self.name("-b"))
        self.assertEqual((twin.status, twin.tags, twin.properties.desired["x"]), ("disabled", {"line": "A"}, 1))
        moved = self.send(
            self.item("-a", "update", status="disabled", authentication=SAS),
            self.item("-b", "updateTwin", tags={"line": "B"}),
        )
        self.assertEqual(moved.is_successful, True)
        self.assertEqual(self.hub.get_device(self.name("-a")).status, "disabled")
        self.assertEqual(self.hub.get_twin(self.name("-b")).tags, {"line": "B"})
        gone = self.send(self.item("-a", "delete"), self.item("-b", "delete"))
        self.assertEqual(gone.is_successful, True)
        self.assertFalse(self.exists("-a") or self.exists("-b"))

    def test_one_that_fails_is_named_and_the_others_are_done(self):
        self.send(self.item("-old", "create", authentication=SAS))
        answer = self.hub.protocol.bulk_registry.update_registry(
            [self.item("-old", "create", authentication=SAS), self.item("-new", "create", authentication=SAS)], raw=True
        )
        self.assertEqual(answer.response.status_code, 400)
        result = answer.output
        self.assertEqual((result.is_successful, len(result.errors)), (False, 1))
        [error] = result.errors
        self.assertEqual((error.device_id, error.error_code), (self.name("-old"), "DeviceAlreadyExists"))
        self.assertTrue(self.exists("-new"))

    def test_stale_tags_stop_only_what_asks_for_them(self):
        self.send(self.item("", "create", authentication=SAS))
        etag = self.hub.get_device(self.name()).etag
        self.hub.update_device_with_sas(self.name(), None, KEY, OTHER_KEY, "enabled")
        for mode in ("updateIfMatchETag", "deleteIfMatchETag"):
            with self.subTest(mode):
                result = self.send(self.item("", mode, e_tag=etag, authentication=SAS))
                self.assertEqual([error.error_code for error in result.errors], ["PreconditionFailed"])
        stale = self.send(self.item("", "updateTwinIfMatchETag", twin_etag="AAAAAAAAAAk=", tags={"a": 1}))
        self.assertEqual([error.error_code for error in stale.errors], ["PreconditionFailed"])
        self.assertTrue(self.send(self.item("", "delete", e_tag=etag)).is_successful)

    def test_unknown_devices_and_too_many(self):
        result = self.send(self.item("", "update", authentication=SAS))
        self.assertEqual([error.error_code for error in result.errors], ["DeviceNotFound"])
        many = [self.item(f"-{number}", "create") for number in range(101)]
        self.refused(413, "TooManyDevices", self.send, *many)
        self.assertFalse(self.exists("-0"))

    def test_a_device_stands_in_it_once(self):
        twice = (self.item("", "create", authentication=SAS), self.item("", "delete"))
        result = self.send(*twice)
        self.assertEqual(result.is_successful, False)
        self.assertEqual({error.error_code for error in result.errors}, {"DeviceDefinedMultipleTimes"})
        self.assertFalse(self.exists(""))

    def test_modules_are_made_and_taken_away_too(self):
        self.send(self.item("", "create", authentication=SAS))
        made = self.send(self.item("", "create", module_id="m", authentication=SAS, tags={"a": 1}))
        self.assertEqual((made.is_successful, made.errors), (True, []))
        module = self.hub.get_module(self.name(), "m")
        self.assertEqual(module.authentication.symmetric_key.primary_key, KEY)
        self.assertEqual(self.hub.get_module_twin(self.name(), "m").tags, {"a": 1})
        again = self.send(self.item("", "create", module_id="m", authentication=SAS))
        [error] = again.errors
        self.assertEqual((error.module_id, error.error_code), ("m", "ModuleAlreadyExistsOnDevice"))
        self.assertTrue(self.send(self.item("", "updateTwin", module_id="m", tags={"a": 2})).is_successful)
        self.assertEqual(self.hub.get_module_twin(self.name(), "m").tags, {"a": 2})
        self.assertTrue(self.send(self.item("", "delete", module_id="m")).is_successful)
        self.refused(404, "ModuleNotFound", self.hub.get_module, self.name(), "m")
        self.assertTrue(self.exists(""))
