CREATE OR REPLACE VIEW mart.vendor_scorecard AS
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
