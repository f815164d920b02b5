"""Read functions for analysts: the `mart` views as pandas frames; nothing is ever written.

    from finale_pipeline.frames import Mart

    with Mart.open() as mart:
        late = mart.vendor_scorecard().query("on_time_share < 0.8")

What a column means and its unit: docs/data-dictionary.md. Types, also of empty frames:

| in the database | in the frame |
| --- | --- |
| numeric, double precision | float64; exact to 15 digits, so add up cents in SQL |
| integers | Int64, which can be missing |
| boolean | boolean, which can be missing |
| date | datetime64[us], at midnight, without a zone |
| timestamp with time zone | datetime64[us, UTC] |
| text | str |
| anything else | object |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd
from psycopg.types.numeric import FloatLoader

from finale_pipeline.settings import load_settings
from finale_pipeline.warehouse.connect import connect, database_errors, database_url, trusted
from finale_pipeline.warehouse.schema import require_current

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings
    from finale_pipeline.warehouse.connect import Connection

QUIET_DAYS = 180
"""Days without a sale or a receipt after which stock counts as dead, unless asked otherwise."""
LIMITS = "SET default_transaction_read_only = on; SET statement_timeout = '5min'"
DTYPES: Final = {
    16: "boolean",
    **dict.fromkeys((20, 21, 23), "Int64"),
    **dict.fromkeys((700, 701, 1700), "float64"),
    **dict.fromkeys((19, 25, 1043), "str"),
    1082: "datetime64[us]",
    1184: "datetime64[us, UTC]",
}
"""By PostgreSQL's number of a type."""


