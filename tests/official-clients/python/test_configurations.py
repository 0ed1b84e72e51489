"""Configurations: IoT Edge deployments, automatic device configurations, the content of one device."""

import base64

from azure.iot.hub.models import (
    Configuration,
    ConfigurationContent,
    ConfigurationMetrics,
    ConfigurationQueriesTestInput,
    Twin,
)

from hub import KEY, OTHER_KEY, Case, configurations, registry

SENSOR = "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0"


def manifest(**modules):
    """A whole manifest with these modules, name and image."""

    def module(image):
        return {
            "version": "1.0",
            "type": "docker",
            "status": "running",
            "restartPolicy": "always",
            "settings": {"image": image, "createOptions": "{}"},
        }

    agent = {
        "schemaVersion": "1.1",
        "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25"}},
        "systemModules": {
            "edgeAgent": {"type": "docker", "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5"}},
            "edgeHub": module("mcr.microsoft.com/azureiotedge-hub:1.5"),
        },
        "modules": {name: module(image) for name, image in modules.items()},
    }
    hub = {
        "schemaVersion": "1.1",
        "routes": {"up": "FROM /messages/* INTO $upstream"},
        "storeAndForwardConfiguration": {"timeToLiveSecs": 7200},
    }
    return {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}


class Configurations(Case):
    def setUp(self):
        self.hub = registry()
        self.configurations = configurations()

    def tearDown(self):
        # A hub takes a hundred of them, and what applies would go on applying.
        for configuration in self.configurations.get_configurations():
            if configuration.id.startswith(self.name()):
                self.configurations.delete_configuration(configuration.id)

    def name(self, suffix=""):
        # There is no configuration with such an id otherwise.
        return super().name(suffix).lower()

    def deployment(self, condition="tags.nobody = 'x'", suffix="", **members):
        content = ConfigurationContent(modules_content=manifest(sensor=SENSOR))
        members = {"content": content, "priority": 1, **members}
        return Configuration(id=self.name(suffix), schema_version="1.0", target_condition=condition, **members)

    def test_a_deployment_is_created_read_and_listed(self):
        create = self.configurations.protocol.configuration.create_or_update
        metrics = ConfigurationMetrics(queries={"mine": "SELECT deviceId FROM devices WHERE tags.line = 'L1'"})
        sent = self.deployment(labels={"team": "north"}, metrics=metrics)
        answer = create(sent.id, sent, raw=True)
        self.assertEqual((answer.response.status_code, answer.response.headers["ETag"]), (200, '"MQ=="'))
        made = answer.output
        self.assertEqual((made.id, made.etag, made.priority, made.labels), (sent.id, "MQ==", 1, {"team": "north"}))
        self.assertEqual(made.content.modules_content, sent.content.modules_content)
        self.assertEqual((made.content.device_content, made.content.module_content), (None, None))
        names = ["appliedCount", "reportedFailedCount", "reportedSuccessfulCount", "targetedCount"]
        self.assertEqual(sorted(made.system_metrics.queries), names)
        self.assertEqual(made.system_metrics.results, {})
        targeted = "select deviceId from devices where capabilities.iotEdge = true and tags.nobody = 'x'"
        self.assertEqual(made.system_metrics.queries["targetedCount"], targeted)
        self.assertEqual(made.metrics.queries, metrics.queries)
        read = self.configurations.get_configuration(sent.id)
        self.assertEqual((read.etag, read.created_time_utc), ("MQ==", made.created_time_utc))
        listed = {known.id: known for known in self.configurations.get_configurations(20)}
        self.assertEqual(listed[sent.id].content.modules_content, sent.content.modules_content)

    def test_creating_twice_is_a_conflict(self):
        self.configurations.create_configuration(self.deployment())
        code, _ = self.refused(
            409, "ConfigurationAlreadyExists", self.configurations.create_configuration, self.deployment()
        )
        self.assertEqual(code, "ConfigurationAlreadyExists")

    def test_the_client_sends_its_tag_without_quotes_and_never_updates(self):
        # Broken against the service too: without quotes it is no tag, and a PUT without one creates.
        made = self.configurations.create_configuration(self.deployment())
        made.priority = 7
        self.refused(409, "ConfigurationAlreadyExists", self.configurations.update_configuration, made, made.etag)
        self.assertEqual(self.configurations.get_configuration(made.id).priority, 1)

    def test_updates_with_quoted_tags(self):
        made = self.configurations.create_configuration(self.deployment())
        made.priority, made.target_condition, made.labels = 7, "tags.nobody = 'y'", {"team": "south"}
        second = self.configurations.update_configuration(made, f'"{made.etag}"')
        self.assertEqual((second.etag, second.priority, second.labels), ("Mg==", 7, {"team": "south"}))
        self.assertEqual(second.created_time_utc, made.created_time_utc)
        self.refused(412, "PreconditionFailed", self.configurations.update_configuration, made, f'"{made.etag}"')
        made.priority = 9
        third = self.configurations.update_configuration(made, "*")
        self.assertEqual((base64.b64decode(third.etag), third.priority), (b"3", 9))

    def test_changed_content_is_accepted_and_dropped(self):
        made = self.configurations.create_configuration(self.deployment())
        made.content = ConfigurationContent(modules_content=manifest(other=SENSOR))
        answer = self.configurations.update_configuration(made, "*")
        kept = self.configurations.get_configuration(made.id).content.modules_content
        for content in (answer.content.modules_content, kept):
            self.assertEqual(list(content["$edgeAgent"]["properties.desired"]["modules"]), ["sensor"])
        made.content = None
        self.refused(400, "InvalidConfigurationContent", self.configurations.update_configuration, made, "*")

    def test_an_update_does_not_create(self):
        absent = self.deployment()
        self.refused(404, "ConfigurationNotFound", self.configurations.update_configuration, absent, "*")
        self.refused(404, "ConfigurationNotFound", self.configurations.get_configuration, absent.id)
        self.refused(404, "ConfigurationNotFound", self.configurations.delete_configuration, absent.id)

    def test_deleting(self):
        delete = self.configurations.protocol.configuration.delete
        made = self.configurations.create_configuration(self.deployment())
        self.refused(412, "PreconditionFailed", self.configurations.delete_configuration, made.id, '"OTk="')
        gone = delete(made.id, raw=True).response
        self.assertEqual((gone.status_code, gone.content), (204, b""))
        self.refused(404, "ConfigurationNotFound", self.configurations.get_configuration, made.id)

    def test_what_is_no_configuration(self):
        agent_missing = {"$edgeHub": manifest()["$edgeHub"]}
        create = self.configurations.create_configuration
        for label, code, members in (
            ("no edgeAgent", "InvalidConfigurationContent", {"content": ConfigurationContent(modules_content=agent_missing)}),
            (
                "two kinds",
                "InvalidConfigurationContent",
                {
                    "content": ConfigurationContent(
                        modules_content=manifest(), device_content={"properties.desired.a": 1}
                    )
                },
            ),
            ("double quotes", "InvalidConfigurationTargetCondition", {"condition": 'tags.a = "x"'}),
            ("another subject", "InvalidConfigurationTargetCondition", {"condition": "properties.desired.a = 1"}),
            ("IN", "InvalidConfigurationTargetCondition", {"condition": "deviceId IN ['a']"}),
        ):
            with self.subTest(label):
                self.refused(400, code, create, self.deployment(**members))
        for wrong in ("Upper", "with.dot", "with space"):
            with self.subTest(wrong):
                bad = self.deployment()
                bad.id = wrong
                with self.assertRaises(Exception) as caught:
                    create(bad)
                self.assertEqual(caught.exception.response.status_code, 400)

    def test_a_deployment_reaches_its_device_and_counts_it(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled", iot_edge=True)
        self.hub.update_twin(self.name(), Twin(tags={"only": self.name()}))
        made = self.configurations.create_configuration(self.deployment(f"tags.only = '{self.name()}'"))

        def counted():
            results = self.configurations.get_configuration(made.id).system_metrics.results
            return results if results.get("appliedCount") == 1 else None

        results = self.eventually(counted)
        self.assertEqual((results["targetedCount"], results["reportedSuccessfulCount"]), (1, 0))
        agent = self.hub.get_module_twin(self.name(), "$edgeAgent")
        self.assertEqual(list(agent.properties.desired["modules"]), ["sensor"])
        metadata = agent.properties.desired["$metadata"]["schemaVersion"]
        self.assertEqual(metadata["$lastUpdatedBy"], made.id)
        self.assertEqual(agent.additional_properties["configurations"], {made.id: {"status": "Applied"}})
        sensor = self.hub.get_module(self.name(), "sensor")
        self.assertEqual((sensor.managed_by.lower(), sensor.authentication.type), ("iotedge", "none"))

    def test_an_automatic_device_configuration(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        self.hub.update_twin(self.name(), Twin(tags={"only": self.name()}))
        content = ConfigurationContent(device_content={"properties.desired.fan": {"speed": 3}})
        made = self.configurations.create_configuration(
            self.deployment(f"tags.only = '{self.name()}'", content=content)
        )
        self.assertEqual(sorted(made.system_metrics.queries), ["appliedCount", "targetedCount"])
        self.assertIsNone(made.content.modules_content)

        def fan():
            return self.hub.get_twin(self.name()).properties.desired.get("fan")

        self.assertEqual(self.eventually(fan), {"speed": 3})
        twin = self.hub.get_twin(self.name())
        self.assertEqual(twin.additional_properties["configurations"], {made.id: {"status": "Applied"}})
        self.configurations.delete_configuration(made.id)
        self.eventually(lambda: "configurations" not in self.hub.get_twin(self.name()).additional_properties)
        self.assertEqual(fan(), {"speed": 3}, "what was written stays")

    def test_conditions_and_queries_are_tried_before_they_are_used(self):
        def trial(condition, **queries):
            sent = ConfigurationQueriesTestInput(target_condition=condition, custom_metric_queries=queries)
            return self.configurations.test_configuration_queries(sent)

        good = trial("tags.line = 'L1'", mine="SELECT deviceId FROM devices")
        self.assertEqual((good.target_condition_error, good.custom_metric_query_errors), (None, {}))
        bad = trial("*", mine="SELECT", other="SELECT deviceId FROM devices")
        self.assertTrue(bad.target_condition_error, "`*` is none here, though it is in a PUT")
        self.assertEqual(list(bad.custom_metric_query_errors), ["mine"])

    def test_the_content_of_one_device(self):
        self.hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled", iot_edge=True)
        content = ConfigurationContent(modules_content=manifest(sensor=SENSOR))
        apply = self.configurations.protocol.configuration.apply_on_edge_device
        answer = apply(self.name(), content, raw=True).response
        self.assertEqual((answer.status_code, answer.content), (204, b""))
        agent = self.hub.get_module_twin(self.name(), "$edgeAgent")
        self.assertEqual(list(agent.properties.desired["modules"]), ["sensor"])
        self.assertEqual(agent.properties.desired["$version"], 2)
        self.assertEqual(
            sorted(module.module_id for module in self.hub.get_modules(self.name())), ["$edgeAgent", "$edgeHub", "sensor"]
        )

    def test_the_content_of_what_is_no_edge_device(self):
        content = ConfigurationContent(modules_content=manifest(sensor=SENSOR))
        apply = self.configurations.apply_configuration_on_edge_device
        _, text = self.refused(400, "ArgumentInvalid", apply, "leaf-001", content)
        self.assertEqual(text, "Not an Azure IoT Edge device")
        self.refused(404, "DeviceNotFound", apply, self.name(), content)
        empty = ConfigurationContent(modules_content={"$edgeHub": manifest()["$edgeHub"]})
        self.refused(400, "InvalidConfigurationContent", apply, "gateway-1", empty)
