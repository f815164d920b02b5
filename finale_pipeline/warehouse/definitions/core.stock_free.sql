CREATE OR REPLACE VIEW core.stock_free AS
SELECT l.product_url, l.on_hand_units, l.reserved_units, l.on_order_units,
       l.available_units - coalesce(b.unreserved_units, 0) AS available_units,
       coalesce(b.unreserved_units, 0) AS build_units
FROM core.stock_level l LEFT JOIN core.build_reservation b USING (product_url);
COMMENT ON VIEW core.stock_free IS
    'Stock that is free for whoever asks: what Finale calls available, less what planned builds will use. Levels, mails and the plan decide by it. One row per product.';
COMMENT ON COLUMN core.stock_free.product_url IS 'The product.';
COMMENT ON COLUMN core.stock_free.available_units IS 'On hand less reserved, less `build_units`.';
COMMENT ON COLUMN core.stock_free.build_units IS 'Units that planned builds will use and that Finale''s reserved quantity does not hold.';
