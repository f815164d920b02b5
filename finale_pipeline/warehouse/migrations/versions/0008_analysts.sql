-- One day that all "ago" and "so far" are reckoned from, so that a late sync shifts nothing.
CREATE VIEW core.today AS
SELECT greatest(
    (SELECT max(snapshot_on) FROM core.stock_day),
    (SELECT max((committed_at AT TIME ZONE zone)::date) FROM ops.watermark)
) AS today_on, coalesce((SELECT max(zone) FROM ops.watermark), 'UTC') AS zone;
COMMENT ON VIEW core.today IS 'The business day that the data reach to; one row.';
COMMENT ON COLUMN core.today.today_on IS 'Business day of the newest complete read, of stock or of sales; null = nothing was read.';
COMMENT ON COLUMN core.today.zone IS 'Time zone of the business days; UTC until sales were read.';

CREATE VIEW mart.stock_day AS SELECT snapshot_on, read_at FROM core.stock_day;
COMMENT ON VIEW mart.stock_day IS
    'Business days on which stock was read completely; of other days the stock before them is known.';

CREATE FUNCTION mart.stock_as_of(day date) RETURNS TABLE (
    observed_on date, product_url text, sku text, on_hand_units numeric, reserved_units numeric,
    on_order_units numeric, available_units numeric, position_units numeric
) LANGUAGE sql STABLE AS $$
    SELECT s.snapshot_on, s.product_url, s.sku, s.on_hand_units, s.reserved_units,
           s.on_order_units, s.available_units, s.position_units
    FROM mart.stock_daily s
    WHERE s.snapshot_on = (SELECT max(d.snapshot_on) FROM mart.stock_day d WHERE d.snapshot_on <= day)
$$;
COMMENT ON FUNCTION mart.stock_as_of(date) IS
    'Stock of each product at the end of a business day. On a day that was not observed it is that of the last observed day before it: observed_on says which. No rows = nothing was observed by then. Products that were removed since are included. Columns are those of mart.stock_daily.';

CREATE VIEW mart.stock_now AS
SELECT s.product_url, s.sku, s.name, s.is_active, s.category, p.main_vendor AS vendor,
       s.on_hand_units, s.reserved_units, s.on_order_units, s.available_units, s.position_units,
       i.level, f.velocity_units_per_day, f.days_until_stockout AS days_left, f.stockout_on,
       f.snapshot_on AS planned_on, d.last_sold_on,
       t.today_on - d.last_sold_on AS days_since_sale,
       coalesce(p.cost, p.main_vendor_price) AS unit_cost,
       greatest(s.on_hand_units, 0) * coalesce(p.cost, p.main_vendor_price) AS value,
       CASE WHEN p.cost IS NULL AND p.main_vendor_price IS NOT NULL
            THEN p.main_vendor_currency END AS currency,
       r.read_at, round(extract(epoch FROM now() - r.read_at) / 60, 1) AS age_minutes
FROM mart.stock s
JOIN mart.product p ON p.product_url = s.product_url
CROSS JOIN core.today t
CROSS JOIN (SELECT max(read_at) AS read_at FROM core.stock_day) r
LEFT JOIN ops.item_level i ON i.product_url = s.product_url AND NOT i.is_left_out
LEFT JOIN plan.forecast f ON f.product_url = s.product_url
    AND f.snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast)
CROSS JOIN LATERAL (
    SELECT max(d.sold_on) AS last_sold_on FROM core.sales_daily d
    WHERE d.product_url = s.product_url AND d.units > 0
) d;
COMMENT ON VIEW mart.stock_now IS
    'Stock now, per product, with what it is worth, how long it lasts, when it last sold, and how old the read is. mart.stock is the same without these; it is faster.';
