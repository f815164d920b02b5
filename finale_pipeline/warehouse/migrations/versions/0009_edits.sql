CREATE TABLE plan.purchase_order_edit (
	edit_id BIGSERIAL NOT NULL,
	snapshot_on DATE NOT NULL,
	vendor_url TEXT NOT NULL,
	product_url TEXT NOT NULL,
	quantity_units NUMERIC,
	unit_cost NUMERIC,
	is_dropped BOOLEAN NOT NULL,
	old_quantity_units NUMERIC NOT NULL,
	old_unit_cost NUMERIC,
	was_dropped BOOLEAN NOT NULL,
	suggested_units NUMERIC NOT NULL,
	suggested_cost NUMERIC,
	broken_rules TEXT[] NOT NULL,
	edited_by TEXT NOT NULL,
	edited_at TIMESTAMP WITH TIME ZONE NOT NULL,
	note TEXT,
	PRIMARY KEY (edit_id)
);
CREATE UNIQUE INDEX purchase_order_edit_line_idx ON plan.purchase_order_edit (snapshot_on, vendor_url, product_url, edit_id);
CREATE INDEX purchase_order_edit_product_url_idx ON plan.purchase_order_edit (product_url);
COMMENT ON TABLE plan.purchase_order_edit IS 'What buyers changed about the lines of a day''s plan: one row per change, never updated; the newest of a line holds. Planning the same day again keeps it, a new day begins without.';
COMMENT ON COLUMN plan.purchase_order_edit.edit_id IS 'Number.';
COMMENT ON COLUMN plan.purchase_order_edit.snapshot_on IS 'Day of the plan that was edited.';
COMMENT ON COLUMN plan.purchase_order_edit.vendor_url IS 'The vendor of the line; empty = none is known.';
COMMENT ON COLUMN plan.purchase_order_edit.product_url IS 'The product of the line.';
COMMENT ON COLUMN plan.purchase_order_edit.quantity_units IS 'Units to order from this edit on; null = as suggested.';
COMMENT ON COLUMN plan.purchase_order_edit.unit_cost IS 'Price of one unit from this edit on; null = as suggested.';
COMMENT ON COLUMN plan.purchase_order_edit.is_dropped IS 'Whether the line is not to be ordered from this edit on.';
COMMENT ON COLUMN plan.purchase_order_edit.old_quantity_units IS 'Units to order before it.';
COMMENT ON COLUMN plan.purchase_order_edit.old_unit_cost IS 'Price of one unit before it; null = unknown.';
COMMENT ON COLUMN plan.purchase_order_edit.was_dropped IS 'Whether the line was dropped before it.';
COMMENT ON COLUMN plan.purchase_order_edit.suggested_units IS 'What the plan suggested at that time.';
COMMENT ON COLUMN plan.purchase_order_edit.suggested_cost IS 'The price that the plan knew at that time; null = unknown.';
COMMENT ON COLUMN plan.purchase_order_edit.broken_rules IS 'Rules that the line breaks from this edit on, because the buyer insisted: pack, minimum; and vendor_minimum where the order stays below the vendor''s least value.';
COMMENT ON COLUMN plan.purchase_order_edit.edited_by IS 'Who: a person, or the way it came.';
COMMENT ON COLUMN plan.purchase_order_edit.edited_at IS 'UTC.';
COMMENT ON COLUMN plan.purchase_order_edit.note IS 'Why, in their words.';

