"""What starts because of the state of things: the first sync of an empty warehouse."""

import dagster as dg

from finale_pipeline.automation.jobs import full_sync
from finale_pipeline.errors import PipelineError
from finale_pipeline.resources import Finale


@dg.sensor(
    job=full_sync,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Starts the first full sync when the warehouse is empty; once.",
)
def first_sync(
    context: dg.SensorEvaluationContext, finale: Finale
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a full sync when no sync was ever run."""
    if context.cursor:
        return dg.SkipReason("The first sync was started before.")
    try:
        with finale.warehouse() as connection:
            row = connection.execute("SELECT count(*) FROM ops.sync_run").fetchone()
    except PipelineError as error:
        return dg.SkipReason(f"{error.what} {error.step}")
    context.update_cursor("done")
    if row and row[0]:
        return dg.SkipReason("The warehouse was synced before.")
    return dg.RunRequest(run_key="first sync")


SENSORS = [first_sync]
