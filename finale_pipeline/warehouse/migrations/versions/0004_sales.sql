CREATE TABLE core.sales_order (
	order_url TEXT NOT NULL,
	order_id TEXT,
	status TEXT NOT NULL,
	ordered_at TIMESTAMP WITH TIME ZONE,
	ordered_on DATE,
	created_at TIMESTAMP WITH TIME ZONE,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (order_url)
);
CREATE INDEX sales_order_updated_at_idx ON core.sales_order (updated_at);
COMMENT ON TABLE core.sales_order IS 'Sales orders without their lines (those come with the shipments); one row per order.';
COMMENT ON COLUMN core.sales_order.order_url IS 'Finale''s address of the order (a path); the key.';
COMMENT ON COLUMN core.sales_order.order_id IS 'The number people see: Finale''s orderId.';
COMMENT ON COLUMN core.sales_order.status IS 'ORDER_CREATED (draft), ORDER_LOCKED, ORDER_COMPLETED, ORDER_CANCELLED; as sent.';
COMMENT ON COLUMN core.sales_order.ordered_at IS 'UTC, Finale''s orderDate.';
COMMENT ON COLUMN core.sales_order.ordered_on IS 'Business day of `ordered_at` in the account''s zone; dates the demand.';
COMMENT ON COLUMN core.sales_order.created_at IS 'UTC, when the order was entered in Finale.';
COMMENT ON COLUMN core.sales_order.updated_at IS 'UTC, Finale''s lastUpdatedDate.';
COMMENT ON COLUMN core.sales_order.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.sales_order.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.sales_order.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.sales_order.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.shipment (
	shipment_url TEXT NOT NULL,
	shipment_id TEXT,
	shipment_type TEXT NOT NULL,
	status TEXT NOT NULL,
	order_url TEXT,
	return_url TEXT,
	destination_url TEXT,
	shipped_at TIMESTAMP WITH TIME ZONE,
	received_at TIMESTAMP WITH TIME ZONE,
	shipped_on DATE,
	received_on DATE,
	created_at TIMESTAMP WITH TIME ZONE,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	sold_on DATE,
	dated_by TEXT,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (shipment_url)
);
CREATE INDEX shipment_order_url_idx ON core.shipment (order_url);
CREATE INDEX shipment_sold_on_idx ON core.shipment (sold_on);
CREATE INDEX shipment_updated_at_idx ON core.shipment (updated_at);
COMMENT ON TABLE core.shipment IS 'Shipments of every type; one row per shipment.';
COMMENT ON COLUMN core.shipment.shipment_url IS 'Finale''s address of the shipment (a path); the key.';
COMMENT ON COLUMN core.shipment.shipment_id IS 'The number people see: Finale''s shipmentIdUser.';
COMMENT ON COLUMN core.shipment.shipment_type IS 'SALES_SHIPMENT, PURCHASE_SHIPMENT or another type, as sent.';
COMMENT ON COLUMN core.shipment.status IS 'SHIPMENT_INPUT, _PACKED, _SHIPPED, _DELIVERED, _CANCELLED …; as sent.';
COMMENT ON COLUMN core.shipment.order_url IS 'The order it belongs to; null = none.';
COMMENT ON COLUMN core.shipment.return_url IS 'The return it belongs to; then it is no sale. Null = none.';
COMMENT ON COLUMN core.shipment.destination_url IS 'The location it goes to; null = none said.';
COMMENT ON COLUMN core.shipment.shipped_at IS 'UTC, Finale''s shipDate.';
COMMENT ON COLUMN core.shipment.received_at IS 'UTC, Finale''s receiveDate.';
COMMENT ON COLUMN core.shipment.shipped_on IS 'Business day of `shipped_at`; of `created_at` when Finale has no shipDate.';
COMMENT ON COLUMN core.shipment.received_on IS 'Business day of `received_at`.';
COMMENT ON COLUMN core.shipment.created_at IS 'UTC, when the shipment was entered in Finale.';
COMMENT ON COLUMN core.shipment.updated_at IS 'UTC, Finale''s lastUpdatedDate.';
COMMENT ON COLUMN core.shipment.sold_on IS 'Business day its lines count as demand on: the order''s day, else `shipped_on`; null = they are no demand (receipt, return, transfer, draft, cancelled).';
COMMENT ON COLUMN core.shipment.dated_by IS 'Whose day `sold_on` is: order or shipment.';
COMMENT ON COLUMN core.shipment.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.shipment.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.shipment.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.shipment.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.shipment_line (
	shipment_url TEXT NOT NULL,
	position INTEGER NOT NULL,
	product_url TEXT,
	sku TEXT,
	facility_url TEXT,
	units NUMERIC,
	lot_id TEXT,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (shipment_url, position)
);
COMMENT ON TABLE core.shipment_line IS 'Lines of shipments, replaced with their shipment; one row per line.';
COMMENT ON COLUMN core.shipment_line.shipment_url IS 'The shipment.';
COMMENT ON COLUMN core.shipment_line.position IS 'Place in Finale''s list, from 1.';
COMMENT ON COLUMN core.shipment_line.product_url IS 'The product; null = the line is linked to none.';
COMMENT ON COLUMN core.shipment_line.sku IS 'Finale''s productId, as this shipment had it.';
COMMENT ON COLUMN core.shipment_line.facility_url IS 'The place it leaves or reaches.';
COMMENT ON COLUMN core.shipment_line.units IS 'Units moved; negative = a correction. Null = Finale has no readable quantity.';
COMMENT ON COLUMN core.shipment_line.lot_id IS 'Lot or serial number.';
COMMENT ON COLUMN core.shipment_line.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.shipment_line.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.sales_daily (
	product_url TEXT NOT NULL,
	sold_on DATE NOT NULL,
	units NUMERIC NOT NULL,
	orders INTEGER NOT NULL,
	dated_by TEXT NOT NULL,
	units_by_ship_date NUMERIC NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (product_url, sold_on)
);
CREATE INDEX sales_daily_sold_on_idx ON core.sales_daily (sold_on);
COMMENT ON TABLE core.sales_daily IS 'Demand; one row per product and business day on which something was sold.';
COMMENT ON COLUMN core.sales_daily.product_url IS 'The product.';
COMMENT ON COLUMN core.sales_daily.sold_on IS 'Business day of the orders in the account''s zone.';
COMMENT ON COLUMN core.sales_daily.units IS 'Units customers asked for: lines of sales shipments less corrections, of orders neither draft nor cancelled. Returns do not lower it.';
COMMENT ON COLUMN core.sales_daily.orders IS 'Orders that asked for them.';
COMMENT ON COLUMN core.sales_daily.dated_by IS 'order, shipment (those had no known order), or both.';
COMMENT ON COLUMN core.sales_daily.units_by_ship_date IS 'Of `units`, those dated by shipping for want of an order.';
COMMENT ON COLUMN core.sales_daily.changed_at IS 'UTC, when a sync last changed this row.';
CREATE TABLE core.purchase_order (
	order_url TEXT NOT NULL,
	order_id TEXT,
	status TEXT NOT NULL,
	vendor_id TEXT,
	vendor_url TEXT,
	ordered_at TIMESTAMP WITH TIME ZONE,
	ordered_on DATE,
	due_at TIMESTAMP WITH TIME ZONE,
	due_on DATE,
	destination_url TEXT,
	reference_number TEXT,
	total NUMERIC,
	created_at TIMESTAMP WITH TIME ZONE,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	is_open BOOLEAN DEFAULT false NOT NULL,
	received_on DATE,
	lines_updated_at TIMESTAMP WITH TIME ZONE,
	payload JSONB NOT NULL,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (order_url)
);
CREATE INDEX purchase_order_updated_at_idx ON core.purchase_order (updated_at);
COMMENT ON TABLE core.purchase_order IS 'Purchase orders; one row per order.';
COMMENT ON COLUMN core.purchase_order.order_url IS 'Finale''s address of the order (a path); the key.';
COMMENT ON COLUMN core.purchase_order.order_id IS 'The number people see: Finale''s orderId.';
COMMENT ON COLUMN core.purchase_order.status IS 'ORDER_CREATED (draft), ORDER_LOCKED (committed), ORDER_COMPLETED, ORDER_CANCELLED; as sent.';
COMMENT ON COLUMN core.purchase_order.vendor_id IS 'Finale''s partyId of the supplier.';
COMMENT ON COLUMN core.purchase_order.vendor_url IS 'The vendor (a path), found by `vendor_id`; null = not in core.vendor.';
COMMENT ON COLUMN core.purchase_order.ordered_at IS 'UTC, Finale''s orderDate.';
COMMENT ON COLUMN core.purchase_order.ordered_on IS 'Business day of `ordered_at` in the account''s zone.';
COMMENT ON COLUMN core.purchase_order.due_at IS 'UTC, estimated arrival: Finale''s receiveDate, else its dueDate.';
COMMENT ON COLUMN core.purchase_order.due_on IS 'Business day of `due_at`; null = nobody said.';
COMMENT ON COLUMN core.purchase_order.destination_url IS 'The location it goes to.';
COMMENT ON COLUMN core.purchase_order.reference_number IS 'Reference of the order; our drafts carry their key here.';
COMMENT ON COLUMN core.purchase_order.total IS 'Sum of the lines, in the account''s currency.';
COMMENT ON COLUMN core.purchase_order.created_at IS 'UTC, when the order was entered in Finale.';
COMMENT ON COLUMN core.purchase_order.updated_at IS 'UTC, Finale''s lastUpdatedDate.';
COMMENT ON COLUMN core.purchase_order.is_open IS 'Committed, and something is still to come.';
COMMENT ON COLUMN core.purchase_order.received_on IS 'Business day of the last delivered receipt; null = none yet.';
COMMENT ON COLUMN core.purchase_order.lines_updated_at IS 'UTC, `updated_at` of the order whose lines are stored; null = none.';
COMMENT ON COLUMN core.purchase_order.payload IS 'Every field as Finale sent it that has no column of its own; nulls left out.';
COMMENT ON COLUMN core.purchase_order.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.purchase_order.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.purchase_order.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.purchase_order.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.purchase_order_line (
	order_url TEXT NOT NULL,
	position INTEGER NOT NULL,
	product_url TEXT,
	sku TEXT,
	quantity_units NUMERIC NOT NULL,
	unit_price NUMERIC,
	due_on DATE,
	received_units NUMERIC DEFAULT 0 NOT NULL,
	open_units NUMERIC DEFAULT 0 NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (order_url, position)
);
CREATE INDEX purchase_order_line_product_url_idx ON core.purchase_order_line (product_url);
COMMENT ON TABLE core.purchase_order_line IS 'Lines of purchase orders that were open when last read; one row per line.';
COMMENT ON COLUMN core.purchase_order_line.order_url IS 'The order.';
COMMENT ON COLUMN core.purchase_order_line.position IS 'Place in Finale''s list, from 1.';
COMMENT ON COLUMN core.purchase_order_line.product_url IS 'The product; null = the line is linked to none.';
COMMENT ON COLUMN core.purchase_order_line.sku IS 'Finale''s productId, as this order had it.';
COMMENT ON COLUMN core.purchase_order_line.quantity_units IS 'Units ordered.';
COMMENT ON COLUMN core.purchase_order_line.unit_price IS 'Price of one unit, in the account''s currency.';
COMMENT ON COLUMN core.purchase_order_line.due_on IS 'Business day on which it should arrive: the order''s.';
COMMENT ON COLUMN core.purchase_order_line.received_units IS 'Units of delivered receipts of the order, first lines of a product first.';
COMMENT ON COLUMN core.purchase_order_line.open_units IS 'Units still to come: ordered less received, never negative; 0 unless the order is committed.';
COMMENT ON COLUMN core.purchase_order_line.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.purchase_order_line.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE ops.watermark (
	table_name TEXT NOT NULL,
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	zone TEXT NOT NULL,
	committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (table_name)
);
COMMENT ON TABLE ops.watermark IS 'From where on a table''s next read begins; moves with the rows, in one transaction.';
COMMENT ON COLUMN ops.watermark.table_name IS 'The table.';
COMMENT ON COLUMN ops.watermark.seen_at IS 'UTC, up to where changes are known to be read, by the stamps in the data.';
COMMENT ON COLUMN ops.watermark.zone IS 'Time zone in which the business days of its rows were reckoned.';
COMMENT ON COLUMN ops.watermark.committed_at IS 'UTC.';

