"""What the client can ask for beside the surface that is simulated: it is answered like any unknown path."""

from azure.iot.hub import DigitalTwinClient, IoTHubHttpRuntimeManager
from azure.iot.hub.models import JobProperties

from hub import KEY, OTHER_KEY, Case, connection_string, jobs, registry


class Elsewhere(Case):
    def test_import_and_export_jobs(self):
        export = JobProperties(type="export", output_blob_container_uri="https://nowhere.example/c")
        self.refused(404, "GenericNotFound", jobs().create_import_export_job, export)
        self.refused(404, "GenericNotFound", jobs().get_import_export_jobs)
        self.refused(404, "GenericNotFound", jobs().get_import_export_job, "j")

    def test_digital_twins(self):
        client = DigitalTwinClient.from_connection_string(connection_string())
        self.refused(404, "GenericNotFound", client.get_digital_twin, "gateway-1")

    def test_feedback_of_messages_to_devices(self):
        manager = IoTHubHttpRuntimeManager.from_connection_string(connection_string())
        self.refused(404, "GenericNotFound", manager.receive_feedback_notification)

    def test_the_queue_of_a_device_is_empty(self):
        # This much of messages to devices goes over HTTPS.
        hub = registry()
        hub.create_device_with_sas(self.name(), KEY, OTHER_KEY, "enabled")
        purge = hub.protocol.cloud_to_device_messages.purge_cloud_to_device_message_queue
        answer = purge(self.name())
        self.assertEqual((answer.device_id, answer.total_messages_purged), (self.name(), 0))
        self.refused(404, "DeviceNotFound", purge, self.name("-none"))
