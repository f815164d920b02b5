"""Each check fails when what it watches is broken, and passes when it is not."""

import pytest

from finale_pipeline.assets.checks import READ_CHECKS, Check, CheckContext
from finale_pipeline.assets.entries import BY_NAME
from finale_pipeline.resources import Finale
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.processes import environment

BROKEN = {
    "is_plausible": "UPDATE ops.sync_run SET status = 'held'",
    "rows_are_readable": "UPDATE ops.sync_run SET counts = jsonb_set(counts,"
    " '{COUNTED,rejected}', '200')",
    "has_no_negative_stock": "UPDATE core.stock_level SET on_hand_units = -1",
    "has_no_orphans": "UPDATE core.product SET removed_at = now()",
    "skus_are_unique": "UPDATE core.product SET sku = 'P-1'",
    "lines_can_be_counted": "UPDATE core.shipment_line SET units = NULL",
    "demand_is_dated_by_orders": "UPDATE core.sales_daily SET units_by_ship_date = units",
    "completed_orders_moved": "UPDATE core.shipment SET shipment_type = 'SALES_ORDER_LINES'",
    "every_product_is_new": "INSERT INTO core.stock_kept VALUES ('/p/1', 'is no number', now())",
}
FORGOTTEN = "DELETE FROM core.product"
"""What was sold or ordered has no product then; for stock a removed one is enough."""
MENDED = {
    # the sandbox has these faults, as real accounts do
    "has_no_negative_stock": "UPDATE core.stock_level SET on_hand_units = 1",
    "skus_are_unique": "UPDATE core.product SET sku = product_url",
}


def breaking(check: Check) -> list[str]:
    """Return what breaks that check's asset, statement by statement."""
    words = {
        "COUNTED": BY_NAME[check.asset].counts,
    }
    is_sold = check.asset in {"shipments", "purchase_orders"}
    text = FORGOTTEN if is_sold and check.name == "has_no_orphans" else BROKEN[check.name]
    for word, name in words.items():
        text = text.replace(word, name)
    return text.split(";")


@pytest.mark.synced
@pytest.mark.parametrize("check", READ_CHECKS, ids=lambda check: f"{check.asset}-{check.name}")
def test_each_check_notices_what_it_watches(
    check: Check, settings: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    if check.name in MENDED:
        connection.execute(MENDED[check.name])
    well = check.look(CheckContext(connection, Finale()))
    assert (well.passed, well.why) == (True, "")
    for statement in breaking(check):
        connection.execute(statement)
    ill = check.look(CheckContext(connection, Finale()))
    assert not ill.passed
    assert ill.why or check.name == "is_plausible"  # there the run's own error is the reason