COMMENT ON COLUMN mart.stock_now.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.stock_now.is_active IS 'Whether Finale calls it active.';
COMMENT ON COLUMN mart.stock_now.name IS 'Name shown in Finale.';
COMMENT ON COLUMN mart.stock_now.vendor IS 'Name of the main vendor; without one marked so, of the first.';
COMMENT ON COLUMN mart.stock_now.on_hand_units IS 'Units present; negative when over-shipped.';
COMMENT ON COLUMN mart.stock_now.level IS 'ok, low or out at the last evaluation; null = not watched (inactive, or not to be reordered).';
COMMENT ON COLUMN mart.stock_now.velocity_units_per_day IS 'Demand to expect per day in stock, by the newest plan; null = unknown.';
COMMENT ON COLUMN mart.stock_now.days_left IS 'Days from `planned_on` until stock ends, arrivals added; null = never, or not planned.';
COMMENT ON COLUMN mart.stock_now.stockout_on IS 'The day on which it ends, by the newest plan.';
COMMENT ON COLUMN mart.stock_now.planned_on IS 'Business day of the newest plan; null = the plan leaves the product out.';
COMMENT ON COLUMN mart.stock_now.last_sold_on IS 'Business day of the last demand; null = none in the known sales.';
COMMENT ON COLUMN mart.stock_now.days_since_sale IS 'Days from it to the day that the data reach to; negative = dated ahead, null = none.';
COMMENT ON COLUMN mart.stock_now.unit_cost IS 'Standard cost; without one the main vendor''s price; in `currency`.';
COMMENT ON COLUMN mart.stock_now.value IS 'Units present at `unit_cost`, in `currency`; over-shipped counts as 0. Null = no cost known. Sum per currency only.';
COMMENT ON COLUMN mart.stock_now.currency IS 'Currency of cost and value; null = the account''s, or the price has none.';
COMMENT ON COLUMN mart.stock_now.read_at IS 'UTC, when stock was last read completely.';
COMMENT ON COLUMN mart.stock_now.age_minutes IS 'Minutes since then, by the database''s clock.';

CREATE VIEW mart.dead_stock AS
WITH receipt AS (
    SELECT l.product_url, max(s.received_on) AS received_on
    FROM core.shipment s JOIN core.shipment_line l ON l.shipment_url = s.shipment_url
    WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
      AND s.removed_at IS NULL AND l.units > 0
    GROUP BY 1
), known AS (
    SELECT t.today_on, t.zone, (SELECT min(sold_on) FROM core.sales_daily) AS since_on
    FROM core.today t
)
SELECT s.product_url, s.sku, s.name, s.is_active, s.category, s.vendor, s.on_hand_units,
       s.available_units, s.unit_cost, s.value, s.currency, s.last_sold_on, s.days_since_sale,
       r.received_on AS last_received_on,
       k.today_on - r.received_on AS days_since_receipt,
       (p.created_at AT TIME ZONE k.zone)::date AS created_on, p.first_seen_at,
       k.since_on AS sales_known_since_on,
       CASE WHEN k.since_on IS NOT NULL THEN greatest(k.today_on - greatest(
           s.last_sold_on, r.received_on, k.since_on,
           CASE WHEN s.last_sold_on IS NULL AND r.received_on IS NULL
                THEN (coalesce(p.created_at, p.first_seen_at) AT TIME ZONE k.zone)::date END
       ), 0) END AS quiet_days
FROM mart.stock_now s
JOIN core.product p ON p.product_url = s.product_url
CROSS JOIN known k
LEFT JOIN receipt r ON r.product_url = s.product_url
WHERE s.on_hand_units > 0;
COMMENT ON VIEW mart.dead_stock IS
    'Products that are on hand, with how long they lie there unsold; filter by quiet_days, such as quiet_days >= 180. Value per currency only.';
COMMENT ON COLUMN mart.dead_stock.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.dead_stock.sku IS 'What people call the product: Finale''s productId.';
COMMENT ON COLUMN mart.dead_stock.category IS 'Current name of the category.';
COMMENT ON COLUMN mart.dead_stock.available_units IS 'On hand less reserved, in units.';
COMMENT ON COLUMN mart.dead_stock.last_received_on IS 'Business day of the last delivered receipt; null = none known.';
COMMENT ON COLUMN mart.dead_stock.days_since_receipt IS 'Days from it to the day that the data reach to; null = none known.';
COMMENT ON COLUMN mart.dead_stock.created_on IS 'Business day on which it was created in Finale.';
COMMENT ON COLUMN mart.dead_stock.sales_known_since_on IS 'First business day with a sale of any product: nothing is known before it.';
COMMENT ON COLUMN mart.dead_stock.quiet_days IS 'Days certain to have passed without a sale or a receipt: since the last of both; without either since it was created (or first seen); never more than sales are known for. Null = no sales are known at all.';

