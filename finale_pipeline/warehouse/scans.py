"""What a scan remembers in the database: its windows, the records it missed, its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from finale_pipeline.domain.syncs.windows import Window
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.store import read_hashes

RESUMABLE = timedelta(hours=24)
"""An interrupted scan is taken up again for so long; later a new one begins."""

BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
"""Before every stamp; records without any belong to the window that begins here."""

IN_WINDOW = "(updated_at >= %s AND updated_at < %s OR %s AND updated_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Stored:
    """A window as it was last read.

    Attributes:
        scan_id: The scan that read it.
        digest: Of its answer; 0 when it had unreadable records, which must be seen again.
        is_intact: Whether the table still shows exactly what that answer held.
        has_grown: Whether it reaches further now, where the table has nothing.
    """

    scan_id: int
    digest: int
    rows: int
    is_intact: bool
    has_grown: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether all of what the table shows was readable."""
        return self.is_intact and self.digest != 0

    def is_same(self, digest: int) -> bool:
        """Whether an answer with this digest would change nothing."""
        return self.is_clean and digest == self.digest


@dataclass(slots=True)
class Scan:
    """A scan that is under way.

    Attributes:
        until: The source's time at its beginning.
        windows: Windows that it or an earlier scan read.
        is_fresh: Whether no window of it was committed yet when this run took it up.
        is_first: Whether the table was empty then.
        records: Of the windows that this run read, those included that belong to no table.
        mends: Whether nested lists are written, too, of records that look unchanged themselves.
    """

    scan_id: int
    since: datetime
    until: datetime
    windows: dict[Window, Stored]
    is_fresh: bool
    is_first: bool = False
    records: int = 0
    mends: bool = False


def open_scan(
    connection: Connection, table: str, *, since: datetime, until: datetime, now: datetime
) -> Scan:
    """Take up the interrupted scan of a table, or begin one."""
    row = connection.execute(
        "SELECT scan_id, started_at FROM ops.scan WHERE table_name = %s AND finished_at IS NULL"
        " AND since_at = %s AND started_at > %s AND started_at <= %s"
        " ORDER BY scan_id DESC LIMIT 1",
        (table, since, until - RESUMABLE, until),
    ).fetchone()
    if row is None:
        with connection.transaction():
            connection.execute(
                "DELETE FROM ops.absence a USING ops.scan w WHERE w.scan_id = a.scan_id"
                " AND w.table_name = %s",
                (table,),
            )
            connection.execute(
                "UPDATE ops.scan SET finished_at = %s WHERE table_name = %s"
                " AND finished_at IS NULL",
                (now, table),
            )
            scan_id = connection.count(
                "INSERT INTO ops.scan (table_name, since_at, started_at) VALUES (%s, %s, %s)"
                " RETURNING scan_id",
                *(table, since, until),
            )
        row = scan_id, until
    scan_id, started_at = row
    windows = _windows(connection, table)
    has_begun = any(window.scan_id == scan_id for window in windows.values())
    is_first = not windows and not connection.is_true(f"SELECT EXISTS (SELECT FROM {table})")
    return Scan(scan_id, since, started_at, windows, is_fresh=not has_begun, is_first=is_first)


def _windows(connection: Connection, table: str) -> dict[Window, Stored]:
    rows = connection.execute(
        "SELECT w.window_from, w.window_to, w.scan_id, w.body_digest, w.row_count,"
        " (w.row_count, w.fingerprint) = (n.count, n.mark) FROM ops.catalogue_window w"
        f" CROSS JOIN LATERAL ({_shown(table)}) n WHERE w.table_name = %s",
        (table,),
    ).fetchall()
    return {
        Window(lo, hi): Stored(scan_id, digest, count, is_intact)
        for lo, hi, scan_id, digest, count, is_intact in rows
    }


