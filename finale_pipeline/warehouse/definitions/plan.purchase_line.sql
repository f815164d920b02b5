-- The one place where suggestion and edits meet; the views of `mart` only choose from it.
CREATE OR REPLACE VIEW plan.purchase_line AS
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
                 trim_scale(l.unit_cost)) AS version,
       l.cover_after_days + coalesce((x.quantity_units - l.quantity_units)
           / nullif(f.velocity_units_per_day, 0), 0) AS cover_after_days, coalesce(f.flags, '{}') AS flags, l.changed_at AS suggested_at,
       CASE WHEN x.is_edited THEN e.suggested_units END AS suggested_before_units,
       coalesce(e.is_standing, false) AND x.is_edited AS is_standing,
       f.available_units, f.on_order_units, f.next_due_on, f.days_until_stockout AS days_left,
       f.velocity_units_per_day AS units_per_day, f.stated_lead_time_days, f.lead_time_days,
       f.lead_time_source,
       f.lost_units * coalesce(p.cost, CASE WHEN f.currency IS NULL THEN f.unit_cost END)
           AS money_at_risk,
       f.maximum_units - f.available_units - f.arriving_units AS room_units
FROM plan.purchase_order_draft_line l
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = l.vendor_url
LEFT JOIN plan.forecast f ON f.product_url = l.product_url AND f.snapshot_on = l.snapshot_on
LEFT JOIN LATERAL (
    SELECT * FROM plan.purchase_order_edit e
    WHERE e.vendor_url = l.vendor_url AND e.product_url = l.product_url
      AND (e.snapshot_on = l.snapshot_on OR e.is_standing AND e.snapshot_on < l.snapshot_on)
    ORDER BY e.snapshot_on = l.snapshot_on DESC, e.edit_id DESC LIMIT 1
) e ON true
CROSS JOIN LATERAL (
    SELECT coalesce(e.quantity_units, l.quantity_units) AS quantity_units,
           coalesce(e.unit_cost, l.unit_cost) AS unit_cost,
           e.quantity_units IS NOT NULL OR e.unit_cost IS NOT NULL
               OR coalesce(e.is_dropped, false) AS is_edited
) x;
COMMENT ON VIEW plan.purchase_line IS
    'Every line of a day''s plan with what buyers changed: also those that they dropped.';
COMMENT ON COLUMN plan.purchase_line.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
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
COMMENT ON COLUMN plan.purchase_line.is_dropped IS 'Whether a buyer dropped the line.';
COMMENT ON COLUMN plan.purchase_line.broken_rules IS 'Rules that the line breaks because the buyer insisted: pack, minimum; vendor_minimum where the order stayed below the least value.';
COMMENT ON COLUMN plan.purchase_line.edited_by IS 'Who last changed the line; null = nobody.';
COMMENT ON COLUMN plan.purchase_line.edited_at IS 'UTC, when; null = never.';
COMMENT ON COLUMN plan.purchase_line.edit_note IS 'Why, in their words.';
COMMENT ON COLUMN plan.purchase_line.is_suggestion_changed IS 'Whether the plan suggests something else than when it was edited; the edit holds.';
COMMENT ON COLUMN plan.purchase_line.is_edited IS 'Whether a buyer changed quantity or price, or dropped the line; false where it was changed back.';
COMMENT ON COLUMN plan.purchase_line.fixed_units IS 'The quantity that a buyer fixed; null = as suggested.';
COMMENT ON COLUMN plan.purchase_line.fixed_cost IS 'The price that a buyer fixed; null = as suggested.';
COMMENT ON COLUMN plan.purchase_line.cover_after_days IS 'Days that available and arriving stock lasts with the quantity that stands; null = nothing sells.';
COMMENT ON COLUMN plan.purchase_line.is_standing IS 'Whether what a buyer changed holds until it is changed again, and not for the day alone.';
COMMENT ON COLUMN plan.purchase_line.suggested_at IS 'UTC, since when the plan suggests this.';
COMMENT ON COLUMN plan.purchase_line.suggested_before_units IS 'What it suggested when a buyer last changed the line; null = nobody did.';
COMMENT ON COLUMN plan.purchase_line.version IS 'Changes whenever the line does; whoever edits it sends it back.';
COMMENT ON COLUMN plan.purchase_line.days_left IS 'Days until available stock ends, arrivals added; null = never.';
COMMENT ON COLUMN plan.purchase_line.units_per_day IS 'Demand to expect per day; null = unknown.';
COMMENT ON COLUMN plan.purchase_line.money_at_risk IS 'Units that will be missing until an order of that day arrives, at Finale''s cost of the product, in the account''s currency; null where only a price in another currency is known.';
COMMENT ON COLUMN plan.purchase_line.room_units IS 'What a buyer''s maximum leaves to order, less what is available and arriving; null = there is no maximum.';
