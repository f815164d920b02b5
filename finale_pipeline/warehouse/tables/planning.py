"""Forecasts with all their inputs, what was learnt from peers, scores, and drafts of orders."""

from datetime import date

from sqlalchemy import Column

from finale_pipeline.warehouse.tables import columns as c


def _snapshot(*, index: bool = True) -> Column[date]:
    meaning = "Business day on whose morning the plan stands; sales before it count."
    return c.day("snapshot_on", meaning, key=True, index=index)


c.table(
    "plan.demand", "What to expect of a product, made once a day; one row per product and snapshot"
    " day. Products of which nothing is known (never sold, no stock, no rule) have none.",
    c.text("product_url", "The product.", key=True),
    _snapshot(),
    c.number("velocity_units_per_day", "Demand to expect per day in stock; null = unknown."),
    c.text("method", "pace, or naive where the pace did worse on this account's past.",
           required=True),
    c.number("half_life_days", "A sale so many days ago counts half as much as yesterday's."),
    c.number("pace_weight", "Share of the weighted mean in the velocity; the rest is the plain mean"
             " of 182 days."),
    c.integer("history_days", "Days since it was first available, 730 at most; null = never sold."),
    c.integer("counted_days", "Of `history_days`, those that are not censored: that did not begin"
              " without stock, or had a receipt."),
    c.integer("sale_days", "Days with a sale among them.", required=True),
    c.integer("quiet_days", "Uncensored days since the last sale; null = never sold."),
    c.number("burstiness_units", "Variance over mean of daily demand in a year, in units."),
    c.number("daily_variance", "Variance of daily demand in 182 days, in units squared."),
    c.text("abc_class", "A, B or C by a year's demand at cost, among the products of its currency;"
           " U = its cost is unknown.", required=True),
    c.text("xyz_class", "X, Y or Z by how much weeks vary.", required=True),
    c.number("service_level", "Share of protection intervals without running out.", required=True),
    c.number("protection_days", "Lead time and review period that morning: the time the demand is"
             " of.", required=True),
    c.number("demand_units", "Demand to expect over the protection interval."),
    c.number("demand_q50_units", "Demand stays under it in 50 of 100 such intervals."),
    c.number("demand_q90_units", "The same in 90 of 100."),
    c.number("demand_q95_units", "The same in 95 of 100."),
    c.number("demand_service_units", "The same at `service_level`."),
    c.text("basis", "What the quantiles rest on: peers, blend, negative binomial or normal."),
    c.number("peers_weight", "Share of the peers in them, 0 to 1."),
    c.flag("is_trusted", "Whether the forecast can be trusted with the reorder point: known for"
           " eight weeks, and sold in the last half-year."),
    c.number("pace_units_per_day", "The pace, before season and what buyers said; null = unknown."),
    c.number("season_factor", "Factor of the season in the velocity; 1 = none."),
    c.number("last_year_units", "Sold a year ago in the time that an order must cover; null = not"
             " known."),
    c.text("demand_note", "What the pace alone does not explain, in words; empty = nothing."),
    c.texts("demand_flags", "What to know before trusting the demand, such as low_confidence."),
    *c.versioned(),
)

