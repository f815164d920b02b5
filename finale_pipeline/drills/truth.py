"""Whether the warehouse holds exactly what the simulated account does, without our decoding."""

from decimal import Decimal
from typing import Any

from finale_pipeline.drills.scene import Scene, expect

Rows = dict[str, tuple[Any, ...]]


def expect_mirror(scene: Scene) -> None:
    """Raise `NotSurvived` unless catalogue, stock, orders, shipments are those of the account."""
    for what, (stored, true) in compared(scene).items():
        wrong = sorted({k for k in stored.keys() | true.keys() if stored.get(k) != true.get(k)})
        shown = [f"{k}: {stored.get(k)} for {true.get(k)}" for k in wrong[:3]]
        expect(not wrong, f"{len(wrong)} {what} differ, such as {'; '.join(shown)}")


def compared(scene: Scene) -> dict[str, tuple[Rows, Rows]]:
    """Return, per kind of record, what is stored and what is true."""
    return {
        "products": (_stored(scene, PRODUCTS), _products(scene)),
        "vendors": (_stored(scene, VENDORS), _vendors(scene)),
        "places": (_stored(scene, FACILITIES), _facilities(scene)),
        "stock levels": (_stored(scene, LEVELS), _levels(scene)),
        "orders": (_stored(scene, ORDERS), _orders(scene)),
        "shipments": (_stored(scene, SHIPMENTS), _shipments(scene)),
    }


def _stored(scene: Scene, query: str) -> Rows:
    return {str(row[0]): row[1:] for row in scene.rows(query)}


STAMP = "to_char(updated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
PRODUCTS = f"""
SELECT p.product_url, p.sku, p.name, p.status, p.cost, {STAMP.replace("updated", "p.updated")},
       (SELECT count(*) FROM core.product_supplier s WHERE s.product_url = p.product_url),
       (SELECT count(*) FROM core.reorder_rule r WHERE r.product_url = p.product_url)
FROM core.product p WHERE p.removed_at IS NULL
"""
VENDORS = "SELECT vendor_url, name, status FROM core.vendor WHERE removed_at IS NULL"
FACILITIES = "SELECT facility_url, name, parent_url FROM core.facility WHERE removed_at IS NULL"
LEVELS = """
SELECT product_url, on_hand_units, on_order_units, reserved_units FROM core.stock_level
WHERE (on_hand_units, on_order_units, reserved_units) <> (0, 0, 0)
"""
ORDERS = f"""
SELECT order_url, status, {STAMP} FROM core.sales_order WHERE removed_at IS NULL
UNION ALL SELECT order_url, status, {STAMP} FROM core.purchase_order WHERE removed_at IS NULL
UNION ALL SELECT order_url, status, {STAMP} FROM core.transfer_order WHERE removed_at IS NULL
"""
SHIPMENTS = f"""
SELECT s.shipment_url, s.status, {STAMP}, (SELECT coalesce(sum(l.units), 0)
       FROM core.shipment_line l WHERE l.shipment_url = s.shipment_url)
FROM core.shipment s
WHERE s.removed_at IS NULL AND s.shipment_type <> 'SALES_ORDER_LINES'
"""


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _products(scene: Scene) -> Rows:
    return {
        r["productUrl"]: (
            r["productId"],
            r["internalName"],
            r["statusId"],
            _number(r.get("cost")),
            r["lastUpdatedDate"],
            len({s["supplierPartyUrl"] for s in r.get("supplierList") or ()}),
            len({g.get("facilityUrl") for g in r.get("reorderGuidelineList") or ()}),
        )
        for r in scene.account.records("product")
    }


def _vendors(scene: Scene) -> Rows:
    return {
        r["partyUrl"]: (r["groupName"], r["statusId"])
        for r in scene.account.records("partygroup")
        if "SUPPLIER" in r["roleTypeIdList"]
    }


def _facilities(scene: Scene) -> Rows:
    return {
        r["facilityUrl"]: (r["facilityName"], r["parentFacilityUrl"])
        for r in scene.account.records("facility")
    }


def _levels(scene: Scene) -> Rows:
    none = (Decimal(0),) * 3
    return {url: units for url, units in scene.account.stock_sums().items() if units != none}


def _orders(scene: Scene) -> Rows:
    return {
        r["orderUrl"]: (r["statusId"], r["lastUpdatedDate"])
        for r in scene.account.records("order")
        if r["orderTypeId"] in {"SALES_ORDER", "PURCHASE_ORDER", "TRANSFER_ORDER"}
    }


def _shipments(scene: Scene) -> Rows:
    return {
        r["shipmentUrl"]: (
            r["statusId"],
            r["lastUpdatedDate"],
            sum(
                (Decimal(str(item.get("quantity") or 0)) for item in r["shipmentItemList"] or ()),
                Decimal(0),
            ),
        )
        for r in scene.account.records("shipment")
    }
