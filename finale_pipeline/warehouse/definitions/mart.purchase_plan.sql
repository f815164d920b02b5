CREATE OR REPLACE VIEW mart.purchase_plan AS
SELECT o.snapshot_on, o.vendor_url, coalesce(v.name, '(no supplier known)') AS vendor, o.lines,
       o.units, o.total, o.currency, o.arrival_on, o.must_order_by_on, o.urgency,
       t.minimum_order_value,
       CASE WHEN o.total IS NOT NULL
            THEN round(greatest(t.minimum_order_value - o.total, 0), 6) END AS minimum_gap,
       o.needs_data, o.suggested_lines, o.suggested_units, o.suggested_total, o.edited_lines, o.dropped_lines, o.edited_at
FROM (
    SELECT snapshot_on, vendor_url,
           (count(*) FILTER (WHERE NOT is_dropped))::integer AS lines,
           sum(quantity_units) FILTER (WHERE NOT is_dropped) AS units,
           CASE WHEN count(DISTINCT coalesce(currency, '')) FILTER (WHERE is_priced) = 1
                THEN round(sum(line_total) FILTER (WHERE is_priced), 6) END AS total,
           CASE WHEN count(DISTINCT coalesce(currency, '')) FILTER (WHERE is_priced) = 1
                THEN min(currency) FILTER (WHERE is_priced) END AS currency,
           max(arrival_on) FILTER (WHERE NOT is_dropped) AS arrival_on,
           min(must_order_by_on) FILTER (WHERE NOT is_dropped) AS must_order_by_on,
           (ARRAY['late', 'today', 'soon'])[min(array_position(ARRAY['late', 'today', 'soon'],
               urgency)) FILTER (WHERE NOT is_dropped)] AS urgency,
           ARRAY(SELECT DISTINCT need FROM unnest(string_to_array(string_agg(
               array_to_string(needs_data, ','), ',') FILTER (WHERE NOT is_dropped
               AND needs_data <> '{}'), ',')) AS need ORDER BY need) AS needs_data,
           (count(*) FILTER (WHERE is_edited AND NOT is_dropped))::integer AS edited_lines,
           (count(*) FILTER (WHERE is_dropped))::integer AS dropped_lines,
           max(edited_at) AS edited_at,
           (count(*) FILTER (WHERE suggested_units > 0))::integer AS suggested_lines,
           sum(suggested_units) AS suggested_units,
           CASE WHEN count(DISTINCT coalesce(currency, ''))
                     FILTER (WHERE suggested_cost IS NOT NULL) = 1
                THEN round(sum(suggested_units * suggested_cost), 6) END AS suggested_total
    FROM (
        SELECT *, NOT is_dropped AND line_total IS NOT NULL AS is_priced FROM plan.purchase_line
    ) l
    GROUP BY snapshot_on, vendor_url
) o
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url
LEFT JOIN plan.vendor_term t ON t.vendor_url = o.vendor_url
WHERE o.lines > 0;
COMMENT ON VIEW mart.purchase_plan IS
    'Orders to place per snapshot day and vendor, of the lines in mart.purchase_plan_line: total, arrival, urgency, what is missing. A vendor whose lines were all dropped has none.';
COMMENT ON COLUMN mart.purchase_plan.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan.lines IS 'Products to order.';
COMMENT ON COLUMN mart.purchase_plan.units IS 'Units to order, all lines.';
COMMENT ON COLUMN mart.purchase_plan.vendor_url IS 'The vendor; empty = no supplier is known, see `needs_data`.';
COMMENT ON COLUMN mart.purchase_plan.total IS 'Sum of the lines whose price is known, in `currency`; null = none, or several currencies.';
COMMENT ON COLUMN mart.purchase_plan.currency IS 'Of the total; null = the account''s, or several.';
COMMENT ON COLUMN mart.purchase_plan.arrival_on IS 'When the slowest line arrives if ordered that day.';
COMMENT ON COLUMN mart.purchase_plan.must_order_by_on IS 'The earliest last day that avoids a stock-out.';
COMMENT ON COLUMN mart.purchase_plan.urgency IS 'late: a line runs out before an order can arrive; today: one must be ordered by then; soon: the rest.';
COMMENT ON COLUMN mart.purchase_plan.minimum_gap IS 'What the total lacks of the least value; 0 = nothing, null = total or least value is unknown.';
COMMENT ON COLUMN mart.purchase_plan.needs_data IS 'What is missing for some line: vendor, cost, lead time.';
COMMENT ON COLUMN mart.purchase_plan.suggested_lines IS 'Products that the plan suggests.';
COMMENT ON COLUMN mart.purchase_plan.suggested_units IS 'Units that the plan suggests, all lines.';
COMMENT ON COLUMN mart.purchase_plan.suggested_total IS 'Sum of the suggested lines, as `total`.';
COMMENT ON COLUMN mart.purchase_plan.edited_lines IS 'Lines whose quantity or price a buyer changed.';
COMMENT ON COLUMN mart.purchase_plan.dropped_lines IS 'Lines that a buyer dropped: neither in lines, units nor total.';
COMMENT ON COLUMN mart.purchase_plan.edited_at IS 'UTC, when a line was last changed; null = never.';
