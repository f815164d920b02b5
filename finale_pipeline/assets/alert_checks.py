"""The checks that carry the alerts: they do what is left to do, and show what is open."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.checks import Check, Found, definition_of
from finale_pipeline.errors import PipelineError
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

SHOWN = 50
"""Incidents in a check's table; mart.incident has all."""


def _incidents(connection: "Connection", _finale: Finale) -> Found:
    """Show products whose incident nobody has decided about."""
    rows = connection.execute(
        "SELECT sku, name, level, state, opened_at::date, available_units, threshold_units,"
        " coalesce(vendor_name, ''), why FROM mart.low_stock JOIN (SELECT subject AS product_url,"
        " opened_at FROM ops.incident WHERE closed_at IS NULL) i USING (product_url)"
        " CROSS JOIN LATERAL (SELECT incident_state AS state) s"
        " ORDER BY level DESC, opened_at, sku"
    ).fetchall()
    due = [row for row in rows if row[3] == "open"]
    out = sum(1 for row in due if row[2] == "out")
    return Found(
        not due,
        f"{out} out, {len(due) - out} low" if due else "",
        {
            "out": out,
            "low": len(due) - out,
            "decided": len(rows) - len(due),
            "incidents": dg.MetadataValue.md(_table(rows)),
        },
        severity=dg.AssetCheckSeverity.ERROR if out else None,
    )


def _table(rows: list[Any]) -> str:
    from finale_pipeline.text import plain  # noqa: PLC0415 - nothing at import

    def cell(value: object) -> str:
        return plain(value).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")

    head = "| SKU | name | level | state | since | available | threshold | supplier | why |"
    lines = [head, "|---" * 9 + "|"]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        lines.append(f"\nand {len(rows) - SHOWN} more in mart.low_stock")
    return "\n".join(lines)


def _mails(connection: "Connection", finale: Finale) -> Found:
    """Send what waits, and show what cannot be sent."""
    from finale_pipeline.notify.delivery import deliver  # noqa: PLC0415 - nothing at import

    sent = deliver(connection, finale.settings(), clock=finale.now)
    rows = connection.execute(
        "SELECT state, kind, subject, attempts, coalesce(last_error, '') FROM ops.outbox"
        " WHERE state = 'dead' AND created_at > now() - interval '7 days'"
        " OR state IN ('pending', 'sending') AND attempts > 0 ORDER BY outbox_id"
    ).fetchall()
    dead = sum(1 for row in rows if row[0] == "dead")
    return Found(
        not rows,
        f"{dead} mails cannot be delivered, {len(rows) - dead} wait for the mail service"
        if rows
        else "",
        {
            "sent_now": sent["sent"],
            "dead": dead,
            "mails": dg.MetadataValue.md(_mail_table(rows)),
        },
        severity=dg.AssetCheckSeverity.ERROR if dead else None,
    )


def _mail_table(rows: list[Any]) -> str:
    lines = ["| state | kind | subject | attempts | error |", "|---|---|---|---|---|"]
    lines += [
        "| " + " | ".join(str(v).replace("|", "/") for v in row) + " |" for row in rows[:SHOWN]
    ]
    return "\n".join(lines)


def _evaluated(connection: "Connection", finale: Finale) -> Found:
    """Evaluate stock that was read and not evaluated, then say whether all is."""
    from finale_pipeline.warehouse.items import is_behind  # noqa: PLC0415 - nothing at import

    if is_behind(connection):
        try:
            _catch_up(finale)
        except PipelineError as error:
            return Found(passed=False, why=error.what, numbers={"next_step": error.step})
    row = connection.execute(
        "SELECT to_char(evaluated_at, 'YYYY-MM-DD HH24:MI:SS UTC'), watched FROM ops.evaluation"
    ).fetchone()
    evaluated, watched = row or ("never", 0)
    still = is_behind(connection)
    why = "stock was read and not evaluated" if still else ""
    told = {"evaluated_at": str(evaluated), "watched": int(str(watched))}
    return Found(not still, why, told)


def _catch_up(finale: Finale) -> None:
    from finale_pipeline.sync.critical import deliver_now, evaluate_left_behind  # noqa: PLC0415

    with finale.sync("", "critical_items", ("stock",), trigger="ui") as run:
        evaluate_left_behind(run)
        deliver_now(run)


ALERT_CHECKS = (
    Check(
        "inventory_levels",
        "crossings_are_evaluated",
        "Every read of stock was compared with the one before; what crossed a level is told.",
        _evaluated,
    ),
    Check(
        "critical_items",
        "nothing_needs_a_decision",
        "No product is out or low that nobody has acknowledged, snoozed or ordered.",
        _incidents,
    ),
    Check(
        "critical_items",
        "mails_are_delivered",
        "No mail was given up, none waits for a sick mail service.",
        _mails,
    ),
)

ALERT_ASSET_CHECKS = [definition_of(check) for check in ALERT_CHECKS]