-- The one place where suggestion and edits meet; the views of `mart` only choose from it.
CREATE VIEW plan.purchase_line AS
SELECT l.snapshot_on, l.vendor_url, coalesce(v.name, '(no supplier known)') AS vendor,
       l.product_url, l.sku, p.name, l.vendor_sku, x.quantity_units, x.unit_cost, l.currency,
       round(x.quantity_units * x.unit_cost, 6) AS line_total, l.arrival_on, l.stockout_on,
       l.must_order_by_on, l.urgency,
       CASE WHEN x.unit_cost IS NULL THEN l.needs_data
            ELSE array_remove(l.needs_data, 'cost') END AS needs_data, l.why,
       l.quantity_units AS suggested_units, l.unit_cost AS suggested_cost,
       coalesce(f.pack_units, 1) AS pack_units,
       coalesce(f.minimum_order_units, 0) AS minimum_order_units,
       coalesce(e.is_dropped, false) AS is_dropped, coalesce(e.broken_rules, '{}') AS broken_rules,
       e.edited_by, e.edited_at, e.note AS edit_note,
       x.is_edited AND (e.suggested_units IS DISTINCT FROM l.quantity_units
                        OR e.suggested_cost IS DISTINCT FROM l.unit_cost) AS is_suggestion_changed,
       x.is_edited, e.quantity_units AS fixed_units, e.unit_cost AS fixed_cost,
       concat_ws(':', coalesce(e.edit_id, 0), trim_scale(l.quantity_units),
                 trim_scale(l.unit_cost)) AS version
FROM plan.purchase_order_draft_line l
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = l.vendor_url
LEFT JOIN plan.forecast f ON f.product_url = l.product_url AND f.snapshot_on = l.snapshot_on
LEFT JOIN LATERAL (
    SELECT * FROM plan.purchase_order_edit e
    WHERE e.snapshot_on = l.snapshot_on AND e.vendor_url = l.vendor_url
      AND e.product_url = l.product_url
    ORDER BY e.edit_id DESC LIMIT 1
) e ON true
CROSS JOIN LATERAL (
    SELECT coalesce(e.quantity_units, l.quantity_units) AS quantity_units,
           coalesce(e.unit_cost, l.unit_cost) AS unit_cost,
           e.quantity_units IS NOT NULL OR e.unit_cost IS NOT NULL
               OR coalesce(e.is_dropped, false) AS is_edited
) x;
COMMENT ON VIEW plan.purchase_line IS
    'Every line of a day''s plan with what buyers changed: also those that they dropped.';

-- The columns there were keep their place; what was suggested follows them.
CREATE OR REPLACE VIEW mart.purchase_plan_line AS
SELECT snapshot_on, vendor_url, vendor, product_url, sku, name, vendor_sku, quantity_units,
       unit_cost, currency, line_total, arrival_on, stockout_on, must_order_by_on, urgency,
       needs_data, why, suggested_units, suggested_cost, pack_units, minimum_order_units,
       broken_rules, is_edited, is_suggestion_changed, edited_by, edited_at, edit_note, version
FROM plan.purchase_line WHERE NOT is_dropped;
COMMENT ON VIEW mart.purchase_plan_line IS
    'Lines to order, with the buyers'' quantities and prices where they changed them, else as suggested; what they dropped is in mart.purchase_plan_dropped. Lines with something in needs_data want a person first.';

CREATE VIEW mart.purchase_plan_dropped AS
SELECT snapshot_on, vendor_url, vendor, product_url, sku, name, vendor_sku, quantity_units,
       unit_cost, currency, line_total, arrival_on, stockout_on, must_order_by_on, urgency,
       needs_data, why, suggested_units, suggested_cost, pack_units, minimum_order_units,
       broken_rules, is_edited, is_suggestion_changed, edited_by, edited_at, edit_note, version
FROM plan.purchase_line WHERE is_dropped;
COMMENT ON VIEW mart.purchase_plan_dropped IS
    'Lines that were suggested and that a buyer dropped: not to be ordered.';

