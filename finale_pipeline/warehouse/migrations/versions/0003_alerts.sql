CREATE TABLE plan.critical_item (
	snapshot_on DATE NOT NULL,
	product_url TEXT NOT NULL,
	level TEXT NOT NULL,
	since_at TIMESTAMP WITH TIME ZONE,
	on_hand_units NUMERIC NOT NULL,
	reserved_units NUMERIC NOT NULL,
	available_units NUMERIC NOT NULL,
	on_order_units NUMERIC NOT NULL,
	due_on DATE,
	threshold_units NUMERIC NOT NULL,
	threshold_source TEXT,
	suggested_units NUMERIC,
	suggested_by TEXT,
	days_left NUMERIC,
	money_at_risk NUMERIC,
	vendor_url TEXT,
	vendor_name TEXT,
	contact TEXT,
	why TEXT NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (snapshot_on, product_url)
);
COMMENT ON TABLE plan.critical_item IS 'Active, stocked products that are out or low; one row per product and business day.';
COMMENT ON COLUMN plan.critical_item.snapshot_on IS 'Business day of the stock it is about.';
COMMENT ON COLUMN plan.critical_item.product_url IS 'The product.';
COMMENT ON COLUMN plan.critical_item.level IS 'low or out.';
COMMENT ON COLUMN plan.critical_item.since_at IS 'UTC, when this level began; null for days computed afterwards.';
COMMENT ON COLUMN plan.critical_item.on_hand_units IS 'Units present.';
COMMENT ON COLUMN plan.critical_item.reserved_units IS 'Units promised to committed sales orders.';
COMMENT ON COLUMN plan.critical_item.available_units IS 'On hand less reserved; at most 0 = out.';
COMMENT ON COLUMN plan.critical_item.on_order_units IS 'Units on committed purchase orders.';
COMMENT ON COLUMN plan.critical_item.due_on IS 'Earliest due date of what is on order; null = not known.';
COMMENT ON COLUMN plan.critical_item.threshold_units IS 'Reorder point, or the default; low below it.';
COMMENT ON COLUMN plan.critical_item.threshold_source IS 'finale = sum of its reorder rules; default = setting.';
COMMENT ON COLUMN plan.critical_item.suggested_units IS 'Units to order; null = not known.';
COMMENT ON COLUMN plan.critical_item.suggested_by IS 'plan = our purchase plan; finale = reorder quantity of its rules.';
COMMENT ON COLUMN plan.critical_item.days_left IS 'Days until it is out at today''s pace; null = not known.';
COMMENT ON COLUMN plan.critical_item.money_at_risk IS 'Sales at risk in the account''s currency; without a forecast: units short of the reorder point, at cost; null = no cost.';
COMMENT ON COLUMN plan.critical_item.vendor_url IS 'Its main supplier; null = none.';
COMMENT ON COLUMN plan.critical_item.vendor_name IS 'Name of the supplier.';
COMMENT ON COLUMN plan.critical_item.contact IS 'First e-mail of the supplier, else first phone number.';
COMMENT ON COLUMN plan.critical_item.why IS 'One line that explains level and suggestion.';
COMMENT ON COLUMN plan.critical_item.changed_at IS 'UTC, when a sync last changed this row.';
CREATE TABLE ops.item_level (
	product_url TEXT NOT NULL,
	level TEXT NOT NULL,
	told TEXT NOT NULL,
	threshold_units NUMERIC NOT NULL,
	since_at TIMESTAMP WITH TIME ZONE NOT NULL,
	better_since_at TIMESTAMP WITH TIME ZONE,
	worsenings INTEGER DEFAULT 0 NOT NULL,
	worsened_at TIMESTAMP WITH TIME ZONE,
	is_left_out BOOLEAN DEFAULT false NOT NULL,
	PRIMARY KEY (product_url)
);
CREATE INDEX item_level_unsettled_idx ON ops.item_level (product_url) WHERE better_since_at IS NOT NULL;
COMMENT ON TABLE ops.item_level IS 'What the last evaluation found of each watched product.';
COMMENT ON COLUMN ops.item_level.product_url IS 'The product.';
COMMENT ON COLUMN ops.item_level.level IS 'Exact level at the last evaluation: ok, low or out.';
COMMENT ON COLUMN ops.item_level.told IS 'Level that people know of; differs while it is near a border: ok, low or out.';
COMMENT ON COLUMN ops.item_level.threshold_units IS 'Reorder point or default at the last evaluation.';
COMMENT ON COLUMN ops.item_level.since_at IS 'UTC, when `level` began.';
COMMENT ON COLUMN ops.item_level.better_since_at IS 'UTC, since when `level` is better than `told`; null = it is not.';
COMMENT ON COLUMN ops.item_level.worsenings IS 'Worsenings in a row with less than a day between them.';
COMMENT ON COLUMN ops.item_level.worsened_at IS 'UTC, the last of them.';
COMMENT ON COLUMN ops.item_level.is_left_out IS 'Whether it was not watched at the last evaluation.';
CREATE TABLE ops.incident (
	incident_id BIGSERIAL NOT NULL,
	subject TEXT NOT NULL,
	state TEXT NOT NULL,
	level TEXT NOT NULL,
	mailed TEXT,
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
	closed_at TIMESTAMP WITH TIME ZONE,
	snoozed_until TIMESTAMP WITH TIME ZONE,
	even_if_worse BOOLEAN DEFAULT false NOT NULL,
	note TEXT,
	decided_by TEXT,
	decided_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (incident_id)
);
CREATE UNIQUE INDEX incident_open_subject_idx ON ops.incident (subject) WHERE closed_at IS NULL;
CREATE INDEX incident_opened_at_idx ON ops.incident (opened_at);
COMMENT ON TABLE ops.incident IS 'A product''s stay away from ok, or a sync''s away from working; one row per stay.';
COMMENT ON COLUMN ops.incident.incident_id IS 'Number.';
COMMENT ON COLUMN ops.incident.subject IS 'product_url, or `sync:` and the strategy.';
COMMENT ON COLUMN ops.incident.state IS 'open, acknowledged, snoozed, ordered or resolved.';
COMMENT ON COLUMN ops.incident.level IS 'low or out; for syncs failed, held, stuck or deferred.';
COMMENT ON COLUMN ops.incident.mailed IS 'The last worsening that a mail told of; null = none did.';
COMMENT ON COLUMN ops.incident.opened_at IS 'UTC.';
COMMENT ON COLUMN ops.incident.closed_at IS 'UTC; null = it is going on.';
COMMENT ON COLUMN ops.incident.snoozed_until IS 'UTC, end of a snooze; null = until it gets worse.';
COMMENT ON COLUMN ops.incident.even_if_worse IS 'Whether it stays snoozed when it gets worse.';
COMMENT ON COLUMN ops.incident.note IS 'What the person wrote who decided last.';
COMMENT ON COLUMN ops.incident.decided_by IS 'Who decided last.';
COMMENT ON COLUMN ops.incident.decided_at IS 'UTC, when.';
CREATE TABLE ops.incident_event (
	event_id BIGSERIAL NOT NULL,
	incident_id BIGINT NOT NULL,
	subject TEXT NOT NULL,
	kind TEXT NOT NULL,
	from_level TEXT NOT NULL,
	to_level TEXT NOT NULL,
	cause TEXT NOT NULL,
	available_units NUMERIC,
	threshold_units NUMERIC,
	happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
	run_id BIGINT,
	message_id TEXT,
	no_mail TEXT,
	actor TEXT,
	PRIMARY KEY (event_id)
);
CREATE INDEX incident_event_incident_idx ON ops.incident_event (incident_id);
CREATE INDEX incident_event_message_idx ON ops.incident_event (message_id);
CREATE INDEX incident_event_subject_idx ON ops.incident_event (subject, happened_at);
COMMENT ON TABLE ops.incident_event IS 'Everything that happened to incidents; exactly one row per crossing.';
COMMENT ON COLUMN ops.incident_event.event_id IS 'Number.';
COMMENT ON COLUMN ops.incident_event.incident_id IS 'The incident.';
COMMENT ON COLUMN ops.incident_event.subject IS 'product_url, or `sync:` and the strategy.';
COMMENT ON COLUMN ops.incident_event.kind IS 'Crossings: opened, worsened, improved, closed, flapping, held_back; others: recorded, settled, left_out, acknowledged, snoozed, ordered, reopened.';
COMMENT ON COLUMN ops.incident_event.from_level IS 'Level before; differs from to_level for crossings only.';
COMMENT ON COLUMN ops.incident_event.to_level IS 'Level after.';
COMMENT ON COLUMN ops.incident_event.cause IS 'stock, settings, or why it was recorded in silence; for syncs the error class.';
COMMENT ON COLUMN ops.incident_event.available_units IS 'Available units at that moment.';
COMMENT ON COLUMN ops.incident_event.threshold_units IS 'Reorder point or default at that moment.';
COMMENT ON COLUMN ops.incident_event.happened_at IS 'UTC.';
COMMENT ON COLUMN ops.incident_event.run_id IS 'The sync run that found it.';
COMMENT ON COLUMN ops.incident_event.message_id IS 'The mail that tells of it; null = none.';
COMMENT ON COLUMN ops.incident_event.no_mail IS 'Why no mail tells of it.';
COMMENT ON COLUMN ops.incident_event.actor IS 'The person who acted; null = the pipeline.';
CREATE TABLE ops.outbox (
	outbox_id BIGSERIAL NOT NULL,
	message_id TEXT NOT NULL,
	dedupe_key TEXT NOT NULL,
	kind TEXT NOT NULL,
	recipients TEXT[] NOT NULL,
	delivered TEXT[] DEFAULT '{}' NOT NULL,
	refused JSONB DEFAULT '{}' NOT NULL,
	subject TEXT NOT NULL,
	body_text TEXT NOT NULL,
	body_html TEXT NOT NULL,
	attachment_name TEXT,
	attachment BYTEA,
	state TEXT NOT NULL,
	attempts INTEGER DEFAULT 0 NOT NULL,
	unknown_outcomes INTEGER DEFAULT 0 NOT NULL,
	next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
	last_error TEXT,
	merged_into TEXT,
	run_id BIGINT,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (outbox_id),
	CONSTRAINT outbox_message_id_key UNIQUE (message_id),
	CONSTRAINT outbox_dedupe_key_key UNIQUE (dedupe_key)
);
CREATE INDEX outbox_created_at_idx ON ops.outbox (created_at);
CREATE INDEX outbox_waiting_idx ON ops.outbox (next_attempt_at) WHERE state IN ('pending', 'held', 'sending');
COMMENT ON TABLE ops.outbox IS 'Every mail, written in the transaction of its reason, delivered afterwards.';
COMMENT ON COLUMN ops.outbox.outbox_id IS 'Number.';
COMMENT ON COLUMN ops.outbox.message_id IS 'Goes into the mail''s headers: a repeat is recognisable.';
COMMENT ON COLUMN ops.outbox.dedupe_key IS 'What it is about; the same thing is never written twice.';
COMMENT ON COLUMN ops.outbox.kind IS 'out_of_stock, reorder_needed, back_in_stock, digest, …';
COMMENT ON COLUMN ops.outbox.recipients IS 'Addresses, as configured then.';
COMMENT ON COLUMN ops.outbox.delivered IS 'Addresses that it was accepted for.';
COMMENT ON COLUMN ops.outbox.refused IS 'Address → why the mail service refuses it.';
COMMENT ON COLUMN ops.outbox.subject IS 'Subject line.';
COMMENT ON COLUMN ops.outbox.body_text IS 'Plain text.';
COMMENT ON COLUMN ops.outbox.body_html IS 'HTML.';
COMMENT ON COLUMN ops.outbox.attachment_name IS 'File name of the attachment; null = none.';
COMMENT ON COLUMN ops.outbox.attachment IS 'The attached CSV.';
COMMENT ON COLUMN ops.outbox.state IS 'pending, held (quiet hours), sending, sent, merged or dead.';
COMMENT ON COLUMN ops.outbox.attempts IS 'Attempts so far.';
COMMENT ON COLUMN ops.outbox.unknown_outcomes IS 'Attempts of which nobody knows whether they arrived; one repeat is allowed.';
COMMENT ON COLUMN ops.outbox.next_attempt_at IS 'UTC, not before.';
COMMENT ON COLUMN ops.outbox.last_error IS 'What the last attempt met.';
COMMENT ON COLUMN ops.outbox.merged_into IS 'message_id of the mail that says it instead.';
COMMENT ON COLUMN ops.outbox.run_id IS 'The sync run it came from.';
COMMENT ON COLUMN ops.outbox.created_at IS 'UTC.';
COMMENT ON COLUMN ops.outbox.sent_at IS 'UTC, when it was accepted for every address that takes mail.';
CREATE TABLE ops.touched_item (
	product_url TEXT NOT NULL,
	PRIMARY KEY (product_url)
);
COMMENT ON TABLE ops.touched_item IS 'Products whose stock changed since the last evaluation of critical items.';
COMMENT ON COLUMN ops.touched_item.product_url IS 'The product.';
CREATE TABLE ops.evaluation (
	only_row BOOLEAN NOT NULL,
	snapshot_on DATE NOT NULL,
	read_at TIMESTAMP WITH TIME ZONE NOT NULL,
	default_units NUMERIC NOT NULL,
	catalogue_runs BIGINT NOT NULL,
	evaluated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	run_id BIGINT,
	watched BIGINT NOT NULL,
	PRIMARY KEY (only_row)
);
COMMENT ON TABLE ops.evaluation IS 'The last evaluation of critical items.';
COMMENT ON COLUMN ops.evaluation.only_row IS 'True: there is one row.';
COMMENT ON COLUMN ops.evaluation.snapshot_on IS 'Business day of the stock it is about.';
COMMENT ON COLUMN ops.evaluation.read_at IS 'UTC, the read of stock that was evaluated.';
COMMENT ON COLUMN ops.evaluation.default_units IS 'Threshold of products without a reorder point, then.';
COMMENT ON COLUMN ops.evaluation.catalogue_runs IS 'Catalogue syncs that had ended by then; another number = look at every product.';
COMMENT ON COLUMN ops.evaluation.evaluated_at IS 'UTC.';
COMMENT ON COLUMN ops.evaluation.run_id IS 'The sync run that did.';
COMMENT ON COLUMN ops.evaluation.watched IS 'Products watched then.';