c.table(
    "plan.decision", "What follows from a product's demand, stock, orders and terms: one row per"
    " product and snapshot day. Rows of the newest day are made again with every read of stock, for"
    " what changed; mails, pages, plan, API and files show them and compute nothing of their own.",
    c.text("product_url", "The product.", key=True),
    _snapshot(),
    c.day("decided_for_on", "Business day of the stock that it was last made from."),
    c.text("level", "ok, low or out; null = stock was not observed by then."),
    c.number("lead_time_days", "Order to shelf, in days.", required=True),
    c.number("lead_time_sd_days", "How much it varies, in days.", required=True),
    c.text("lead_time_source", "agreed, measured (of three receipts or more), supplier, product or"
           " default: the first that is known.", required=True),
    c.number("stated_lead_time_days", "What Finale states for supplier or product; null ="
             " nothing."),
    c.number("review_period_days", "Days between chances to order.", required=True),
    c.number("cover_days", "Days of sales that one order should last.", required=True),
    c.number("available_units", "On hand less reserved; null = stock was not observed by then."),
    c.number("on_order_units", "To come on open purchase orders."),
    c.number("position_units", "Available plus on order."),
    c.number("arriving_units", "Of on order, what arrives within lead time and review period: what"
             " comes later does not stop an order."),
    c.number("overdue_units", "Of on order, what should have come before."),
    c.day("next_due_on", "The next day on which an open order is due."),
    c.number("next_due_units", "Units that are due on that day."),
    c.number("days_until_stockout", "Until available stock ends, arrivals added; null = never."),
    c.day("stockout_on", "The day on which it ends."),
    c.number("safety_stock_units", "On top of what is expected."),
    c.number("our_reorder_point_units", "Velocity times lead time and review period, and safety"
             " stock."),
    c.number("finale_reorder_point_units", "Sum of Finale's rules over places that may reorder."),
    c.number("finale_reorder_quantity_units", "Sum of Finale's reorder quantities."),
    c.number("reorder_point_units", "The point in use, for alerts and plan; null = none is known."),
    c.text("reorder_point_source", "buyer (plan.product_term), finale or ours."),
    c.number("order_up_to_units", "What an order brings available and arriving units to."),
    c.number("maximum_units", "A buyer's maximum; null = none."),
    c.units("minimum_order_units", "Least quantity of an order."),
    c.units("pack_units", "Orders are multiples of it."),
    c.flag("order_now", "Whether something is to be ordered now."),
    c.units("quantity_units", "Units to order now; 0 = none."),
    c.number("cover_after_days", "Days that available and arriving stock lasts with this order;"
             " null = nothing sells."),
    c.day("reorder_on", "The day on which to order."),
    c.day("must_order_by_on", "The last day that avoids the stock-out, without any safety."),
    c.number("days_without_stock", "Until an order placed that day arrives, in days."),
    c.number("lost_units", "Demand lost on those days."),
    c.text("vendor_url", "The supplier to order from; null = none is known."),
    c.number("unit_cost", "Buying price of one unit, else standard cost; a price of 0 is none."),
    c.text("currency", "Its currency; null = the account's."),
    c.texts("decision_flags", "What to know before trusting the decision, such as overdue_po."),
    c.text("why", "The decision in a sentence, then the arithmetic.", required=True),
    *c.versioned(),
)

c.table(
    "plan.decision_state", "What the newest decisions were made of, to know which are to be made"
    " again.",
    c.only_row("Always true: there is one row."),
    c.day("snapshot_on", "Day of the plan that was decided for.", required=True),
    c.day("decided_for_on", "Business day of the stock.", required=True),
    c.at("decided_at", "UTC, when decisions were last made.", required=True),
    c.text("settings", "The settings that they follow.", required=True),
)

c.table(
    "plan.day_total", "What each day's plan comes to, as it stood when the day was last planned;"
    " kept when the plan itself no longer is.",
    _snapshot(index=False),
    c.big("products", "Products that were planned and whose stock was known.", required=True),
    c.big("products_out", "Of these, those with nothing available.", required=True),
    c.big("products_low", "Of these, those below their reorder point.", required=True),
    c.number("stock_value", "What was available of them, at what Finale said that each costs when"
             " the day was planned; null = no cost is known."),
    c.at("planned_at", "UTC, when the day was last planned; null = before this was kept."),
)

