"""The checks that carry the alerts: one tells what crossed, one shows what is open."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from finale_pipeline.assets.checks import Check, CheckContext, CheckResult
from finale_pipeline.domain.states import WAITING
from finale_pipeline.errors import SkippedError

if TYPE_CHECKING:
    from finale_pipeline.notify.telling import AlertLine
    from finale_pipeline.sync.critical import Told

SHOWN = 5
"""Rows of a check's table, the worst first, since every run keeps them twice; mart.low_stock and
ops.outbox have all."""


def _crossings(look: CheckContext) -> CheckResult:
    """Evaluate what was read, send what there is to tell, and show who was told what."""
    from finale_pipeline.sync.critical import tell_crossings  # nothing at import

    if look.run is not None:
        return _result(tell_crossings(look.run))
    try:
        with look.finale.sync("", "critical_items", ("stock",), trigger="ui") as run:
            return _result(tell_crossings(run))
    except SkippedError as error:
        why = f"{error.what} That sync tells what crossed; execute this check again after it."
        return CheckResult(passed=False, why=why, numbers={})


def _result(outcome: "Told") -> CheckResult:
    dead = {line.message_id for line in outcome.lines if line.state == "dead"}
    tried = [line for line in outcome.lines if line.attempts]
    stuck = {line.message_id for line in tried if line.state in WAITING}
    troubles = [
        f"{len(dead)} mails cannot be delivered (finale alerts resend)" if dead else "",
        f"{len(stuck)} wait for the mail service" if stuck else "",
        "stock was read and not evaluated" if outcome.is_behind else "",
    ]
    why = ", ".join(trouble for trouble in troubles if trouble)
    return CheckResult(
        not why,
        why,
        {
            "crossings": outcome.crossings,
            "mails_sent": outcome.sent,
            "mails_waiting": len(stuck),
            "mails_dead": len(dead),
            **({"told": _recipients(outcome.lines)} if outcome.lines else {}),
        },
        severity=dg.AssetCheckSeverity.ERROR if dead else None,
    )


def _recipients(lines: "Sequence[AlertLine]") -> dg.TableMetadataValue:
    """Return who was told what; a table, whose cells are text and never markup."""
    records = [
        {
            "who": line.recipients,
            "mail": line.mail or "none",
            "state": line.state,
            "sku": line.sku or "",
            "change": f"{line.from_level} to {line.to_level}" if line.to_level else "",
            "remark": line.remark,
        }
        for line in lines[:SHOWN]
    ]
    return _table(records, ("who", "mail", "state", "sku", "change", "remark"))


def _incidents(look: CheckContext) -> CheckResult:
    """Show products whose incident nobody has decided about."""
    from finale_pipeline.warehouse.reads import incidents  # nothing at import

    rows = incidents.critical(look.connection)
    due = [row for row in rows if row["incident_state"] == "open"]
    out = sum(1 for row in due if row["level"] == "out")
    names = ("sku", "name", "level", "supplier", "why")
    shown = [row | {"supplier": row["vendor_name"]} for row in due[:SHOWN]]
    return CheckResult(
        not due,
        f"{out} out, {len(due) - out} low" if due else "",
        {
            "out": out,
            "low": len(due) - out,
            "decided": len(rows) - len(due),
            "incidents": _table([{n: row[n] or "" for n in names} for row in shown], names),
        },
    )


def _table(records: list[dict[str, str]], columns: Sequence[str]) -> dg.TableMetadataValue:
    """Return a table of texts."""
    schema = dg.TableSchema([dg.TableColumn(name) for name in columns])
    return dg.MetadataValue.table([dg.TableRecord(record) for record in records], schema=schema)


CROSSINGS_TOLD = Check(
    "critical_items",
    "crossings_are_told",
    "Every read of stock was compared with the one before, and everyone who must hear of what"
    " crossed a level was told. It evaluates and sends itself: execute it again when the mail"
    " service was sick.",
    _crossings,
)
ALERT_CHECKS = (
    CROSSINGS_TOLD,
    Check(
        "critical_items",
        "nothing_needs_a_decision",
        "No product is out or low that nobody has acknowledged, snoozed or ordered. A shortage is a"
        " warning: the pipeline is well, the buyer has something to decide.",
        _incidents,
    ),
)