CREATE OR REPLACE VIEW mart.purchase_plan AS
SELECT o.snapshot_on, o.vendor_url, coalesce(d.vendor, '(no supplier known)') AS vendor, o.lines,
       o.units, o.total, o.currency, o.arrival_on, o.must_order_by_on, o.urgency,
       d.minimum_order_value, round(greatest(d.minimum_order_value - o.total, 0), 6) AS minimum_gap,
       o.needs_data, d.lines AS suggested_lines, d.units AS suggested_units,
       d.total AS suggested_total, o.edited_lines, o.dropped_lines, o.edited_at
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
           max(edited_at) AS edited_at
    FROM (
        SELECT *, NOT is_dropped AND line_total IS NOT NULL AS is_priced FROM plan.purchase_line
    ) l
    GROUP BY snapshot_on, vendor_url
) o
JOIN plan.purchase_order_draft d USING (snapshot_on, vendor_url)
WHERE o.lines > 0;
COMMENT ON VIEW mart.purchase_plan IS
    'Orders to place per snapshot day and vendor, of the lines in mart.purchase_plan_line: total, arrival, urgency, what is missing. A vendor whose lines were all dropped has none.';

CREATE VIEW mart.purchase_plan_edit AS
SELECT e.edit_id, e.snapshot_on, e.vendor_url, coalesce(v.name, '(no supplier known)') AS vendor,
       e.product_url, p.sku, p.name, e.quantity_units, e.old_quantity_units, e.suggested_units,
       e.unit_cost, e.old_unit_cost, e.suggested_cost, e.is_dropped, e.was_dropped, e.broken_rules,
       e.edited_by, e.edited_at, e.note
FROM plan.purchase_order_edit e
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = e.vendor_url;
COMMENT ON VIEW mart.purchase_plan_edit IS
    'Every change that a buyer made to a line of the plan: who, when, from what to what.';

