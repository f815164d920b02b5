CREATE TABLE plan.calibration (
	snapshot_on DATE NOT NULL,
	window_days INTEGER NOT NULL,
	mu_bin INTEGER NOT NULL,
	burst_bin INTEGER NOT NULL,
	level NUMERIC NOT NULL,
	mu_from_units NUMERIC,
	burst_from_units NUMERIC,
	windows INTEGER NOT NULL,
	factor NUMERIC NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (snapshot_on, window_days, mu_bin, burst_bin, level)
);
COMMENT ON TABLE plan.calibration IS 'What products that sell alike really sold, learnt from past windows; one row per cell, level and snapshot day.';
COMMENT ON COLUMN plan.calibration.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN plan.calibration.window_days IS 'Length of the past windows.';
COMMENT ON COLUMN plan.calibration.mu_bin IS 'Bin by expected units, from 0.';
COMMENT ON COLUMN plan.calibration.burst_bin IS 'Cell of the bin by burstiness, from 0.';
COMMENT ON COLUMN plan.calibration.level IS 'Of the quantile.';
COMMENT ON COLUMN plan.calibration.mu_from_units IS 'Least expected units of the bin; null = the first bin.';
COMMENT ON COLUMN plan.calibration.burst_from_units IS 'Least burstiness of the cell; null = the first cell.';
COMMENT ON COLUMN plan.calibration.windows IS 'Past windows in the cell.';
COMMENT ON COLUMN plan.calibration.factor IS 'Quantile of demand over max(expected units, 0.25): what to multiply the expected units by.';
COMMENT ON COLUMN plan.calibration.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN plan.calibration.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE plan.forecast (
	product_url TEXT NOT NULL,
	snapshot_on DATE NOT NULL,
	velocity_units_per_day NUMERIC,
	method TEXT NOT NULL,
	half_life_days NUMERIC,
	pace_weight NUMERIC,
	history_days INTEGER,
	counted_days INTEGER,
	sale_days INTEGER NOT NULL,
	quiet_days INTEGER,
	burstiness_units NUMERIC,
	daily_variance NUMERIC,
	abc_class TEXT NOT NULL,
	xyz_class TEXT NOT NULL,
	service_level NUMERIC NOT NULL,
	lead_time_days NUMERIC NOT NULL,
	lead_time_sd_days NUMERIC NOT NULL,
	lead_time_source TEXT NOT NULL,
	review_period_days NUMERIC NOT NULL,
	cover_days NUMERIC NOT NULL,
	protection_days NUMERIC NOT NULL,
	demand_units NUMERIC,
	demand_q50_units NUMERIC,
	demand_q90_units NUMERIC,
	demand_q95_units NUMERIC,
	demand_service_units NUMERIC,
	basis TEXT,
	peers_weight NUMERIC,
	available_units NUMERIC,
	on_order_units NUMERIC,
	position_units NUMERIC,
	days_until_stockout NUMERIC,
	stockout_on DATE,
	safety_stock_units NUMERIC,
	our_reorder_point_units NUMERIC,
	finale_reorder_point_units NUMERIC,
	finale_reorder_quantity_units NUMERIC,
	reorder_point_units NUMERIC,
	reorder_point_source TEXT,
	order_up_to_units NUMERIC,
	minimum_order_units NUMERIC NOT NULL,
	pack_units NUMERIC NOT NULL,
	order_now BOOLEAN NOT NULL,
	quantity_units NUMERIC NOT NULL,
	reorder_on DATE,
	must_order_by_on DATE,
	days_without_stock NUMERIC,
	lost_units NUMERIC,
	vendor_url TEXT,
	unit_cost NUMERIC,
	currency TEXT,
	flags TEXT[] NOT NULL,
	why TEXT NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (product_url, snapshot_on)
);
CREATE INDEX forecast_snapshot_on_idx ON plan.forecast (snapshot_on);
COMMENT ON TABLE plan.forecast IS 'What to expect of a product and what to order, with all that it was computed from; one row per product and snapshot day. Products of which nothing is known (never sold, no stock, no rule) have none.';
COMMENT ON COLUMN plan.forecast.product_url IS 'The product.';
COMMENT ON COLUMN plan.forecast.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN plan.forecast.velocity_units_per_day IS 'Demand to expect per day in stock; null = unknown.';
COMMENT ON COLUMN plan.forecast.method IS 'pace, or naive where the pace did worse on this account''s past.';
COMMENT ON COLUMN plan.forecast.half_life_days IS 'A sale so many days ago counts half as much as yesterday''s.';
COMMENT ON COLUMN plan.forecast.pace_weight IS 'Share of the weighted mean in the velocity; the rest is the plain mean of 182 days.';
COMMENT ON COLUMN plan.forecast.history_days IS 'Days since it was first available, 730 at most; null = never sold.';
COMMENT ON COLUMN plan.forecast.counted_days IS 'Of `history_days`, those that are not censored: that did not begin without stock, or had a receipt.';
COMMENT ON COLUMN plan.forecast.sale_days IS 'Days with a sale among them.';
COMMENT ON COLUMN plan.forecast.quiet_days IS 'Uncensored days since the last sale; null = never sold.';
COMMENT ON COLUMN plan.forecast.burstiness_units IS 'Variance over mean of daily demand in a year, in units.';
COMMENT ON COLUMN plan.forecast.daily_variance IS 'Variance of daily demand in 182 days, in units squared.';
COMMENT ON COLUMN plan.forecast.abc_class IS 'A, B or C by a year''s demand at cost.';
COMMENT ON COLUMN plan.forecast.xyz_class IS 'X, Y or Z by how much weeks vary.';
COMMENT ON COLUMN plan.forecast.service_level IS 'Share of protection intervals without running out.';
COMMENT ON COLUMN plan.forecast.lead_time_days IS 'Order to shelf, in days.';
COMMENT ON COLUMN plan.forecast.lead_time_sd_days IS 'How much it varies, in days.';
COMMENT ON COLUMN plan.forecast.lead_time_source IS 'supplier, product, measured or default.';
COMMENT ON COLUMN plan.forecast.review_period_days IS 'Days between chances to order.';
COMMENT ON COLUMN plan.forecast.cover_days IS 'Days of sales that one order should last.';
COMMENT ON COLUMN plan.forecast.protection_days IS 'Lead time and review period: the time the demand is of.';
COMMENT ON COLUMN plan.forecast.demand_units IS 'Demand to expect over the protection interval.';
COMMENT ON COLUMN plan.forecast.demand_q50_units IS 'Demand stays under it in 50 of 100 such intervals.';
COMMENT ON COLUMN plan.forecast.demand_q90_units IS 'The same in 90 of 100.';
COMMENT ON COLUMN plan.forecast.demand_q95_units IS 'The same in 95 of 100.';
COMMENT ON COLUMN plan.forecast.demand_service_units IS 'The same at `service_level`.';
COMMENT ON COLUMN plan.forecast.basis IS 'What the quantiles rest on: peers, blend, negative binomial or normal.';
COMMENT ON COLUMN plan.forecast.peers_weight IS 'Share of the peers in them, 0 to 1.';
COMMENT ON COLUMN plan.forecast.available_units IS 'On hand less reserved that morning; null = stock was not observed by then.';
COMMENT ON COLUMN plan.forecast.on_order_units IS 'To come on open purchase orders.';
COMMENT ON COLUMN plan.forecast.position_units IS 'Available plus on order.';
COMMENT ON COLUMN plan.forecast.days_until_stockout IS 'Until available stock ends, arrivals added; null = never.';
COMMENT ON COLUMN plan.forecast.stockout_on IS 'The day on which it ends.';
COMMENT ON COLUMN plan.forecast.safety_stock_units IS 'On top of what is expected.';
COMMENT ON COLUMN plan.forecast.our_reorder_point_units IS 'Velocity times protection days, and safety stock.';
COMMENT ON COLUMN plan.forecast.finale_reorder_point_units IS 'Sum of Finale''s rules over places that may reorder.';
COMMENT ON COLUMN plan.forecast.finale_reorder_quantity_units IS 'Sum of Finale''s reorder quantities.';
COMMENT ON COLUMN plan.forecast.reorder_point_units IS 'The point in use.';
COMMENT ON COLUMN plan.forecast.reorder_point_source IS 'finale, ours, or a buyer''s (plan.product_term).';
COMMENT ON COLUMN plan.forecast.order_up_to_units IS 'Position that an order brings it to.';
COMMENT ON COLUMN plan.forecast.minimum_order_units IS 'Least quantity of an order.';
COMMENT ON COLUMN plan.forecast.pack_units IS 'Orders are multiples of it.';
COMMENT ON COLUMN plan.forecast.order_now IS 'Whether the position is at or below the reorder point.';
COMMENT ON COLUMN plan.forecast.quantity_units IS 'Units to order now; 0 = none.';
COMMENT ON COLUMN plan.forecast.reorder_on IS 'The day on which to order.';
COMMENT ON COLUMN plan.forecast.must_order_by_on IS 'The last day that avoids the stock-out, without any safety.';
COMMENT ON COLUMN plan.forecast.days_without_stock IS 'Until an order placed that day arrives, in days.';
COMMENT ON COLUMN plan.forecast.lost_units IS 'Demand lost on those days.';
COMMENT ON COLUMN plan.forecast.vendor_url IS 'The main supplier; null = none is known.';
COMMENT ON COLUMN plan.forecast.unit_cost IS 'Buying price of one unit, else standard cost.';
COMMENT ON COLUMN plan.forecast.currency IS 'Its currency; null = the account''s.';
COMMENT ON COLUMN plan.forecast.flags IS 'What to know before trusting the numbers, such as low_confidence.';
COMMENT ON COLUMN plan.forecast.why IS 'The suggestion in a sentence, with the arithmetic.';
COMMENT ON COLUMN plan.forecast.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN plan.forecast.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE plan.forecast_score (
	scored_on DATE NOT NULL,
	source TEXT NOT NULL,
	method TEXT NOT NULL,
	window_days INTEGER NOT NULL,
	forecasts INTEGER NOT NULL,
	rmsse DOUBLE PRECISION,
	mase DOUBLE PRECISION,
	wape DOUBLE PRECISION,
	bias DOUBLE PRECISION,
	loss_q50 DOUBLE PRECISION,
	loss_q90 DOUBLE PRECISION,
	loss_q95 DOUBLE PRECISION,
	held_q50 DOUBLE PRECISION,
	held_q90 DOUBLE PRECISION,
	held_q95 DOUBLE PRECISION,
	fill_per_product DOUBLE PRECISION,
	fill_of_units DOUBLE PRECISION,
	stockout_days DOUBLE PRECISION,
	stock_units DOUBLE PRECISION,
	is_in_use BOOLEAN NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (scored_on, source, method, window_days)
);
COMMENT ON TABLE plan.forecast_score IS 'How good each method was on the past, rolling the origin; one row per day, source, method and window.';
COMMENT ON COLUMN plan.forecast_score.scored_on IS 'Day whose past was forecast again.';
COMMENT ON COLUMN plan.forecast_score.source IS 'weekly = to choose the method; backtest = by command, on this account''s sales; else the file that was scored.';
COMMENT ON COLUMN plan.forecast_score.method IS 'Which method.';
COMMENT ON COLUMN plan.forecast_score.window_days IS 'Length of the forecast windows; 0 = the simulated policy.';
COMMENT ON COLUMN plan.forecast_score.forecasts IS 'Forecasts that were judged.';
COMMENT ON COLUMN plan.forecast_score.rmsse IS 'Root mean squared error of totals, scaled by day-to-day changes.';
COMMENT ON COLUMN plan.forecast_score.mase IS 'Mean absolute error on the same scale.';
COMMENT ON COLUMN plan.forecast_score.wape IS 'Sum of absolute errors over demand.';
COMMENT ON COLUMN plan.forecast_score.bias IS 'Sum of errors over demand; below 0 = too low.';
COMMENT ON COLUMN plan.forecast_score.loss_q50 IS 'Pinball loss of the 50 % quantile over demand.';
COMMENT ON COLUMN plan.forecast_score.loss_q90 IS 'Pinball loss of the 90 % quantile over demand.';
COMMENT ON COLUMN plan.forecast_score.loss_q95 IS 'Pinball loss of the 95 % quantile over demand.';
COMMENT ON COLUMN plan.forecast_score.held_q50 IS 'Share of windows whose demand stayed under the 50 % quantile.';
COMMENT ON COLUMN plan.forecast_score.held_q90 IS 'The same of the 90 % quantile.';
COMMENT ON COLUMN plan.forecast_score.held_q95 IS 'The same of the 95 % quantile; healthy: 0.92 to 0.97.';
COMMENT ON COLUMN plan.forecast_score.fill_per_product IS 'Policy: share of demand met, mean over products.';
COMMENT ON COLUMN plan.forecast_score.fill_of_units IS 'Policy: share of all units met.';
COMMENT ON COLUMN plan.forecast_score.stockout_days IS 'Policy: days a year that begin without stock, mean over products.';
COMMENT ON COLUMN plan.forecast_score.stock_units IS 'Policy: units on hand, all products, mean over days.';
COMMENT ON COLUMN plan.forecast_score.is_in_use IS 'Whether forecasts are made by it.';
COMMENT ON COLUMN plan.forecast_score.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN plan.forecast_score.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE plan.product_term (
	product_url TEXT NOT NULL,
	reorder_point_units NUMERIC,
	maximum_units NUMERIC,
	minimum_order_units NUMERIC,
	pack_units NUMERIC,
	service_level NUMERIC,
	PRIMARY KEY (product_url)
);
COMMENT ON TABLE plan.product_term IS 'What buyers fix for a product; kept by people, never written by a sync.';
COMMENT ON COLUMN plan.product_term.product_url IS 'The product.';
COMMENT ON COLUMN plan.product_term.reorder_point_units IS 'A buyer''s reorder point; wins over Finale''s and ours.';
COMMENT ON COLUMN plan.product_term.maximum_units IS 'A buyer''s maximum position; wins over the cover days.';
COMMENT ON COLUMN plan.product_term.minimum_order_units IS 'Least quantity of an order.';
COMMENT ON COLUMN plan.product_term.pack_units IS 'Orders are multiples of it; wins over Finale''s units per case.';
COMMENT ON COLUMN plan.product_term.service_level IS 'Above 0, below 1; wins over the settings.';
CREATE TABLE plan.purchase_order_draft (
	snapshot_on DATE NOT NULL,
	vendor_url TEXT NOT NULL,
	vendor TEXT,
	lines INTEGER NOT NULL,
	units NUMERIC NOT NULL,
	total NUMERIC,
	currency TEXT,
	arrival_on DATE,
	must_order_by_on DATE,
	urgency TEXT NOT NULL,
	minimum_order_value NUMERIC,
	minimum_gap NUMERIC,
	needs_data TEXT[] NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (snapshot_on, vendor_url)
);
COMMENT ON TABLE plan.purchase_order_draft IS 'Suggested orders; one row per snapshot day and vendor.';
COMMENT ON COLUMN plan.purchase_order_draft.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN plan.purchase_order_draft.vendor_url IS 'The vendor; empty = no supplier is known, see `needs_data`.';
COMMENT ON COLUMN plan.purchase_order_draft.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN plan.purchase_order_draft.lines IS 'Products to order.';
COMMENT ON COLUMN plan.purchase_order_draft.units IS 'Units to order, all lines.';
COMMENT ON COLUMN plan.purchase_order_draft.total IS 'Sum of the lines whose cost is known, in `currency`; null = none, or several currencies.';
COMMENT ON COLUMN plan.purchase_order_draft.currency IS 'Of the total; null = the account''s, or several.';
COMMENT ON COLUMN plan.purchase_order_draft.arrival_on IS 'When the slowest line arrives if ordered that day.';
COMMENT ON COLUMN plan.purchase_order_draft.must_order_by_on IS 'The earliest last day that avoids a stock-out.';
COMMENT ON COLUMN plan.purchase_order_draft.urgency IS 'late: a line runs out before an order can arrive; today: one must be ordered by then; soon: the rest.';
COMMENT ON COLUMN plan.purchase_order_draft.minimum_order_value IS 'The vendor''s least value; null = none is known.';
COMMENT ON COLUMN plan.purchase_order_draft.minimum_gap IS 'What the total lacks of it; 0 = nothing.';
COMMENT ON COLUMN plan.purchase_order_draft.needs_data IS 'What is missing for some line: vendor, cost, lead time.';
COMMENT ON COLUMN plan.purchase_order_draft.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN plan.purchase_order_draft.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE plan.purchase_order_draft_line (
	snapshot_on DATE NOT NULL,
	vendor_url TEXT NOT NULL,
	product_url TEXT NOT NULL,
	sku TEXT NOT NULL,
	vendor_sku TEXT,
	quantity_units NUMERIC NOT NULL,
	unit_cost NUMERIC,
	currency TEXT,
	line_total NUMERIC,
	arrival_on DATE,
	stockout_on DATE,
	must_order_by_on DATE,
	urgency TEXT NOT NULL,
	needs_data TEXT[] NOT NULL,
	why TEXT NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	row_hash BIGINT NOT NULL,
	PRIMARY KEY (snapshot_on, vendor_url, product_url)
);
CREATE INDEX purchase_order_draft_line_product_url_idx ON plan.purchase_order_draft_line (product_url);
COMMENT ON TABLE plan.purchase_order_draft_line IS 'Lines of suggested orders; one row per snapshot day, vendor and product.';
COMMENT ON COLUMN plan.purchase_order_draft_line.snapshot_on IS 'Business day on whose morning the plan stands; sales before it count.';
COMMENT ON COLUMN plan.purchase_order_draft_line.vendor_url IS 'The vendor; empty = no supplier is known.';
COMMENT ON COLUMN plan.purchase_order_draft_line.product_url IS 'The product.';
COMMENT ON COLUMN plan.purchase_order_draft_line.sku IS 'Finale''s productId.';
COMMENT ON COLUMN plan.purchase_order_draft_line.vendor_sku IS 'The vendor''s own code of the product.';
COMMENT ON COLUMN plan.purchase_order_draft_line.quantity_units IS 'Units to order.';
COMMENT ON COLUMN plan.purchase_order_draft_line.unit_cost IS 'Buying price of one unit; null = unknown.';
COMMENT ON COLUMN plan.purchase_order_draft_line.currency IS 'Its currency; null = the account''s.';
COMMENT ON COLUMN plan.purchase_order_draft_line.line_total IS 'Quantity times cost.';
COMMENT ON COLUMN plan.purchase_order_draft_line.arrival_on IS 'When it arrives if ordered that day.';
COMMENT ON COLUMN plan.purchase_order_draft_line.stockout_on IS 'When available stock ends without it.';
COMMENT ON COLUMN plan.purchase_order_draft_line.must_order_by_on IS 'The last day that avoids the stock-out.';
COMMENT ON COLUMN plan.purchase_order_draft_line.urgency IS 'late, today or soon, as of the order.';
COMMENT ON COLUMN plan.purchase_order_draft_line.needs_data IS 'What is missing: vendor, cost, lead time.';
COMMENT ON COLUMN plan.purchase_order_draft_line.why IS 'The suggestion in a sentence, with the arithmetic.';
COMMENT ON COLUMN plan.purchase_order_draft_line.changed_at IS 'UTC, when a sync last changed this row.';
COMMENT ON COLUMN plan.purchase_order_draft_line.row_hash IS '64-bit hash of the row''s content; rows are written only when it differs.';
CREATE TABLE plan.vendor_term (
	vendor_url TEXT NOT NULL,
	minimum_order_value NUMERIC,
	lead_time_days NUMERIC,
	review_period_days NUMERIC,
	cover_days NUMERIC,
	PRIMARY KEY (vendor_url)
);
COMMENT ON TABLE plan.vendor_term IS 'What is agreed with a vendor; kept by people, never written by a sync.';
COMMENT ON COLUMN plan.vendor_term.vendor_url IS 'The vendor.';
COMMENT ON COLUMN plan.vendor_term.minimum_order_value IS 'Least value of an order, in the currency of its prices.';
COMMENT ON COLUMN plan.vendor_term.lead_time_days IS 'Order to shelf, in days; wins over what Finale says.';
COMMENT ON COLUMN plan.vendor_term.review_period_days IS 'Days between chances to order; wins over the setting.';
COMMENT ON COLUMN plan.vendor_term.cover_days IS 'Days of sales one order should last; wins over the setting.';