c.table(
    "plan.forecast_by_location", "The forecast shared out by where sales left from, and what each"
    " location lacks; one row per product, snapshot day and location where the product sells, lies"
    " while it sells, is owed or has a point of Finale's. Lead time, periods, pack and service"
    " level are those of plan.forecast.",
    c.text("product_url", "The product.", key=True),
    _snapshot(),
    c.text("location_url", "The location, its sublocations added up; empty = of its sales no place"
           " is known.", key=True),
    c.units("sold_units", "Units of the last 182 days' demand that left from here."),
    c.number("share", "Their part of all the product's units whose place is known, 0 to 1; where"
             " none is, the row of no location has 1.", required=True),
    c.number("velocity_units_per_day", "Demand to expect here per day: share times the product's"
             " velocity (plan.demand); null = unknown."),
    c.number("demand_units", "Demand to expect here over the product's protection interval."),
    c.number("demand_service_units", "It stays under it at the product's service level: what lies"
             " between the product's mean and quantile counts with the root of the share."),
    c.number("available_units", "On hand less reserved here that morning; null = not observed by"
             " then (stock per location has no history)."),
    c.number("on_order_units", "To come here on open purchase orders."),
    c.number("position_units", "Available plus on order here."),
    c.number("days_until_stockout", "Until available stock here ends, arrivals added; null ="
             " never."),
    c.day("stockout_on", "The day on which it ends here."),
    c.number("safety_stock_units", "On top of what is expected here."),
    c.number("our_reorder_point_units", "Velocity here times protection days, and safety stock."),
    c.number("finale_reorder_point_units", "Finale's rule for this location."),
    c.number("reorder_point_units", "The point in use here."),
    c.text("reorder_point_source", "finale or ours; a buyer's term is of the product, not of a"
           " place."),
    c.number("order_up_to_units", "Position here that an order brings it to."),
    c.flag("order_now", "Whether the position here is at or below the point in use here."),
    c.units("quantity_units", "Units that are missing here now, to order or to bring from another"
            " location; 0 = none. All locations together keep more than the product in one place"
            " would, so this is no part of the purchase plan."),
    c.day("reorder_on", "The day on which to order for here."),
    c.day("must_order_by_on", "The last day that avoids the stock-out here, without any safety."),
    c.text("why", "The suggestion in a sentence, with the arithmetic.", required=True),
    *c.versioned(),
)

c.table(
    "plan.forecast_outcome", "What came of a forecast whose time has passed; one row per product"
    " and snapshot day. Each plan reckons those of the last 120 days again: shipments and returns"
    " may come late.",
    c.text("product_url", "The product.", key=True),
    _snapshot(),
    c.units("demanded_units", "Demand over the protection interval, net of returns, as it was known"
            " when last reckoned."),
    c.units("naive_units", "What the mean of the 30 days before the day expected of it."),
    *c.versioned(),
)

c.table(
    "plan.calibration", "What products that sell alike really sold, learnt from past windows; one"
    " row per cell, level and snapshot day.",
    _snapshot(index=False),
    c.integer("window_days", "Length of the past windows.", key=True),
    c.integer("mu_bin", "Bin by expected units, from 0.", key=True),
    c.integer("burst_bin", "Cell of the bin by burstiness, from 0.", key=True),
    c.number("level", "Of the quantile.", key=True),
    c.number("mu_from_units", "Least expected units of the bin; null = the first bin."),
    c.number("burst_from_units", "Least burstiness of the cell; null = the first cell."),
    c.integer("windows", "Past windows in the cell.", required=True),
    c.number("factor", "Quantile of demand over max(expected units, 0.25): what to multiply the"
             " expected units by.", required=True),
    *c.versioned(),
)

c.table(
    "plan.forecast_score", "How good each method was on the past, rolling the origin; one row per"
    " day, source, method, window and segment.",
    c.day("scored_on", "Day whose past was forecast again.", key=True),
    c.text("source", "weekly = to choose the method; backtest = by command, on this account's"
           " sales; else the file that was scored.", key=True),
    c.text("method", "Which method.", key=True),
    c.integer("window_days", "Length of the forecast windows; 0 = the simulated policy.", key=True),
    c.text("segment", "Products that were judged: all of at least 28 days; of them A, B, C by a"
           " year's demand at cost (by units for a file), smooth (sells on three days in four or"
           " more) or intermittent; young = of fewer days.", key=True),
    c.real("service_level", "Policy: the level that was ordered up to; null = none."),
    c.integer("forecasts", "Forecasts that were judged.", required=True),
    c.real("rmsse", "Root mean squared error of totals, scaled by day-to-day changes."),
    c.real("mase", "Mean absolute error on the same scale."),
    c.real("wape", "Sum of absolute errors over demand."),
    c.real("bias", "Sum of errors over demand; below 0 = too low."),
    c.real("loss_q50", "Pinball loss of the 50 % quantile over demand."),
    c.real("loss_q90", "Pinball loss of the 90 % quantile over demand."),
    c.real("loss_q95", "Pinball loss of the 95 % quantile over demand."),
    c.real("held_q50", "Share of windows whose demand stayed under the 50 % quantile."),
    c.real("held_q90", "The same of the 90 % quantile."),
    c.real("held_q95", "The same of the 95 % quantile; healthy: 0.92 to 0.97."),
    c.real("fill_per_product", "Policy: share of demand met, mean over products."),
    c.real("fill_of_units", "Policy: share of all units met."),
    c.real("stockout_days", "Policy: days a year that begin without stock, mean over products."),
    c.real("stock_units", "Policy: units on hand, all products, mean over days."),
    c.flag("is_in_use", "Whether forecasts are made by it."),
    *c.versioned(),
)

