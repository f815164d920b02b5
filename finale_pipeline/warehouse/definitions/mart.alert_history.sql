CREATE OR REPLACE VIEW mart.alert_history AS
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