COMMENT ON COLUMN plan.purchase_line.vendor_url IS 'The vendor; empty = no supplier is known.';
COMMENT ON COLUMN plan.purchase_line.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN plan.purchase_line.product_url IS 'The product.';
COMMENT ON COLUMN plan.purchase_line.name IS 'Name of the product.';
COMMENT ON COLUMN plan.purchase_line.quantity_units IS 'Units to order: the buyer''s where one changed it, else as suggested.';
COMMENT ON COLUMN plan.purchase_line.unit_cost IS 'Price of one unit: the buyer''s where one changed it, else as suggested; null = unknown.';
COMMENT ON COLUMN plan.purchase_line.line_total IS 'Quantity times price; null = unknown.';
COMMENT ON COLUMN plan.purchase_line.needs_data IS 'What is missing: vendor, cost (unless a buyer gave it), lead time.';
COMMENT ON COLUMN plan.purchase_line.suggested_units IS 'What the plan suggests.';
COMMENT ON COLUMN plan.purchase_line.suggested_cost IS 'The price that the plan knows; null = unknown.';
COMMENT ON COLUMN plan.purchase_line.pack_units IS 'Orders should be multiples of it.';
COMMENT ON COLUMN plan.purchase_line.minimum_order_units IS 'Least quantity of an order; 0 = none is known.';
COMMENT ON COLUMN plan.purchase_line.fixed_units IS 'The quantity that a buyer fixed; null = as suggested.';
COMMENT ON COLUMN plan.purchase_line.fixed_cost IS 'The price that a buyer fixed; null = as suggested.';
COMMENT ON COLUMN plan.purchase_line.is_dropped IS 'Whether a buyer dropped the line.';
COMMENT ON COLUMN plan.purchase_line.broken_rules IS 'Rules that the line breaks because the buyer insisted: pack, minimum; vendor_minimum where the order stayed below the least value.';
COMMENT ON COLUMN plan.purchase_line.is_edited IS 'Whether a buyer changed quantity or price, or dropped the line; false where it was changed back.';
COMMENT ON COLUMN plan.purchase_line.is_suggestion_changed IS 'Whether the plan suggests something else than when it was edited; the edit holds.';
COMMENT ON COLUMN plan.purchase_line.edited_by IS 'Who last changed the line; null = nobody.';
COMMENT ON COLUMN plan.purchase_line.edited_at IS 'UTC, when; null = never.';
COMMENT ON COLUMN plan.purchase_line.edit_note IS 'Why, in their words.';
COMMENT ON COLUMN plan.purchase_line.version IS 'Changes whenever the line does; whoever edits it sends it back.';
COMMENT ON COLUMN mart.purchase_plan_line.vendor_url IS 'The vendor; empty = no supplier is known.';
COMMENT ON COLUMN mart.purchase_plan_line.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan_line.product_url IS 'The product.';
COMMENT ON COLUMN mart.purchase_plan_line.name IS 'Name of the product.';
COMMENT ON COLUMN mart.purchase_plan_line.quantity_units IS 'Units to order: the buyer''s where one changed it, else as suggested.';
COMMENT ON COLUMN mart.purchase_plan_line.unit_cost IS 'Price of one unit: the buyer''s where one changed it, else as suggested; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_line.line_total IS 'Quantity times price; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_line.needs_data IS 'What is missing: vendor, cost (unless a buyer gave it), lead time.';
COMMENT ON COLUMN mart.purchase_plan_line.suggested_units IS 'What the plan suggests.';
COMMENT ON COLUMN mart.purchase_plan_line.suggested_cost IS 'The price that the plan knows; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_line.pack_units IS 'Orders should be multiples of it.';
COMMENT ON COLUMN mart.purchase_plan_line.minimum_order_units IS 'Least quantity of an order; 0 = none is known.';
COMMENT ON COLUMN mart.purchase_plan_line.broken_rules IS 'Rules that the line breaks because the buyer insisted: pack, minimum; vendor_minimum where the order stayed below the least value.';
COMMENT ON COLUMN mart.purchase_plan_line.is_edited IS 'Whether a buyer changed quantity or price, or dropped the line; false where it was changed back.';
COMMENT ON COLUMN mart.purchase_plan_line.is_suggestion_changed IS 'Whether the plan suggests something else than when it was edited; the edit holds.';
COMMENT ON COLUMN mart.purchase_plan_line.edited_by IS 'Who last changed the line; null = nobody.';
COMMENT ON COLUMN mart.purchase_plan_line.edited_at IS 'UTC, when; null = never.';
COMMENT ON COLUMN mart.purchase_plan_line.edit_note IS 'Why, in their words.';
COMMENT ON COLUMN mart.purchase_plan_line.version IS 'Changes whenever the line does; whoever edits it sends it back.';
COMMENT ON COLUMN mart.purchase_plan_dropped.vendor_url IS 'The vendor; empty = no supplier is known.';
COMMENT ON COLUMN mart.purchase_plan_dropped.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan_dropped.product_url IS 'The product.';
COMMENT ON COLUMN mart.purchase_plan_dropped.name IS 'Name of the product.';
COMMENT ON COLUMN mart.purchase_plan_dropped.quantity_units IS 'Units that would be ordered if the line were brought back.';
COMMENT ON COLUMN mart.purchase_plan_dropped.unit_cost IS 'Price of one unit: the buyer''s where one changed it, else as suggested; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_dropped.line_total IS 'Quantity times price; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_dropped.needs_data IS 'What is missing: vendor, cost (unless a buyer gave it), lead time.';
COMMENT ON COLUMN mart.purchase_plan_dropped.suggested_units IS 'What the plan suggests.';
COMMENT ON COLUMN mart.purchase_plan_dropped.suggested_cost IS 'The price that the plan knows; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_dropped.pack_units IS 'Orders should be multiples of it.';
COMMENT ON COLUMN mart.purchase_plan_dropped.minimum_order_units IS 'Least quantity of an order; 0 = none is known.';
COMMENT ON COLUMN mart.purchase_plan_dropped.broken_rules IS 'Rules that the line breaks because the buyer insisted: pack, minimum; vendor_minimum where the order stayed below the least value.';
COMMENT ON COLUMN mart.purchase_plan_dropped.is_edited IS 'Whether a buyer changed quantity or price, or dropped the line; false where it was changed back.';
COMMENT ON COLUMN mart.purchase_plan_dropped.is_suggestion_changed IS 'Whether the plan suggests something else than when it was edited; the edit holds.';
COMMENT ON COLUMN mart.purchase_plan_dropped.edited_by IS 'Who last changed the line; null = nobody.';
COMMENT ON COLUMN mart.purchase_plan_dropped.edited_at IS 'UTC, when; null = never.';
COMMENT ON COLUMN mart.purchase_plan_dropped.edit_note IS 'Why, in their words.';
COMMENT ON COLUMN mart.purchase_plan_dropped.version IS 'Changes whenever the line does; whoever edits it sends it back.';
COMMENT ON COLUMN plan.purchase_line.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN plan.purchase_line.sku IS 'Finale''s productId.';
COMMENT ON COLUMN plan.purchase_line.vendor_sku IS 'The vendor''s own code of the product.';
COMMENT ON COLUMN plan.purchase_line.currency IS 'Its currency; null = the account''s.';
COMMENT ON COLUMN plan.purchase_line.arrival_on IS 'When it arrives if ordered that day.';
COMMENT ON COLUMN plan.purchase_line.stockout_on IS 'When available stock ends without it.';
COMMENT ON COLUMN plan.purchase_line.must_order_by_on IS 'The last day that avoids the stock-out.';
COMMENT ON COLUMN plan.purchase_line.urgency IS 'late, today or soon, as of the order.';
COMMENT ON COLUMN plan.purchase_line.why IS 'The suggestion in a sentence, with the arithmetic.';
COMMENT ON COLUMN mart.purchase_plan_line.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN mart.purchase_plan_line.sku IS 'Finale''s productId.';
COMMENT ON COLUMN mart.purchase_plan_line.vendor_sku IS 'The vendor''s own code of the product.';
COMMENT ON COLUMN mart.purchase_plan_line.currency IS 'Its currency; null = the account''s.';
COMMENT ON COLUMN mart.purchase_plan_line.arrival_on IS 'When it arrives if ordered that day.';
COMMENT ON COLUMN mart.purchase_plan_line.stockout_on IS 'When available stock ends without it.';
COMMENT ON COLUMN mart.purchase_plan_line.must_order_by_on IS 'The last day that avoids the stock-out.';
COMMENT ON COLUMN mart.purchase_plan_line.urgency IS 'late, today or soon, as of the order.';
COMMENT ON COLUMN mart.purchase_plan_line.why IS 'The suggestion in a sentence, with the arithmetic.';
COMMENT ON COLUMN mart.purchase_plan_dropped.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN mart.purchase_plan_dropped.sku IS 'Finale''s productId.';
COMMENT ON COLUMN mart.purchase_plan_dropped.vendor_sku IS 'The vendor''s own code of the product.';
COMMENT ON COLUMN mart.purchase_plan_dropped.currency IS 'Its currency; null = the account''s.';
COMMENT ON COLUMN mart.purchase_plan_dropped.arrival_on IS 'When it arrives if ordered that day.';
COMMENT ON COLUMN mart.purchase_plan_dropped.stockout_on IS 'When available stock ends without it.';
COMMENT ON COLUMN mart.purchase_plan_dropped.must_order_by_on IS 'The last day that avoids the stock-out.';
COMMENT ON COLUMN mart.purchase_plan_dropped.urgency IS 'late, today or soon, as of the order.';
COMMENT ON COLUMN mart.purchase_plan_dropped.why IS 'The suggestion in a sentence, with the arithmetic.';
COMMENT ON COLUMN mart.purchase_plan.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN mart.purchase_plan.vendor_url IS 'The vendor; empty = no supplier is known, see `needs_data`.';
COMMENT ON COLUMN mart.purchase_plan.currency IS 'Of the total; null = the account''s, or several.';
COMMENT ON COLUMN mart.purchase_plan.arrival_on IS 'When the slowest line arrives if ordered that day.';
COMMENT ON COLUMN mart.purchase_plan.must_order_by_on IS 'The earliest last day that avoids a stock-out.';
COMMENT ON COLUMN mart.purchase_plan.urgency IS 'late: a line runs out before an order can arrive; today: one must be ordered by then; soon: the rest.';
COMMENT ON COLUMN mart.purchase_plan.minimum_order_value IS 'The vendor''s least value; null = none is known.';
COMMENT ON COLUMN mart.purchase_plan.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan.lines IS 'Products to order.';
COMMENT ON COLUMN mart.purchase_plan.units IS 'Units to order, all lines.';
COMMENT ON COLUMN mart.purchase_plan.total IS 'Sum of the lines whose price is known, in `currency`; null = none, or several currencies.';
COMMENT ON COLUMN mart.purchase_plan.minimum_gap IS 'What the total lacks of the least value; 0 = nothing.';
COMMENT ON COLUMN mart.purchase_plan.needs_data IS 'What is missing for some line: vendor, cost, lead time.';
COMMENT ON COLUMN mart.purchase_plan.suggested_lines IS 'Products that the plan suggests.';
COMMENT ON COLUMN mart.purchase_plan.suggested_units IS 'Units that the plan suggests, all lines.';
COMMENT ON COLUMN mart.purchase_plan.suggested_total IS 'Sum of the suggested lines, as `total`.';
COMMENT ON COLUMN mart.purchase_plan.edited_lines IS 'Lines whose quantity or price a buyer changed.';
COMMENT ON COLUMN mart.purchase_plan.dropped_lines IS 'Lines that a buyer dropped: neither in lines, units nor total.';
COMMENT ON COLUMN mart.purchase_plan.edited_at IS 'UTC, when a line was last changed; null = never.';
COMMENT ON COLUMN mart.purchase_plan_edit.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan_edit.sku IS 'Finale''s productId.';
COMMENT ON COLUMN mart.purchase_plan_edit.name IS 'Name of the product.';
COMMENT ON COLUMN mart.purchase_plan_edit.edit_id IS 'Number.';
COMMENT ON COLUMN mart.purchase_plan_edit.snapshot_on IS 'Day of the plan that was edited.';
COMMENT ON COLUMN mart.purchase_plan_edit.vendor_url IS 'The vendor of the line; empty = none is known.';
COMMENT ON COLUMN mart.purchase_plan_edit.product_url IS 'The product of the line.';
COMMENT ON COLUMN mart.purchase_plan_edit.quantity_units IS 'Units to order from this edit on; null = as suggested.';
COMMENT ON COLUMN mart.purchase_plan_edit.unit_cost IS 'Price of one unit from this edit on; null = as suggested.';
COMMENT ON COLUMN mart.purchase_plan_edit.is_dropped IS 'Whether the line is not to be ordered from this edit on.';
COMMENT ON COLUMN mart.purchase_plan_edit.old_quantity_units IS 'Units to order before it.';
COMMENT ON COLUMN mart.purchase_plan_edit.old_unit_cost IS 'Price of one unit before it; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_edit.was_dropped IS 'Whether the line was dropped before it.';
COMMENT ON COLUMN mart.purchase_plan_edit.suggested_units IS 'What the plan suggested at that time.';
COMMENT ON COLUMN mart.purchase_plan_edit.suggested_cost IS 'The price that the plan knew at that time; null = unknown.';
COMMENT ON COLUMN mart.purchase_plan_edit.broken_rules IS 'Rules that the line breaks from this edit on, because the buyer insisted: pack, minimum; and vendor_minimum where the order stays below the vendor''s least value.';
COMMENT ON COLUMN mart.purchase_plan_edit.edited_by IS 'Who: a person, or the way it came.';
COMMENT ON COLUMN mart.purchase_plan_edit.edited_at IS 'UTC.';
COMMENT ON COLUMN mart.purchase_plan_edit.note IS 'Why, in their words.';

DO $$
BEGIN
    GRANT SELECT ON mart.purchase_plan_dropped, mart.purchase_plan_edit TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the views: %', SQLERRM;
END $$;