-- What forecasts and purchase orders say of a product now. Whoever brings them replaces this view
-- with one of the same columns (CREATE OR REPLACE VIEW); until then nothing is known.
CREATE VIEW plan.outlook AS
SELECT NULL::text AS product_url, NULL::numeric AS units_per_day, NULL::numeric AS days_left,
       NULL::numeric AS suggested_units, NULL::numeric AS money_at_risk, NULL::date AS due_on
WHERE false;
COMMENT ON VIEW plan.outlook IS
    'What forecasts and purchase orders say of each product now; at most one row per product.';
COMMENT ON COLUMN plan.outlook.product_url IS 'The product.';
COMMENT ON COLUMN plan.outlook.units_per_day IS 'Mean sales a day, in units; 0 = it does not sell.';
COMMENT ON COLUMN plan.outlook.days_left IS 'Days until it is out at that pace.';
COMMENT ON COLUMN plan.outlook.suggested_units IS 'Units to order by our purchase plan.';
COMMENT ON COLUMN plan.outlook.money_at_risk IS 'Sales at risk, in the account''s currency.';
COMMENT ON COLUMN plan.outlook.due_on IS 'Earliest due date of what is on order.';

CREATE VIEW mart.critical_item AS
SELECT c.snapshot_on, c.product_url, p.sku, p.name, c.level, c.since_at, c.on_hand_units,
       c.reserved_units, c.available_units, c.on_order_units, c.due_on, c.threshold_units,
       c.threshold_source, c.suggested_units, c.suggested_by, c.days_left, c.money_at_risk,
       c.vendor_name, c.contact, c.why
