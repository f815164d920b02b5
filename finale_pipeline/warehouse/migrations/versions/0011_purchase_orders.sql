CREATE TABLE ops.purchase_order_write (
	reference TEXT NOT NULL,
	order_id TEXT NOT NULL,
	account_name TEXT NOT NULL,
	plan_on DATE NOT NULL,
	vendor_url TEXT NOT NULL,
	vendor_id TEXT NOT NULL,
	facility_url TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	state TEXT NOT NULL,
	lines JSONB NOT NULL,
	total NUMERIC NOT NULL,
	body TEXT NOT NULL,
	body_hash TEXT NOT NULL,
	warnings JSONB NOT NULL,
	attempts INTEGER DEFAULT 0 NOT NULL,
	created_by TEXT NOT NULL,
	intended_at TIMESTAMP WITH TIME ZONE NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE,
	sent_source_at TIMESTAMP WITH TIME ZONE,
	settled_at TIMESTAMP WITH TIME ZONE,
	order_url TEXT,
	finale_status TEXT,
	link TEXT,
	differences JSONB DEFAULT '[]'::jsonb NOT NULL,
	error TEXT,
	idempotency_key TEXT,
	PRIMARY KEY (reference)
);
CREATE INDEX purchase_order_write_idempotency_key_idx ON ops.purchase_order_write (idempotency_key);
CREATE INDEX purchase_order_write_plan_on_idx ON ops.purchase_order_write (plan_on);
CREATE INDEX purchase_order_write_state_idx ON ops.purchase_order_write (state);
COMMENT ON TABLE ops.purchase_order_write IS 'Purchase orders that we draft in Finale; one row per order, written before it is sent.';
COMMENT ON COLUMN ops.purchase_order_write.reference IS 'Our key, in Finale the order''s referenceNumber.';
COMMENT ON COLUMN ops.purchase_order_write.order_id IS 'The orderId under which it is created; a second creation clashes with it.';
COMMENT ON COLUMN ops.purchase_order_write.account_name IS 'The account it is for.';
COMMENT ON COLUMN ops.purchase_order_write.plan_on IS 'Day of the plan, in the account''s zone.';
COMMENT ON COLUMN ops.purchase_order_write.vendor_url IS 'The vendor (a path).';
COMMENT ON COLUMN ops.purchase_order_write.vendor_id IS 'Finale''s partyId of the vendor.';
COMMENT ON COLUMN ops.purchase_order_write.facility_url IS 'The location it goes to.';
COMMENT ON COLUMN ops.purchase_order_write.sequence IS '1; higher for a deliberate further order of that day, vendor and place.';
COMMENT ON COLUMN ops.purchase_order_write.state IS 'intended: written down, not sent; sent: it goes out, or went and nobody noted how that ended; created: in Finale, read back, the same; differs: in Finale and not what was meant; unverified: in Finale and could not be read back; unknown: sent, and neither an answer nor the order was found; refused: Finale said no; abandoned: a person gave it up.';
COMMENT ON COLUMN ops.purchase_order_write.lines IS 'What was meant: product_url, sku, quantity_units, unit_price, currency, arrival_on of each line.';
COMMENT ON COLUMN ops.purchase_order_write.total IS 'Sum of the lines that have a price.';
COMMENT ON COLUMN ops.purchase_order_write.body IS 'The JSON text that is sent, to the letter.';
COMMENT ON COLUMN ops.purchase_order_write.body_hash IS 'SHA-256 of `body`, hexadecimal.';
COMMENT ON COLUMN ops.purchase_order_write.warnings IS 'What was shown before it was sent.';
COMMENT ON COLUMN ops.purchase_order_write.attempts IS 'Times it was sent; more than 1 only after Finale provably had nothing.';
COMMENT ON COLUMN ops.purchase_order_write.created_by IS 'Who wanted it.';
COMMENT ON COLUMN ops.purchase_order_write.intended_at IS 'UTC, when it was written down.';
COMMENT ON COLUMN ops.purchase_order_write.sent_at IS 'UTC, just before it was last sent; null = never.';
COMMENT ON COLUMN ops.purchase_order_write.sent_source_at IS 'The same moment by Finale''s clock.';
COMMENT ON COLUMN ops.purchase_order_write.settled_at IS 'UTC, when its present state became final; null = it is open.';
COMMENT ON COLUMN ops.purchase_order_write.order_url IS 'Finale''s address of the order (a path); null = none known.';
COMMENT ON COLUMN ops.purchase_order_write.finale_status IS 'Its status in Finale when last read.';
COMMENT ON COLUMN ops.purchase_order_write.link IS 'Where Finale''s pages show it.';
COMMENT ON COLUMN ops.purchase_order_write.differences IS 'How the order in Finale differs from what was meant, in words.';
COMMENT ON COLUMN ops.purchase_order_write.error IS 'Why it is refused, unknown or unverified.';
COMMENT ON COLUMN ops.purchase_order_write.idempotency_key IS 'What the caller named the request; null = it was not named.';

