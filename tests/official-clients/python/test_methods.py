"""Direct methods: who answers, who is away, who says nothing, what is refused."""

import time

from azure.iot.hub.models import CloudToDeviceMethod

from hub import KEY, OTHER_KEY, Case, registry


def method(name="ping", payload=None, response=30, connect=None):
    return CloudToDeviceMethod(
        method_name=name, payload=payload, response_timeout_in_seconds=response, connect_timeout_in_seconds=connect
    )


class Methods(Case):
    def setUp(self):
        self.hub = registry()

    def test_edge_agent_answers(self):
        answer = self.hub.invoke_device_module_method("gateway-1", "$edgeAgent", method())
        self.assertEqual((answer.status, answer.payload), (200, None))

    def test_edge_agent_gives_logs(self):
        wanted = {"schemaVersion": "1.0", "items": [{"id": "sensor", "filter": {"tail": 3}}], "contentType": "text"}
        answer = self.hub.invoke_device_module_method("gateway-1", "$edgeAgent", method("GetModuleLogs", wanted))
        self.assertEqual(answer.status, 200)
        [log] = answer.payload
        self.assertEqual((log["id"], len(log["payload"].strip().splitlines())), ("sensor", 3))

    def test_what_the_device_says_is_no_error_of_the_hub(self):
        call = self.hub.invoke_device_module_method
        self.assertEqual(call("gateway-1", "$edgeAgent", method("Dance")).status, 400)
        unknown = {"schemaVersion": "1.0", "id": "nobody"}
        self.assertGreaterEqual(call("gateway-1", "$edgeAgent", method("RestartModule", unknown)).status, 400)
        self.assertEqual(call("gateway-1", "$edgeHub", method("dance")).status, 501)

    def test_a_module_is_restarted(self):
        wanted = {"schemaVersion": "1.0", "id": "worker"}
        answer = self.hub.invoke_device_module_method("gateway-1", "$edgeAgent", method("RestartModule", wanted))
        self.assertEqual(answer.status, 200)

    def test_a_device_that_is_away_is_not_found(self):
        call = self.hub.invoke_device_module_method
        number, text = self.refused(404, "DeviceNotOnline", call, "gateway-2", "$edgeAgent", method())
        self.assertEqual(number, 404103)
        self.assertIn("isn't online", text)
        # Nobody connects as the device itself, nor as one that was only registered.
        self.refused(404, "DeviceNotOnline", self.hub.invoke_device_method, "gateway-1", method())
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        self.refused(404, "DeviceNotOnline", self.hub.invoke_device_method, self.name(), method(payload={"a": 1}))

    def test_a_device_that_is_away_is_waited_for(self):
        call = self.hub.invoke_device_module_method
        begun = time.monotonic()
        self.refused(404, "DeviceNotOnline", call, "gateway-2", "$edgeAgent", method(connect=2, response=5))
        self.assertGreaterEqual(time.monotonic() - begun, 2)

    def test_who_says_nothing_in_time(self):
        call = self.hub.invoke_device_module_method
        begun = time.monotonic()
        number, text = self.refused(504, "GatewayTimeout", call, "gateway-3", "$edgeAgent", method(response=5))
        self.assertGreaterEqual(time.monotonic() - begun, 5)
        self.assertEqual((number, text), (504101, "Timed out waiting for the response from device."))

    def test_who_is_not_registered(self):
        number, _ = self.refused(404, "DeviceNotFound", self.hub.invoke_device_method, self.name(), method())
        self.assertEqual(number, 404001)
        call = self.hub.invoke_device_module_method
        number, _ = self.refused(404, "ModuleNotFound", call, "gateway-1", "nobody", method())
        self.assertEqual(number, 404010)

    def test_a_disabled_device_is_as_good_as_none(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "disabled")
        self.refused(404, "DeviceNotFound", self.hub.invoke_device_method, self.name(), method())

    def test_times_and_names_out_of_range(self):
        range_text = "responseTimeoutInSeconds must be within [5; 300]."
        for label, call, text in (
            ("too short", method(response=4), range_text),
            ("too long", method(response=301), range_text),
            ("connect longer than all", method(response=5, connect=6), "cannot be longer than an overall call timeout"),
            ("no name", method(""), ""),
            ("a name with a slash", method("a/b"), ""),
        ):
            with self.subTest(label):
                number, said = self.refused(400, "ArgumentInvalid", self.hub.invoke_device_method, "gateway-1", call)
                self.assertEqual(number, 400004)
                self.assertIn(text, said)
        huge = method(payload="x" * 140_000)
        self.refused(413, "MessageTooLarge", self.hub.invoke_device_method, "gateway-1", huge)

    def test_any_json_is_a_payload(self):
        for payload in (None, "", "text", 7, [1, {"a": None}], {"a": [True]}):
            with self.subTest(payload):
                answer = self.hub.invoke_device_module_method("gateway-1", "$edgeAgent", method(payload=payload))
                self.assertEqual(answer.status, 200)
