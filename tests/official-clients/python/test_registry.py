"""Device identities: create in every kind, read, list, update, delete, statistics."""

import base64

from azure.iot.hub.models import AuthenticationMechanism, Device, DeviceCapabilities

from hub import KEY, OTHER_KEY, ZERO, ZERO_AT_CREATION, Case, registry

THUMBPRINT = "A" * 40
OTHER_THUMBPRINT = "B" * 40


def counter(etag):
    """The number inside an identity's entity tag."""
    return int(base64.b64decode(etag))


class Registry(Case):
    def setUp(self):
        self.hub = registry()

    def test_a_device_with_sas_keeps_the_keys_it_is_given(self):
        device = self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        self.assertEqual(device.device_id, self.name())
        self.assertEqual(device.authentication.type, "sas")
        self.assertEqual(device.authentication.symmetric_key.primary_key, KEY)
        self.assertEqual(device.authentication.symmetric_key.secondary_key, OTHER_KEY)
        self.assertEqual((device.status, device.connection_state), ("enabled", "Disconnected"))
        self.assertEqual(device.capabilities.iot_edge, False)
        self.assertEqual(device.cloud_to_device_message_count, 0)
        self.assertIsNone(device.status_reason)
        self.assertIsNone(device.device_scope)

    def test_a_device_without_keys_gets_two_generated_ones(self):
        device = self.hub.create_device_with_sas(self.name(), "", "", "disabled", status_reason="on the shelf")
        keys = device.authentication.symmetric_key
        self.assertEqual([len(base64.b64decode(key)) for key in (keys.primary_key, keys.secondary_key)], [32, 32])
        self.assertNotEqual(keys.primary_key, keys.secondary_key)
        self.assertEqual((device.status, device.status_reason), ("disabled", "on the shelf"))

    def test_a_device_with_nothing_but_its_id_is_enabled_with_keys(self):
        device = self.hub.protocol.devices.create_or_update_identity(self.name(), Device(device_id=self.name()))
        self.assertEqual((device.status, device.authentication.type), ("enabled", "sas"))
        self.assertEqual(len(base64.b64decode(device.authentication.symmetric_key.primary_key)), 32)

    def test_a_device_with_thumbprints_has_no_keys(self):
        device = self.hub.create_device_with_x509(self.name(), THUMBPRINT, OTHER_THUMBPRINT, "enabled")
        self.assertEqual(device.authentication.type, "selfSigned")
        self.assertEqual(device.authentication.x509_thumbprint.primary_thumbprint, THUMBPRINT)
        self.assertEqual(device.authentication.x509_thumbprint.secondary_thumbprint, OTHER_THUMBPRINT)
        self.assertIsNone(device.authentication.symmetric_key.primary_key)
        twin = self.hub.get_twin(self.name())
        self.assertEqual(twin.authentication_type, "selfSigned")

    def test_a_device_with_an_authority_has_neither(self):
        device = self.hub.create_device_with_certificate_authority(self.name(), "enabled")
        self.assertEqual(device.authentication.type, "certificateAuthority")
        self.assertIsNone(device.authentication.symmetric_key.primary_key)
        self.assertIsNone(device.authentication.x509_thumbprint.primary_thumbprint)

    def test_an_edge_device_has_a_scope_and_the_modules_of_the_runtime(self):
        device = self.hub.create_device_with_sas(self.name(), "", "", "enabled", iot_edge=True)
        self.assertEqual(device.capabilities.iot_edge, True)
        self.assertEqual(device.device_scope, f"ms-azure-iot-edge://{self.name()}-{device.generation_id}")
        self.assertEqual(device.parent_scopes, [])
        modules = {module.module_id: module for module in self.hub.get_modules(self.name())}
        self.assertEqual(sorted(modules), ["$edgeAgent", "$edgeHub"])
        for module in modules.values():
            self.assertEqual((module.managed_by.lower(), module.authentication.type), ("iotedge", "none"))

    def test_parents_of_edge_devices_and_leaves(self):
        parent = self.hub.create_device_with_sas(self.name("-top"), "", "", "enabled", iot_edge=True)
        lower = self.hub.create_device_with_sas(
            self.name("-low"), "", "", "enabled", iot_edge=True, parent_scopes=[parent.device_scope]
        )
        self.assertEqual(lower.parent_scopes, [parent.device_scope])
        self.assertNotEqual(lower.device_scope, parent.device_scope)
        leaf = self.hub.create_device_with_sas(self.name("-leaf"), "", "", "enabled", device_scope=lower.device_scope)
        self.assertEqual((leaf.device_scope, leaf.parent_scopes), (lower.device_scope, [lower.device_scope]))

    def test_the_scope_of_an_edge_device_cannot_be_left_out_of_an_update(self):
        device = self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled", iot_edge=True)
        update = (self.name(), device.etag, KEY, OTHER_KEY, "disabled", True)
        _, text = self.refused(400, "InvalidDeviceScope", self.hub.update_device_with_sas, *update)
        self.assertEqual(text, "Device scope is immutable")
        same = self.hub.update_device_with_sas(*update, device_scope=device.device_scope)
        self.assertEqual((same.status, same.device_scope), ("disabled", device.device_scope))

    def test_zero_times_have_no_zone_in_the_creating_answer_only(self):
        create = self.hub.protocol.devices.create_or_update_identity(self.name(), Device(device_id=self.name()), raw=True)
        self.assertEqual(create.response.status_code, 200)
        self.assertEqual(create.response.json()["lastActivityTime"], ZERO_AT_CREATION)
        again = self.hub.protocol.devices.get_identity(self.name(), raw=True).response
        self.assertEqual(again.json()["lastActivityTime"], ZERO)

    def test_the_entity_tag_is_in_header_and_body_and_counts(self):
        create = self.hub.protocol.devices.create_or_update_identity(self.name(), Device(device_id=self.name()), raw=True)
        etag = create.response.json()["etag"]
        self.assertEqual(create.response.headers["ETag"], f'"{etag}"')
        read = self.hub.protocol.devices.get_identity(self.name(), raw=True).response
        self.assertEqual((read.headers["ETag"], read.json()["etag"]), (f'"{etag}"', etag))
        updated = self.hub.update_device_with_sas(self.name(), etag, KEY, OTHER_KEY, "enabled")
        self.assertEqual(counter(updated.etag), counter(etag) + 1)

    def test_members_come_in_the_order_of_the_service(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        members = list(self.hub.protocol.devices.get_identity(self.name(), raw=True).response.json())
        order = "deviceId generationId etag connectionState status statusReason connectionStateUpdatedTime"
        order += " statusUpdatedTime lastActivityTime cloudToDeviceMessageCount authentication capabilities"
        self.assertEqual(members, order.split())

    def test_creating_twice_is_a_conflict(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        code, text = self.refused(
            409, "DeviceAlreadyExists", self.hub.create_device_with_sas, self.name(), KEY, OTHER_KEY, "disabled"
        )
        self.assertEqual(code, "DeviceAlreadyExists")
        self.assertEqual(text, f"A device with ID '{self.name()}' is already registered.")
        self.assertEqual(self.hub.get_device(self.name()).status, "enabled")

    def test_an_update_with_the_tag_that_was_read_and_one_with_a_stale_one(self):
        device = self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        first = self.hub.update_device_with_sas(
            self.name(), device.etag, OTHER_KEY, KEY, "disabled", status_reason="away"
        )
        self.assertEqual((first.status, first.status_reason), ("disabled", "away"))
        self.assertEqual(first.authentication.symmetric_key.primary_key, OTHER_KEY)
        self.assertNotEqual(first.status_updated_time.year, 1)
        _, text = self.refused(
            412,
            "PreconditionFailed",
            self.hub.update_device_with_sas,
            self.name(),
            device.etag,
            KEY,
            OTHER_KEY,
            "enabled",
        )
        versions = f"existingVersion:{counter(first.etag)} newVersion:{counter(device.etag)}"
        self.assertEqual(text, f"Precondition failed: Device version did not match, {versions}")
        self.assertEqual(self.hub.get_device(self.name()).status, "disabled")

    def test_an_update_without_a_tag_overwrites(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        updated = self.hub.update_device_with_x509(self.name(), None, THUMBPRINT, OTHER_THUMBPRINT, "enabled")
        self.assertEqual(updated.authentication.type, "selfSigned")
        updated = self.hub.update_device_with_certificate_authority(self.name(), None, "enabled")
        self.assertEqual(updated.authentication.type, "certificateAuthority")

    def test_an_update_does_not_create(self):
        update = (self.name(), None, KEY, OTHER_KEY, "enabled")
        _, text = self.refused(404, "DeviceNotFound", self.hub.update_device_with_sas, *update)
        self.assertEqual(text, self.name())
        self.refused(404, "DeviceNotFound", self.hub.get_device, self.name())

    def test_unknown_devices_are_not_found(self):
        code, text = self.refused(404, "DeviceNotFound", self.hub.get_device, self.name())
        self.assertEqual((code, text), ("DeviceNotFound", self.name()))
        self.refused(404, "DeviceNotFound", self.hub.delete_device, self.name())

    def test_a_device_is_deleted_with_its_modules_and_twins(self):
        device = self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        self.hub.create_module_with_sas(self.name(), "m", "", KEY, OTHER_KEY)
        stale = base64.b64encode(str(counter(device.etag) + 1).encode()).decode()
        self.refused(412, "PreconditionFailed", self.hub.delete_device, self.name(), stale)
        gone = self.hub.protocol.devices.delete_identity(self.name(), f'"{device.etag}"', raw=True).response
        self.assertEqual((gone.status_code, gone.content, gone.headers.get("Content-Type")), (204, b"", None))
        self.refused(404, "DeviceNotFound", self.hub.get_device, self.name())
        self.refused(404, "DeviceNotFound", self.hub.get_twin, self.name())
        self.refused(404, "DeviceNotFound", self.hub.get_module_twin, self.name(), "m")

    def test_deleting_without_a_tag_is_refused(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        # The client always sends one; its generated half can be told not to.
        _, text = self.refused(412, "PreconditionFailed", self.hub.protocol.devices.delete_identity, self.name())
        self.assertEqual(text, "Etag missing")
        self.hub.delete_device(self.name())

    def test_a_list_is_cut_where_the_caller_says(self):
        devices = self.hub.get_devices(7)
        self.assertEqual(len(devices), 7)
        self.assertIsNotNone(devices[0].authentication.symmetric_key.primary_key)
        everybody = {device.device_id for device in self.hub.get_devices()}
        self.assertTrue({"gateway-1", "gateway-2", "gateway-3", "leaf-001", "leaf-230"} <= everybody)
        # Out of its range, it is the most there can be.
        self.assertEqual(len(self.hub.get_devices(5000)), len(self.hub.get_devices(1000)))

    def test_ids_of_every_kind_of_character(self):
        odd = self.name("-:.+%_#*?!(),=@;$'")
        self.hub.create_device_with_sas(odd, KEY, OTHER_KEY, "enabled")
        self.assertEqual(self.hub.get_device(odd).device_id, odd)
        self.assertEqual(self.hub.get_twin(odd).device_id, odd)
        self.hub.delete_device(odd)
        self.refused(404, "DeviceNotFound", self.hub.get_device, odd)

    def test_what_an_identity_cannot_be(self):
        def put(**members):
            body = Device(device_id=self.name(), **members)
            return self.hub.protocol.devices.create_or_update_identity(self.name(), body)

        for members in (
            {"status": "resting"},
            {"status_reason": "x" * 129},
            {"authentication": AuthenticationMechanism(type="none")},
            {"authentication": AuthenticationMechanism(type="sas", symmetric_key={"primaryKey": "short"})},
        ):
            with self.subTest(members):
                self.refused(400, "ArgumentInvalid", lambda: put(**members))
        for wrong in ("with space", "with/slash", "x" * 129):
            with self.subTest(wrong):
                self.refused(400, "ArgumentInvalid", self.hub.create_device_with_sas, wrong, KEY, KEY, "enabled")
        self.refused(404, "DeviceNotFound", self.hub.get_device, self.name())

    def test_a_leaf_becomes_an_edge_device(self):
        device = self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        device.capabilities = DeviceCapabilities(iot_edge=True)
        device.device_scope = ""
        edge = self.hub.protocol.devices.create_or_update_identity(self.name(), device, f'"{device.etag}"')
        self.assertEqual(edge.device_scope, f"ms-azure-iot-edge://{self.name()}-")
        self.assertEqual(len(self.hub.get_modules(self.name())), 2)

    def test_statistics_count_devices(self):
        before = self.hub.get_device_registry_statistics()
        total = before.enabled_device_count + before.disabled_device_count
        self.assertEqual(before.total_device_count, total)
        self.hub.create_device_with_sas(self.name("-on"), KEY, OTHER_KEY, "enabled")
        self.hub.create_device_with_sas(self.name("-off"), KEY, OTHER_KEY, "disabled")
        after = self.hub.get_device_registry_statistics()
        self.assertEqual(after.total_device_count, before.total_device_count + 2)
        self.assertEqual(after.disabled_device_count, before.disabled_device_count + 1)
        self.assertGreaterEqual(self.hub.get_service_statistics().connected_device_count, 0)
