CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA IF NOT EXISTS plan;
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS mart;
CREATE TABLE core.product (
	product_url TEXT NOT NULL,
	sku TEXT NOT NULL,
	name TEXT,
	status TEXT NOT NULL,
	category TEXT,
	product_type TEXT,
	cost NUMERIC,
	lead_time_days NUMERIC,
	barcode TEXT,
	manufacturer TEXT,
	packing TEXT,
	created_at TIMESTAMP WITH TIME ZONE,
	updated_at TIMESTAMP WITH TIME ZONE,
	payload JSONB NOT NULL,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (product_url)
);
CREATE INDEX product_sku_idx ON core.product (sku);
CREATE INDEX product_updated_at_idx ON core.product (updated_at);
COMMENT ON TABLE core.product IS 'Products of the account, current state; one row per product.';
COMMENT ON COLUMN core.product.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN core.product.sku IS 'What people call the product: Finale''s productId.';
COMMENT ON COLUMN core.product.name IS 'Name shown in Finale (internalName).';
COMMENT ON COLUMN core.product.status IS 'PRODUCT_ACTIVE or PRODUCT_INACTIVE, as sent.';
COMMENT ON COLUMN core.product.category IS 'Current name of the category.';
COMMENT ON COLUMN core.product.product_type IS 'Finale''s productTypeId, usually GOOD.';
COMMENT ON COLUMN core.product.cost IS 'Standard cost, in the account''s currency.';
COMMENT ON COLUMN core.product.lead_time_days IS 'Lead time of the product itself, in days.';
COMMENT ON COLUMN core.product.barcode IS 'Universal product code.';
COMMENT ON COLUMN core.product.manufacturer IS 'Name of the manufacturer.';
COMMENT ON COLUMN core.product.packing IS 'Normalised packing string, such as 12 cs 12/1.';
COMMENT ON COLUMN core.product.created_at IS 'UTC, when the product was created in Finale.';
COMMENT ON COLUMN core.product.updated_at IS 'UTC, Finale''s lastUpdatedDate; places the row in its catalogue window.';
COMMENT ON COLUMN core.product.payload IS 'Every field as Finale sent it that has no column of its own; nulls left out.';
COMMENT ON COLUMN core.product.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.product.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.product.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.product.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.product_supplier (
	product_url TEXT NOT NULL,
	vendor_url TEXT NOT NULL,
	is_main BOOLEAN NOT NULL,
	price NUMERIC,
	currency TEXT,
	vendor_sku TEXT,
	lead_time_days NUMERIC,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (product_url, vendor_url)
);
COMMENT ON TABLE core.product_supplier IS 'Who supplies a product, and for what price; one row per product and vendor.';
COMMENT ON COLUMN core.product_supplier.product_url IS 'The product.';
COMMENT ON COLUMN core.product_supplier.vendor_url IS 'The vendor (a path).';
COMMENT ON COLUMN core.product_supplier.is_main IS 'Whether it is the main supplier.';
COMMENT ON COLUMN core.product_supplier.price IS 'Buying price for one unit, in `currency`.';
COMMENT ON COLUMN core.product_supplier.currency IS 'Currency of the price, such as USD.';
COMMENT ON COLUMN core.product_supplier.vendor_sku IS 'The vendor''s own code of the product.';
COMMENT ON COLUMN core.product_supplier.lead_time_days IS 'Days from order to arrival, this vendor.';
COMMENT ON COLUMN core.product_supplier.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.product_supplier.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.reorder_rule (
	product_url TEXT NOT NULL,
	facility_url TEXT NOT NULL,
	reorder_point_units NUMERIC,
	reorder_quantity_units NUMERIC,
	method TEXT,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (product_url, facility_url)
);
COMMENT ON TABLE core.reorder_rule IS 'Reorder guidelines; one row per product and place.';
COMMENT ON COLUMN core.reorder_rule.product_url IS 'The product.';
COMMENT ON COLUMN core.reorder_rule.facility_url IS 'The place; empty when Finale names none.';
COMMENT ON COLUMN core.reorder_rule.reorder_point_units IS 'Units at which to order; null = none set.';
COMMENT ON COLUMN core.reorder_rule.reorder_quantity_units IS 'Units to order; null = none set.';
COMMENT ON COLUMN core.reorder_rule.method IS 'How Finale computes it: ##doNotReorder, ##salesVelocity; else manual.';
COMMENT ON COLUMN core.reorder_rule.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.reorder_rule.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.vendor (
	vendor_url TEXT NOT NULL,
	vendor_id TEXT,
	name TEXT NOT NULL,
	status TEXT,
	created_at TIMESTAMP WITH TIME ZONE,
	updated_at TIMESTAMP WITH TIME ZONE,
	payload JSONB NOT NULL,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (vendor_url)
);
CREATE INDEX vendor_updated_at_idx ON core.vendor (updated_at);
COMMENT ON TABLE core.vendor IS 'Parties having the role SUPPLIER; one row per vendor.';
COMMENT ON COLUMN core.vendor.vendor_url IS 'Finale''s address of the party (a path); the key.';
COMMENT ON COLUMN core.vendor.vendor_id IS 'Finale''s partyId.';
COMMENT ON COLUMN core.vendor.name IS 'Name of the company.';
COMMENT ON COLUMN core.vendor.status IS 'PARTY_ENABLED or another state, as sent; disabled vendors are kept.';
COMMENT ON COLUMN core.vendor.created_at IS 'UTC, when the party was created in Finale.';
COMMENT ON COLUMN core.vendor.updated_at IS 'UTC, Finale''s lastUpdatedDate.';
COMMENT ON COLUMN core.vendor.payload IS 'Every field as Finale sent it that has no column of its own; nulls left out.';
COMMENT ON COLUMN core.vendor.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.vendor.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.vendor.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.vendor.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.vendor_contact (
	vendor_url TEXT NOT NULL,
	position INTEGER NOT NULL,
	kind TEXT,
	purpose TEXT,
	value TEXT,
	address1 TEXT,
	address2 TEXT,
	city TEXT,
	state TEXT,
	postal_code TEXT,
	country TEXT,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (vendor_url, position)
);
COMMENT ON TABLE core.vendor_contact IS 'How to reach a vendor; one row per address or number.';
COMMENT ON COLUMN core.vendor_contact.vendor_url IS 'The vendor.';
COMMENT ON COLUMN core.vendor_contact.position IS 'Place in Finale''s list, from 1.';
COMMENT ON COLUMN core.vendor_contact.kind IS 'EMAIL_ADDRESS, TELECOM_NUMBER or POSTAL_ADDRESS.';
COMMENT ON COLUMN core.vendor_contact.purpose IS 'What it is for, such as WORK_EMAIL.';
COMMENT ON COLUMN core.vendor_contact.value IS 'The e-mail address or phone number.';
COMMENT ON COLUMN core.vendor_contact.address1 IS 'First line of a postal address.';
COMMENT ON COLUMN core.vendor_contact.address2 IS 'Second line of a postal address.';
COMMENT ON COLUMN core.vendor_contact.city IS 'City.';
COMMENT ON COLUMN core.vendor_contact.state IS 'State or province.';
COMMENT ON COLUMN core.vendor_contact.postal_code IS 'Postal code.';
COMMENT ON COLUMN core.vendor_contact.country IS 'Country, such as USA.';
COMMENT ON COLUMN core.vendor_contact.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.vendor_contact.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.facility (
	facility_url TEXT NOT NULL,
	facility_id TEXT,
	name TEXT,
	parent_url TEXT,
	status TEXT,
	facility_type TEXT,
	updated_at TIMESTAMP WITH TIME ZONE,
	payload JSONB NOT NULL,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	removed_at TIMESTAMP WITH TIME ZONE,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (facility_url)
);
COMMENT ON TABLE core.facility IS 'Locations and their sublocations; one row per place.';
COMMENT ON COLUMN core.facility.facility_url IS 'Finale''s address of the place (a path); the key.';
COMMENT ON COLUMN core.facility.facility_id IS 'Finale''s facilityId.';
COMMENT ON COLUMN core.facility.name IS 'Name of the place.';
COMMENT ON COLUMN core.facility.parent_url IS 'The location this sublocation is in; null = it is a location itself.';
COMMENT ON COLUMN core.facility.status IS 'FACILITY_ACTIVE or another state, as sent.';
COMMENT ON COLUMN core.facility.facility_type IS 'Finale''s facilityTypeId.';
COMMENT ON COLUMN core.facility.updated_at IS 'UTC, Finale''s lastUpdatedDate.';
COMMENT ON COLUMN core.facility.payload IS 'Every field as Finale sent it that has no column of its own; nulls left out.';
COMMENT ON COLUMN core.facility.first_seen_at IS 'UTC, when a sync first wrote this row.';
COMMENT ON COLUMN core.facility.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.facility.removed_at IS 'UTC, when a complete read no longer had it; null = it is there.';
COMMENT ON COLUMN core.facility.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.stock_entry (
	product_url TEXT NOT NULL,
	facility_url TEXT NOT NULL,
	lot_id TEXT NOT NULL,
	packing TEXT NOT NULL,
	order_url TEXT NOT NULL,
	location_url TEXT NOT NULL,
	sku TEXT,
	on_hand_units NUMERIC NOT NULL,
	on_order_units NUMERIC NOT NULL,
	reserved_units NUMERIC NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (product_url, facility_url, lot_id, packing, order_url)
);
COMMENT ON TABLE core.stock_entry IS 'Exactly what the last complete read of Finale''s stock returned.';
COMMENT ON COLUMN core.stock_entry.product_url IS 'The product.';
COMMENT ON COLUMN core.stock_entry.facility_url IS 'Where: sublocation for stock, location for orders.';
COMMENT ON COLUMN core.stock_entry.lot_id IS 'Lot or serial number; empty = none.';
COMMENT ON COLUMN core.stock_entry.packing IS 'Packing of this entry; empty = none.';
COMMENT ON COLUMN core.stock_entry.order_url IS 'The order that will bring or take it; empty = on hand.';
COMMENT ON COLUMN core.stock_entry.location_url IS 'The location that holds the facility.';
COMMENT ON COLUMN core.stock_entry.sku IS 'Finale''s productId, as this read had it.';
COMMENT ON COLUMN core.stock_entry.on_hand_units IS 'Units present.';
COMMENT ON COLUMN core.stock_entry.on_order_units IS 'Units of a committed purchase order still to come.';
COMMENT ON COLUMN core.stock_entry.reserved_units IS 'Units of a committed sales order still to leave.';
COMMENT ON COLUMN core.stock_entry.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN core.stock_entry.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE core.stock_level (
	product_url TEXT NOT NULL,
	on_hand_units NUMERIC NOT NULL,
	reserved_units NUMERIC NOT NULL,
	on_order_units NUMERIC NOT NULL,
	available_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units) STORED,
	position_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units + on_order_units) STORED,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (product_url)
);
COMMENT ON TABLE core.stock_level IS 'Stock now; one row per product, with explicit zeros for products without an entry.';
COMMENT ON COLUMN core.stock_level.product_url IS 'The product.';
COMMENT ON COLUMN core.stock_level.on_hand_units IS 'Units present; negative when over-shipped.';
COMMENT ON COLUMN core.stock_level.reserved_units IS 'Units promised to committed sales orders.';
COMMENT ON COLUMN core.stock_level.on_order_units IS 'Units on committed purchase orders.';
COMMENT ON COLUMN core.stock_level.available_units IS 'On hand less reserved, in units.';
COMMENT ON COLUMN core.stock_level.position_units IS 'Available plus on order, in units.';
COMMENT ON COLUMN core.stock_level.changed_at IS 'UTC, when a sync last changed this row.';
CREATE TABLE core.stock_level_by_location (
	product_url TEXT NOT NULL,
	location_url TEXT NOT NULL,
	on_hand_units NUMERIC NOT NULL,
	reserved_units NUMERIC NOT NULL,
	on_order_units NUMERIC NOT NULL,
	available_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units) STORED,
	position_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units + on_order_units) STORED,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (product_url, location_url)
);
COMMENT ON TABLE core.stock_level_by_location IS 'Stock now at each location that has any; one row per product and location.';
COMMENT ON COLUMN core.stock_level_by_location.product_url IS 'The product.';
COMMENT ON COLUMN core.stock_level_by_location.location_url IS 'The location, its sublocations added up.';
COMMENT ON COLUMN core.stock_level_by_location.on_hand_units IS 'Units present; negative when over-shipped.';
COMMENT ON COLUMN core.stock_level_by_location.reserved_units IS 'Units promised to committed sales orders.';
COMMENT ON COLUMN core.stock_level_by_location.on_order_units IS 'Units on committed purchase orders.';
COMMENT ON COLUMN core.stock_level_by_location.available_units IS 'On hand less reserved, in units.';
COMMENT ON COLUMN core.stock_level_by_location.position_units IS 'Available plus on order, in units.';
COMMENT ON COLUMN core.stock_level_by_location.changed_at IS 'UTC, when a sync last changed this row.';
CREATE TABLE core.stock_daily (
	product_url TEXT NOT NULL,
	snapshot_on DATE NOT NULL,
	on_hand_units NUMERIC NOT NULL,
	reserved_units NUMERIC NOT NULL,
	on_order_units NUMERIC NOT NULL,
	available_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units) STORED,
	position_units NUMERIC GENERATED ALWAYS AS (on_hand_units - reserved_units + on_order_units) STORED,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (product_url, snapshot_on)
);
COMMENT ON TABLE core.stock_daily IS 'History of stock: a product''s row holds from its day until the product''s next row.';
COMMENT ON COLUMN core.stock_daily.product_url IS 'The product.';
COMMENT ON COLUMN core.stock_daily.snapshot_on IS 'Business day at whose end these levels held; written when they changed that day.';
COMMENT ON COLUMN core.stock_daily.on_hand_units IS 'Units present; negative when over-shipped.';
COMMENT ON COLUMN core.stock_daily.reserved_units IS 'Units promised to committed sales orders.';
COMMENT ON COLUMN core.stock_daily.on_order_units IS 'Units on committed purchase orders.';
COMMENT ON COLUMN core.stock_daily.available_units IS 'On hand less reserved, in units.';
COMMENT ON COLUMN core.stock_daily.position_units IS 'Available plus on order, in units.';
COMMENT ON COLUMN core.stock_daily.changed_at IS 'UTC, when a sync last changed this row.';
CREATE TABLE core.stock_day (
	snapshot_on DATE NOT NULL,
	read_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (snapshot_on)
);
COMMENT ON TABLE core.stock_day IS 'Days on which stock was read completely; a day without a row was not observed.';
COMMENT ON COLUMN core.stock_day.snapshot_on IS 'Business day in the account''s zone.';
COMMENT ON COLUMN core.stock_day.read_at IS 'UTC, the last complete read of stock on that day.';
CREATE TABLE ops.sync_run (
	run_id BIGSERIAL NOT NULL,
	strategy TEXT NOT NULL,
	trigger TEXT NOT NULL,
	dagster_run_id TEXT,
	status TEXT NOT NULL,
	started_at TIMESTAMP WITH TIME ZONE NOT NULL,
	heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	step TEXT,
	progress NUMERIC,
	counts JSONB DEFAULT '{}' NOT NULL,
	api_calls BIGINT DEFAULT 0 NOT NULL,
	bytes BIGINT DEFAULT 0 NOT NULL,
	error_kind TEXT,
	error TEXT,
	locks TEXT[] NOT NULL,
	PRIMARY KEY (run_id)
);
CREATE INDEX sync_run_started_at_idx ON ops.sync_run (started_at);
COMMENT ON TABLE ops.sync_run IS 'Every execution of a sync; one row per run.';
COMMENT ON COLUMN ops.sync_run.run_id IS 'Number of the run.';
COMMENT ON COLUMN ops.sync_run.strategy IS 'full, inventory, vendors, or the asset of a backfill.';
COMMENT ON COLUMN ops.sync_run.trigger IS 'cli, schedule, sensor, ui or test.';
COMMENT ON COLUMN ops.sync_run.dagster_run_id IS 'Dagster''s id of the run, when Dagster runs it.';
COMMENT ON COLUMN ops.sync_run.status IS 'running, done, failed, held, throttled or interrupted.';
COMMENT ON COLUMN ops.sync_run.started_at IS 'UTC.';
COMMENT ON COLUMN ops.sync_run.heartbeat_at IS 'UTC, last sign of life.';
COMMENT ON COLUMN ops.sync_run.finished_at IS 'UTC; null while it runs.';
COMMENT ON COLUMN ops.sync_run.step IS 'What it does, or did last, such as `products 3 of 38`.';
COMMENT ON COLUMN ops.sync_run.progress IS 'Share of the work that is done, 0 to 1.';
COMMENT ON COLUMN ops.sync_run.counts IS 'Per table: read, inserted, updated, unchanged, removed, rejected.';
COMMENT ON COLUMN ops.sync_run.api_calls IS 'Requests.';
COMMENT ON COLUMN ops.sync_run.bytes IS 'Bytes read.';
COMMENT ON COLUMN ops.sync_run.error_kind IS 'Class of the error: CONFIG, THROTTLED, TRANSIENT, …';
COMMENT ON COLUMN ops.sync_run.error IS 'What happened, what it means for the data, the next step.';
COMMENT ON COLUMN ops.sync_run.locks IS 'Table sets it works on.';
CREATE TABLE ops.sync_reject (
	reject_id BIGSERIAL NOT NULL,
	run_id BIGINT NOT NULL,
	table_name TEXT NOT NULL,
	record_key TEXT,
	reason TEXT NOT NULL,
	sample TEXT,
	rejected_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (reject_id)
);
CREATE INDEX sync_reject_run_id_idx ON ops.sync_reject (run_id);
COMMENT ON TABLE ops.sync_reject IS 'Records that were read and not written; one row per record and run.';
COMMENT ON COLUMN ops.sync_reject.reject_id IS 'Number.';
COMMENT ON COLUMN ops.sync_reject.run_id IS 'The run that met it.';
COMMENT ON COLUMN ops.sync_reject.table_name IS 'The table it was meant for.';
COMMENT ON COLUMN ops.sync_reject.record_key IS 'Key of the record, when it had one.';
COMMENT ON COLUMN ops.sync_reject.reason IS 'Why it was not written.';
COMMENT ON COLUMN ops.sync_reject.sample IS 'The offending value, shortened, control characters escaped.';
COMMENT ON COLUMN ops.sync_reject.rejected_at IS 'UTC.';
CREATE TABLE ops.walk (
	walk_id BIGSERIAL NOT NULL,
	table_name TEXT NOT NULL,
	since_at TIMESTAMP WITH TIME ZONE NOT NULL,
	started_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (walk_id)
);
COMMENT ON TABLE ops.walk IS 'A complete reading of a table by windows, which a killed sync resumes.';
COMMENT ON COLUMN ops.walk.walk_id IS 'Number.';
COMMENT ON COLUMN ops.walk.table_name IS 'The table whose windows it reads.';
COMMENT ON COLUMN ops.walk.since_at IS 'UTC, where it begins.';
COMMENT ON COLUMN ops.walk.started_at IS 'UTC, by the source''s clock; the tail from here is read last.';
COMMENT ON COLUMN ops.walk.finished_at IS 'UTC; null while it is under way or interrupted.';
CREATE TABLE ops.catalogue_window (
	table_name TEXT NOT NULL,
	window_from TIMESTAMP WITH TIME ZONE NOT NULL,
	window_to TIMESTAMP WITH TIME ZONE NOT NULL,
	walk_id BIGINT NOT NULL,
	body_digest BIGINT NOT NULL,
	row_count BIGINT NOT NULL,
	fingerprint BIGINT NOT NULL,
	committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (table_name, window_from, window_to)
);
COMMENT ON TABLE ops.catalogue_window IS 'Checkpoints of walks, and what makes an untouched window cost nothing to read again.';
COMMENT ON COLUMN ops.catalogue_window.table_name IS 'The table.';
COMMENT ON COLUMN ops.catalogue_window.window_from IS 'UTC, included.';
COMMENT ON COLUMN ops.catalogue_window.window_to IS 'UTC, excluded.';
COMMENT ON COLUMN ops.catalogue_window.walk_id IS 'The walk that last read it.';
COMMENT ON COLUMN ops.catalogue_window.body_digest IS '64-bit hash of the answer.';
COMMENT ON COLUMN ops.catalogue_window.row_count IS 'Records of the window.';
COMMENT ON COLUMN ops.catalogue_window.fingerprint IS 'Rows'' hashes in the table, xor-ed.';
COMMENT ON COLUMN ops.catalogue_window.committed_at IS 'UTC.';
CREATE TABLE ops.absence (
	walk_id BIGINT NOT NULL,
	record_url TEXT NOT NULL,
	row_hash BIGINT,
	is_absent BOOLEAN NOT NULL,
	PRIMARY KEY (walk_id, record_url)
);
COMMENT ON TABLE ops.absence IS 'Records a walk missed where they were; what is still missing at its end is removed.';
COMMENT ON COLUMN ops.absence.walk_id IS 'The walk.';
COMMENT ON COLUMN ops.absence.record_url IS 'The record.';
COMMENT ON COLUMN ops.absence.row_hash IS 'Its row''s hash then; written anew since = not absent.';
COMMENT ON COLUMN ops.absence.is_absent IS 'True: its window no longer has it; false: met elsewhere with an older stamp.';
CREATE TABLE ops.feed (
	feed_name TEXT NOT NULL,
	body_digest BIGINT NOT NULL,
	row_count BIGINT NOT NULL,
	fingerprint BIGINT NOT NULL,
	read_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (feed_name)
);
COMMENT ON TABLE ops.feed IS 'The last complete read of a feed that has no windows.';
COMMENT ON COLUMN ops.feed.feed_name IS 'Such as stock.';
COMMENT ON COLUMN ops.feed.body_digest IS '64-bit hash of the last answer.';
COMMENT ON COLUMN ops.feed.row_count IS 'Rows that answer wrote.';
COMMENT ON COLUMN ops.feed.fingerprint IS 'Rows'' hashes, xor-ed.';
COMMENT ON COLUMN ops.feed.read_at IS 'UTC, when it was read and believed.';
CREATE TABLE ops.account (
	only_row BOOLEAN NOT NULL,
	base_url TEXT NOT NULL,
	account_name TEXT NOT NULL,
	adopted_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (only_row)
);
COMMENT ON TABLE ops.account IS 'Whose data these are; another account''s sync is refused.';
COMMENT ON COLUMN ops.account.only_row IS 'True: there is one row.';
COMMENT ON COLUMN ops.account.base_url IS 'Address of the source of these data.';
COMMENT ON COLUMN ops.account.account_name IS 'Account these data belong to.';
COMMENT ON COLUMN ops.account.adopted_at IS 'UTC, when the first sync wrote it.';

