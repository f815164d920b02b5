CREATE OR REPLACE VIEW mart.forecast_outcome AS
SELECT o.snapshot_on, o.product_url, p.sku, p.name, d.protection_days, d.demand_units,
       d.demand_q50_units, d.demand_q95_units, d.demand_service_units, d.service_level,
       o.demanded_units, o.demanded_units - d.demand_units AS error_units,
       o.demanded_units <= d.demand_service_units AS is_held,
       o.demanded_units <= d.demand_q50_units AS is_held_q50,
       o.demanded_units <= d.demand_q95_units AS is_held_q95,
       o.naive_units, d.velocity_units_per_day, d.method, d.abc_class, d.xyz_class,
       v.name AS vendor
FROM plan.forecast_outcome o
JOIN plan.demand d ON d.product_url = o.product_url AND d.snapshot_on = o.snapshot_on
LEFT JOIN plan.decision x ON x.product_url = o.product_url AND x.snapshot_on = o.snapshot_on
LEFT JOIN core.product p ON p.product_url = o.product_url
LEFT JOIN core.vendor v ON v.vendor_url = x.vendor_url;
COMMENT ON VIEW mart.forecast_outcome IS
    'Forecasts whose time has passed, beside what was demanded, net of returns; is_held should be true for a share of service_level. Filter by snapshot_on.';
COMMENT ON COLUMN mart.forecast_outcome.product_url IS 'The product.';
COMMENT ON COLUMN mart.forecast_outcome.name IS 'Name of the product.';
COMMENT ON COLUMN mart.forecast_outcome.error_units IS 'Demanded less forecast.';
COMMENT ON COLUMN mart.forecast_outcome.is_held IS 'Whether the demand stayed within the quantile of the service level.';
COMMENT ON COLUMN mart.forecast_outcome.is_held_q50 IS 'The same of the 50 % quantile.';
COMMENT ON COLUMN mart.forecast_outcome.is_held_q95 IS 'The same of the 95 % quantile.';
COMMENT ON COLUMN mart.forecast_outcome.vendor IS 'Name of the vendor that it was to be ordered from.';