CREATE VIEW mart.vendor_delivery AS
SELECT o.order_url, o.order_id, o.vendor_url, v.name AS vendor, o.is_open, o.ordered_on, o.due_on,
       count(*) AS receipts, min(s.received_on) AS first_received_on,
       max(s.received_on) AS last_received_on, sum(l.units) AS received_units,
       sum((s.received_on - o.ordered_on) * l.units) / sum(l.units) AS lead_time_days,
       max(s.received_on) - o.due_on AS days_late
FROM core.purchase_order o
JOIN core.shipment s ON s.order_url = o.order_url AND s.received_on >= o.ordered_on
JOIN LATERAL (
    SELECT sum(greatest(l.units, 0)) AS units FROM core.shipment_line l
    WHERE l.shipment_url = s.shipment_url
) l ON l.units > 0
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url
WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
  AND s.removed_at IS NULL AND o.removed_at IS NULL AND o.status <> 'ORDER_CANCELLED'
GROUP BY o.order_url, v.vendor_url;
COMMENT ON VIEW mart.vendor_delivery IS
    'Purchase orders of which something was delivered, with how long that took; mart.vendor_lead_time sums them up. Receipts dated before the order are left out.';
COMMENT ON COLUMN mart.vendor_delivery.order_url IS 'Finale''s address of the order; the key.';
COMMENT ON COLUMN mart.vendor_delivery.vendor_url IS 'The vendor; null = not in mart.vendor.';
COMMENT ON COLUMN mart.vendor_delivery.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.vendor_delivery.receipts IS 'Deliveries it came in.';
COMMENT ON COLUMN mart.vendor_delivery.first_received_on IS 'Business day of the first.';
COMMENT ON COLUMN mart.vendor_delivery.last_received_on IS 'Business day of the last so far.';
COMMENT ON COLUMN mart.vendor_delivery.received_units IS 'Units that came, over all products.';
COMMENT ON COLUMN mart.vendor_delivery.lead_time_days IS 'Days from order to receipt; of several receipts weighted by their units.';
COMMENT ON COLUMN mart.vendor_delivery.days_late IS 'Days from `due_on` to the last receipt; negative = early, null = no due date.';

