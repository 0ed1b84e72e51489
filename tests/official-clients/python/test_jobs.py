"""Import and export jobs are none of the simulator's, and are answered like any unknown path. Scheduled jobs: to come."""

from azure.iot.hub.models import JobProperties

from hub import Case, jobs


class Jobs(Case):
    def test_import_and_export_are_unknown_paths(self):
        export = JobProperties(type="export", output_blob_container_uri="https://nowhere.example/c")
        self.refused(404, "GenericNotFound", jobs().create_import_export_job, export)
        self.refused(404, "GenericNotFound", jobs().get_import_export_jobs)
        self.refused(404, "GenericNotFound", jobs().get_import_export_job, "j")