CREATE VIEW mart.sales_daily AS
SELECT d.sold_on, d.product_url, p.sku, p.name, p.category, d.units, d.orders, d.dated_by,
       d.units_by_ship_date
FROM core.sales_daily d LEFT JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.sales_daily IS
    'Demand per product and business day; a day without a row had none. Product columns are null for products that are not in the catalogue.';

CREATE VIEW mart.purchase_order AS
SELECT o.order_url, o.order_id, o.status, o.is_open, o.vendor_url, o.vendor_id, v.name AS vendor,
       o.ordered_on, o.due_on, o.received_on, f.name AS destination, o.reference_number, o.total,
       l.lines, l.ordered_units, l.received_units, l.open_units, o.updated_at
FROM core.purchase_order o
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url
LEFT JOIN core.facility f ON f.facility_url = o.destination_url
LEFT JOIN (
    SELECT order_url, count(*) AS lines, sum(quantity_units) AS ordered_units,
           sum(received_units) AS received_units, sum(open_units) AS open_units
    FROM core.purchase_order_line GROUP BY 1
) l ON l.order_url = o.order_url
WHERE o.removed_at IS NULL;
COMMENT ON VIEW mart.purchase_order IS
    'Purchase orders with their vendor and what is still to come; the sums are null where the lines were never needed.';