CREATE VIEW mart.forecast AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, p.category, v.name AS vendor,
       f.velocity_units_per_day, f.method, f.abc_class, f.xyz_class, f.service_level,
       f.lead_time_days, f.lead_time_source, f.protection_days, f.demand_units, f.demand_q50_units,
       f.demand_q90_units, f.demand_q95_units, f.demand_service_units, f.basis, f.peers_weight,
       f.available_units, f.on_order_units, f.position_units, f.days_until_stockout, f.stockout_on,
       f.safety_stock_units, f.reorder_point_units, f.reorder_point_source, f.order_up_to_units,
       f.order_now, f.quantity_units, f.reorder_on, f.must_order_by_on, f.days_without_stock,
       f.lost_units, f.flags, f.why
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = f.vendor_url;
COMMENT ON VIEW mart.forecast IS
    'Velocity, demand over lead time and review period, stock-out and reorder dates per product and snapshot day; filter by snapshot_on. All inputs are in plan.forecast.';

CREATE VIEW mart.reorder_suggestion AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, v.name AS vendor,
       f.available_units, f.on_order_units, f.position_units,
       f.finale_reorder_point_units AS finale_says_point_units,
       f.our_reorder_point_units AS we_say_point_units,
       f.reorder_point_source AS point_in_use,
       f.finale_reorder_quantity_units AS finale_says_quantity_units,
       f.quantity_units AS we_say_quantity_units,
       f.available_units < f.finale_reorder_point_units AS finale_says_reorder,
       f.order_now AS we_say_order_now,
       f.stockout_on, f.reorder_on, f.must_order_by_on, f.days_without_stock, f.lost_units,
       f.unit_cost, f.currency, f.flags, f.why
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = f.vendor_url
WHERE f.snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast)
  AND (f.order_now OR f.available_units < f.finale_reorder_point_units);