CREATE VIEW mart.vendor_scorecard AS
WITH purchase AS (
    SELECT o.*, t.today_on, t.today_on - 365 AS since_on,
           o.is_open AND o.due_on < t.today_on AS is_overdue
    FROM core.purchase_order o CROSS JOIN core.today t
    WHERE o.removed_at IS NULL AND o.status NOT IN ('ORDER_CREATED', 'ORDER_CANCELLED')
), judged AS (
    SELECT * FROM purchase
    WHERE (is_overdue AND due_on > since_on)
       OR (NOT is_open AND coalesce(received_on, ordered_on) > since_on)
), orders AS (
    SELECT vendor_url, count(*) FILTER (WHERE is_open) AS open_orders,
           count(*) FILTER (WHERE is_overdue) AS overdue_orders,
           count(*) FILTER (WHERE ordered_on > since_on) AS orders_placed,
           sum(total) FILTER (WHERE ordered_on > since_on) AS spend
    FROM purchase GROUP BY 1
), punctual AS (
    SELECT vendor_url, count(*) AS orders_due,
           count(*) FILTER (WHERE NOT is_open AND received_on <= due_on) AS orders_on_time
    FROM judged WHERE due_on IS NOT NULL AND (is_open OR received_on IS NOT NULL) GROUP BY 1
), filled AS (
    SELECT o.vendor_url, sum(greatest(l.quantity_units, 0)) AS due_units,
           sum(least(greatest(l.quantity_units, 0), l.received_units)) AS filled_units
    FROM judged o JOIN core.purchase_order_line l ON l.order_url = o.order_url GROUP BY 1
), coming AS (
    SELECT o.vendor_url, sum(l.open_units) AS open_units
    FROM purchase o JOIN core.purchase_order_line l ON l.order_url = o.order_url
    WHERE o.is_open GROUP BY 1
), measured AS (
    SELECT d.vendor_url, count(*) AS orders_received,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.lead_time_days) AS median_days,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY d.lead_time_days) AS p90_days,
           stddev_samp(d.lead_time_days) AS sd_days, max(d.last_received_on) AS last_received_on
    FROM mart.vendor_delivery d CROSS JOIN core.today t
    WHERE d.last_received_on > t.today_on - 365 GROUP BY 1
), supplied AS (
    SELECT s.vendor_url, count(*) AS products,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY s.lead_time_days) AS stated_days
    FROM core.product_supplier s
    JOIN core.product p ON p.product_url = s.product_url AND p.removed_at IS NULL GROUP BY 1
), critical AS (
    SELECT c.vendor_url, count(*) FILTER (WHERE c.level = 'out') AS products_out,
           count(*) FILTER (WHERE c.level = 'low') AS products_low
    FROM plan.critical_item c JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on GROUP BY 1
), price AS (
    SELECT o.vendor_url, l.product_url,
           (array_agg(l.unit_price ORDER BY o.ordered_on, o.order_url, l.position))[1] AS oldest,
           (array_agg(l.unit_price ORDER BY o.ordered_on DESC, o.order_url DESC, l.position DESC))[1]
               AS newest
    FROM purchase o JOIN core.purchase_order_line l ON l.order_url = o.order_url
    WHERE o.ordered_on > o.since_on AND l.unit_price > 0 AND l.product_url IS NOT NULL
    GROUP BY 1, 2 HAVING count(DISTINCT o.order_url) > 1
), repriced AS (
    SELECT vendor_url, count(*) AS products_bought_again,
           count(*) FILTER (WHERE newest > oldest) AS products_dearer,
           count(*) FILTER (WHERE newest < oldest) AS products_cheaper,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY newest / oldest - 1) AS median_price_change
    FROM price GROUP BY 1
)
SELECT v.vendor_url, v.name AS vendor, v.status = 'PARTY_ENABLED' AS is_enabled,
       t.today_on AS reckoned_on,
       coalesce(o.open_orders, 0) AS open_orders, coalesce(c.open_units, 0) AS open_units,
       coalesce(o.overdue_orders, 0) AS overdue_orders,
       coalesce(o.orders_placed, 0) AS orders_placed,
       coalesce(m.orders_received, 0) AS orders_received, m.last_received_on,
       m.median_days AS measured_lead_time_days, m.p90_days AS measured_lead_time_p90_days,
       m.sd_days::float8 AS measured_lead_time_sd_days, s.stated_days AS stated_lead_time_days,
       a.lead_time_days AS agreed_lead_time_days,
       m.median_days - coalesce(a.lead_time_days::float8, s.stated_days) AS lead_time_gap_days,
       coalesce(p.orders_due, 0) AS orders_due, coalesce(p.orders_on_time, 0) AS orders_on_time,
       p.orders_on_time::float8 / p.orders_due AS on_time_share,
       coalesce(f.due_units, 0) AS due_units, coalesce(f.filled_units, 0) AS filled_units,
       (f.filled_units / nullif(f.due_units, 0))::float8 AS fill_rate,
       coalesce(r.products_bought_again, 0) AS products_bought_again,
       coalesce(r.products_dearer, 0) AS products_dearer,
       coalesce(r.products_cheaper, 0) AS products_cheaper, r.median_price_change,
       coalesce(s.products, 0) AS products, coalesce(k.products_out, 0) AS products_out,
       coalesce(k.products_low, 0) AS products_low, coalesce(o.spend, 0) AS spend
FROM core.vendor v
CROSS JOIN core.today t
LEFT JOIN orders o ON o.vendor_url = v.vendor_url
LEFT JOIN coming c ON c.vendor_url = v.vendor_url
LEFT JOIN measured m ON m.vendor_url = v.vendor_url
LEFT JOIN supplied s ON s.vendor_url = v.vendor_url
LEFT JOIN punctual p ON p.vendor_url = v.vendor_url
LEFT JOIN filled f ON f.vendor_url = v.vendor_url
LEFT JOIN repriced r ON r.vendor_url = v.vendor_url
LEFT JOIN critical k ON k.vendor_url = v.vendor_url
LEFT JOIN plan.vendor_term a ON a.vendor_url = v.vendor_url
WHERE v.removed_at IS NULL;
COMMENT ON VIEW mart.vendor_scorecard IS
    'How each vendor does, over the 365 days up to reckoned_on; one row per vendor, also without orders. Drafts and cancelled orders do not count. Orders whose vendor is unknown are in mart.purchase_order only.';