CREATE VIEW mart.purchase_order_line AS
SELECT o.order_id, l.order_url, l.position, o.is_open, l.product_url, p.sku, p.name, v.name AS vendor,
       l.quantity_units, l.received_units, l.open_units, l.unit_price, o.ordered_on, l.due_on
FROM core.purchase_order_line l
JOIN core.purchase_order o ON o.order_url = l.order_url AND o.removed_at IS NULL
LEFT JOIN core.product p ON p.product_url = l.product_url
LEFT JOIN core.vendor v ON v.vendor_url = o.vendor_url;
COMMENT ON VIEW mart.purchase_order_line IS
    'Lines of purchase orders with what came and what is still to come.';

CREATE VIEW mart.vendor_lead_time AS
WITH receipt AS (
    SELECT o.order_url, o.vendor_id, o.vendor_url, s.received_on,
           s.received_on - o.ordered_on AS days,
           (SELECT coalesce(sum(greatest(l.units, 0)), 0) FROM core.shipment_line l
            WHERE l.shipment_url = s.shipment_url) AS units
    FROM core.purchase_order o
    JOIN core.shipment s ON s.order_url = o.order_url
    WHERE s.shipment_type = 'PURCHASE_SHIPMENT' AND s.status = 'SHIPMENT_DELIVERED'
      AND s.removed_at IS NULL AND o.removed_at IS NULL AND o.status <> 'ORDER_CANCELLED'
      AND s.received_on >= o.ordered_on
),
delivery AS (
    SELECT order_url, vendor_id, vendor_url, max(received_on) AS received_on,
           sum(days * units) / sum(units) AS days
    FROM receipt WHERE units > 0 GROUP BY 1, 2, 3
)
SELECT d.vendor_id, d.vendor_url, v.name AS vendor, count(*) AS orders,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY d.days) AS median_days,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY d.days) AS p90_days,
       stddev_samp(d.days) AS sd_days, min(d.days) AS shortest_days, max(d.days) AS longest_days,
       max(d.received_on) AS last_received_on