CREATE VIEW mart.product AS
SELECT p.product_url, p.sku, p.name, p.status, p.status = 'PRODUCT_ACTIVE' AS is_active, p.category,
       p.cost, p.lead_time_days, p.updated_at, v.name AS main_vendor, s.price AS main_vendor_price,
       s.currency AS main_vendor_currency, s.lead_time_days AS main_vendor_lead_time_days
FROM core.product p
LEFT JOIN LATERAL (
    SELECT * FROM core.product_supplier ps WHERE ps.product_url = p.product_url
    ORDER BY ps.is_main DESC, ps.vendor_url LIMIT 1
) s ON true
LEFT JOIN core.vendor v ON v.vendor_url = s.vendor_url
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.product IS 'Products that are there now, with their main vendor.';
COMMENT ON COLUMN mart.product.name IS 'Name shown in Finale.';
COMMENT ON COLUMN mart.product.is_active IS 'Whether Finale calls it active.';
COMMENT ON COLUMN mart.product.cost IS 'Standard cost, in the account''s currency.';
COMMENT ON COLUMN mart.product.lead_time_days IS 'Lead time of the product itself, in days.';
COMMENT ON COLUMN mart.product.updated_at IS 'UTC, when it was last changed in Finale.';
COMMENT ON COLUMN mart.product.main_vendor IS 'Name of the main vendor; without one marked so, of the first.';
COMMENT ON COLUMN mart.product.main_vendor_price IS 'That vendor''s price for one unit, in `main_vendor_currency`.';
COMMENT ON COLUMN mart.product.main_vendor_currency IS 'Currency of that price, such as GBP.';
COMMENT ON COLUMN mart.product.main_vendor_lead_time_days IS 'Days from order to arrival, that vendor.';
COMMENT ON COLUMN mart.product.status IS 'PRODUCT_ACTIVE or PRODUCT_INACTIVE, as sent.';
COMMENT ON COLUMN mart.product.product_url IS 'Finale''s address of the product (a path); the key.';