def _shown(table: str) -> str:
    """Return the query of what a table shows in a window `w`.

    It is joined laterally, so that each window is looked up in the index of stamps: a join of all
    rows with all windows is what the server plans for a table that nobody analysed yet.
    """
    return (
        "SELECT count(*) AS count, coalesce(bit_xor(row_hash), 0) AS mark"
        f" FROM {table} WHERE removed_at IS NULL"
        " AND updated_at >= w.window_from AND updated_at < w.window_to"
    )


def stored_hashes(connection: Connection, table: str, window: Window) -> pl.Series:
    """Return the hashes of the live rows that a table has in a window."""
    query = f"SELECT row_hash FROM {table} WHERE removed_at IS NULL AND {IN_WINDOW}"
    return read_hashes(connection, query, _bounds(window))


def _bounds(window: Window) -> tuple[datetime, datetime, bool]:
    return window.lo, window.hi, window.lo == BEGINNING


def columns_of(connection: Connection, table: str) -> set[str]:
    """Return the names of a table's columns that may be empty."""
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND NOT attnotnull"
    )
    return {*connection.texts(query, table)}


def filled(
    connection: Connection, table: str, key: str, column: str, records: Sequence[str]
) -> int:
    """Return how many of some records have a value in a column, or rows in a table."""
    return connection.count(
        f"SELECT count(DISTINCT {key}) FROM {table}"
        f" WHERE {key} = ANY (%s) AND {column} IS NOT NULL",
        list(records),
    )


def live_rows(connection: Connection, table: str) -> int:
    """Return how many records a table has now."""
    return connection.count(f"SELECT count(*) FROM {table} WHERE removed_at IS NULL")


def keep_unchanged(connection: Connection, table: str, scan: Scan, window: Window) -> None:
    """Note that this scan found a window as it was, if further than it reached before."""
    connection.execute(
        "UPDATE ops.catalogue_window SET scan_id = %s, window_to = %s"
        " WHERE table_name = %s AND window_from = %s",
        (scan.scan_id, window.hi, table, window.lo),
    )


def is_empty(connection: Connection, table: str, window: Window) -> bool:
    """Return whether a table shows no record of a window."""
    query = f"SELECT count(*) FROM {table} WHERE removed_at IS NULL AND {IN_WINDOW}"
    return connection.count(query, *_bounds(window)) == 0


def keep(
    connection: Connection,
    table: str,
    scan: Scan,
    window: Window,
    *,
    digest: int,
    now: datetime,
    shown: pl.Series | None = None,
) -> None:
    """Note what a window holds now; windows it overlaps are forgotten.

    Args:
        shown: Hashes of the rows that the table shows there; None = they are counted anew.
    """
    if shown is None:
        asked = "(VALUES (%s::timestamptz, %s::timestamptz)) w (window_from, window_to)"
        counted = f"SELECT n.count, n.mark FROM {asked} CROSS JOIN LATERAL ({_shown(table)}) n"
        count, mark = connection.only_row(counted, window.lo, window.hi)
    else:
        count, mark = len(shown), shown.bitwise_xor() or 0
    connection.execute(
        "DELETE FROM ops.catalogue_window"
        " WHERE table_name = %s AND window_from < %s AND window_to > %s",
        (table, window.hi, window.lo),
    )
    connection.execute(
        "INSERT INTO ops.catalogue_window (table_name, window_from, window_to, scan_id,"
        " body_digest, row_count, fingerprint, committed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (table, window.lo, window.hi, scan.scan_id, digest, count, mark, now),
    )


def note_absent(
    connection: Connection,
    table: str,
    key: str,
    scan: Scan,
    window: Window,
    *,
    gone: pl.Series,
    rejected: Sequence[str],
) -> None:
    """Remember stored rows that their window no longer has, unless they came unreadable."""
    if gone.is_empty():
        return
    connection.execute(
        "INSERT INTO ops.absence (scan_id, record_url, row_hash, is_absent)"
        f" SELECT %s, {key}, row_hash, true FROM {table}"
        f" WHERE row_hash = ANY (%s) AND removed_at IS NULL AND NOT {key} = ANY (%s)"
        # The stamps have an index, and the hashes have none.
        f" AND {IN_WINDOW} ON CONFLICT DO NOTHING",
        (scan.scan_id, gone.to_list(), list(rejected), *_bounds(window)),
    )


