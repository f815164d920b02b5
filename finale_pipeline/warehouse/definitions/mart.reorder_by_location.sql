CREATE OR REPLACE VIEW mart.reorder_by_location AS
WITH planned AS (
    SELECT * FROM plan.forecast_by_location
    WHERE snapshot_on = (SELECT snapshot_on FROM plan.newest)
), ruled AS (
    SELECT * FROM core.reorder_rule
    WHERE method IS DISTINCT FROM '##doNotReorder' AND reorder_point_units IS NOT NULL
), place AS (
    SELECT coalesce(f.product_url, r.product_url) AS product_url,
           coalesce(f.location_url, r.facility_url) AS location_url,
           r.reorder_point_units, r.reorder_quantity_units, r.method, f.snapshot_on, f.share,
           f.velocity_units_per_day, f.days_until_stockout, f.stockout_on,
           f.our_reorder_point_units AS we_say_point_units, f.reorder_point_source AS point_in_use,
           f.order_now AS we_say_order_now, f.quantity_units AS we_say_quantity_units,
           f.reorder_on, f.why
    FROM planned f
    FULL JOIN ruled r ON r.product_url = f.product_url AND r.facility_url = f.location_url
)
SELECT p.product_url, p.sku, p.name, w.location_url, f.name AS location,
       coalesce(l.available_units, 0) AS available_units,
       coalesce(l.on_order_units, 0) AS on_order_units,
       coalesce(l.available_units, 0) + coalesce(l.on_order_units, 0) AS position_units,
       w.reorder_point_units, w.reorder_quantity_units, w.method,
       coalesce(l.available_units, 0) + coalesce(l.on_order_units, 0) <= w.reorder_point_units
           AS order_now,
       CASE WHEN w.reorder_point_units IS NOT NULL
            THEN greatest(w.reorder_point_units - coalesce(l.available_units, 0)
                          - coalesce(l.on_order_units, 0), 0) END AS missing_units,
       (SELECT count(*) FROM core.stock_level_by_location o
        WHERE o.product_url = w.product_url AND o.location_url <> w.location_url
          AND o.available_units > 0) AS other_locations_with_stock,
       w.snapshot_on, w.share, w.velocity_units_per_day, w.days_until_stockout, w.stockout_on,
       w.we_say_point_units, w.point_in_use, w.we_say_order_now, w.we_say_quantity_units,
       w.reorder_on, w.why
FROM place w
JOIN core.product p ON p.product_url = w.product_url AND p.removed_at IS NULL
LEFT JOIN core.facility f ON f.facility_url = w.location_url
LEFT JOIN core.stock_free_by_location l
    ON l.product_url = w.product_url AND l.location_url = w.location_url;
COMMENT ON VIEW mart.reorder_by_location IS
    'Each location now: against its own rule in Finale, and what we say of it by where sales left from in half a year (plan.forecast_by_location of the newest plan). Locations of a product together need more safety than the product as a whole: order by mart.purchase_plan, distribute by this.';
COMMENT ON COLUMN mart.reorder_by_location.product_url IS 'The product.';
COMMENT ON COLUMN mart.reorder_by_location.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_by_location.location_url IS 'The location; empty = the product sells and no place is known.';
COMMENT ON COLUMN mart.reorder_by_location.location IS 'Name of the location.';
COMMENT ON COLUMN mart.reorder_by_location.available_units IS 'On hand less reserved there now, less what planned builds will take from there.';
COMMENT ON COLUMN mart.reorder_by_location.on_order_units IS 'Units to come there on committed purchase orders.';
COMMENT ON COLUMN mart.reorder_by_location.position_units IS 'Available plus on order there.';
COMMENT ON COLUMN mart.reorder_by_location.reorder_point_units IS 'Finale''s reorder point of the location; null = none set.';
COMMENT ON COLUMN mart.reorder_by_location.reorder_quantity_units IS 'Finale''s reorder quantity of the location; null = none set.';
COMMENT ON COLUMN mart.reorder_by_location.order_now IS 'Whether the position there is at or below Finale''s point; null = none set.';
COMMENT ON COLUMN mart.reorder_by_location.missing_units IS 'Units up to Finale''s point; null = none set.';
COMMENT ON COLUMN mart.reorder_by_location.other_locations_with_stock IS 'Other locations that have some.';
COMMENT ON COLUMN mart.reorder_by_location.snapshot_on IS 'Day of the plan; null = the plan has no row of it.';
COMMENT ON COLUMN mart.reorder_by_location.stockout_on IS 'The day on which stock there ends.';
COMMENT ON COLUMN mart.reorder_by_location.we_say_point_units IS 'Our reorder point of the location.';
COMMENT ON COLUMN mart.reorder_by_location.point_in_use IS 'Which of the two decides: finale or ours.';
COMMENT ON COLUMN mart.reorder_by_location.we_say_order_now IS 'Whether the position there was at or below the point in use that morning.';
COMMENT ON COLUMN mart.reorder_by_location.we_say_quantity_units IS 'Units that are missing there, to order or to bring from another location; 0 = none.';
