"""Who gets in: keys, tokens, policies and their rights; and what the client makes of a hub in trouble."""

from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, QuerySpecification, Twin
from azure.iot.hub.protocol.iot_hub_gateway_service_ap_is import IotHubGatewayServiceAPIs
from azure.iot.hub.sastoken import SasToken
from msrest.authentication import Authentication

from hub import HOST, HUB, KEY, OTHER_KEY, Case, configurations, connection_string, registry, steer


class Ready(Authentication):
    """Sends one ready token, or none."""

    def __init__(self, token):
        self.token = token

    def signed_session(self, session=None):
        session = super().signed_session(session)
        if self.token is not None:
            session.headers["Authorization"] = self.token
        return session


def parts(text):
    return dict(part.split("=", 1) for part in text.split(";"))


class Access(Case):
    def with_token(self, token):
        return IotHubGatewayServiceAPIs(Ready(token), f"https://{HOST}")

    def with_sas(self, resource=HOST, policy="iothubowner", ttl=3600):
        key = parts(connection_string(policy))["SharedAccessKey"]
        return self.with_token(str(SasToken(resource, key, policy, ttl)))

    def test_another_key_is_refused(self):
        wrong = connection_string().replace(parts(connection_string())["SharedAccessKey"], KEY)
        hub = IoTHubRegistryManager.from_connection_string(wrong)
        code, text = self.refused(401, "IotHubUnauthorizedAccess", hub.get_device, "gateway-1")
        self.assertEqual((code, text), ("IotHubUnauthorizedAccess", "Unauthorized"))

    def test_an_unknown_policy_is_refused(self):
        wrong = connection_string().replace("iothubowner", "nobody")
        hub = IoTHubRegistryManager.from_connection_string(wrong)
        self.refused(401, "IotHubUnauthorizedAccess", hub.get_device, "gateway-1")

    def test_an_expired_token_is_refused(self):
        self.refused(401, "IotHubUnauthorizedAccess", self.with_sas(ttl=-600).devices.get_identity, "gateway-1")
        self.assertEqual(self.with_sas(ttl=600).devices.get_identity("gateway-1").device_id, "gateway-1")

    def test_no_token_is_refused(self):
        _, text = self.refused(
            401, "IotHubUnauthorizedAccess", self.with_token(None).devices.get_identity, "gateway-1"
        )
        self.assertEqual(text, "Authorization header missing")
        for token in ("SharedAccessSignature sr=x", "Bearer nonsense", "x"):
            with self.subTest(token):
                hub = self.with_token(token)
                self.refused(401, "IotHubUnauthorizedAccess", hub.devices.get_identity, "gateway-1")

    def test_a_token_for_a_part_of_the_hub_opens_that_part(self):
        narrow = self.with_sas(f"{HOST}/devices/gateway-1")
        self.assertEqual(narrow.devices.get_identity("gateway-1").device_id, "gateway-1")
        self.assertTrue(narrow.modules.get_modules_on_device("gateway-1"))
        self.refused(401, "IotHubUnauthorizedAccess", narrow.devices.get_identity, "gateway-2")
        self.refused(401, "IotHubUnauthorizedAccess", self.with_sas("other.example").devices.get_identity, "gateway-1")

    def test_a_token_for_the_hub_s_own_name(self):
        hub = self.with_sas(f"{HUB}.azure-devices.net")
        self.assertEqual(hub.devices.get_identity("gateway-1").device_id, "gateway-1")

    def test_what_each_policy_may(self):
        ping = CloudToDeviceMethod(method_name="ping", payload="")

        def calls(policy):
            hub, deployments = registry(policy), configurations(policy)
            return {
                "read": lambda: hub.get_device("gateway-1"),
                "write": lambda: hub.create_device_with_sas(self.name("-" + policy.lower()), KEY, OTHER_KEY, "enabled"),
                "twin": lambda: hub.get_twin("gateway-1"),
                "tags": lambda: hub.update_twin("leaf-200", Twin(tags={"seen": policy})),
                "query": lambda: hub.query_iot_hub(QuerySpecification(query="SELECT deviceId FROM devices")),
                "method": lambda: hub.invoke_device_module_method("gateway-1", "$edgeAgent", ping),
                "deployments": deployments.get_configurations,
                "statistics": hub.get_device_registry_statistics,
            }

        service = {"twin", "tags", "query", "method"}
        read = {"read", "deployments", "statistics"}
        for policy, may in {
            "iothubowner": service | read | {"write"},
            "service": service,
            "registryRead": read,
            "registryReadWrite": read | {"write"},
            "device": set(),
        }.items():
            for name, call in calls(policy).items():
                with self.subTest(policy=policy, call=name):
                    if name in may:
                        call()
                    else:
                        _, text = self.refused(401, "IotHubUnauthorizedAccess", call)
                        self.assertIn(f"Authorization rule '{policy}' does not allow access for", text)

    def test_any_date_is_a_version_and_nothing_else(self):
        hub = self.with_sas()
        for version in ("2018-06-30", "2020-05-31-preview", "2020-09-30", "2024-03-31"):
            hub.api_version = hub.devices.api_version = version
            self.assertEqual(hub.devices.get_identity("gateway-1").device_id, "gateway-1")
        hub.devices.api_version = "latest"
        self.refused(400, "InvalidProtocolVersion", hub.devices.get_identity, "gateway-1")

    def test_reads_are_tried_again_when_the_hub_has_trouble(self):
        # As this client does by itself; writes with POST and PATCH are not.
        steer("answer", "503", "2", "reads")
        self.assertEqual(registry().get_device("gateway-1").device_id, "gateway-1")
        steer("answer", "503", "1", "writes")
        patch = (registry().update_twin, "leaf-201", Twin(tags={"a": 1}))
        self.refused(503, "ServiceUnavailable", *patch)
        self.assertEqual(registry().update_twin("leaf-201", Twin(tags={"a": 1})).tags["a"], 1)

    def test_a_throttled_call_names_no_time_and_is_not_tried_again(self):
        steer("answer", "429", "1")
        code, text = self.refused(429, "ThrottlingBacklogTimeout", registry().get_device, "gateway-1")
        self.assertEqual(code, "ThrottlingBacklogTimeout")
        self.assertRegex(text, "The request has been throttled. Wait 10 seconds and try again.")
        self.assertEqual(registry().get_device("gateway-1").device_id, "gateway-1")

    def test_when_the_day_s_messages_are_used_up_the_registry_still_answers(self):
        steer("answer", "quota")
        try:
            number, _ = self.refused(403, "IotHubQuotaExceeded", registry().get_twin, "gateway-1")
            self.assertEqual(number, 403002)
            self.assertEqual(registry().get_device("gateway-1").device_id, "gateway-1")
            self.assertIsInstance(configurations().get_configurations(), list)
        finally:
            steer("answer", "ok")