FROM delivery d LEFT JOIN core.vendor v ON v.vendor_url = d.vendor_url
GROUP BY 1, 2, 3;
COMMENT ON VIEW mart.vendor_lead_time IS
    'Measured days from order to receipt, per vendor. Every order that was delivered counts once; one that came in parts with its parts'' days weighted by their units. sd_days is null for a single order.';

COMMENT ON COLUMN mart.purchase_order.order_url IS 'Finale''s address of the order.';
COMMENT ON COLUMN mart.purchase_order.vendor_url IS 'The vendor.';
COMMENT ON COLUMN mart.purchase_order.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_order.destination IS 'Name of the place it goes to.';
COMMENT ON COLUMN mart.purchase_order.lines IS 'Lines of the order; null = they were never needed.';
COMMENT ON COLUMN mart.purchase_order.ordered_units IS 'Units ordered, over all lines.';
COMMENT ON COLUMN mart.purchase_order_line.order_url IS 'Finale''s address of the order.';
COMMENT ON COLUMN mart.purchase_order_line.product_url IS 'The product.';
COMMENT ON COLUMN mart.purchase_order_line.name IS 'Name of the product.';
COMMENT ON COLUMN mart.purchase_order_line.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.sales_daily.product_url IS 'The product.';
COMMENT ON COLUMN mart.vendor_lead_time.vendor_url IS 'The vendor.';
COMMENT ON COLUMN mart.vendor_lead_time.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.vendor_lead_time.orders IS 'Orders that were delivered.';
COMMENT ON COLUMN mart.vendor_lead_time.median_days IS 'Half of the orders took at most so many days.';
COMMENT ON COLUMN mart.vendor_lead_time.p90_days IS 'Nine in ten orders took at most so many days.';
COMMENT ON COLUMN mart.vendor_lead_time.sd_days IS 'Standard deviation in days; null for a single order.';
COMMENT ON COLUMN mart.vendor_lead_time.shortest_days IS 'Days of the fastest order.';
COMMENT ON COLUMN mart.vendor_lead_time.longest_days IS 'Days of the slowest order.';
COMMENT ON COLUMN mart.vendor_lead_time.last_received_on IS 'Business day of the newest delivery.';

-- The reader's role may be missing where the server does not let us make roles.
DO $$
BEGIN
    GRANT SELECT ON mart.sales_daily, mart.purchase_order, mart.purchase_order_line,
        mart.vendor_lead_time, ops.watermark TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the new views: %', SQLERRM;
END $$;
