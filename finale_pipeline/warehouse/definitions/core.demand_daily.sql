CREATE OR REPLACE VIEW core.demand_daily AS
SELECT s.product_url, s.sold_on, s.units - s.returned_units AS units
FROM core.sales_daily s
WHERE s.units > s.returned_units
  AND NOT EXISTS (SELECT FROM core.component_demand c WHERE c.product_url = s.product_url)
UNION ALL
SELECT product_url, sold_on, sum(units)
FROM (
    SELECT s.product_url, s.sold_on, s.units - s.returned_units FROM core.sales_daily s
    WHERE s.units > s.returned_units
      AND EXISTS (SELECT FROM core.component_demand c WHERE c.product_url = s.product_url)
    UNION ALL
    SELECT product_url, used_on, kit_units + build_units FROM core.component_demand
) b (product_url, sold_on, units)
GROUP BY 1, 2;
COMMENT ON VIEW core.demand_daily IS
    'All demand of a product: its own sales less what of them came back to stock, kits without stock of their own that contain it, builds that used it; one row per product and business day.';
COMMENT ON COLUMN core.demand_daily.product_url IS 'The product.';
COMMENT ON COLUMN core.demand_daily.sold_on IS 'Business day in the account''s zone.';
COMMENT ON COLUMN core.demand_daily.units IS 'Units asked for or used, net of returns.';