CREATE VIEW mart.stock AS
SELECT p.product_url, p.sku, p.name, p.status = 'PRODUCT_ACTIVE' AS is_active, p.category,
       l.on_hand_units, l.reserved_units, l.on_order_units, l.available_units, l.position_units
FROM core.stock_level l JOIN core.product p USING (product_url)
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.stock IS 'Stock now, per product.';
COMMENT ON COLUMN mart.stock.product_url IS 'Finale''s address of the product (a path); the key.';
COMMENT ON COLUMN mart.stock.is_active IS 'Whether Finale calls it active.';

CREATE VIEW mart.stock_by_location AS
SELECT p.product_url, p.sku, p.name, f.name AS location, l.location_url,
       l.on_hand_units, l.reserved_units, l.on_order_units, l.available_units
FROM core.stock_level_by_location l
JOIN core.product p USING (product_url)
LEFT JOIN core.facility f ON f.facility_url = l.location_url
WHERE p.removed_at IS NULL;
COMMENT ON VIEW mart.stock_by_location IS 'Stock now, per product and location.';
COMMENT ON COLUMN mart.stock_by_location.product_url IS 'The product; part of the key.';
COMMENT ON COLUMN mart.stock_by_location.name IS 'Name of the product.';
COMMENT ON COLUMN mart.stock_by_location.location IS 'Name of the location.';
COMMENT ON COLUMN mart.stock_by_location.location_url IS 'The location, its sublocations added up; part of the key.';

