CREATE OR REPLACE VIEW mart.purchase_order_line AS
SELECT o.order_id, l.order_url, l.position, o.is_open, l.product_url, p.sku, p.name, v.name AS vendor,
       l.quantity_units, l.received_units, l.open_units, l.unit_price, o.ordered_on, l.due_on
FROM core.purchase_order_line l
JOIN core.purchase_order o ON o.order_url = l.order_url AND o.removed_at IS NULL
LEFT JOIN core.product p ON p.product_url = l.product_url
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url;
COMMENT ON VIEW mart.purchase_order_line IS
    'Lines of purchase orders with what came and what is still to come.';
COMMENT ON COLUMN mart.purchase_order_line.order_url IS 'Finale''s address of the order.';
COMMENT ON COLUMN mart.purchase_order_line.product_url IS 'The product.';
COMMENT ON COLUMN mart.purchase_order_line.name IS 'Name of the product.';
COMMENT ON COLUMN mart.purchase_order_line.vendor IS 'Name of the vendor.';
