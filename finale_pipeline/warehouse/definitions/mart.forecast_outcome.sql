CREATE OR REPLACE VIEW mart.forecast_outcome AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, f.protection_days, f.demand_units,
       f.demand_q50_units, f.demand_q95_units, f.demand_service_units, f.service_level,
       a.units AS demanded_units, a.units - f.demand_units AS error_units,
       a.units <= f.demand_service_units AS is_held
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.units), 0) AS units FROM core.sales_daily s
    WHERE s.product_url = f.product_url AND s.sold_on >= f.snapshot_on
      AND s.sold_on < f.snapshot_on + f.protection_days::int
) a
WHERE f.demand_units IS NOT NULL
  AND f.snapshot_on + f.protection_days::int <= (SELECT max(sold_on) FROM core.sales_daily);
COMMENT ON VIEW mart.forecast_outcome IS
    'Forecasts whose time has passed, beside what was demanded; is_held should be true for a share of service_level. Filter by snapshot_on.';
COMMENT ON COLUMN mart.forecast_outcome.product_url IS 'The product.';
COMMENT ON COLUMN mart.forecast_outcome.demanded_units IS 'What was demanded in the protection interval.';
COMMENT ON COLUMN mart.forecast_outcome.error_units IS 'Demanded less forecast.';
COMMENT ON COLUMN mart.forecast_outcome.is_held IS 'Whether the demand stayed within the quantile of the service level.';
