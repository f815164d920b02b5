CREATE OR REPLACE VIEW mart.forecast_score AS
SELECT scored_on, source, method, window_days, segment, service_level, is_in_use, forecasts, rmsse, mase, wape, bias,
       loss_q50, loss_q90, loss_q95, held_q50, held_q90, held_q95, fill_per_product, fill_of_units,
       stockout_days, stock_units
FROM plan.forecast_score;
COMMENT ON VIEW mart.forecast_score IS
    'How good each forecasting method was on the past of this account; never read wape without bias and held_q95 beside it.';
