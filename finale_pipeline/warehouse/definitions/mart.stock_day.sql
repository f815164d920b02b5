CREATE OR REPLACE VIEW mart.stock_day AS
 SELECT snapshot_on, read_at FROM core.stock_day;
COMMENT ON VIEW mart.stock_day IS
    'Business days on which stock was read completely; of other days the stock before them is known.';
