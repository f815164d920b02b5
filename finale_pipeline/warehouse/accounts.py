"""Whose data these are."""

from dataclasses import dataclass
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection


@dataclass(frozen=True, slots=True)
class Owner:
    """The source and the account that the data were read from."""

    base_url: str
    account_name: str


def owner(connection: Connection) -> Owner | None:
    """Return whose data these are; None = no sync ended well yet."""
    return connection.one(Owner, "SELECT base_url, account_name FROM ops.account")


def adopt(connection: Connection, base_url: str, account: str | None, *, now: datetime) -> None:
    """Note whose data these are, where nothing is noted yet."""
    connection.execute(
        "INSERT INTO ops.account (only_row, base_url, account_name, adopted_at)"
        " VALUES (true, %s, %s, %s) ON CONFLICT (only_row) DO NOTHING",
        (base_url, account, now),
    )


def note_restored(connection: Connection, *, now: datetime) -> None:
    """Note that the data were restored from a backup."""
    connection.execute("UPDATE ops.account SET restored_at = %s", (now,))


def restored_unread_at(connection: Connection) -> datetime | None:
    """Return when the data were restored, while no sync has read the orders since; else None."""
    return connection.scalar(
        datetime,
        "SELECT restored_at FROM ops.account WHERE NOT EXISTS (SELECT FROM mart.freshness f"
        " WHERE f.asset = 'purchase_orders' AND f.read_at > restored_at)",
    )
