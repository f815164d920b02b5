"""Where ordering works: the account's warehouse, what reads Finale, and what may write there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from finale_pipeline.errors import ConfigError
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.links import pages_of
from finale_pipeline.finale.orders import OrderWriter, WritePermission
from finale_pipeline.ordering.order_finder import OrderFinder
from finale_pipeline.ordering.submission import Submission
from finale_pipeline.settings import LOOPBACK, Settings
from finale_pipeline.sync.session import refuse_another_account
from finale_pipeline.sync.source import open_client, source_of
from finale_pipeline.warehouse import accounts, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_errors, database_url
from finale_pipeline.warehouse.requests import Limits, SharedLedger


@dataclass(frozen=True, slots=True)
class DraftingContext:
    """What drafting works with: settings, the clock, and how to wait."""

    settings: Settings
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    def require_known_orders(self, connection: Connection) -> None:
        """Refuse while a restored warehouse has not read Finale's orders again.

        What was drafted after the backup is not in its ledger, so other days' plans would order
        the same once more.

        Raises:
            ConfigError: Nothing was read since the restore.
        """
        restored_at = accounts.restored_unread_at(connection)
        if restored_at is not None:
            raise ConfigError(
                f"The database was restored at {restored_at:%Y-%m-%d %H:%M} UTC and has not read"
                " Finale's orders since: what was drafted after the backup is not known.",
                data="Nothing was sent.",
                step="Run: finale sync full",
            )

    @contextmanager
    def warehouse(self) -> Iterator[Connection]:
        """Open the warehouse, if it holds the account's data."""
        with (
            connect(database_url(self.settings), name="finale orders") as connection,
            database_errors("drafting orders"),
        ):
            schema.require_current(connection)
            _refuse_other_data(connection, self.settings)
            yield connection

    @contextmanager
    def submission(self, connection: Connection, actor: str) -> Iterator[Submission]:
        """Open what reads Finale; the caller holds the lock of drafting."""
        settings, url = self.settings, database_url(self.settings)
        with open_client(settings, url, clock=self.clock, sleep=self.sleep) as client:
            yield Submission(
                connection,
                OrderFinder(client, settings.row_cap),
                actor,
                settings.zone,
                self.clock,
                self.sleep,
                pages_of(settings),
            )

    @contextmanager
    def writer(self) -> Iterator[OrderWriter]:
        """Open what writes to Finale.

        Raises:
            WritesOff: The settings do not allow it.
        """
        settings = self.settings
        permission = WritePermission(settings)
        limits = Limits(post_per_minute=settings.post_per_minute)
        ledger = SharedLedger(database_url(settings), limits)
        budget = Budget(ledger, clock=self.clock, sleep=self.sleep)
        try:
            with OrderWriter(permission, source_of(settings), budget=budget) as writer:
                yield writer
        finally:
            ledger.close()


def _refuse_other_data(connection: Connection, settings: Settings) -> None:
    """The data of one account, or of a sandbox, must never become orders of another."""
    source = source_of(settings)
    refuse_another_account(connection, source)
    owner = accounts.owner(connection)
    if owner and (urlsplit(owner.base_url).hostname in LOOPBACK) != source.is_loopback:
        raise ConfigError(
            f"The data here were read from {owner.base_url}, and the settings name"
            f" {source.base_url}.",
            step="Use a database of its own for the sandbox and for the real account.",
        )
