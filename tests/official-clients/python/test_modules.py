"""Module identities, and the runtime's own modules, which are nobody's to change."""

from azure.iot.hub.models import Module

from hub import KEY, OTHER_KEY, ZERO, ZERO_AT_CREATION, Case, registry

THUMBPRINT = "C" * 40
OTHER_THUMBPRINT = "D" * 40


class Modules(Case):
    def setUp(self):
        self.hub = registry()
        self.device = self.name()
        self.hub.create_device_with_sas(self.device, KEY, OTHER_KEY, "enabled")

    def test_a_module_with_sas(self):
        module = self.hub.create_module_with_sas(self.device, "m", "me", KEY, OTHER_KEY)
        self.assertEqual((module.module_id, module.device_id, module.managed_by), ("m", self.device, "me"))
        self.assertEqual(module.authentication.type, "sas")
        self.assertEqual(module.authentication.symmetric_key.primary_key, KEY)
        self.assertEqual(module.connection_state, "Disconnected")
        self.assertEqual(self.hub.get_module(self.device, "m").etag, module.etag)

    def test_modules_with_certificates(self):
        first = self.hub.create_module_with_x509(self.device, "x", "", THUMBPRINT, OTHER_THUMBPRINT)
        self.assertEqual(first.authentication.type, "selfSigned")
        self.assertEqual(first.authentication.x509_thumbprint.primary_thumbprint, THUMBPRINT)
        second = self.hub.create_module_with_certificate_authority(self.device, "ca", "")
        self.assertEqual(second.authentication.type, "certificateAuthority")
        self.assertIsNone(second.authentication.symmetric_key.primary_key)

    def test_the_entity_tag_is_in_the_body_alone(self):
        put = self.hub.protocol.modules.create_or_update_identity
        create = put(self.device, "m", Module(module_id="m", device_id=self.device), raw=True).response
        self.assertEqual((create.status_code, create.headers.get("ETag")), (200, None))
        self.assertEqual(create.json()["lastActivityTime"], ZERO_AT_CREATION)
        read = self.hub.protocol.modules.get_identity(self.device, "m", raw=True).response
        self.assertEqual((read.json()["etag"], read.json()["lastActivityTime"]), (create.json()["etag"], ZERO))
        order = "moduleId managedBy deviceId generationId etag connectionState connectionStateUpdatedTime"
        order += " lastActivityTime cloudToDeviceMessageCount authentication"
        self.assertEqual(list(read.json()), order.split())

    def test_creating_twice_is_a_conflict(self):
        self.hub.create_module_with_sas(self.device, "m", "", KEY, OTHER_KEY)
        again = (self.device, "m", "", KEY, OTHER_KEY)
        number, text = self.refused(409, "ModuleAlreadyExistsOnDevice", self.hub.create_module_with_sas, *again)
        self.assertEqual(number, 409301)
        self.assertEqual(text, f"Device {self.device} in IotHub official-clients already contains Module m.")

    def test_updates_with_and_without_the_tag_that_was_read(self):
        module = self.hub.create_module_with_sas(self.device, "m", "me", KEY, OTHER_KEY)
        update = self.hub.update_module_with_sas
        moved = update(self.device, "m", "you", module.etag, OTHER_KEY, KEY)
        self.assertEqual((moved.managed_by, moved.authentication.symmetric_key.primary_key), ("you", OTHER_KEY))
        self.refused(412, "PreconditionFailed", update, self.device, "m", "they", module.etag, KEY, OTHER_KEY)
        # Without a tag it is sent `"*"`; a manager that is left out is gone.
        free = self.hub.update_module_with_x509(self.device, "m", None, None, THUMBPRINT, OTHER_THUMBPRINT)
        self.assertEqual((free.managed_by, free.authentication.type), (None, "selfSigned"))
        trusted = self.hub.update_module_with_certificate_authority(self.device, "m", None, None)
        self.assertEqual(trusted.authentication.type, "certificateAuthority")

    def test_an_update_does_not_create(self):
        update = (self.device, "none", "", None, KEY, OTHER_KEY)
        self.refused(404, "ModuleNotFound", self.hub.update_module_with_sas, *update)
        self.refused(404, "ModuleNotFound", self.hub.get_module, self.device, "none")

    def test_a_module_is_deleted_with_its_twin(self):
        module = self.hub.create_module_with_sas(self.device, "m", "", KEY, OTHER_KEY)
        self.refused(412, "PreconditionFailed", self.hub.delete_module, self.device, "m", "MQ==")
        delete = self.hub.protocol.modules.delete_identity
        _, text = self.refused(412, "PreconditionFailed", delete, self.device, "m")
        self.assertEqual(text, "Etag missing")
        gone = delete(self.device, "m", f'"{module.etag}"', raw=True).response
        self.assertEqual((gone.status_code, gone.content), (204, b""))
        self.refused(404, "ModuleNotFound", self.hub.get_module, self.device, "m")
        # The twin of a missing module has the device's code.
        number, _ = self.refused(404, "DeviceNotFound", self.hub.get_module_twin, self.device, "m")
        self.assertEqual(number, 404001)

    def test_a_list_has_all_modules_of_one_device(self):
        for module in ("b", "a", "c"):
            self.hub.create_module_with_sas(self.device, module, "", KEY, OTHER_KEY)
        self.assertEqual(sorted(module.module_id for module in self.hub.get_modules(self.device)), ["a", "b", "c"])

    def test_modules_of_a_missing_or_disabled_device_look_like_missing_rights(self):
        # A quirk of the service for whoever comes with a shared key.
        for device in (self.name("-none"), self.device):
            if device == self.device:
                self.hub.update_device_with_sas(self.device, None, KEY, OTHER_KEY, "disabled")
            with self.subTest(device):
                self.refused(401, "IotHubUnauthorizedAccess", self.hub.get_modules, device)
                self.refused(401, "IotHubUnauthorizedAccess", self.hub.get_module, device, "m")
                create = (device, "m", "", KEY, OTHER_KEY)
                self.refused(401, "IotHubUnauthorizedAccess", self.hub.create_module_with_sas, *create)

    def test_a_device_has_fifty_modules_at_most(self):
        for number in range(50):
            self.hub.create_module_with_sas(self.device, f"m{number}", "", KEY, OTHER_KEY)
        one_more = (self.device, "m50", "", KEY, OTHER_KEY)
        self.refused(413, "TooManyModulesOnDevice", self.hub.create_module_with_sas, *one_more)

    def test_the_runtime_s_modules_are_reserved(self):
        create = (self.device, "$edgeAgent", "", KEY, OTHER_KEY)
        self.refused(400, "ArgumentInvalid", self.hub.create_module_with_sas, *create)
        code = "SystemModuleModifyUnauthorizedAccess"
        update = ("gateway-1", "$edgeAgent", "", None, KEY, OTHER_KEY)
        _, text = self.refused(401, code, self.hub.update_module_with_sas, *update)
        self.assertEqual(text, "Unauthorized to modify reserved module.")
        self.refused(401, code, self.hub.delete_module, "gateway-1", "$edgeHub")
        self.assertEqual(self.hub.get_module("gateway-1", "$edgeHub").managed_by.lower(), "iotedge")

    def test_modules_of_a_deployment_are_edge_s(self):
        module = self.hub.get_module("gateway-1", "sensor")
        self.assertEqual(module.managed_by.lower(), "iotedge")
        self.assertEqual(module.connection_state, "Connected")
        self.assertNotEqual(module.last_activity_time.year, 1)