FROM plan.critical_item c JOIN core.product p USING (product_url);
COMMENT ON VIEW mart.critical_item IS
    'Active, stocked products that were out or low, per business day; filter by snapshot_on.';

CREATE VIEW mart.low_stock AS
SELECT c.product_url, c.sku, c.name, c.level, c.since_at, c.on_hand_units, c.reserved_units,
       c.available_units, c.on_order_units, c.due_on, c.threshold_units, c.threshold_source,
       c.suggested_units, c.suggested_by, c.days_left, c.money_at_risk, c.vendor_name, c.contact,
       coalesce(i.state, 'open') AS incident_state, c.why
FROM mart.critical_item c
JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL;
COMMENT ON VIEW mart.low_stock IS 'Products that are out or low now, and what was decided of them.';

CREATE VIEW mart.incident AS
SELECT i.incident_id, i.subject, p.sku, p.name, i.state, i.level, i.mailed, i.opened_at,
       i.closed_at, i.snoozed_until, i.note, i.decided_by, i.decided_at
FROM ops.incident i LEFT JOIN core.product p ON p.product_url = i.subject;
COMMENT ON VIEW mart.incident IS 'Every stay of a product, or of a sync, away from ok.';

CREATE VIEW mart.alert_history AS
SELECT e.event_id, e.incident_id, e.happened_at, e.kind, e.from_level, e.to_level, e.cause,
       e.subject, p.sku, p.name, e.available_units, e.threshold_units, e.no_mail, e.actor,
       m.kind AS mail_kind, m.subject AS mail_subject, m.state AS mail_state, m.sent_at, e.message_id
