"""The statements that read what a plan is made of, by the numbers of its products.

A `NumberedProducts` runs them: `{planned}`, `{planned_stock}`, `{out_days}` and `{adjusted}` are
its tables, `{as_of}` and `{since}` its days.
"""

URLS = "SELECT product_url FROM {planned} ORDER BY number"
"""In the order of the numbers."""

STAMP = """
SELECT (SELECT max(committed_at) FROM ops.watermark), (SELECT max(read_at) FROM core.stock_day),
       count(*), max(changed_at),
       (SELECT greatest(max(made_at), max(withdrawn_at)) FROM plan.demand_adjustment)
FROM core.product WHERE removed_at IS NULL
"""
"""Differs once sales, stock or the catalogue were written."""

PRODUCTS = """
SELECT n.number, p.product_url, p.sku, p.category, p.status = 'PRODUCT_ACTIVE',
       s.vendor_url, v.name, s.vendor_sku, coalesce(nullif(s.price, 0), nullif(p.cost, 0)),
       CASE WHEN s.price > 0 THEN s.currency END, s.lead_time_days,
       p.lead_time_days, vt.lead_time_days, m.median_days, m.sd_days,
       vt.review_period_days, vt.cover_days, vt.minimum_order_value,
       p.pack_units,
       t.reorder_point_units, t.maximum_units, t.minimum_order_units, t.pack_units,
       t.service_level, r.point_units, r.quantity_units,
       coalesce(r.is_never, false) OR coalesce(t.is_never_ordered, false),
       l.available_units, l.on_order_units, coalesce(s.is_alternative, false),
       coalesce(l.build_units, 0), coalesce(t.is_never_ordered, false)
FROM {planned} n
JOIN core.product p USING (product_url)
LEFT JOIN (
    SELECT DISTINCT ON (c.product_url) c.*, NOT c.is_main AND NOT c.is_buyers
               AND bool_or(c.is_main) OVER (PARTITION BY c.product_url) AS is_alternative
    FROM (
        SELECT c.product_url, c.vendor_url, c.is_main, c.price, c.currency, c.vendor_sku,
               c.lead_time_days, c.vendor_url IS NOT DISTINCT FROM b.vendor_url AS is_buyers
        FROM core.product_supplier c LEFT JOIN plan.product_term b USING (product_url)
        UNION ALL
        SELECT b.product_url, b.vendor_url, false, NULL, NULL, NULL, NULL, true
        FROM plan.product_term b WHERE b.vendor_url IS NOT NULL AND NOT EXISTS (
            SELECT FROM core.product_supplier c
            WHERE (c.product_url, c.vendor_url) = (b.product_url, b.vendor_url))
    ) c LEFT JOIN core.vendor o USING (vendor_url)
    ORDER BY c.product_url, c.is_buyers DESC,
             coalesce(o.status, 'PARTY_ENABLED') <> 'PARTY_ENABLED', c.is_main DESC, c.vendor_url
) s USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = s.vendor_url
LEFT JOIN plan.vendor_term vt ON vt.vendor_url = s.vendor_url
LEFT JOIN plan.product_term t ON t.product_url = p.product_url
LEFT JOIN (
    SELECT vendor_url, min(median_days) AS median_days, max(sd_days) AS sd_days
    FROM mart.vendor_lead_time WHERE orders >= 3 AND vendor_url IS NOT NULL GROUP BY 1
) m ON m.vendor_url = s.vendor_url
LEFT JOIN (
    SELECT product_url,
           sum(reorder_point_units) FILTER (WHERE method IS DISTINCT FROM '##doNotReorder')
               AS point_units,
           sum(reorder_quantity_units) FILTER (WHERE method IS DISTINCT FROM '##doNotReorder')
               AS quantity_units,
           bool_and(method IS NOT DISTINCT FROM '##doNotReorder') AS is_never
    FROM core.reorder_rule GROUP BY 1
) r ON r.product_url = p.product_url
LEFT JOIN {planned_stock} l ON l.product_url = p.product_url
ORDER BY n.number
"""