def note_present(connection: Connection, scan: Scan, urls: Sequence[str]) -> None:
    """Remember records that are there, if in an older version than ours."""
    if not urls:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ops.absence (scan_id, record_url, is_absent) VALUES (%s, %s, false)"
            " ON CONFLICT (scan_id, record_url) DO UPDATE SET is_absent = false",
            [(scan.scan_id, url) for url in urls],
        )


def missing(connection: Connection, table: str, key: str, scan: Scan) -> list[str]:
    """Return the keys of rows that a scan met nowhere and nobody wrote since."""
    return connection.texts(
        f"SELECT t.{key} FROM ops.absence a JOIN {table} t"
        f" ON t.{key} = a.record_url AND t.row_hash = a.row_hash"
        " WHERE a.scan_id = %s AND a.is_absent AND t.removed_at IS NULL",
        scan.scan_id,
    )


def forget_windows_of(connection: Connection, table: str, key: str, urls: Sequence[str]) -> None:
    """Forget the windows of some rows, so that they are read again."""
    connection.execute(
        f"DELETE FROM ops.catalogue_window w USING {table} t"
        f" WHERE w.table_name = %s AND t.{key} = ANY (%s)"
        " AND t.updated_at >= w.window_from AND t.updated_at < w.window_to",
        (table, list(urls)),
    )


def recount_windows(connection: Connection, table: str, scan: Scan) -> None:
    """Bring the fingerprints up to date after removals and late changes of the same scan."""
    connection.execute(
        "UPDATE ops.catalogue_window o SET row_count = n.count, fingerprint = n.mark"
        f" FROM ops.catalogue_window w CROSS JOIN LATERAL ({_shown(table)}) n"
        " WHERE w.table_name = %s AND w.scan_id = %s AND o.table_name = w.table_name"
        " AND o.window_from = w.window_from AND o.window_to = w.window_to"
        " AND (o.row_count, o.fingerprint) IS DISTINCT FROM (n.count, n.mark)",
        (table, scan.scan_id),
    )


def last_ended_at(connection: Connection, table: str) -> datetime | None:
    """Return when a table was last read as a whole; None = never, or such a scan is to go on."""
    return connection.scalar(
        datetime,
        "SELECT finished_at FROM ops.scan WHERE table_name = %s ORDER BY scan_id DESC LIMIT 1",
        table,
    )


def close(connection: Connection, scan: Scan, *, now: datetime) -> None:
    """End a scan."""
    connection.execute("DELETE FROM ops.absence WHERE scan_id = %s", (scan.scan_id,))
    connection.execute(
        "UPDATE ops.scan SET finished_at = %s WHERE scan_id = %s", (now, scan.scan_id)
    )


def forget_windows(connection: Connection, table: str) -> None:
    """Forget all windows of a table."""
    connection.execute("DELETE FROM ops.catalogue_window WHERE table_name = %s", (table,))


def remove(
    connection: Connection, table: str, key: str, urls: Sequence[str], *, now: datetime
) -> None:
    """Mark rows as removed."""
    connection.execute(
        f"UPDATE {table} SET removed_at = %s, changed_at = %s WHERE {key} = ANY (%s)",
        (now, now, list(urls)),
    )


def newest_change(connection: Connection, table: str, *, until: datetime) -> datetime | None:
    """Return the newest stamp of a table's rows up to a moment; None = it has none."""
    query = f"SELECT max(updated_at) FROM {table} WHERE updated_at <= %s"
    return connection.scalar(datetime, query, until)


def of_status(
    connection: Connection, table: str, key: str, urls: Sequence[str], *, status: str | None
) -> list[str]:
    """Return those of some rows that are there and have a status."""
    query = (
        f"SELECT {key} FROM {table} WHERE {key} = ANY (%s) AND status = %s AND removed_at IS NULL"
    )
    return connection.texts(query, list(urls), status)
