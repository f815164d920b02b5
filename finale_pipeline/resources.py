"""Dagster resources: settings → plain objects; nothing is read before a run asks for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.errors import ConfigError

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection

FIRST_DAY, ZONE = date(2016, 1, 1), "UTC"


def calendar() -> tuple[date, str]:
    """Return the account's first day and time zone, for the partitions.

    They are the only settings that definitions need; wrong settings must not hide the assets,
    since every run says what is wrong with them.
    """
    from finale_pipeline.settings import load_settings  # noqa: PLC0415 - nothing at import

    try:
        settings = load_settings()
    except ConfigError:
        return FIRST_DAY, ZONE
    return settings.since, settings.timezone


def first_stock_day() -> date:
    """Return the first day that has stock: Finale shows the present only, so no earlier one can."""
    from finale_pipeline.settings import load_settings  # noqa: PLC0415 - nothing at import

    try:
        settings = load_settings()
    except ConfigError:
        return FIRST_DAY
    return settings.stock_since or settings.since


class Finale(dg.ConfigurableResource[Any]):
    """The account and its warehouse, as the settings of the run's own process name them."""

    def settings(self) -> "Settings":
        """Return the settings.

        Raises:
            ConfigError: They are wrong; the message says which.
        """
        from finale_pipeline.settings import load_settings  # noqa: PLC0415 - nothing at import

        return load_settings()

    @contextmanager
    def sync(
        self,
        run_id: str,
        strategy: str,
        table_sets: Sequence[str],
        *,
        trigger: str,
        on_finished: "Callable[[SyncRun, str], object] | None" = None,
    ) -> "Iterator[SyncRun]":
        """Open a sync run under the same rules as the command line.

        Args:
            run_id: Dagster's id of the run.
            strategy: What the ledger calls it.
            table_sets: What it locks.
            trigger: Who asked for it.
            on_finished: Called with each asset whose tables were read to the end.
        """
        from finale_pipeline.sync.run import open_sync  # noqa: PLC0415 - nothing at import

        with open_sync(
            self.settings(),
            strategy=strategy,
            trigger=trigger,
            table_sets=table_sets,
            dagster_run_id=run_id,
            on_finished=on_finished,
        ) as run:
            yield run

    @contextmanager
    def warehouse(self) -> "Iterator[Connection]":
        """Open a connection that reads the warehouse."""
        from finale_pipeline.warehouse.connect import connect, database_url  # noqa: PLC0415

        with connect(database_url(self.settings()), name="finale dagster") as connection:
            yield connection

    def now(self) -> datetime:
        """Return the present time, UTC."""
        from finale_pipeline.sync.run import utc_now  # noqa: PLC0415 - nothing at import

        return utc_now()