COMMENT ON VIEW mart.reorder_suggestion IS
    'What to order as of the newest plan, with what Finale says beside it. Finale''s "below reorder point" compares what is available, strictly; ours compares the position, at or below.';

CREATE VIEW mart.purchase_plan AS
SELECT d.snapshot_on, d.vendor_url, coalesce(d.vendor, '(no supplier known)') AS vendor, d.lines,
       d.units, d.total, d.currency, d.arrival_on, d.must_order_by_on, d.urgency,
       d.minimum_order_value, d.minimum_gap, d.needs_data
FROM plan.purchase_order_draft d;
COMMENT ON VIEW mart.purchase_plan IS
    'Suggested orders per snapshot day and vendor: total, arrival, urgency, what is missing.';

CREATE VIEW mart.purchase_plan_line AS
SELECT l.snapshot_on, l.vendor_url, coalesce(v.name, '(no supplier known)') AS vendor,
       l.product_url, l.sku, p.name, l.vendor_sku, l.quantity_units, l.unit_cost, l.currency,
       l.line_total, l.arrival_on, l.stockout_on, l.must_order_by_on, l.urgency, l.needs_data, l.why
FROM plan.purchase_order_draft_line l
LEFT JOIN core.product p USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = l.vendor_url;
COMMENT ON VIEW mart.purchase_plan_line IS
    'Lines of suggested orders; lines with something in needs_data want a person first.';