COSTS = """
SELECT coalesce(s.price, nullif(p.cost, 0))
FROM {planned} n JOIN core.product p USING (product_url)
LEFT JOIN (SELECT DISTINCT ON (product_url) product_url, price FROM core.product_supplier
           WHERE price > 0 ORDER BY product_url, is_main DESC, vendor_url) s USING (product_url)
ORDER BY n.number
"""
"""What a unit costs, in the order of the numbers."""

OWNERS = """
SELECT product_url, number FROM {planned}
UNION ALL
SELECT a.predecessor_url, n.number
FROM plan.demand_adjustment a JOIN {planned} n ON n.product_url = a.scope_key
WHERE a.kind = 'successor' AND a.withdrawn_at IS NULL AND a.predecessor_url IS NOT NULL
"""
"""Whose a product's demand is: its own, and its successor's."""

DEMAND_BEGAN = """
SELECT least((SELECT min(sold_on) FROM core.sales_daily WHERE units > returned_units),
             (SELECT min(used_on) FROM core.component_demand))
"""

PACKED = f"""
SELECT string_agg(int8send(o.number), ''), string_agg(int4send(length(m.sold)), ''),
       string_agg(m.sold, '')
FROM ({OWNERS}) o JOIN core.sales_month m USING (product_url)
WHERE m.begins_on >= {{since}} AND m.begins_on < {{until}} AND m.sold <> ''
"""
"""Net sales of the months that begin in a span of days, as they are packed: numbers of products,
how many bytes the days of each have, and the days."""

SALE = "int8send(o.number) || int4send({day} - date '1970-01-01') || float8send(({units})::float8)"
UNPACKED = f"""
SELECT string_agg({SALE.format(day="s.sold_on", units="s.units - s.returned_units")}, '')
FROM ({OWNERS}) o JOIN core.sales_month m USING (product_url)
JOIN core.sales_daily s ON s.product_url = m.product_url AND s.sold_on >= m.begins_on
    AND s.sold_on < (m.begins_on + interval '1 month')::date
WHERE m.begins_on >= {{since}} AND m.begins_on < {{until}} AND m.sold IS NULL
  AND s.units > s.returned_units
"""
"""Net sales in those of the months that are not packed: number of the product, day and units."""
SOLD = f"""
SELECT string_agg({SALE.format(day="s.sold_on", units="s.units - s.returned_units")}, '')
FROM ({OWNERS}) o JOIN core.sales_daily s USING (product_url)
WHERE s.sold_on >= {{since}} AND s.sold_on < {{until}} AND s.units > s.returned_units
"""
USED = f"""
SELECT string_agg({SALE.format(day="c.used_on", units="c.kit_units + c.build_units")}, '')
FROM ({OWNERS}) o JOIN core.component_demand c USING (product_url)
WHERE c.used_on >= {{since}} AND c.used_on < {{until}} AND c.kit_units + c.build_units > 0
"""
"""Demand of some days; what is sold and what is used add up to core.demand_daily."""

LEFT_OUT = """
SELECT number, day - date '1970-01-01' FROM {out_days} WHERE NOT is_all_day
UNION
SELECT number, day::date - date '1970-01-01' FROM {adjusted}, generate_series(
    greatest(from_on, {since})::timestamp, least(until_on, {as_of})::timestamp, interval '1 day'
) AS day
"""
"""Days whose demand teaches nothing: those partly without stock sold less than was wanted, and
those of a promotion more."""

