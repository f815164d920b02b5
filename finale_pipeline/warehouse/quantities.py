"""What the stored quantities were read as, and their conversion when that changes."""

from datetime import datetime
from typing import Literal

from finale_pipeline.domain.packing import LEADING, Reading
from finale_pipeline.warehouse import demand, receipts, stocking
from finale_pipeline.warehouse.connect import Connection

EvidenceOf = Literal["orders", "stock"]

PER_PACK = f"coalesce(nullif(substring(packing from '{LEADING}')::numeric, 0), 1)"


def stored_reading(connection: Connection) -> Reading | None:
    """Return what quantities beside a packing were taken for so far; None = none were read."""
    stored = connection.scalar(str, "SELECT case_quantities FROM ops.account")
    return None if stored is None else "cases" if stored == "cases" else "units"


def stored_evidence(connection: Connection) -> str | None:
    """Return the numbers that decided the reading; None = nothing did so far."""
    return connection.scalar(str, "SELECT case_evidence FROM ops.account")


def evidence_of(connection: Connection) -> EvidenceOf | None:
    """Return whose numbers decided the reading; None = nothing did so far."""
    stored = connection.scalar(str, "SELECT case_evidence_of FROM ops.account")
    return None if stored is None else "orders" if stored == "orders" else "stock"


def set_reading(
    connection: Connection, reading: Reading, *, evidence: str | None, of: EvidenceOf | None
) -> None:
    """Note what quantities are taken for, and which numbers decided it."""
    connection.execute(
        "UPDATE ops.account SET case_quantities = %s, case_evidence = %s, case_evidence_of = %s",
        (reading, evidence, of),
    )


def convert(connection: Connection, reading: Reading, *, now: datetime) -> None:
    """Turn stored lines and transfers to another reading, and what is summed of them.

    Stock is not touched: it is read whole each time.
    """
    operator, inverse = ("*", "/") if reading == "cases" else ("/", "*")
    demand.begin(connection, "SELECT shipment_url FROM core.shipment")
    receipts.begin(connection, "SELECT order_url FROM core.purchase_order")
    for table, values in (
        ("shipment_line", "units = {units}"),
        ("build_line", "units = {units}"),
        ("transfer", "units = {units}"),
        ("purchase_order_line", "quantity_units = {quantity_units}, unit_price = {unit_price}"),
    ):
        changes = values.format(
            units=f"round(units {operator} {PER_PACK}, 9)",
            quantity_units=f"round(quantity_units {operator} {PER_PACK}, 9)",
            unit_price=f"round(unit_price {inverse} {PER_PACK}, 9)",
        )
        connection.execute(
            f"UPDATE core.{table} SET {changes}, changed_at = %s WHERE {PER_PACK} <> 1",
            (now,),
        )
    demand.refresh(connection, now=now)
    receipts.refresh(connection)
    stocking.refresh_component_demand(connection)