FROM ops.incident_event e
LEFT JOIN core.product p ON p.product_url = e.subject
LEFT JOIN ops.outbox o ON o.message_id = e.message_id
LEFT JOIN ops.outbox m ON m.message_id = coalesce(o.merged_into, o.message_id);
COMMENT ON VIEW mart.alert_history IS
    'Every crossing and decision, with the mail that told of it, or why none did.';

COMMENT ON COLUMN mart.alert_history.kind IS 'What happened: opened, worsened, improved, closed, …';
COMMENT ON COLUMN mart.alert_history.subject IS 'The product, or sync:STRATEGY.';
COMMENT ON COLUMN mart.alert_history.mail_kind IS 'Kind of the mail that told of it; null = none was sent.';
COMMENT ON COLUMN mart.alert_history.mail_subject IS 'Its subject line.';
COMMENT ON COLUMN mart.alert_history.mail_state IS 'pending, sent, dead or held.';
COMMENT ON COLUMN mart.alert_history.message_id IS 'Its message id, the same in every attempt.';
COMMENT ON COLUMN mart.critical_item.product_url IS 'The product.';
COMMENT ON COLUMN mart.low_stock.product_url IS 'The product.';
COMMENT ON COLUMN mart.low_stock.sku IS 'What people call the product.';
COMMENT ON COLUMN mart.low_stock.name IS 'Name of the product.';
COMMENT ON COLUMN mart.low_stock.level IS 'out or low.';
COMMENT ON COLUMN mart.low_stock.since_at IS 'UTC, since when it is so.';
COMMENT ON COLUMN mart.low_stock.on_hand_units IS 'Units present.';
COMMENT ON COLUMN mart.low_stock.reserved_units IS 'Units promised to sales orders.';
COMMENT ON COLUMN mart.low_stock.available_units IS 'On hand less reserved.';
COMMENT ON COLUMN mart.low_stock.on_order_units IS 'Units on committed purchase orders.';
COMMENT ON COLUMN mart.low_stock.due_on IS 'Earliest due date of what is on order.';
COMMENT ON COLUMN mart.low_stock.threshold_units IS 'Below it the product is low.';
COMMENT ON COLUMN mart.low_stock.threshold_source IS 'Whether that is Finale''s rule or the default.';
COMMENT ON COLUMN mart.low_stock.suggested_units IS 'Units to order.';
COMMENT ON COLUMN mart.low_stock.suggested_by IS 'Whose suggestion that is: our plan or Finale''s rule.';
COMMENT ON COLUMN mart.low_stock.days_left IS 'Days until it is out at its pace.';
COMMENT ON COLUMN mart.low_stock.money_at_risk IS 'Sales at risk, in the account''s currency.';
COMMENT ON COLUMN mart.low_stock.vendor_name IS 'Name of the main vendor.';
COMMENT ON COLUMN mart.low_stock.contact IS 'How to reach the vendor.';
COMMENT ON COLUMN mart.low_stock.incident_state IS 'open, acknowledged, snoozed or ordered.';
COMMENT ON COLUMN mart.low_stock.why IS 'One sentence with the numbers.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'finale_reader') THEN
        GRANT SELECT ON mart.critical_item, mart.low_stock, mart.incident, mart.alert_history,
            ops.incident, ops.incident_event TO finale_reader;
        GRANT SELECT (outbox_id, message_id, kind, subject, state, attempts, unknown_outcomes,
            next_attempt_at, last_error, merged_into, run_id, created_at, sent_at)
            ON ops.outbox TO finale_reader;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'finale_reader could not be granted the alerts: %', SQLERRM;
END $$;