LARGE_ORDERS = """
SELECT number, sold_on - date '1970-01-01', units, {times} * others_units
FROM (
    SELECT number, sold_on, units, row_number() OVER largest AS place,
           lead(units) OVER largest AS others_units, count(*) OVER product AS orders
    FROM (
        SELECT n.number, min(s.sold_on) AS sold_on, sum(l.units) AS units
        FROM {planned} n
        JOIN core.shipment_line l USING (product_url)
        JOIN core.shipment s USING (shipment_url)
        WHERE n.number = ANY ({numbers}::bigint[]) AND s.sold_on >= {since} AND s.sold_on < {as_of}
        GROUP BY n.number, coalesce(s.order_url, s.shipment_url) HAVING sum(l.units) > 0
    ) d
    WINDOW product AS (PARTITION BY number),
           largest AS (PARTITION BY number ORDER BY units DESC, sold_on)
) o
WHERE place = 1 AND orders > {others} AND units > {times} * others_units
"""
"""The largest order of a product, where it is far above all its other orders."""

FIRST = f"""
WITH sold AS (
    SELECT number, product_url FROM {{planned}} WHERE number = ANY ({{numbers}}::bigint[])
)
SELECT number, min(day) - date '1970-01-01'
FROM (
    SELECT o.number, d.day
    FROM ({OWNERS}) o, LATERAL (
        (SELECT sold_on AS day FROM core.sales_daily s
         WHERE s.product_url = o.product_url AND s.units > s.returned_units
         ORDER BY sold_on LIMIT 1)
        UNION ALL
        (SELECT used_on FROM core.component_demand c
         WHERE c.product_url = o.product_url AND c.kit_units + c.build_units > 0
         ORDER BY used_on LIMIT 1)) d
    WHERE o.number = ANY ({{numbers}}::bigint[]) AND d.day < {{as_of}}
    UNION ALL
    SELECT number, snapshot_on FROM core.stock_daily JOIN sold USING (product_url)
    WHERE on_hand_units > 0 AND snapshot_on < {{as_of}}
    UNION ALL
    SELECT number, greatest(there_on, ({DEMAND_BEGAN}))
    FROM (
        SELECT number, (coalesce(created_at, updated_at)
            AT TIME ZONE (SELECT zone FROM core.today))::date AS there_on
        FROM core.product JOIN sold USING (product_url)
    ) c WHERE there_on < {{as_of}}
          AND there_on < coalesce((SELECT min(snapshot_on) FROM core.stock_day), {{as_of}})
) d GROUP BY 1
"""
"""When products that sold were first available: from their first sale or their first stock. What
was made in Finale (where that is not known: last edited there) before stock was watched counts as
there since, as far back as sales are known: it may have lain unsold for months, and then is not new
on the day of its first sale."""

CENSORED = """
SELECT number, from_on - date '1970-01-01', least(until_on, {as_of}) - date '1970-01-01'
FROM (
    SELECT n.number, d.snapshot_on + 1 AS from_on, d.available_units,
           CASE WHEN d.next_on IS NULL THEN {as_of}
                WHEN d.next_on_hand_units > d.on_hand_units THEN d.next_on
                ELSE d.next_on + 1 END AS until_on
    FROM (
        SELECT *, lead(snapshot_on) OVER history AS next_on,
               lead(on_hand_units) OVER history AS next_on_hand_units
        FROM core.stock_daily WHERE snapshot_on < {as_of}
        WINDOW history AS (PARTITION BY product_url ORDER BY snapshot_on)
    ) d JOIN {planned} n USING (product_url)
    UNION ALL
    SELECT number, day, 0, day + 1 FROM {out_days}
    UNION ALL
    SELECT number, from_on, 0, until_on + 1 FROM {adjusted}
) spans
WHERE available_units <= 0 AND until_on > from_on AND until_on > {since} AND from_on < {as_of}
"""
"""A day teaches nothing of demand when it began with nothing available and no stock came in during
it, when nothing was available for three hours of it, or when a buyer said that it was not usual."""

ADJUSTMENTS = """
SELECT number, adjustment_id, kind, value, from_on - date '1970-01-01',
       until_on - date '1970-01-01', made_by, note
FROM {adjusted} WHERE until_on >= {as_of} ORDER BY number, adjustment_id
"""
"""Those of days to come."""

