"""Stock levels: sums over the entries of touched products, now, per location and per day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from finale_pipeline.domain.syncs.stock import StockSummary
from finale_pipeline.warehouse.connect import Connection, Row, trusted
from finale_pipeline.warehouse.store import Counts

LIVE_WITHOUT_LEVEL = (
    "SELECT p.product_url FROM core.product p WHERE p.removed_at IS NULL"
    " AND NOT EXISTS (SELECT FROM core.stock_level l WHERE l.product_url = p.product_url)"
    " AND NOT EXISTS (SELECT FROM core.stock_kept k WHERE k.product_url = p.product_url)"
)

UNITS = ("on_hand_units", "reserved_units", "on_order_units")
"""What entries have, and levels and history have sums of."""
COLUMNS = ", ".join(UNITS)
SUMS = ", ".join(f"coalesce(sum(e.{name}), 0) AS {name}" for name in UNITS)


def _of(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in UNITS)


ENTRY_HASHES = "SELECT row_hash FROM core.stock_entry"
FILLED_HASHES = (
    "SELECT row_hash FROM core.stock_entry"
    " WHERE (on_hand_units, on_order_units, reserved_units) <> (0, 0, 0)"
)
"""Of entries that hold any units."""


def summary(connection: Connection) -> StockSummary:
    """Return what is stored, in sum."""
    in_stock, on_order, reserved = connection.only_row(
        "SELECT count(*) FILTER (WHERE on_hand_units > 0),"
        " count(*) FILTER (WHERE on_order_units > 0),"
        " count(*) FILTER (WHERE reserved_units > 0) FROM core.stock_level"
    )
    places: list[Any] = connection.execute(
        "SELECT location_url, count(*) FROM core.stock_level_by_location"
        " WHERE on_hand_units > 0 GROUP BY 1"
    ).fetchall()
    return StockSummary(in_stock, dict(places), on_order, reserved)


def active_products(connection: Connection) -> int:
    """Return how many products are active."""
    return connection.count(
        "SELECT count(*) FROM core.product WHERE removed_at IS NULL AND status = 'PRODUCT_ACTIVE'"
    )


def any_wrong(connection: Connection) -> bool:
    """Whether a level is not the sum of its entries: something other than a sync changed one."""
    return connection.is_true(f"SELECT EXISTS ({WRONG})")


def count_wrong(connection: Connection) -> int:
    """Return how many levels are not the sums of their entries."""
    return connection.count(f"SELECT count(*) FROM ({WRONG}) w")


def distrust_wrong(connection: Connection) -> None:
    """Have a read write entries and levels of such products anew; after `begin`."""
    connection.execute(trusted(f"INSERT INTO touched {WRONG}"))
    connection.execute(
        trusted(f"UPDATE core.stock_entry SET row_hash = 0 WHERE product_url IN ({WRONG})")
    )


WRONG = f"""
SELECT coalesce(l.product_url, e.product_url) FROM core.stock_level l
FULL JOIN (SELECT product_url, {SUMS} FROM core.stock_entry e GROUP BY 1) e
    ON e.product_url = l.product_url
WHERE l.product_url IS NULL
   OR ({_of("l")}) <> ({", ".join(f"coalesce(e.{name}, 0)" for name in UNITS)})
