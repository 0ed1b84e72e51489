"""Queries: pages, continuation, projections, aggregates, what is refused."""

from azure.iot.hub.models import QuerySpecification

from hub import KEY, OTHER_KEY, Case, registry


class Queries(Case):
    def setUp(self):
        self.hub = registry()

    def ask(self, text, token=None, size=None):
        return self.hub.query_iot_hub(QuerySpecification(query=text), token, size)

    def pages(self, text, size=None):
        pages, token = [], None
        while True:
            page = self.ask(text, token, size)
            pages.append(page.items)
            token = page.continuation_token
            if token is None:
                return pages
            self.assertNotEqual(token, "")
            self.assertLess(len(pages), 100, "it does not end")

    def test_a_fleet_comes_in_pages_without_repetition(self):
        pages = self.pages("SELECT * FROM devices WHERE tags.role = 'leaf'", 50)
        self.assertEqual([len(page) for page in pages], [50, 50, 50, 50, 30])
        ids = [twin.device_id for page in pages for twin in page]
        self.assertEqual((len(ids), len(set(ids))), (230, 230))
        self.assertTrue(all(twin.tags["role"] == "leaf" for page in pages for twin in page))

    def test_a_page_has_a_hundred_rows_when_nothing_is_said(self):
        self.assertEqual([len(page) for page in self.pages("SELECT * FROM devices WHERE tags.role = 'leaf'")], [100, 100, 30])

    def test_a_page_that_holds_all_has_no_continuation(self):
        page = self.ask("SELECT * FROM devices WHERE tags.role = 'leaf' AND tags.number = 1", size=46)
        self.assertEqual((len(page.items), page.continuation_token, page.type), (46, None, "Twin"))

    def test_continuation_survives_devices_that_come_and_go(self):
        for number in range(12):
            self.hub.create_device_with_sas(self.name(f"-{number:02}"), KEY, OTHER_KEY, "enabled")
        mine = f"SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, '{self.name()}-')"
        # Rows of a projection come as twins of which only that much is known.
        first = self.ask(mine, size=5)
        seen = [twin.device_id for twin in first.items]
        self.hub.delete_device(seen[0])
        self.hub.delete_device(seen[-1])
        self.hub.create_device_with_sas(self.name("-07x"), KEY, OTHER_KEY, "enabled")
        token = first.continuation_token
        while token:
            page = self.ask(mine, token, 5)
            seen += [twin.device_id for twin in page.items]
            token = page.continuation_token
        self.assertEqual(len(seen), len(set(seen)), "a row was repeated")
        self.assertTrue({self.name(f"-{number:02}") for number in range(12)} <= set(seen), "a row was lost")

    def test_a_token_belongs_to_its_query(self):
        first = self.ask("SELECT * FROM devices WHERE tags.role = 'leaf'", size=5)
        other = "SELECT * FROM devices WHERE tags.role = 'gateway'"
        self.refused(400, "ArgumentInvalid", self.ask, other, first.continuation_token, 5)
        self.refused(400, "ArgumentInvalid", self.ask, other, "no token of yours", 5)

    def test_rows_are_whole_twins_with_what_the_model_does_not_know(self):
        page = self.ask("SELECT * FROM devices.modules WHERE deviceId = 'gateway-1' AND moduleId = '$edgeAgent'")
        [twin] = page.items
        self.assertEqual((twin.device_id, twin.module_id), ("gateway-1", "$edgeAgent"))
        self.assertEqual(twin.properties.reported["lastDesiredStatus"]["code"], 200)
        self.assertEqual(twin.capabilities.iot_edge, True)
        self.assertEqual(twin.additional_properties["modelId"], "")

    def test_projections_and_aliases(self):
        page = self.ask("SELECT deviceId, tags.line AS l FROM devices WHERE deviceId = 'gateway-2'")
        self.assertEqual(page.type, "Raw")
        [row] = page.items
        self.assertEqual((row.device_id, row.additional_properties), ("gateway-2", {"l": "L2"}))

    def test_counts_and_groups(self):
        [count] = self.ask("SELECT COUNT() AS n FROM devices WHERE tags.role = 'leaf'").items
        self.assertEqual(count.additional_properties, {"n": 230})
        groups = self.ask("SELECT tags.number AS number, COUNT() AS n FROM devices WHERE tags.role = 'leaf' GROUP BY tags.number")
        rows = sorted((row.additional_properties["number"], row.additional_properties["n"]) for row in groups.items)
        self.assertEqual(rows, [(number, 46) for number in range(1, 6)])
        bounds = "SELECT MIN(tags.number) AS a, MAX(tags.number) AS z, AVG(tags.number) AS m, SUM(tags.number) AS s"
        [row] = self.ask(f"{bounds} FROM devices WHERE tags.role = 'leaf'").items
        self.assertEqual(row.additional_properties, {"a": 1, "z": 5, "m": 3, "s": 690})

    def test_conditions(self):
        for condition, ids in {
            "capabilities.iotEdge = true AND tags.role = 'gateway'": ["gateway-1", "gateway-2", "gateway-3"],
            "deviceId IN ['gateway-1', 'leaf-001', 'nobody']": ["gateway-1", "leaf-001"],
            "tags.role = 'gateway' AND NOT tags.line = 'L1'": ["gateway-2", "gateway-3"],
            "tags.role = 'gateway' AND tags.line != 'L1'": ["gateway-2", "gateway-3"],
            "tags.role = 'gateway' AND tags.line NIN ['L1', 'L2']": ["gateway-3"],
            "IS_DEFINED(tags.role) AND NOT IS_DEFINED(tags.number)": ["gateway-1", "gateway-2", "gateway-3"],
            "startswith(devices.deviceId, 'gateway-') and endswith(devices.deviceId, '3')": ["gateway-3"],
            "tags.number + 1 >= 6 AND deviceId < 'leaf-006'": ["leaf-005"],
            "tags.missing != 1 AND tags.role = 'gateway'": [],
            "\"gateway-1\" = deviceId": ["gateway-1"],
        }.items():
            with self.subTest(condition):
                page = self.ask(f"SELECT deviceId FROM devices WHERE {condition}")
                self.assertEqual(sorted(twin.device_id for twin in page.items), ids)

    def test_top_cuts_across_pages(self):
        pages = self.pages("SELECT TOP 7 * FROM devices WHERE tags.role = 'leaf'", 3)
        self.assertEqual([len(page) for page in pages], [3, 3, 1])

    def test_of_modules(self):
        connected = "moduleId = 'sensor' AND connectionState = 'Connected'"
        page = self.ask(f"SELECT deviceId FROM devices.modules WHERE {connected}")
        self.assertEqual(sorted(twin.device_id for twin in page.items), ["gateway-1", "gateway-3"])
        current = "properties.desired.$version = properties.reported.lastDesiredVersion"
        page = self.ask(f"SELECT * FROM devices.modules WHERE moduleId = '$edgeAgent' AND {current}")
        self.assertIn("gateway-1", [twin.device_id for twin in page.items])

    def test_what_is_no_query_is_refused_without_a_reason(self):
        for text in (
            "SELECT",
            "SELECT * FROM nowhere",
            "SELECT * FROM devices WHERE",
            "SELECT * FROM devices ORDER BY deviceId",
            "SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')",
            "SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'a')",
            "DELETE FROM devices",
            "",
            "SELECT * FROM devices WHERE deviceId = '" + "x" * 8192 + "'",
        ):
            with self.subTest(text[:60]):
                code, reason = self.refused(400, "ArgumentInvalid", self.ask, text)
                self.assertEqual((code, reason), ("ArgumentInvalid", "BadRequest"))

    def test_jobs_can_be_asked_for(self):
        page = self.ask("SELECT * FROM devices.jobs")
        self.assertEqual((page.type, page.continuation_token), ("DeviceJob", None))
