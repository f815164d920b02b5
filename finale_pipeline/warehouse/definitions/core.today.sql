-- One day that all "ago" and "so far" are reckoned from, so that a late sync shifts nothing.
CREATE OR REPLACE VIEW core.today AS
SELECT greatest(
    (SELECT max(snapshot_on) FROM core.stock_day),
    (SELECT max((committed_at AT TIME ZONE zone)::date) FROM ops.watermark)
) AS today_on, coalesce((SELECT max(zone) FROM ops.watermark), 'UTC') AS zone;
COMMENT ON VIEW core.today IS
    'The business day that the data reach to; one row.';
COMMENT ON COLUMN core.today.today_on IS 'Business day of the newest complete read, of stock or of sales; null = nothing was read.';
COMMENT ON COLUMN core.today.zone IS 'Time zone of the business days; UTC until sales were read.';