"""


def begin(connection: Connection) -> None:
    """Collect the products whose level may change; first those that have none."""
    connection.execute(trusted(f"CREATE TEMP TABLE touched ON COMMIT DROP AS {LIVE_WITHOUT_LEVEL}"))


def add(connection: Connection, table: str) -> None:
    """Collect those that a table has entries of."""
    connection.execute(trusted(f"INSERT INTO touched SELECT DISTINCT product_url FROM {table}"))


def products_called(connection: Connection, skus: Sequence[str]) -> list[tuple[str, str]]:
    """Return the products of some SKUs, each with its SKU."""
    query = "SELECT product_url, sku FROM core.product WHERE sku = ANY (%s)"
    return [(url, sku) for url, sku in connection.execute(query, (list(skus),)).fetchall()]


def products_without_level(connection: Connection) -> list[str]:
    """Return live products of which no stock was ever read."""
    return connection.texts(LIVE_WITHOUT_LEVEL)


def products_unknown(connection: Connection, *, most: int) -> list[str]:
    """Return products that have stock and were never read, so many at most."""
    rows = connection.execute(
        "SELECT product_url FROM core.stock_level l WHERE NOT EXISTS"
        " (SELECT FROM core.product p WHERE p.product_url = l.product_url)"
        " ORDER BY 1 LIMIT %s",
        (most,),
    ).fetchall()
    return [str(url) for (url,) in rows]


def entry_keys(connection: Connection) -> list[tuple[str, ...]]:
    """Return the keys of all stored entries."""
    return connection.execute(
        "SELECT product_url, facility_url, lot_id, packing, order_url FROM core.stock_entry"
    ).fetchall()


def keys_of(connection: Connection, hashes: Sequence[int]) -> list[tuple[str, ...]]:
    """Return the keys of stored entries by their hashes."""
    return connection.execute(
        "SELECT product_url, facility_url, lot_id, packing, order_url FROM core.stock_entry"
        " WHERE row_hash = ANY (%s)",
        (list(hashes),),
    ).fetchall()


def most_emptied_in_a_day(connection: Connection) -> int:
    """Return how many products lost their last unit on the busiest day of four weeks."""
    return connection.count(
        "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM (SELECT snapshot_on,"
        " on_hand_units, lag(on_hand_units) OVER (PARTITION BY product_url ORDER BY snapshot_on)"
        " AS before FROM core.stock_daily WHERE snapshot_on"
        " > (SELECT max(snapshot_on) FROM core.stock_day) - 28) d"
        " WHERE on_hand_units <= 0 AND before > 0 GROUP BY snapshot_on) t"
    )


def note_kept(connection: Connection, reasons: Mapping[str, str], *, now: datetime) -> None:
    """Note which products keep their last good stock, and why; others are as Finale has them."""
    connection.execute(
        "DELETE FROM core.stock_kept WHERE NOT product_url = ANY (%s)", (list(reasons),)
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO core.stock_kept (product_url, reason, since_at) VALUES (%s, %s, %s)"
            " ON CONFLICT (product_url) DO UPDATE SET reason = excluded.reason",
            [(url, reason, now) for url, reason in reasons.items()],
        )


def kept_products(connection: Connection) -> list[Row]:
    """Return products whose stock is their last good one: SKU, reason, since when (UTC)."""
    return connection.rows(
        "SELECT coalesce(p.sku, k.product_url) AS sku, k.reason, k.since_at"
        " FROM core.stock_kept k LEFT JOIN core.product p USING (product_url) ORDER BY 3, 1"
    )


def remove_entries(connection: Connection, gone: Sequence[int], protected: Sequence[str]) -> int:
    """Delete entries by their hash, except those of some products; return how many."""
    return connection.count(
        "WITH deleted AS (DELETE FROM core.stock_entry WHERE row_hash = ANY (%s)"
        " AND NOT product_url = ANY (%s) RETURNING product_url),"
        " noted AS (INSERT INTO touched SELECT DISTINCT product_url FROM deleted)"
        " SELECT count(*) FROM deleted",
        list(gone),
        list(protected),
    )


def refresh(connection: Connection, *, day: date, read_at: datetime, now: datetime) -> Counts:
    """Bring the collected products' levels and the day's history up to date; return the levels'."""
    connection.execute("ANALYZE touched")
    if not connection.is_true(ANY_LEVEL):
        return _fill(connection, day=day, read_at=read_at, now=now)
    touched, inserted, updated = connection.only_row(REFRESH, now=now, day=day, read_at=read_at)
    connection.execute(REFRESH_LOCATIONS, {"now": now})
    connection.execute(
        "DELETE FROM core.stock_level_by_location l USING touched t"
        " WHERE l.product_url = t.product_url AND NOT EXISTS (SELECT FROM core.stock_entry e"
        " WHERE e.product_url = l.product_url AND e.location_url = l.location_url)"
    )
    return Counts(touched, inserted, updated, touched - inserted - updated)


def _fill(connection: Connection, *, day: date, read_at: datetime, now: datetime) -> Counts:
    """Write the levels of a first read, in the order of their keys: nothing is there to compare."""
    for statement in FILL:
        connection.execute(trusted(statement), {"day": day, "read_at": read_at, "now": now})
    written = connection.count("SELECT count(*) FROM core.stock_level")
    return Counts(written, written)


def note_day(connection: Connection, *, day: date, now: datetime) -> None:
    """Note that stock was read completely on a business day."""
    connection.execute(
        "INSERT INTO core.stock_day (snapshot_on, read_at) VALUES (%s, %s)"
        " ON CONFLICT (snapshot_on) DO UPDATE SET read_at = excluded.read_at",
        (day, now),
    )