CREATE VIEW mart.forecast_score AS
SELECT scored_on, source, method, window_days, is_in_use, forecasts, rmsse, mase, wape, bias,
       loss_q50, loss_q90, loss_q95, held_q50, held_q90, held_q95, fill_per_product, fill_of_units,
       stockout_days, stock_units
FROM plan.forecast_score;
COMMENT ON VIEW mart.forecast_score IS
    'How good each forecasting method was on the past of this account; never read wape without bias and held_q95 beside it.';

CREATE VIEW mart.reorder_by_location AS
SELECT p.product_url, p.sku, p.name, r.facility_url AS location_url, f.name AS location,
       coalesce(l.available_units, 0) AS available_units,
       coalesce(l.on_order_units, 0) AS on_order_units,
       coalesce(l.available_units, 0) + coalesce(l.on_order_units, 0) AS position_units,
       r.reorder_point_units, r.reorder_quantity_units, r.method,
       coalesce(l.available_units, 0) + coalesce(l.on_order_units, 0) <= r.reorder_point_units
           AS order_now,
       greatest(r.reorder_point_units - coalesce(l.available_units, 0)
                - coalesce(l.on_order_units, 0), 0) AS missing_units,
       (SELECT count(*) FROM core.stock_level_by_location o
        WHERE o.product_url = r.product_url AND o.location_url <> r.facility_url
          AND o.available_units > 0) AS other_locations_with_stock
