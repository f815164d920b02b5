"""`finale explain SKU`: why a mail came, or why none did."""

from datetime import datetime
from typing import Any

import click

from finale_pipeline.commands.common import answering, open_warehouse, pass_warehouse
from finale_pipeline.commands.decision_table import decision_table
from finale_pipeline.domain.alerts.critical import LEFT_OUT, left_out, reorder_point
from finale_pipeline.notify.decisions import Rows, product_of
from finale_pipeline.settings import Settings
from finale_pipeline.sync.critical import default_of, rules_of
from finale_pipeline.text import number, utc
from finale_pipeline.warehouse.reads import decisions
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import products as products_reads


def explain(settings: Settings, name: str) -> dict[str, Any]:
    """Return state, inputs, rule, incident, mails and why-nots of a product."""
    with open_warehouse(settings) as connection:
        url = product_of(connection, name)
        product = incidents_reads.explained(connection, url) or {}
        rules = products_reads.rules_of(connection, url)
        incidents = incidents_reads.of_product(connection, url, most=1)
        decision = decisions.decision(connection, url)
        return {
            "product_url": url,
            "product": product,
            "rules": rules,
            "threshold": _threshold(settings, rules, decision),
            "decision": decision,
            "arrivals": decisions.arrivals(connection, url),
            "left_out": _left_out(product, rules),
            "incident": incidents[0] if incidents else None,
            "events": incidents_reads.events_of(connection, url, most=20),
            "evaluation": incidents_reads.evaluation(connection),
            "margin_share": rules_of(settings).margin_share,
        }


def _threshold(settings: Settings, rules: Rows, decision: dict[str, Any] | None) -> dict[str, Any]:
    if decision is not None and decision["reorder_point_units"] is not None:
        whose = {"buyer": "a buyer's", "finale": "Finale's", "ours": "the forecast's"}
        source = f"{whose[decision['reorder_point_source']]} reorder point"
        return {"units": decision["reorder_point_units"], "source": source}
    point = reorder_point((r["method"], r["reorder_point_units"]) for r in rules)
    if point is None:
        return {"units": default_of(settings), "source": "FINALE_LOW_STOCK_DEFAULT_UNITS"}
    return {"units": point, "source": "the sum of its reorder rules in Finale"}


def _left_out(product: dict[str, Any], rules: Rows) -> str | None:
    return left_out(
        is_removed=product["removed_at"] is not None,
        status=str(product["status"]),
        product_type=product["product_type"],
        methods=[r["method"] for r in rules],
        is_dropship=product["is_dropship"],
        keeps_stock=product["keeps_stock"],
    )


def shown(explained: dict[str, Any]) -> str:
    """Return the explanation as lines to read."""
    product, why = explained["product"], explained["left_out"]
    lines = [f"{product['sku']} · {product['name']}"]
    if why:
        lines.append(f"not watched: {LEFT_OUT[why]}; so no mail ever tells of it")
    elif product["available_units"] is None:
        lines.append("its stock was never read")
    elif product["level"] is None:
        lines.append("not evaluated yet; the next stock sync does it")
    else:
        lines += _state(explained)
    for rule in explained["rules"]:
        units = rule["reorder_point_units"]
        point = "no point" if units is None else f"point {number(units)}"
        place = rule["place"] or rule["facility_url"]
        lines.append(f"rule        {place}: {rule['method']}, {point}")
    if explained["decision"] is not None:
        lines += decision_table(explained["decision"], explained["arrivals"])
    lines += _incident(explained["incident"]) + [_event(event) for event in explained["events"]]
    return "\n".join(lines)


def _state(explained: dict[str, Any]) -> list[str]:
    product, threshold = explained["product"], explained["threshold"]
    units = {
        name: number(product[f"{name}_units"]) for name in ("available", "on_hand", "reserved")
    }
    lines = [
        f"level       {product['level']} since {utc(product['since_at'])}:"
        f" {units['available']} available = {units['on_hand']} on hand"
        f" - {units['reserved']} reserved",
        f"threshold   {number(threshold['units'])}, {threshold['source']}",
    ]
    if product["told"] != product["level"]:
        better = (
            "it is back, and a mail says so once it has stayed for a day"
            if product["told"] == "out"
            else "it is better now, but not clear of the border by"
            f" {number(explained['margin_share'] * 100)} % for a day; until then no mail says so"
        )
        lines.append(f"told        {product['told']}: {better}")
    if product["why"]:
        lines.append(f"why         {product['why']}")
    return lines


def _incident(incident: dict[str, Any] | None) -> list[str]:
    if incident is None:
        return ["incident    none ever"]
    line = (
        f"incident    {incident['incident_id']}: {incident['state']}, {incident['level']}, opened"
        f"{_when(incident['opened_at'])}{_when(incident['closed_at'], ', closed')};"
        f" mailed: {incident['mailed'] or 'nothing'}"
    )
    if incident["decided_by"]:
        until = _when(incident["snoozed_until"], " until")
        line += f"; {incident['decided_by']} decided{until} {incident['note'] or ''}".rstrip()
    return [line]


def _when(moment: datetime | None, word: str = "") -> str:
    return f"{word} {utc(moment)}" if moment else ""


def _event(event: dict[str, Any]) -> str:
    mail = event["no_mail"]
    if event["message_id"]:
        mail = f"mail {event['mail_subject']!r}: {event['mail_state']}{_when(event['sent_at'])}"
    return (
        f"{event['happened_at']:%Y-%m-%d %H:%M}  {event['kind']}"
        f" {event['from_level']} → {event['to_level']} ({event['cause']}); {mail}"
    )


@click.command()
@click.argument("sku")
@answering(shown)
@pass_warehouse
def command(settings: Settings, *, sku: str) -> dict[str, Any]:
    """Say why a mail about product SKU came, or did not."""
    return explain(settings, sku)
