"""`finale status`: what runs now, how the last syncs ended, what waits for a person."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import answering, pass_settings
from finale_pipeline.services.source import with_running_sandbox
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import holds, leases, levels, order_writes, schema
from finale_pipeline.warehouse.connect import connect, running_url
from finale_pipeline.warehouse.reads import catalogue as catalogue_reads
from finale_pipeline.warehouse.reads import runs as runs_reads
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.reads.runs import NewestRun

TABLES = {
    "core.product": "products",
    "core.vendor": "vendors",
    "core.facility": "facilities",
    "core.stock_level": "stock levels",
}

SHOWN = 10
"""Products with old stock, and records that were refused, that are named."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Status:
    """What `finale status` knows.

    Attributes:
        stock_read_at: When stock was last read completely, UTC.
        held: Per held read: its run, what it is of, and why.
        orders: Drafts of purchase orders whose end in Finale is not known: reference, state, why.
        old_stock: Products whose stock is that of their last good read: SKU, why, since when.
        refused: What of the answers of the last day could not be read: table, record, why, when;
            one more than is shown, at most.
    """

    account: str | None
    rows: dict[str, int]
    stock_read_at: datetime | None
    held: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    old_stock: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    runs: list[NewestRun]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self), default=datetime.isoformat))
        return values


def shown(current: Status) -> str:
    """Return a status as lines to read."""
    read_at = current.stock_read_at
    lines = [
        f"account    {current.account or 'none configured'}",
        "warehouse  " + ", ".join(f"{n:,} {TABLES[table]}" for table, n in current.rows.items()),
        f"stock      read {read_at:%Y-%m-%d %H:%M:%S} UTC" if read_at else "stock      never read",
    ]
    for held in current.held:
        lines.append(f"held       {held['subject']}: {'; '.join(held['reasons'])}")
        lines.append(f"           finale approve {held['run_id']}, or reject {held['run_id']}")
    for order in current.orders:
        lines.append(
            f"orders     {order['reference']} is {order['state']}: {order['error'] or '-'}"
        )
        lines.append("           finale orders check")
    for old in current.old_stock[:SHOWN]:
        lines.append(
            f"old stock  {old['sku']}: {old['reason']}, since {old['since_at']:%Y-%m-%d %H:%M} UTC"
        )
    if len(current.old_stock) > SHOWN:
        lines.append(f"           and {len(current.old_stock) - SHOWN} more, in core.stock_kept")
    for one in current.refused[:SHOWN]:
        lines.append(f"refused    {one['record_key'] or 'a record'}: {one['reason']}")
    if len(current.refused) > SHOWN:
        lines.append("           and more, in ops.sync_reject")
    lines += [line for run in current.runs for line in _lines(run)]
    return "\n".join(lines if current.runs else [*lines, "syncs      none yet"])


def _lines(run: NewestRun) -> list[str]:
    started = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"{run.strategy:10} {run.status} (run {run.run_id}, {started}, {run.seconds:.1f} s)"]
    if run.status == "running":
        percent = f" {run.percent} %," if run.percent is not None else ""
        batch = f" batch {run.batch} of {run.batches}," if run.batch else ""
        eta = f", done about {run.eta_at:%H:%M:%S} UTC" if run.eta_at else ""
        lines.append(f"          {percent}{batch} {run.rows:,} rows: {run.step or 'begins'}{eta}")
    if run.retry_at:
        lines.append(f"           goes on after {run.retry_at:%Y-%m-%d %H:%M:%S} UTC")
    return [*lines, f"           {run.error}"] if run.error else lines


@click.command()
@answering(shown)
@pass_settings
def command(settings: Settings) -> Status:
    """Say what runs, and how the last syncs ended."""
    url = running_url(settings)  # asking for a status starts no database
    source = with_running_sandbox(settings)
    with connect(url, name="finale status") as connection:
        schema.require_current(connection)
        leases.mark_crashed_runs(connection, now=utc_now())
        return Status(
            "sandbox" if settings.is_sandbox and source.account else source.account,
            {table: catalogue_reads.live_rows(connection, table) for table in TABLES},
            stock_reads.stock_read_at(connection),
            [
                {"run_id": h.run_id, "subject": h.subject, "reasons": h.reasons}
                for h in holds.all_open(connection)
            ],
            [
                {"reference": row.reference, "state": row.state, "error": row.error}
                for row in order_writes.open_rows(connection)
            ],
            levels.kept_products(connection),
            runs_reads.refused(connection, since=utc_now() - DAY, most=SHOWN + 1),
            runs_reads.newest_by_strategy(connection),
        )
