ALTER TABLE ops.hold ADD COLUMN decided_by TEXT;
COMMENT ON COLUMN ops.hold.decided_by IS 'Who approved or rejected it; null = nobody, or a later read was fine.';
ALTER TABLE ops.trigger ADD COLUMN asked_by TEXT;
COMMENT ON COLUMN ops.trigger.asked_by IS 'Who asked: api, or the name that the caller gave; null = asked before it was kept.';
