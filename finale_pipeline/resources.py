"""Dagster resources: settings → plain objects; nothing is read before a run asks for it."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline import logs
from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings, load_settings

# What is in beta is used on purpose, and pinned; a line for each use would hide what matters.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.connect import Connection


def at_definition(name: str) -> Any:
    """Return a setting that definitions need, such as the account's first day.

    Wrong settings must not hide the assets: then it is the default, and every run says what is
    wrong.
    """
    settings = _loaded(tuple(sorted(os.environ.items())))
    return getattr(settings, name) if settings else Settings.model_fields[name].default


@lru_cache(maxsize=1)
def _loaded(_environment: tuple[tuple[str, str], ...]) -> Settings | None:
    """Return the settings of an environment, read once; None when they are wrong."""
    try:
        return load_settings()
    except ConfigError:
        return None


class Finale(dg.ConfigurableResource[Any]):
    """The account and its warehouse, as the settings of the run's own process name them."""

    def settings(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigError: They are wrong; the message says which.
        """
        return load_settings()

    @contextmanager
    def sync(
        self, run_id: str, strategy: str, table_sets: Sequence[str], **options: Any
    ) -> "Iterator[SyncRun]":
        """Open a sync run under the same rules as the command line.

        Args:
            **options: As `open_sync` takes them; `trigger` among them.
        """
        from finale_pipeline.sync.session import open_sync  # nothing at import

        with (
            logs.scrubbing(),
            open_sync(
                self.settings(),
                strategy=strategy,
                table_sets=table_sets,
                dagster_run_id=run_id,
                **options,
            ) as run,
        ):
            yield run

    @contextmanager
    def warehouse(self) -> "Iterator[Connection]":
        """Open a connection that reads the warehouse.

        Raises:
            SchemaMismatch: Its tables are not there, or not this program's.
        """
        from finale_pipeline.warehouse import schema  # nothing at import
        from finale_pipeline.warehouse.connect import connect, database_url

        with (
            logs.scrubbing(),
            connect(database_url(self.settings()), name="finale dagster") as connection,
        ):
            schema.require_current(connection)
            yield connection

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return utc_now()