SUMS_OF_LOCATIONS = (
    f"SELECT e.product_url, e.location_url, {SUMS} FROM core.stock_entry e"
    " WHERE e.product_url IN (SELECT product_url FROM touched) GROUP BY 1, 2"
)
SUMS_OF_PRODUCTS = (
    f"SELECT t.product_url, {SUMS} FROM (SELECT DISTINCT product_url FROM touched) t"
    " LEFT JOIN {entries} e USING (product_url) GROUP BY 1"
)
LOCATIONS = (
    f"INSERT INTO core.stock_level_by_location AS l (product_url, location_url, {COLUMNS},"
    " changed_at) SELECT *, %(now)s FROM {sums} s"
)
LEVELS = (
    f"INSERT INTO core.stock_level AS l (product_url, {COLUMNS}, changed_at)"
    " SELECT *, %(now)s FROM {sums} s"
)
HISTORY = (
    f"INSERT INTO core.stock_daily (product_url, snapshot_on, {COLUMNS}, changed_at)"
    f" SELECT product_url, %(day)s, {COLUMNS}, %(now)s FROM {{levels}}"
)
OUT = (
    "INSERT INTO core.stock_out_span (product_url, from_at) SELECT product_url, %(read_at)s"
    " FROM {levels} w WHERE on_hand_units <= reserved_units"
)
# Nothing to note before the first evaluation: that one looks at every product.
NOTED = (
    "INSERT INTO ops.touched_item SELECT product_url FROM {levels}"
    " WHERE EXISTS (SELECT FROM ops.evaluation) ON CONFLICT (product_url) DO NOTHING"
)
REPLACED = f"DO UPDATE SET ({COLUMNS}, changed_at) = ({_of('excluded')}, excluded.changed_at)"
IF_OTHER = f"WHERE ({_of('l')}) <> ({_of('excluded')})"
REFRESH = trusted(
    f"WITH sums AS ({SUMS_OF_PRODUCTS.format(entries='core.stock_entry')}),"
    f" written AS ({LEVELS.format(sums='sums')} ON CONFLICT (product_url) {REPLACED} {IF_OTHER}"
    f" RETURNING product_url, {COLUMNS}, xmax = 0 AS is_new),"
    f" history AS ({HISTORY.format(levels='written')}"
    f" ON CONFLICT (product_url, snapshot_on) {REPLACED}),"
    " here_again AS (UPDATE core.stock_out_span s SET until_at = %(read_at)s FROM written w"
    " WHERE s.product_url = w.product_url AND s.until_at IS NULL"
    " AND w.on_hand_units > w.reserved_units),"
    f" gone AS ({OUT.format(levels='written')} AND NOT EXISTS (SELECT FROM core.stock_out_span s"
    " WHERE s.product_url = w.product_url AND s.until_at IS NULL) ON CONFLICT DO NOTHING),"
    f" noted AS ({NOTED.format(levels='written')})"
    " SELECT (SELECT count(*) FROM sums), count(*) FILTER (WHERE is_new),"
    " count(*) FILTER (WHERE NOT is_new) FROM written"
)
REFRESH_LOCATIONS = trusted(
    f"{LOCATIONS.format(sums=f'({SUMS_OF_LOCATIONS})')}"
    f" ON CONFLICT (product_url, location_url) {REPLACED} {IF_OTHER}"
)
ANY_LEVEL = (
    "SELECT EXISTS (SELECT FROM core.stock_level)"
    " OR EXISTS (SELECT FROM core.stock_level_by_location)"
    " OR EXISTS (SELECT FROM core.stock_daily) OR EXISTS (SELECT FROM core.stock_out_span)"
)
FILL = (
    f"CREATE TEMP TABLE location_sum ON COMMIT DROP AS {SUMS_OF_LOCATIONS} ORDER BY 1, 2",
    "ANALYZE location_sum",
    LOCATIONS.format(sums="location_sum"),
    LEVELS.format(sums=f"({SUMS_OF_PRODUCTS.format(entries='location_sum')} ORDER BY 1)"),
    *(written.format(levels="core.stock_level") for written in (HISTORY, OUT, NOTED)),
)
"""REFRESH where no level was ever written: no conflict to look for, and sums taken once."""


def in_stock(connection: Connection) -> list[tuple[str, str | None, str | None, float]]:
    """Return product_url, SKU, name and units of every product that is on hand."""
    return connection.execute(
        "SELECT l.product_url, p.sku, p.name, l.on_hand_units::float8 FROM core.stock_level l"
        " LEFT JOIN core.product p USING (product_url) WHERE l.on_hand_units > 0"
    ).fetchall()