COMMENT ON COLUMN mart.vendor_scorecard.vendor_url IS 'The vendor; the key.';
COMMENT ON COLUMN mart.vendor_scorecard.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.vendor_scorecard.is_enabled IS 'Whether Finale calls it enabled.';
COMMENT ON COLUMN mart.vendor_scorecard.reckoned_on IS 'Business day that the data reach to.';
COMMENT ON COLUMN mart.vendor_scorecard.open_orders IS 'Committed orders with something still to come, of any age.';
COMMENT ON COLUMN mart.vendor_scorecard.open_units IS 'Units still to come on them.';
COMMENT ON COLUMN mart.vendor_scorecard.overdue_orders IS 'Of the open orders, those due before `reckoned_on`.';
COMMENT ON COLUMN mart.vendor_scorecard.orders_placed IS 'Orders of the year.';
COMMENT ON COLUMN mart.vendor_scorecard.orders_received IS 'Orders whose last receipt was in the year.';
COMMENT ON COLUMN mart.vendor_scorecard.last_received_on IS 'Business day of the newest receipt in the year.';
COMMENT ON COLUMN mart.vendor_scorecard.measured_lead_time_days IS 'Median days from order to receipt over `orders_received`; null = none.';
COMMENT ON COLUMN mart.vendor_scorecard.measured_lead_time_p90_days IS 'Nine in ten of them took at most so many days.';
COMMENT ON COLUMN mart.vendor_scorecard.measured_lead_time_sd_days IS 'Their standard deviation in days; null for fewer than two.';
COMMENT ON COLUMN mart.vendor_scorecard.stated_lead_time_days IS 'Median of the lead times that Finale has of its products, in days.';
COMMENT ON COLUMN mart.vendor_scorecard.agreed_lead_time_days IS 'Lead time agreed with it (plan.vendor_term), in days; null = none kept.';
COMMENT ON COLUMN mart.vendor_scorecard.lead_time_gap_days IS 'Measured median less the agreed lead time, or without one the stated; positive = slower than said.';
COMMENT ON COLUMN mart.vendor_scorecard.orders_due IS 'Orders of the year that can be judged: wholly received or completed, with a due date; and open ones past it.';
COMMENT ON COLUMN mart.vendor_scorecard.orders_on_time IS 'Of these, those whose last receipt came by the due date.';
COMMENT ON COLUMN mart.vendor_scorecard.on_time_share IS 'orders_on_time of orders_due, 0 to 1; null = none was due.';
COMMENT ON COLUMN mart.vendor_scorecard.due_units IS 'Units ordered on orders that are finished or overdue, where their lines are known.';
COMMENT ON COLUMN mart.vendor_scorecard.filled_units IS 'Of these, units received; what came beyond the order does not count.';
COMMENT ON COLUMN mart.vendor_scorecard.fill_rate IS 'filled_units of due_units, 0 to 1; null = no lines are known.';
COMMENT ON COLUMN mart.vendor_scorecard.products_bought_again IS 'Products with a price on at least two orders of the year; the next three columns are of them.';
COMMENT ON COLUMN mart.vendor_scorecard.products_dearer IS 'Those whose newest price is above their oldest.';
COMMENT ON COLUMN mart.vendor_scorecard.products_cheaper IS 'Those whose newest price is below their oldest.';
COMMENT ON COLUMN mart.vendor_scorecard.median_price_change IS 'Median of newest over oldest price less 1; 0.05 = 5 % dearer.';
COMMENT ON COLUMN mart.vendor_scorecard.products IS 'Products that are there now and that it supplies, as main vendor or not.';
COMMENT ON COLUMN mart.vendor_scorecard.products_out IS 'Products out now whose main vendor it is.';
COMMENT ON COLUMN mart.vendor_scorecard.products_low IS 'Products low now whose main vendor it is.';
COMMENT ON COLUMN mart.vendor_scorecard.spend IS 'Sum of the orders of the year, in the account''s currency: Finale''s purchase orders have no other.';

