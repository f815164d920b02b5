CREATE OR REPLACE VIEW mart.purchase_plan_edit AS
SELECT e.edit_id, e.snapshot_on, e.vendor_url, coalesce(v.name, '(no supplier known)') AS vendor,
       e.product_url, p.sku, p.name, e.quantity_units, e.old_quantity_units, e.suggested_units,
       e.unit_cost, e.old_unit_cost, e.suggested_cost, e.is_dropped, e.was_dropped, e.broken_rules,
       e.edited_by, e.edited_at, e.note
FROM plan.purchase_order_edit e
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = e.vendor_url;
COMMENT ON VIEW mart.purchase_plan_edit IS
    'Every change that a buyer made to a line of the plan: who, when, from what to what.';
COMMENT ON COLUMN mart.purchase_plan_edit.vendor_url IS 'The vendor of the line; empty = none is known.';
COMMENT ON COLUMN mart.purchase_plan_edit.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan_edit.product_url IS 'The product of the line.';
COMMENT ON COLUMN mart.purchase_plan_edit.sku IS 'Finale''s productId.';
COMMENT ON COLUMN mart.purchase_plan_edit.name IS 'Name of the product.';