FROM core.reorder_rule r
JOIN core.product p ON p.product_url = r.product_url AND p.removed_at IS NULL
LEFT JOIN core.facility f ON f.facility_url = r.facility_url
LEFT JOIN core.stock_level_by_location l
    ON l.product_url = r.product_url AND l.location_url = r.facility_url
WHERE r.method IS DISTINCT FROM '##doNotReorder' AND r.reorder_point_units IS NOT NULL;
COMMENT ON VIEW mart.reorder_by_location IS
    'Each location against its own rule in Finale, now. Sales do not say which location they will leave next time, so only the account as a whole is forecast.';

-- Needs the sales tables; a database that got them before this migration has the view.
CREATE VIEW mart.forecast_outcome AS
SELECT f.snapshot_on, f.product_url, p.sku, p.name, f.protection_days, f.demand_units,
       f.demand_q50_units, f.demand_q95_units, f.demand_service_units, f.service_level,
       a.units AS demanded_units, a.units - f.demand_units AS error_units,
       a.units <= f.demand_service_units AS is_held
FROM plan.forecast f
LEFT JOIN core.product p USING (product_url)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.units), 0) AS units FROM core.sales_daily s
    WHERE s.product_url = f.product_url AND s.sold_on >= f.snapshot_on
      AND s.sold_on < f.snapshot_on + f.protection_days::int
) a
WHERE f.demand_units IS NOT NULL
  AND f.snapshot_on + f.protection_days::int <= (SELECT max(sold_on) FROM core.sales_daily);
