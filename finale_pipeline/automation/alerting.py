"""What mails by itself: the outbox's delivery, the watch over syncs, the morning digest."""

import dagster as dg

from finale_pipeline.assets.due import note_lateness
from finale_pipeline.automation.schedules import skips_on_error, switched_on
from finale_pipeline.errors import PipelineError
from finale_pipeline.resources import Finale, at_definition


@dg.sensor(
    target=None,
    name="mail_delivery",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Delivers what remains in the outbox: after an outage, after quiet hours, after a"
    " process that died.",
)
@skips_on_error
def mail_delivery(finale: Finale) -> dg.SkipReason:
    """Send what is due."""
    from finale_pipeline.notify.delivery import deliver  # nothing at import

    with finale.warehouse() as connection:
        counts = deliver(connection, finale.settings(), clock=finale.now)
    counted = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return dg.SkipReason(counted or "nothing waits")


@dg.sensor(
    target=None,
    name="sync_watch",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Mails when a sync fails, is held, is stuck or is deferred three times: once, and"
    " again when it works. Reads ops.sync_run, not Dagster's runs.",
)
@skips_on_error
def sync_watch(context: dg.SensorEvaluationContext, finale: Finale) -> dg.SkipReason:
    """Look at the ledger of runs, and send what there is to tell."""
    from finale_pipeline.notify.delivery import deliver  # nothing at import
    from finale_pipeline.sync.health import watch_syncs
    from finale_pipeline.warehouse.reads import runs

    with finale.warehouse() as connection:
        crons = switched_on(context.instance)
        stamp = f"{runs.last_ended_at(connection)} {crons}"
        if stamp != context.cursor:  # else nothing was read since, and nothing is due otherwise
            note_lateness(connection, crons, at_definition("timezone"))
            context.update_cursor(stamp)
        kinds = watch_syncs(connection, finale.settings(), now=finale.now())
        if kinds:
            deliver(connection, finale.settings(), clock=finale.now)
    return dg.SkipReason(", ".join(kinds) or "no news of syncs")


@dg.op(description="Writes the morning digest, once a day, and sends it.")
def write_morning_digest(context: dg.OpExecutionContext, finale: Finale) -> None:
    """Write it, send it."""
    from finale_pipeline.notify.delivery import deliver  # nothing at import
    from finale_pipeline.sync.health import write_digest

    try:
        with finale.warehouse() as connection:
            is_new = write_digest(connection, finale.settings(), now=finale.now())
            deliver(connection, finale.settings(), clock=finale.now)
    except PipelineError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info("The digest was %s", "written" if is_new else "written before, or has no data")


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": 600},
    description="Mails what is out and low, per vendor, ranked by days left and money at risk.",
)
def morning_digest() -> None:
    """The digest of the day."""
    write_morning_digest()


ALERT_SCHEDULES = [
    dg.ScheduleDefinition(
        name="morning_digest_daily",
        job=morning_digest,
        cron_schedule=f"0 {at_definition('digest_hour')} * * *",
        execution_timezone=at_definition("timezone"),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Sends the digest at FINALE_DIGEST_HOUR of the account's day.",
    )
]
ALERT_SENSORS = [mail_delivery, sync_watch]