CREATE VIEW mart.freshness AS
WITH source (asset, table_name, counted_in, strategies, allowed_hours) AS (VALUES
    ('facilities', 'core.facility', 'core.facility', '{inventory,active,full}'::text[], 26),
    ('vendors', 'core.vendor', 'core.vendor', '{vendors,active,full}', 26),
    ('products', 'core.product', 'core.product', '{active,full}', 26),
    ('inventory_levels', 'core.stock_level', 'core.stock_entry',
     '{critical,inventory,active,full,inventory_levels}', 1),
    ('shipments', 'core.shipment', 'core.shipment', '{sales,active,full}', 26),
    ('purchase_orders', 'core.purchase_order', 'core.sales_order', '{sales,active,full}', 26)
), newest (asset, watermark_at) AS (
    SELECT 'facilities', max(updated_at) FROM core.facility
    UNION ALL SELECT 'vendors', max(updated_at) FROM core.vendor
    UNION ALL SELECT 'products', max(updated_at) FROM core.product
    UNION ALL SELECT 'inventory_levels', max(read_at) FROM core.stock_day
    UNION ALL SELECT 'shipments', max(updated_at) FROM core.shipment
    UNION ALL SELECT 'purchase_orders', max(updated_at) FROM core.purchase_order
), known AS (
    SELECT s.asset, s.table_name, s.allowed_hours, r.finished_at AS read_at, r.run_id, r.strategy,
           n.watermark_at
    FROM source s
    LEFT JOIN newest n ON n.asset = s.asset
    LEFT JOIN LATERAL (
        SELECT * FROM ops.sync_run r
        WHERE r.status = 'done' AND r.strategy = ANY (s.strategies) AND r.counts ? s.counted_in
        ORDER BY r.finished_at DESC, r.run_id DESC LIMIT 1
    ) r ON true
    UNION ALL
    SELECT 'critical_items', 'plan.critical_item', 1, e.evaluated_at, e.run_id, r.strategy, e.read_at
    FROM (VALUES (1)) one
    LEFT JOIN ops.evaluation e ON true
    LEFT JOIN ops.sync_run r ON r.run_id = e.run_id
    UNION ALL
    SELECT 'forecasts', 'plan.forecast', 26, max(f.changed_at), NULL, NULL, max(f.snapshot_on)::timestamp
           AT TIME ZONE (SELECT zone FROM core.today)
    FROM plan.forecast f WHERE f.snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast)
)
SELECT asset, table_name, read_at, run_id, strategy, watermark_at,
       round(extract(epoch FROM now() - read_at) / 60, 1) AS age_minutes, allowed_hours,
       read_at IS NULL OR now() - read_at > make_interval(hours => allowed_hours) AS is_late
FROM known;
COMMENT ON VIEW mart.freshness IS
    'When each asset was last read completely, by which run, and whether that is too long ago; one row per asset. Backfills of some days do not count.';
COMMENT ON COLUMN mart.freshness.asset IS 'Name of the asset in Dagster; the key.';
COMMENT ON COLUMN mart.freshness.table_name IS 'The table it fills.';
COMMENT ON COLUMN mart.freshness.read_at IS 'UTC, end of the last run that read it completely, or computed it; null = never.';
COMMENT ON COLUMN mart.freshness.run_id IS 'That run; null = never, or no sync computes it.';
COMMENT ON COLUMN mart.freshness.strategy IS 'Strategy of that run.';
COMMENT ON COLUMN mart.freshness.watermark_at IS 'UTC, newest change of a record, by Finale''s stamps; of stock and critical items the read of stock, of forecasts (and the purchase plan, written with them) the start of the planned day.';
COMMENT ON COLUMN mart.freshness.age_minutes IS 'Minutes since `read_at`, by the database''s clock.';
COMMENT ON COLUMN mart.freshness.allowed_hours IS 'Hours after which it is late, under the default schedules.';
COMMENT ON COLUMN mart.freshness.is_late IS 'Whether it is older than that, or was never read.';

CREATE VIEW mart.sync_history AS
SELECT r.run_id, r.strategy, r.trigger, r.reason, r.status, r.started_at, r.finished_at,
       round(extract(epoch FROM coalesce(r.finished_at, r.heartbeat_at) - r.started_at), 1)
           AS duration_seconds,
       CASE WHEN r.counts = '{}' THEN r.rows_done ELSE n.rows_read END AS rows_read,
       n.rows_inserted, n.rows_updated, n.rows_unchanged, n.rows_removed, n.rows_rejected,
       r.api_calls AS requests, r.bytes, r.retry_at, r.error_kind, r.error, r.dagster_run_id