c.table(
    "plan.product_term", "What buyers fix for a product; kept by people, never written by a sync.",
    c.text("product_url", "The product.", key=True),
    c.number("reorder_point_units", "A buyer's reorder point; wins over Finale's and ours."),
    c.number("maximum_units", "A buyer's maximum position; wins over the cover days."),
    c.number("minimum_order_units", "Least quantity of an order."),
    c.number("pack_units", "Orders are multiples of it; wins over Finale's units per case."),
    c.number("service_level", "Above 0, below 1; wins over the settings."),
    c.text("vendor_url", "The supplier to order from; wins over Finale's main one."),
    c.flag("is_never_ordered", "Whether it is not to be ordered, nor told of when it is out or"
           " low.", default="false"),
)

c.table(
    "plan.term_change", "Every change of what buyers fix for products and vendors; only ever added"
    " to.",
    c.serial("change_id"),
    c.text("scope", "product or vendor.", required=True),
    c.text("scope_key", "product_url or vendor_url.", required=True),
    c.json("before", "The terms that moved, as they were."),
    c.json("after", "The same, from then on."),
    c.text("changed_by", "Who: a person, or the way it came.", required=True),
    c.at("changed_at", "UTC.", required=True),
    c.text("note", "Why, in their words."),
    c.index("term_change_scope_idx", "scope", "scope_key"),
)

c.table(
    "plan.vendor_term", "What is agreed with a vendor; kept by people, never written by a sync.",
    c.text("vendor_url", "The vendor.", key=True),
    c.number("minimum_order_value", "Least value of an order, in the currency of its prices."),
    c.number("lead_time_days", "Order to shelf, in days; wins over what Finale says."),
    c.number("review_period_days", "Days between chances to order; wins over the setting."),
    c.number("cover_days", "Days of sales one order should last; wins over the setting."),
)

c.table(
    "plan.purchase_order_draft_line", "Lines of suggested orders; one row per snapshot day, vendor"
    " and product.",
    _snapshot(index=False),
    c.text("vendor_url", "The vendor; empty = no supplier is known.", key=True),
    c.text("product_url", "The product.", key=True, index=True),
    c.text("sku", "Finale's productId.", required=True),
    c.text("vendor_sku", "The vendor's own code of the product."),
    c.units("quantity_units", "Units to order."),
    c.number("unit_cost", "Buying price of one unit; null = unknown."),
    c.text("currency", "Its currency; null = the account's."),
    c.number("line_total", "Quantity times cost."),
    c.day("arrival_on", "When it arrives if ordered that day."),
    c.day("stockout_on", "When available stock ends without it."),
    c.day("must_order_by_on", "The last day that avoids the stock-out."),
    c.number("cover_after_days", "Days that stock lasts with this order; null = nothing sells."),
    c.text("urgency", "late: runs out before an order can arrive; today: must be ordered by then;"
           " soon: the rest.", required=True),
    c.texts("needs_data", "What is missing: vendor, cost, lead time."),
    c.text("why", "The suggestion in a sentence, with the arithmetic.", required=True),
    *c.versioned(),
)