class Mart:
    """The views of `mart`, one method for each that people ask most; `ask` for all else.

    Args:
        connection: To the warehouse; nothing is ever written through it.
    """

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        # Floats from the start: by way of Decimal a large frame takes much longer.
        connection.adapters.register_loader("numeric", FloatLoader)

    @classmethod
    @contextmanager
    def open(cls, settings: "Settings | None" = None) -> Iterator[Self]:
        """Open the warehouse of the settings, for reading only.

        Args:
            settings: None = those of the environment and `.env`, as every command takes them.

        Raises:
            ConfigError: The settings are wrong, or the database refuses us.
            LocalError: The database does not answer.
            SchemaMismatch: Its schema is not this program's.
        """
        url = database_url(settings or load_settings())
        with connect(url, name="finale frames") as connection:
            require_current(connection)
            connection.execute(LIMITS)
            yield cls(connection)

    def ask(self, query: str, **values: object) -> "pd.DataFrame":
        """Return what a query answers; for what no other method gives.

        Args:
            query: SQL; values stand in it as `%(name)s`, and where there are some, a
                percent sign as `%%`.
            **values: Bound by the database, never pasted into the text.

        Raises:
            ConfigError: The query writes, or reads what the user may not.
            LocalError: The database failed, or the query took longer than five minutes.
        """
        with database_errors("a query"), self._connection.cursor() as cursor:
            cursor.execute(trusted(query), values or None)
            columns = [(column.name, column.type_code) for column in cursor.description or ()]
            return _frame(columns, cursor.fetchall())

    def stock_now(self) -> "pd.DataFrame":
        """Return a row per product: units, worth, days left, last sale, age of the read."""
        return self.ask("SELECT * FROM mart.stock_now ORDER BY sku, product_url")

    def stock_as_of(self, day: date) -> "pd.DataFrame":
        """Return a row per product: its units at the end of a business day.

        Args:
            day: If it was not observed, the last observed day before it counts (`observed_on`).
        """
        return self.ask("SELECT * FROM mart.stock_as_of(%(day)s) ORDER BY sku", day=day)

    def stock_daily(self, since: date, until: date, *, sku: str | None = None) -> "pd.DataFrame":
        """Return a row per product and observed day, both bounds included: units at its end."""
        return self.ask(
            "SELECT * FROM mart.stock_daily WHERE snapshot_on BETWEEN %(since)s AND %(until)s"
            " AND (%(sku)s::text IS NULL OR sku = %(sku)s) ORDER BY snapshot_on, sku",
            since=since,
            until=until,
            sku=sku,
        )

    def low_stock(self) -> "pd.DataFrame":
        """Return a row per product that is out or low now, those out first."""
        return self.ask("SELECT * FROM mart.low_stock ORDER BY level DESC, days_left, sku")

    def reorder_suggestion(self) -> "pd.DataFrame":
        """Return a row per product to order by the newest plan, the most urgent first."""
        return self.ask("SELECT * FROM mart.reorder_suggestion ORDER BY must_order_by_on, sku")

    def sales_daily(self, since: date, until: date, *, sku: str | None = None) -> "pd.DataFrame":
        """Return a row per product and day with demand, both bounds included, in units."""
        return self.ask(
            "SELECT * FROM mart.sales_daily WHERE sold_on BETWEEN %(since)s AND %(until)s"
            " AND (%(sku)s::text IS NULL OR sku = %(sku)s) ORDER BY sold_on, sku",
            since=since,
            until=until,
            sku=sku,
        )

    def vendor_scorecard(self) -> "pd.DataFrame":
        """Return a row per vendor: lead times in days, shares from 0 to 1, its last 365 days."""
        return self.ask("SELECT * FROM mart.vendor_scorecard ORDER BY spend DESC, vendor")

    def dead_stock(self, quiet_days: int = QUIET_DAYS) -> "pd.DataFrame":
        """Return a row per product on hand that neither sold nor came for so many days.

        Values are in `currency`; missing = the account's. Add up per currency.
        """
        return self.ask(
            "SELECT * FROM mart.dead_stock WHERE quiet_days >= %(days)s"
            " ORDER BY value DESC NULLS LAST, sku",
            days=quiet_days,
        )

    def forecast_outcome(self, since: date, until: date) -> "pd.DataFrame":
        """Return a row per product and planned day, both bounds included, whose time has passed."""
        return self.ask(
            "SELECT * FROM mart.forecast_outcome WHERE snapshot_on BETWEEN %(since)s AND %(until)s"
            " ORDER BY snapshot_on, sku",
            since=since,
            until=until,
        )

    def purchase_order_line(self, since: date) -> "pd.DataFrame":
        """Return a row per line of the purchase orders placed on a day or later."""
        return self.ask(
            "SELECT * FROM mart.purchase_order_line WHERE ordered_on >= %(since)s"
            " ORDER BY ordered_on, order_id, position",
            since=since,
        )

    def alert_history(self, since: date) -> "pd.DataFrame":
        """Return a row per crossing or decision since a day (UTC), the oldest first."""
        return self.ask(
            "SELECT * FROM mart.alert_history WHERE happened_at >= %(since)s ORDER BY event_id",
            since=since,
        )

    def freshness(self) -> "pd.DataFrame":
        """Return a row per asset: when it was last read, its age, whether that is too old."""
        return self.ask("SELECT * FROM mart.freshness ORDER BY asset")

    def sync_history(self, since: date) -> "pd.DataFrame":
        """Return a row per sync that started on a day (UTC) or later, the newest first."""
        return self.ask(
            "SELECT * FROM mart.sync_history WHERE started_at >= %(since)s ORDER BY run_id DESC",
            since=since,
        )


def _frame(columns: list[tuple[str, int]], rows: list[tuple[Any, ...]]) -> "pd.DataFrame":
    """Return rows as a frame whose types depend on the query alone, not on what it found."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    frame = pd.DataFrame(
        {
            number: pd.Series(list(found), dtype=DTYPES.get(kind, "object"))
            for number, ((_, kind), found) in enumerate(zip(columns, values, strict=True))
        }
    )
    frame.columns = pd.Index([name for name, _ in columns])
    return frame