FROM ops.sync_run r
CROSS JOIN LATERAL (
    SELECT coalesce(sum((c.value ->> 'read')::bigint), 0)::bigint AS rows_read,
           coalesce(sum((c.value ->> 'inserted')::bigint), 0)::bigint AS rows_inserted,
           coalesce(sum((c.value ->> 'updated')::bigint), 0)::bigint AS rows_updated,
           coalesce(sum((c.value ->> 'unchanged')::bigint), 0)::bigint AS rows_unchanged,
           coalesce(sum((c.value ->> 'removed')::bigint), 0)::bigint AS rows_removed,
           coalesce(sum((c.value ->> 'rejected')::bigint), 0)::bigint AS rows_rejected
    FROM jsonb_each(r.counts) c
) n;
COMMENT ON VIEW mart.sync_history IS
    'Every execution of a sync with how long it took and what it did, over all its tables; per table: ops.sync_run.counts.';
COMMENT ON COLUMN mart.sync_history.run_id IS 'Number of the run; the key.';
COMMENT ON COLUMN mart.sync_history.started_at IS 'UTC.';
COMMENT ON COLUMN mart.sync_history.duration_seconds IS 'From start to end; while it runs to its last sign of life.';
COMMENT ON COLUMN mart.sync_history.rows_read IS 'Rows that were read, and rows derived from them; = inserted + updated + unchanged + rejected once it has ended.';
COMMENT ON COLUMN mart.sync_history.rows_inserted IS 'Rows that are new; 0 until it ends, like the next ones.';
COMMENT ON COLUMN mart.sync_history.rows_updated IS 'Rows that differed.';
COMMENT ON COLUMN mart.sync_history.rows_unchanged IS 'Rows that were as read.';
COMMENT ON COLUMN mart.sync_history.rows_removed IS 'Rows marked removed, or deleted with what they belong to.';
COMMENT ON COLUMN mart.sync_history.rows_rejected IS 'Rows that could not be read; see ops.sync_reject.';
COMMENT ON COLUMN mart.sync_history.requests IS 'Requests to Finale.';

-- A column of a view that is one of a table says what the table's says, so that any SQL tool shows
-- it. Twice: views stand on views.
DO $$
DECLARE
    v_column RECORD;
BEGIN
    FOR v_turn IN 1..2 LOOP
        FOR v_column IN
            SELECT u.view_name, u.column_name, min(d.description) AS meaning
            FROM information_schema.view_column_usage u
            JOIN pg_class c ON c.oid = format('%I.%I', u.table_schema, u.table_name)::regclass
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = u.column_name
            JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
                AND d.objsubid = a.attnum
            JOIN pg_attribute own ON own.attname = u.column_name
                AND own.attrelid = format('%I.%I', u.view_schema, u.view_name)::regclass
            WHERE u.view_schema = 'mart' AND col_description(own.attrelid, own.attnum) IS NULL
            GROUP BY 1, 2 HAVING count(DISTINCT d.description) = 1
        LOOP
            EXECUTE format('COMMENT ON COLUMN mart.%I.%I IS %L',
                           v_column.view_name, v_column.column_name, v_column.meaning);
        END LOOP;
    END LOOP;
END $$;

-- The limits hold for whoever logs in as the role; a member of it needs them by name, see
-- docs/tutorial.md. It neither writes nor sees core, plan, or what mails say: they carry links.
DO $$
BEGIN
    GRANT SELECT ON mart.stock_day, mart.stock_now, mart.dead_stock, mart.vendor_delivery,
        mart.vendor_scorecard, mart.freshness, mart.sync_history TO finale_reader;
    GRANT EXECUTE ON FUNCTION mart.stock_as_of(date) TO finale_reader;
    ALTER ROLE finale_reader SET statement_timeout = '5min';
    ALTER ROLE finale_reader SET idle_in_transaction_session_timeout = '10min';
    ALTER ROLE finale_reader SET default_transaction_read_only = on;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the new views: %', SQLERRM;
END $$;