OPEN_LINES = """
SELECT n.number, l.open_units, coalesce(l.due_on, o.due_on), o.ordered_on
FROM core.purchase_order_line l
JOIN core.purchase_order o ON o.order_url = l.order_url
JOIN {planned} n ON n.product_url = l.product_url
WHERE o.is_open AND l.open_units > 0 AND coalesce(o.ordered_on, {as_of}) <= {as_of}
"""

STOCK_HERE_NOW = """
SELECT product_url, location_url, available_units, on_order_units FROM core.stock_free_by_location
"""
STOCK_HERE_THEN = """
SELECT product_url, location_url, available_units, on_order_units FROM plan.forecast_by_location
WHERE snapshot_on = {as_of} AND available_units IS NOT NULL
"""
"""Stock per location has no history; what the day's own plan noted of it is all there is."""

PLACES = """
WITH sold AS (
    SELECT n.number, coalesce(f.parent_url, l.facility_url) AS location_url, sum(l.units) AS units
    FROM core.shipment s
    JOIN core.shipment_line l USING (shipment_url)
    JOIN {planned} n ON n.product_url = l.product_url
    LEFT JOIN core.facility f ON f.facility_url = l.facility_url
    WHERE s.sold_on >= {since} AND s.sold_on < {as_of} AND l.facility_url <> ''
    GROUP BY 1, 2 HAVING sum(l.units) > 0
), stock AS (
    SELECT n.number, h.location_url, h.available_units, h.on_order_units
    FROM (%(stock)s) h JOIN {planned} n USING (product_url) WHERE h.location_url <> ''
), rule AS (
    SELECT n.number, coalesce(f.parent_url, r.facility_url) AS location_url,
           sum(r.reorder_point_units) FILTER (WHERE r.method IS DISTINCT FROM '##doNotReorder')
               AS point_units,
           bool_and(r.method IS NOT DISTINCT FROM '##doNotReorder') AS is_never
    FROM core.reorder_rule r
    JOIN {planned} n USING (product_url)
    LEFT JOIN core.facility f USING (facility_url)
    WHERE r.facility_url <> '' GROUP BY 1, 2
)
SELECT number, location_url, coalesce(sold.units, 0), %(available)s, %(on_order)s,
       rule.point_units, coalesce(rule.is_never, false)
FROM sold FULL JOIN stock USING (number, location_url) FULL JOIN rule USING (number, location_url)
ORDER BY number, location_url COLLATE "C"
"""
PLACES_NOW = PLACES % {
    "stock": STOCK_HERE_NOW,
    "available": "coalesce(stock.available_units, 0)",
    "on_order": "coalesce(stock.on_order_units, 0)",
}
PLACES_THEN = PLACES % {
    "stock": STOCK_HERE_THEN,
    "available": "stock.available_units",
    "on_order": "stock.on_order_units",
}
"""Where products sell from, lie, and have rules of Finale's; sublocations are their location."""

OPEN_LINES_HERE = """
SELECT n.number, coalesce(f.parent_url, o.destination_url), l.open_units,
       coalesce(l.due_on, o.due_on), o.ordered_on
FROM core.purchase_order_line l
JOIN core.purchase_order o ON o.order_url = l.order_url
JOIN {planned} n ON n.product_url = l.product_url
LEFT JOIN core.facility f ON f.facility_url = o.destination_url
WHERE o.is_open AND l.open_units > 0 AND coalesce(o.ordered_on, {as_of}) <= {as_of}
  AND o.destination_url <> ''
"""

DEMAND_OF_DAY = """
SELECT n.number, d.velocity_units_per_day, d.service_level, d.protection_days,
       d.demand_service_units, d.history_days, d.basis, d.is_trusted,
       'velocity_last_known' = ANY (d.demand_flags), coalesce(d.demand_note, '')
FROM {planned} n JOIN plan.demand d ON d.product_url = n.product_url AND d.snapshot_on = {plan_on}
ORDER BY n.number
"""