COMMENT ON VIEW mart.forecast_outcome IS
    'Forecasts whose time has passed, beside what was demanded; is_held should be true for a share of service_level. Filter by snapshot_on.';

-- What the mails say of a product beside its level: the newest plan, and what is due to come.
CREATE OR REPLACE VIEW plan.outlook AS
SELECT f.product_url, f.velocity_units_per_day AS units_per_day,
       f.days_until_stockout AS days_left, f.quantity_units AS suggested_units,
       f.lost_units * f.unit_cost AS money_at_risk, o.due_on
FROM plan.forecast f
LEFT JOIN (
    SELECT product_url, min(due_on) AS due_on FROM core.purchase_order_line
    WHERE open_units > 0 GROUP BY 1
) o ON o.product_url = f.product_url
WHERE f.snapshot_on = (SELECT max(snapshot_on) FROM plan.forecast);
COMMENT ON COLUMN plan.outlook.money_at_risk IS
    'Units that will be missing until an order of today arrives, at cost.';

COMMENT ON COLUMN mart.forecast.product_url IS 'The product.';
COMMENT ON COLUMN mart.forecast.name IS 'Name of the product.';
COMMENT ON COLUMN mart.forecast.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.forecast_outcome.product_url IS 'The product.';
COMMENT ON COLUMN mart.forecast_outcome.demanded_units IS 'What was demanded in the protection interval.';
COMMENT ON COLUMN mart.forecast_outcome.error_units IS 'Demanded less forecast.';
COMMENT ON COLUMN mart.forecast_outcome.is_held IS 'Whether the demand stayed within the quantile of the service level.';
COMMENT ON COLUMN mart.purchase_plan_line.vendor_url IS 'The vendor.';
COMMENT ON COLUMN mart.purchase_plan_line.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.purchase_plan_line.product_url IS 'The product.';
COMMENT ON COLUMN mart.purchase_plan_line.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_by_location.product_url IS 'The product.';
COMMENT ON COLUMN mart.reorder_by_location.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_by_location.location IS 'Name of the location.';
COMMENT ON COLUMN mart.reorder_by_location.position_units IS 'Available plus on order there.';
COMMENT ON COLUMN mart.reorder_by_location.order_now IS 'Whether the position there is at or below the location''s own point.';
COMMENT ON COLUMN mart.reorder_by_location.missing_units IS 'Units up to that point.';
COMMENT ON COLUMN mart.reorder_by_location.other_locations_with_stock IS 'Other locations that have some.';
COMMENT ON COLUMN mart.reorder_suggestion.product_url IS 'The product.';
COMMENT ON COLUMN mart.reorder_suggestion.name IS 'Name of the product.';
COMMENT ON COLUMN mart.reorder_suggestion.vendor IS 'Name of the vendor.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_point_units IS 'Finale''s reorder point, summed over places; null = none set.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_point_units IS 'Our reorder point.';
COMMENT ON COLUMN mart.reorder_suggestion.point_in_use IS 'Which of the two decides.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_quantity_units IS 'Finale''s reorder quantity; null = none set.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_quantity_units IS 'Units we suggest; 0 = none now.';
COMMENT ON COLUMN mart.reorder_suggestion.finale_says_reorder IS 'Whether available stock is below Finale''s point.';
COMMENT ON COLUMN mart.reorder_suggestion.we_say_order_now IS 'Whether the position is at or below the point in use.';

DO $$
BEGIN
    GRANT SELECT ON mart.forecast, mart.reorder_suggestion, mart.purchase_plan,
        mart.purchase_plan_line, mart.forecast_score, mart.reorder_by_location, mart.forecast_outcome TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the new views: %', SQLERRM;
END $$;
