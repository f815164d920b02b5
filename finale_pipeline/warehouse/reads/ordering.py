"""What drafting asks: terms, vendors, products, places, and orders that have a product already."""

OPEN = """
SELECT l.product_url, o.order_id, o.order_url, o.status, o.due_on, false AS is_ours,
       sum(CASE WHEN o.is_open THEN l.open_units ELSE l.quantity_units END) AS units
FROM core.purchase_order_line l
JOIN core.purchase_order o USING (order_url)
WHERE o.removed_at IS NULL AND l.product_url = ANY (%(products)s)
  AND o.order_id IS DISTINCT FROM %(own_id)s
  AND ((o.is_open AND l.open_units > 0) OR o.status IN ('ORDER_CREATED', 'ORDER_EMBRYONIC'))
  AND NOT EXISTS (SELECT FROM ops.purchase_order_write w WHERE w.order_url = o.order_url
                  AND (w.reference = %(own)s OR NOT o.is_open))
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
"""
"""The order itself is none of them: a ledger from a backup may not know it, and it is adopted."""

OURS = """
SELECT l ->> 'product_url' AS product_url, w.order_id, w.order_url, w.state AS status,
       NULL::date AS due_on, true AS is_ours, (l ->> 'quantity_units')::numeric AS units
FROM ops.purchase_order_write w
CROSS JOIN jsonb_array_elements(w.lines) l
LEFT JOIN core.purchase_order o ON o.order_url = w.order_url
WHERE w.state = ANY (%(states)s) AND w.reference <> %(own)s AND w.account_name = %(account)s
  AND l ->> 'product_url' = ANY (%(products)s)
  AND (o.order_url IS NULL
       OR (o.removed_at IS NULL AND o.status IN ('ORDER_CREATED', 'ORDER_EMBRYONIC')))
ORDER BY 1, 2
"""
"""Drafts of ours that Finale does not count as on order: not committed, or not even seen."""

READ_AT = "SELECT read_at FROM mart.freshness WHERE asset = 'purchase_orders'"

PLAN = "SELECT * FROM mart.purchase_plan WHERE snapshot_on = %s ORDER BY vendor, vendor_url"

PLAN_LINES = (
    "SELECT * FROM mart.purchase_plan_line WHERE snapshot_on = %s AND vendor_url = %s ORDER BY sku"
)

VENDORS = (
    "SELECT vendor_url, vendor_id, name, status FROM core.vendor WHERE removed_at IS NULL"
    " AND (vendor_url = %(name)s OR vendor_id = %(name)s OR lower(name) = lower(%(name)s))"
)

PRODUCTS = (
    "SELECT product_url, sku FROM core.product WHERE removed_at IS NULL"
    " AND (sku = %(name)s OR product_url = %(name)s)"
)

COST = (
    "SELECT price, currency FROM core.product_supplier WHERE product_url = %s AND vendor_url = %s"
)

LOCATIONS = (
    "SELECT facility_url, coalesce(name, facility_url) AS name, status FROM core.facility"
    " WHERE parent_url IS NULL AND removed_at IS NULL ORDER BY facility_url"
)

DRAFTED = (
    "SELECT facility_url FROM ops.purchase_order_write WHERE vendor_url = %(vendor)s"
    " AND plan_on = %(plan_on)s ORDER BY sequence DESC, intended_at DESC LIMIT 1"
)

LAST = (
    "SELECT coalesce(f.parent_url, o.destination_url) FROM core.purchase_order o"
    " LEFT JOIN core.facility f ON f.facility_url = o.destination_url"
    " WHERE o.vendor_url = %(vendor)s AND o.removed_at IS NULL AND o.destination_url <> ''"
    " AND o.status <> 'ORDER_CANCELLED'"
    " ORDER BY coalesce(o.ordered_at, o.created_at) DESC NULLS LAST, o.order_url DESC LIMIT 1"
)

TERMS = """
SELECT p.product_url, coalesce(t.minimum_order_units, 0) AS minimum_order_units,
       coalesce(t.pack_units, p.pack_units, 0) AS pack_units,
       coalesce(p.status = 'PRODUCT_ACTIVE', true) AS is_active
FROM core.product p LEFT JOIN plan.product_term t USING (product_url)
WHERE p.product_url = ANY (%s) AND p.removed_at IS NULL
"""

MINIMUM = "SELECT minimum_order_value FROM plan.vendor_term WHERE vendor_url = %s"


NAMES = """
SELECT p.product_url, p.name, s.vendor_sku, v.name AS vendor
FROM core.product p
LEFT JOIN core.vendor v ON v.vendor_id = %(vendor)s
LEFT JOIN core.product_supplier s ON s.product_url = p.product_url AND s.vendor_url = v.vendor_url
WHERE p.product_url = ANY (%(products)s)
"""