CREATE VIEW mart.stock_daily AS
SELECT d.snapshot_on, p.product_url, p.sku, h.on_hand_units, h.reserved_units, h.on_order_units,
       h.available_units, h.position_units
FROM core.stock_day d
CROSS JOIN core.product p
JOIN LATERAL (
    SELECT * FROM core.stock_daily s
    WHERE s.product_url = p.product_url AND s.snapshot_on <= d.snapshot_on
    ORDER BY s.snapshot_on DESC LIMIT 1
) h ON true;
COMMENT ON VIEW mart.stock_daily IS
    'Stock at the end of each observed business day, per product; filter by snapshot_on and sku.';
COMMENT ON COLUMN mart.stock_daily.snapshot_on IS 'Business day in the account''s zone; part of the key.';
COMMENT ON COLUMN mart.stock_daily.product_url IS 'The product; part of the key.';

CREATE VIEW mart.vendor AS
SELECT v.vendor_url, v.vendor_id, v.name, v.status = 'PARTY_ENABLED' AS is_enabled,
       (SELECT c.value FROM core.vendor_contact c
        WHERE c.vendor_url = v.vendor_url AND c.kind = 'EMAIL_ADDRESS'
        ORDER BY c.position LIMIT 1) AS email,
       (SELECT c.value FROM core.vendor_contact c
        WHERE c.vendor_url = v.vendor_url AND c.kind = 'TELECOM_NUMBER'
        ORDER BY c.position LIMIT 1) AS phone
FROM core.vendor v WHERE v.removed_at IS NULL;
COMMENT ON VIEW mart.vendor IS 'Vendors that are there now, with their first e-mail and phone.';
COMMENT ON COLUMN mart.vendor.vendor_url IS 'Finale''s address of the party (a path); the key.';
COMMENT ON COLUMN mart.vendor.is_enabled IS 'Whether Finale calls it enabled.';
COMMENT ON COLUMN mart.vendor.email IS 'Its first e-mail address.';
COMMENT ON COLUMN mart.vendor.phone IS 'Its first phone number.';

-- The reader sees what is promised and what operators ask about. A server that does not let us
-- make roles keeps working; its administrator grants the same by hand.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'finale_reader') THEN
        CREATE ROLE finale_reader NOLOGIN;
    END IF;
    GRANT USAGE ON SCHEMA mart, ops TO finale_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA mart TO finale_reader;
    GRANT SELECT ON ops.sync_run, ops.sync_reject TO finale_reader;
    ALTER ROLE finale_reader SET idle_in_transaction_session_timeout = '10min';
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        RAISE NOTICE 'the role finale_reader could not be made: %', SQLERRM;
END $$;
