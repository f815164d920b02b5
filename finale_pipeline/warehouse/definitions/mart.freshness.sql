CREATE OR REPLACE VIEW mart.freshness AS
WITH source (asset, table_name, counted_in, strategies, allowed_hours) AS (VALUES
    ('facilities', 'core.facility', 'core.facility', '{inventory,active,full}'::text[], {ALLOWED_HOURS.facilities}),
    ('vendors', 'core.vendor', 'core.vendor', '{vendors,active,full}', {ALLOWED_HOURS.vendors}),
    ('products', 'core.product', 'core.product', '{active,full}', {ALLOWED_HOURS.products}),
    ('inventory_levels', 'core.stock_level', 'core.stock_entry',
     '{critical,inventory,active,full,inventory_levels}', {ALLOWED_HOURS.inventory_levels}),
    ('shipments', 'core.shipment', 'core.shipment', '{sales,active,full}', {ALLOWED_HOURS.shipments}),
    ('purchase_orders', 'core.purchase_order', 'core.sales_order', '{sales,active,full}', {ALLOWED_HOURS.purchase_orders})
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
          AND r.finished_at <= now() + interval '{CLOCKS_APART}'
        ORDER BY r.finished_at DESC, r.run_id DESC LIMIT 1
    ) r ON true
    UNION ALL
    SELECT 'critical_items', 'plan.critical_item', {ALLOWED_HOURS.critical_items}, e.evaluated_at,
           e.run_id, r.strategy, e.read_at
    FROM (VALUES (1)) one
    LEFT JOIN ops.evaluation e ON true
    LEFT JOIN ops.sync_run r ON r.run_id = e.run_id
    UNION ALL
    SELECT 'forecasts', 'plan.forecast', {ALLOWED_HOURS.forecasts}, max(f.changed_at), NULL, NULL,
           max(f.snapshot_on)::timestamp AT TIME ZONE (SELECT zone FROM core.today)
    FROM plan.forecast f WHERE f.snapshot_on = (SELECT snapshot_on FROM plan.newest)
)
SELECT asset, table_name, read_at, run_id, strategy, watermark_at,
       round(extract(epoch FROM now() - read_at) / 60, 1) AS age_minutes, allowed_hours,
       read_at IS NULL OR now() > late_at AS is_late, late_at
FROM (
    SELECT k.*, coalesce(l.late_at, k.read_at + make_interval(hours => k.allowed_hours)) AS late_at
    FROM known k LEFT JOIN ops.asset_lateness l USING (asset, read_at)
) judged;
COMMENT ON VIEW mart.freshness IS
    'When each asset was last read completely, by which run, and whether that is too long ago; one row per asset. Backfills of some days do not count.';
COMMENT ON COLUMN mart.freshness.asset IS 'Name of the asset in Dagster; the key.';
COMMENT ON COLUMN mart.freshness.table_name IS 'The table it fills.';
COMMENT ON COLUMN mart.freshness.read_at IS 'UTC, end of the last run that read it completely, or computed it; null = never.';
COMMENT ON COLUMN mart.freshness.run_id IS 'That run; null = never, or no sync computes it.';
COMMENT ON COLUMN mart.freshness.strategy IS 'Strategy of that run.';
COMMENT ON COLUMN mart.freshness.watermark_at IS 'UTC, newest change of a record, by Finale''s stamps; of stock and critical items the read of stock, of forecasts (and the purchase plan, written with them) the start of the planned day.';
COMMENT ON COLUMN mart.freshness.age_minutes IS 'Minutes since `read_at`, by the database''s clock.';
COMMENT ON COLUMN mart.freshness.allowed_hours IS 'Hours after which it is late where nothing is known of its schedules.';
COMMENT ON COLUMN mart.freshness.is_late IS 'Whether that is past, or it was never read.';
COMMENT ON COLUMN mart.freshness.late_at IS 'UTC, when it is late: two due times were missed since `read_at`, or one by two hours; without a schedule by `allowed_hours`. Null = never read.';
