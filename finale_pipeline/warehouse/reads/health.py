"""What says whether all is well: ages, runs, mails and counts; `health.rules` judges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.levels import LIVE_WITHOUT_LEVEL

WEEK = timedelta(days=7)
MAIL_DAYS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AssetAge:
    """When an asset was last read completely, and when it is late (UTC); None = never read."""

    asset: str
    read_at: datetime | None
    late_at: datetime | None


def asset_ages(connection: Connection, only: str | None = None) -> list[AssetAge]:
    """Return the age of each asset, or of one; of one, the server looks at no other."""
    query = (
        "SELECT asset, read_at, late_at FROM mart.freshness"
        " WHERE %(only)s::text IS NULL OR asset = %(only)s ORDER BY asset"
    )
    return connection.objects(AssetAge, query, only=only)


def note_lateness(connection: Connection, late_at: Mapping[str, tuple[datetime, datetime]]) -> None:
    """Note by asset which read is late from when on; only what differs is written."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ops.asset_lateness AS l (asset, read_at, late_at) VALUES (%s, %s, %s)"
            " ON CONFLICT (asset) DO UPDATE SET read_at = excluded.read_at,"
            " late_at = excluded.late_at WHERE (l.read_at, l.late_at)"
            " <> (excluded.read_at, excluded.late_at)",
            [(asset, *moments) for asset, moments in late_at.items()],
        )
    connection.execute(
        "DELETE FROM ops.asset_lateness WHERE NOT asset = ANY (%s)", (list(late_at),)
    )


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Runs of the last seven days.

    Attributes:
        last_error_kind: Of the last run that ended; None = it was good.
        has_ended: Whether any run ever ended.
    """

    running: int
    died: int
    repeated_ticks: int
    last_error_kind: str | None
    has_ended: bool


def run_counts(connection: Connection, *, now: datetime) -> RunCounts:
    """Return how the syncs fared lately."""
    (counts,) = connection.objects(
        RunCounts,
        "SELECT count(*) FILTER (WHERE status = 'running') AS running,"
        " count(*) FILTER (WHERE error_kind IN ('CRASHED', 'STUCK')) AS died,"
        " (SELECT count(*) FROM ops.schedule_tick WHERE repeated_at > %(day)s) AS repeated_ticks,"
        " (SELECT error_kind FROM ops.sync_run WHERE status IN ('done', 'failed')"
        " ORDER BY run_id DESC LIMIT 1) AS last_error_kind,"
        " EXISTS (SELECT FROM ops.sync_run WHERE status IN ('done', 'failed')) AS has_ended"
        " FROM ops.sync_run WHERE started_at > %(week)s",
        day=now - timedelta(days=1),
        week=now - WEEK,
    )
    return counts


@dataclass(frozen=True, slots=True)
class MailCounts:
    """Mails of the last thirty days.

    Attributes:
        is_silent: Whether one was given up in the last week and none was delivered since.
        error: Of the last that was given up, else of those that wait.
    """

    dead: int
    is_silent: bool
    late: int
    oldest_late_at: datetime | None
    refused: int
    error: str | None


def mail_counts(
    connection: Connection, *, now: datetime, allowed: timedelta, attempts: int
) -> MailCounts:
    """Return how mails fare.

    Args:
        attempts: So many in vain, and it is not only quiet hours that hold it.
    """
    values = {"late": now - allowed, "week": now - WEEK, "since": now - MAIL_DAYS}
    (counts,) = connection.objects(
        MailCounts,
        """
        WITH mail AS (
            SELECT *, state IN ('pending', 'sending') AND created_at < %(late)s
                   AND (attempts >= %(attempts)s OR next_attempt_at < %(late)s) AS is_late,
                   state = 'dead' AND created_at > %(week)s AND created_at >
                   (SELECT coalesce(max(sent_at), '-infinity') FROM ops.outbox) AS is_silent
            FROM ops.outbox WHERE created_at > %(since)s
        )
        SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
               coalesce(bool_or(is_silent), false) AS is_silent,
               count(*) FILTER (WHERE is_late) AS late,
               min(created_at) FILTER (WHERE is_late OR is_silent) AS oldest_late_at,
               count(*) FILTER (WHERE refused <> '{}') AS refused,
               coalesce((SELECT last_error FROM mail WHERE state = 'dead'
                         ORDER BY outbox_id DESC LIMIT 1),
                        max(last_error) FILTER (WHERE is_late)) AS error
        FROM mail
        """,
        attempts=attempts,
        **values,
    )
    return counts


def products_without_stock(connection: Connection) -> int:
    """Return how many products are there and have no stock level."""
    return connection.count(f"SELECT count(*) FROM ({LIVE_WITHOUT_LEVEL}) p")


def rejects_since(connection: Connection, moment: datetime) -> int:
    """Return how many records were refused since a moment."""
    query = "SELECT count(*) FROM ops.sync_reject WHERE rejected_at > %s"
    return connection.count(query, moment)


def table_bytes(connection: Connection) -> dict[str, int]:
    """Return how much disk each table takes, with its indexes."""
    return connection.mapping(
        "SELECT n.nspname || '.' || c.relname, pg_total_relation_size(c.oid) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        " AND n.nspname IN ('core', 'plan', 'ops') ORDER BY 1"
    )


def wrong_orders(connection: Connection) -> int:
    """Return how many orders in Finale are not what was meant, and nobody looked at them.

    One that a person committed or cancelled in Finale was looked at.
    """
    return connection.count(
        "SELECT count(*) FROM mart.purchase_order_sent WHERE state = 'differs'"
        " AND coalesce(finale_status, 'ORDER_CREATED') = 'ORDER_CREATED'"
    )


def first_other_day(
    connection: Connection, zone: str, moments: Sequence[datetime], days: Sequence[date]
) -> date | None:
    """Return the first day that the server's rules of a zone do not find; None = the same."""
    return connection.scalar(
        date,
        "SELECT min(day) FROM unnest(%(moments)s::timestamptz[], %(days)s::date[])"
        " AS t (moment, day) WHERE (moment AT TIME ZONE %(zone)s)::date <> day",
        moments=[*moments],
        days=[*days],
        zone=zone,
    )


def is_administrator(connection: Connection) -> bool:
    """Return whether our user is the server's administrator."""
    return connection.is_true("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


def server(connection: Connection) -> tuple[str, str]:
    """Return the server's encoding and version."""
    encoding, version = connection.only_row(
        "SELECT current_setting('server_encoding'), current_setting('server_version')"
    )
    return encoding, version
