"""Times in which something that should happen by itself does not, as far as a mail told of it."""

from datetime import datetime
from typing import TYPE_CHECKING

from finale_pipeline.domain.alerts.deadman import Outage

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection


def open_one(connection: "Connection") -> Outage | None:
    """Return the outage that was told and is not over."""
    row = connection.row("SELECT opened_at, told FROM ops.outage WHERE closed_at IS NULL")
    return Outage(row["opened_at"], tuple(row["told"])) if row else None


def keep(connection: "Connection", outage: Outage) -> None:
    """Write the open outage down as it is known now."""
    connection.execute(
        "INSERT INTO ops.outage (opened_at, told) VALUES (%s, %s)"
        " ON CONFLICT ((closed_at IS NULL)) WHERE closed_at IS NULL"
        " DO UPDATE SET opened_at = excluded.opened_at, told = excluded.told",
        (outage.opened_at, list(outage.told)),
    )


def close(connection: "Connection", *, now: datetime) -> None:
    """Note that all is well again."""
    connection.execute("UPDATE ops.outage SET closed_at = %s WHERE closed_at IS NULL", (now,))
