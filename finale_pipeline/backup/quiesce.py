"""What is put right in a restored warehouse: nothing of yesterday runs on, or is mailed again."""

from datetime import datetime
from functools import partial

from finale_pipeline.notify import routing, watch_mails
from finale_pipeline.notify.messages import origin_of
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import accounts, incidents, leases, outages, outbox
from finale_pipeline.warehouse.connect import Connection, database_errors


def quiesce_restored(
    connection: Connection,
    settings: Settings,
    made_at: datetime,
    *,
    last_run: int,
    now: datetime,
) -> int:
    """Let nothing of the backup's time go on; all or nothing.

    Mails that waited are told by one mail, which names them. Incidents stay as they were, so that
    nothing that was told then is told anew; what crossed since comes in one mail, by `critical`.

    Args:
        made_at: UTC, when the backup was made.
        last_run: Newest run of the warehouse before; numbers go on after it, for Dagster knows it.

    Returns:
        How many mails waited.
    """
    with connection.transaction(), database_errors("settling what was under way"):
        leases.interrupt_all(connection, at=made_at)
        leases.number_from(connection, last_run)
        # Their end may have been mailed since: they close in silence.
        incidents.close_syncs_in_silence(connection)
        accounts.note_restored(connection, now=now)
        return _hold_mails(connection, settings, made_at, now)


def _hold_mails(
    connection: Connection, settings: Settings, made_at: datetime, now: datetime
) -> int:
    waiting = outbox.waiting(connection)
    content = watch_mails.restored(made_at, [(mail.created_at, mail.subject) for mail in waiting])
    origin = origin_of(settings, now)
    put = partial(routing.put_one, connection, settings, origin=origin)
    summary, _ = put(content, dedupe_key=f"restored:{now.isoformat()}")
    merged = [mail.message_id for mail in waiting]
    outage = outages.open_one(connection)
    if outage is not None:
        outages.close(connection, now=now)
        key = watch_mails.recovered_key(outage)
        ended, _ = put(watch_mails.recovered(outage), dedupe_key=key)
        merged.append(ended.message_id)
    outbox.mark_merged(connection, merged, into=summary.message_id)
    return len(waiting)