CREATE TABLE ops.purchase_order_write_event (
	event_id BIGSERIAL NOT NULL,
	reference TEXT NOT NULL,
	from_state TEXT,
	state TEXT NOT NULL,
	happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
	actor TEXT NOT NULL,
	detail TEXT,
	PRIMARY KEY (event_id),
	FOREIGN KEY(reference) REFERENCES ops.purchase_order_write (reference)
);
CREATE INDEX purchase_order_write_event_reference_idx ON ops.purchase_order_write_event (reference);
COMMENT ON TABLE ops.purchase_order_write_event IS 'Every change of state of an order that we draft; one row per change, never altered.';
COMMENT ON COLUMN ops.purchase_order_write_event.event_id IS 'Number.';
COMMENT ON COLUMN ops.purchase_order_write_event.reference IS 'The order.';
COMMENT ON COLUMN ops.purchase_order_write_event.from_state IS 'Its state before; null = it was written down.';
COMMENT ON COLUMN ops.purchase_order_write_event.state IS 'Its state from then on.';
COMMENT ON COLUMN ops.purchase_order_write_event.happened_at IS 'UTC.';
COMMENT ON COLUMN ops.purchase_order_write_event.actor IS 'Who was at work.';
COMMENT ON COLUMN ops.purchase_order_write_event.detail IS 'What was seen or done.';

CREATE VIEW mart.purchase_order_sent AS
SELECT w.reference, w.order_id, w.state, w.plan_on, w.vendor_url, v.name AS vendor, w.vendor_id,
       w.facility_url, f.name AS place, w.sequence, jsonb_array_length(w.lines) AS lines,
       (SELECT sum((l ->> 'quantity_units')::numeric) FROM jsonb_array_elements(w.lines) l) AS units,
       w.total, w.attempts, w.created_by, w.intended_at, w.sent_at, w.settled_at, w.order_url,
       coalesce(o.status, w.finale_status) AS finale_status, coalesce(o.is_open, false) AS is_open,
       w.link, w.differences, w.warnings, w.error
FROM ops.purchase_order_write w
LEFT JOIN core.vendor v ON v.vendor_url = w.vendor_url
LEFT JOIN core.facility f ON f.facility_url = w.facility_url
LEFT JOIN core.purchase_order o ON o.order_url = w.order_url;
COMMENT ON VIEW mart.purchase_order_sent IS
    'Purchase orders that we drafted in Finale, with how that ended and where they are now. Open states (intended, sent, unverified, unknown) want: finale orders check.';
COMMENT ON COLUMN mart.purchase_order_sent.vendor_url IS 'The vendor (a path).';
COMMENT ON COLUMN mart.purchase_order_sent.facility_url IS 'The location it goes to.';
COMMENT ON COLUMN mart.purchase_order_sent.order_url IS 'Finale''s address of the order (a path); null = none known.';
COMMENT ON COLUMN mart.purchase_order_sent.total IS 'Sum of the lines that have a price.';
COMMENT ON COLUMN mart.purchase_order_sent.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_order_sent.place IS 'Name of the location.';
COMMENT ON COLUMN mart.purchase_order_sent.lines IS 'How many lines were meant.';
COMMENT ON COLUMN mart.purchase_order_sent.units IS 'Units that were meant, all lines.';
COMMENT ON COLUMN mart.purchase_order_sent.finale_status IS 'Status in Finale as last synced, else as last read when it was created.';
COMMENT ON COLUMN mart.purchase_order_sent.is_open IS 'Committed in Finale, and something is still to come; only then it counts as on order.';
COMMENT ON COLUMN mart.purchase_order_sent.reference IS 'Our key, in Finale the order''s referenceNumber.';
COMMENT ON COLUMN mart.purchase_order_sent.order_id IS 'The orderId under which it is created; a second creation clashes with it.';
COMMENT ON COLUMN mart.purchase_order_sent.state IS 'intended: written down, not sent; sent: it goes out, or went and nobody noted how that ended; created: in Finale, read back, the same; differs: in Finale and not what was meant; unverified: in Finale and could not be read back; unknown: sent, and neither an answer nor the order was found; refused: Finale said no; abandoned: a person gave it up.';
COMMENT ON COLUMN mart.purchase_order_sent.plan_on IS 'Day of the plan, in the account''s zone.';
COMMENT ON COLUMN mart.purchase_order_sent.vendor_id IS 'Finale''s partyId of the vendor.';
COMMENT ON COLUMN mart.purchase_order_sent.sequence IS '1; higher for a deliberate further order of that day, vendor and place.';
COMMENT ON COLUMN mart.purchase_order_sent.attempts IS 'Times it was sent; more than 1 only after Finale provably had nothing.';
COMMENT ON COLUMN mart.purchase_order_sent.created_by IS 'Who wanted it.';
COMMENT ON COLUMN mart.purchase_order_sent.intended_at IS 'UTC, when it was written down.';
COMMENT ON COLUMN mart.purchase_order_sent.sent_at IS 'UTC, just before it was last sent; null = never.';
COMMENT ON COLUMN mart.purchase_order_sent.settled_at IS 'UTC, when its present state became final; null = it is open.';
COMMENT ON COLUMN mart.purchase_order_sent.link IS 'Where Finale''s pages show it.';
COMMENT ON COLUMN mart.purchase_order_sent.differences IS 'How the order in Finale differs from what was meant, in words.';
COMMENT ON COLUMN mart.purchase_order_sent.warnings IS 'What was shown before it was sent.';
COMMENT ON COLUMN mart.purchase_order_sent.error IS 'Why it is refused, unknown or unverified.';

DO $$
BEGIN
    GRANT SELECT ON mart.purchase_order_sent, ops.purchase_order_write_event TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the orders we wrote: %', SQLERRM;
END $$;
