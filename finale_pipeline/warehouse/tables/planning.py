"""Forecasts with all their inputs, what was learnt from peers, scores, and drafts of orders."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from finale_pipeline.warehouse.tables.columns import at, changed, metadata, row_hash, text_, units


def _number(name: str, comment: str, *, required: bool = False) -> Column[Any]:
    return Column(name, Numeric, nullable=not required, comment=comment)


def _count(name: str, comment: str, *, required: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=not required, comment=comment)


def _total(name: str, comment: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, comment=comment)


def _on(name: str, comment: str) -> Column[Any]:
    return Column(name, Date, comment=comment)


def _is(name: str, comment: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, comment=comment)


def _snapshot() -> Column[Any]:
    return Column(
        "snapshot_on",
        Date,
        primary_key=True,
        comment="Business day on whose morning the plan stands; sales before it count.",
    )


def _texts(name: str, comment: str) -> Column[Any]:
    return Column(name, ARRAY(Text), nullable=False, comment=comment)


demand = Table(
    "demand",
    metadata,
    text_("product_url", "The product.", key=True),
    _snapshot(),
    _number("velocity_units_per_day", "Demand to expect per day in stock; null = unknown."),
    text_("method", "pace, or naive where the pace did worse on this account's past.",
          required=True),
    _number("half_life_days", "A sale so many days ago counts half as much as yesterday's."),
    _number("pace_weight", "Share of the weighted mean in the velocity; the rest is the plain mean"
            " of 182 days."),
    _count("history_days", "Days since it was first available, 730 at most; null = never sold."),
    _count("counted_days", "Of `history_days`, those that are not censored: that did not begin"
           " without stock, or had a receipt."),
    _count("sale_days", "Days with a sale among them.", required=True),
    _count("quiet_days", "Uncensored days since the last sale; null = never sold."),
    _number("burstiness_units", "Variance over mean of daily demand in a year, in units."),
    _number("daily_variance", "Variance of daily demand in 182 days, in units squared."),
    text_("abc_class", "A, B or C by a year's demand at cost, among the products of its currency;"
          " U = its cost is unknown.", required=True),
    text_("xyz_class", "X, Y or Z by how much weeks vary.", required=True),
    _number("service_level", "Share of protection intervals without running out.", required=True),
    _number("protection_days", "Lead time and review period that morning: the time the demand is"
            " of.", required=True),
    units("demand_units", "Demand to expect over the protection interval.", required=False),
    units("demand_q50_units", "Demand stays under it in 50 of 100 such intervals.", required=False),
    units("demand_q90_units", "The same in 90 of 100.", required=False),
    units("demand_q95_units", "The same in 95 of 100.", required=False),
    units("demand_service_units", "The same at `service_level`.", required=False),
    text_("basis", "What the quantiles rest on: peers, blend, negative binomial or normal."),
    _number("peers_weight", "Share of the peers in them, 0 to 1."),
    _is("is_trusted", "Whether the forecast can be trusted with the reorder point: known for eight"
        " weeks, and sold in the last half-year."),
    _number("pace_units_per_day", "The pace, before season and what buyers said; null = unknown."),
    _number("season_factor", "Factor of the season in the velocity; 1 = none."),
    units("last_year_units", "Sold a year ago in the time that an order must cover; null = not"
          " known.", required=False),
    text_("demand_note", "What the pace alone does not explain, in words; empty = nothing."),
    _texts("demand_flags", "What to know before trusting the demand, such as low_confidence."),
    changed(),
    row_hash(),
    Index("demand_snapshot_on_idx", "snapshot_on"),
    schema="plan",
    comment="What to expect of a product, made once a day; one row per product and snapshot day."
    " Products of which nothing is known (never sold, no stock, no rule) have none.",
)

decision = Table(
    "decision",
    metadata,
    text_("product_url", "The product.", key=True),
    _snapshot(),
    _on("decided_for_on", "Business day of the stock that it was last made from."),
    text_("level", "ok, low or out; null = stock was not observed by then."),
    _number("lead_time_days", "Order to shelf, in days.", required=True),
    _number("lead_time_sd_days", "How much it varies, in days.", required=True),
    text_("lead_time_source", "agreed, measured (of three receipts or more), supplier, product or"
          " default: the first that is known.", required=True),
    _number("stated_lead_time_days", "What Finale states for supplier or product; null = nothing."),
    _number("review_period_days", "Days between chances to order.", required=True),
    _number("cover_days", "Days of sales that one order should last.", required=True),
    units("available_units", "On hand less reserved; null = stock was not observed by then.",
          required=False),
    units("on_order_units", "To come on open purchase orders.", required=False),
    units("position_units", "Available plus on order.", required=False),
    units("arriving_units", "Of on order, what arrives within lead time and review period: what"
          " comes later does not stop an order.", required=False),
    units("overdue_units", "Of on order, what should have come before.", required=False),
    _on("next_due_on", "The next day on which an open order is due."),
    units("next_due_units", "Units that are due on that day.", required=False),
    _number("days_until_stockout", "Until available stock ends, arrivals added; null = never."),
    _on("stockout_on", "The day on which it ends."),
    units("safety_stock_units", "On top of what is expected.", required=False),
    units("our_reorder_point_units", "Velocity times lead time and review period, and safety"
          " stock.", required=False),
    units("finale_reorder_point_units", "Sum of Finale's rules over places that may reorder.",
          required=False),
    units("finale_reorder_quantity_units", "Sum of Finale's reorder quantities.", required=False),
    units("reorder_point_units", "The point in use, for alerts and plan; null = none is known.",
          required=False),
    text_("reorder_point_source", "buyer (plan.product_term), finale or ours."),
    units("order_up_to_units", "What an order brings available and arriving units to.",
          required=False),
    units("maximum_units", "A buyer's maximum; null = none.", required=False),
    units("minimum_order_units", "Least quantity of an order."),
    units("pack_units", "Orders are multiples of it."),
    _is("order_now", "Whether something is to be ordered now."),
    units("quantity_units", "Units to order now; 0 = none."),
    _number("cover_after_days", "Days that available and arriving stock lasts with this order;"
            " null = nothing sells."),
    _on("reorder_on", "The day on which to order."),
    _on("must_order_by_on", "The last day that avoids the stock-out, without any safety."),
    _number("days_without_stock", "Until an order placed that day arrives, in days."),
    units("lost_units", "Demand lost on those days.", required=False),
    text_("vendor_url", "The supplier to order from; null = none is known."),
    _number("unit_cost", "Buying price of one unit, else standard cost; a price of 0 is none."),
    text_("currency", "Its currency; null = the account's."),
    _texts("decision_flags", "What to know before trusting the decision, such as overdue_po."),
    text_("why", "The decision in a sentence, then the arithmetic.", required=True),
    changed(),
    row_hash(),
    Index("decision_snapshot_on_idx", "snapshot_on"),
    schema="plan",
    comment="What follows from a product's demand, stock, orders and terms: one row per product and"
    " snapshot day. Rows of the newest day are made again with every read of stock, for what"
    " changed; mails, pages, plan, API and files show them and compute nothing of their own.",
)

decision_state = Table(
    "decision_state",
    metadata,
    Column("only_row", Boolean, primary_key=True, comment="Always true: there is one row."),
    Column("snapshot_on", Date, nullable=False, comment="Day of the plan that was decided for."),
    Column("decided_for_on", Date, nullable=False, comment="Business day of the stock."),
    at("decided_at", "UTC, when decisions were last made.", required=True),
    text_("settings", "The settings that they follow.", required=True),
    schema="plan",
    comment="What the newest decisions were made of, to know which are to be made again.",
)

day_total = Table(
    "day_total",
    metadata,
    _snapshot(),
    _total("products", "Products that were planned and whose stock was known."),
    _total("products_out", "Of these, those with nothing available."),
    _total("products_low", "Of these, those below their reorder point."),
    _number("stock_value", "What was available of them, at what Finale said that each costs when"
            " the day was planned; null = no cost is known."),
    schema="plan",
    comment="What each day's plan comes to, as it stood when the day was last planned; kept when"
    " the plan itself no longer is.",
)

forecast_by_location = Table(
    "forecast_by_location",
    metadata,
    text_("product_url", "The product.", key=True),
    _snapshot(),
    text_("location_url", "The location, its sublocations added up; empty = of its sales no place"
          " is known.", key=True),
    units("sold_units", "Units of the last 182 days' demand that left from here."),
    _number("share", "Their part of all the product's units whose place is known, 0 to 1; where"
            " none is, the row of no location has 1.", required=True),
    _number("velocity_units_per_day", "Demand to expect here per day: share times the product's"
            " velocity (plan.demand); null = unknown."),
    units("demand_units", "Demand to expect here over the product's protection interval.",
          required=False),
    units("demand_service_units", "It stays under it at the product's service level: what lies"
          " between the product's mean and quantile counts with the root of the share.",
          required=False),
    units("available_units", "On hand less reserved here that morning; null = not observed by"
          " then (stock per location has no history).", required=False),
    units("on_order_units", "To come here on open purchase orders.", required=False),
    units("position_units", "Available plus on order here.", required=False),
    _number("days_until_stockout", "Until available stock here ends, arrivals added; null ="
            " never."),
    _on("stockout_on", "The day on which it ends here."),
    units("safety_stock_units", "On top of what is expected here.", required=False),
    units("our_reorder_point_units", "Velocity here times protection days, and safety stock.",
          required=False),
    units("finale_reorder_point_units", "Finale's rule for this location.", required=False),
    units("reorder_point_units", "The point in use here.", required=False),
    text_("reorder_point_source", "finale or ours; a buyer's term is of the product, not of a"
          " place."),
    units("order_up_to_units", "Position here that an order brings it to.", required=False),
    _is("order_now", "Whether the position here is at or below the point in use here."),
    units("quantity_units", "Units that are missing here now, to order or to bring from another"
          " location; 0 = none. All locations together keep more than the product in one place"
          " would, so this is no part of the purchase plan."),
    _on("reorder_on", "The day on which to order for here."),
    _on("must_order_by_on", "The last day that avoids the stock-out here, without any safety."),
    text_("why", "The suggestion in a sentence, with the arithmetic.", required=True),
    changed(),
    row_hash(),
    Index("forecast_by_location_snapshot_on_idx", "snapshot_on"),
    schema="plan",
    comment="The forecast shared out by where sales left from, and what each location lacks; one"
    " row per product, snapshot day and location where the product sells, lies while it sells, is"
    " owed or has a point of Finale's. Lead time, periods, pack and service level are those of"
    " plan.forecast.",
)

forecast_outcome = Table(
    "forecast_outcome",
    metadata,
    text_("product_url", "The product.", key=True),
    _snapshot(),
    units("demanded_units", "Demand over the protection interval, net of returns, as it was known"
          " when last reckoned."),
    units("naive_units", "What the mean of the 30 days before the day expected of it."),
    changed(),
    row_hash(),
    Index("forecast_outcome_snapshot_on_idx", "snapshot_on"),
    schema="plan",
    comment="What came of a forecast whose time has passed; one row per product and snapshot day."
    " Each plan reckons those of the last 120 days again: shipments and returns may come late.",
)  # fmt: skip

calibration = Table(
    "calibration",
    metadata,
    _snapshot(),
    Column("window_days", Integer, primary_key=True, autoincrement=False,
           comment="Length of the past windows."),
    Column("mu_bin", Integer, primary_key=True, autoincrement=False,
           comment="Bin by expected units, from 0."),
    Column("burst_bin", Integer, primary_key=True, autoincrement=False,
           comment="Cell of the bin by burstiness, from 0."),
    Column("level", Numeric, primary_key=True, comment="Of the quantile."),
    _number("mu_from_units", "Least expected units of the bin; null = the first bin."),
    _number("burst_from_units", "Least burstiness of the cell; null = the first cell."),
    _count("windows", "Past windows in the cell.", required=True),
    _number("factor", "Quantile of demand over max(expected units, 0.25): what to multiply the"
            " expected units by.", required=True),
    changed(),
    row_hash(),
    schema="plan",
    comment="What products that sell alike really sold, learnt from past windows; one row per"
    " cell, level and snapshot day.",
)


def _measure(name: str, comment: str) -> Column[Any]:
    return Column(name, Double, comment=comment)


forecast_score = Table(
    "forecast_score",
    metadata,
    Column("scored_on", Date, primary_key=True, comment="Day whose past was forecast again."),
    text_("source", "weekly = to choose the method; backtest = by command, on this account's"
          " sales; else the file that was scored.", key=True),
    text_("method", "Which method.", key=True),
    Column("window_days", Integer, primary_key=True, autoincrement=False,
           comment="Length of the forecast windows; 0 = the simulated policy."),
    text_("segment", "Products that were judged: all of at least 28 days; of them A, B, C by a"
          " year's demand at cost (by units for a file), smooth (sells on three days in four or"
          " more) or intermittent; young = of fewer days.", key=True),
    _measure("service_level", "Policy: the level that was ordered up to; null = none."),
    _count("forecasts", "Forecasts that were judged.", required=True),
    _measure("rmsse", "Root mean squared error of totals, scaled by day-to-day changes."),
    _measure("mase", "Mean absolute error on the same scale."),
    _measure("wape", "Sum of absolute errors over demand."),
    _measure("bias", "Sum of errors over demand; below 0 = too low."),
    _measure("loss_q50", "Pinball loss of the 50 % quantile over demand."),
    _measure("loss_q90", "Pinball loss of the 90 % quantile over demand."),
    _measure("loss_q95", "Pinball loss of the 95 % quantile over demand."),
    _measure("held_q50", "Share of windows whose demand stayed under the 50 % quantile."),
    _measure("held_q90", "The same of the 90 % quantile."),
    _measure("held_q95", "The same of the 95 % quantile; healthy: 0.92 to 0.97."),
    _measure("fill_per_product", "Policy: share of demand met, mean over products."),
    _measure("fill_of_units", "Policy: share of all units met."),
    _measure("stockout_days", "Policy: days a year that begin without stock, mean over products."),
    _measure("stock_units", "Policy: units on hand, all products, mean over days."),
    _is("is_in_use", "Whether forecasts are made by it."),
    changed(),
    row_hash(),
    schema="plan",
    comment="How good each method was on the past, rolling the origin; one row per day, source,"
    " method, window and segment.",
)

product_term = Table(
    "product_term",
    metadata,
    text_("product_url", "The product.", key=True),
    units("reorder_point_units", "A buyer's reorder point; wins over Finale's and ours.",
          required=False),
    units("maximum_units", "A buyer's maximum position; wins over the cover days.", required=False),
    units("minimum_order_units", "Least quantity of an order.", required=False),
    units("pack_units", "Orders are multiples of it; wins over Finale's units per case.",
          required=False),
    _number("service_level", "Above 0, below 1; wins over the settings."),
    text_("vendor_url", "The supplier to order from; wins over Finale's main one."),
    Column("is_never_ordered", Boolean, nullable=False, server_default=text("false"),
           comment="Whether it is not to be ordered, nor told of when it is out or low."),
    schema="plan",
    comment="What buyers fix for a product; kept by people, never written by a sync.",
)

term_change = Table(
    "term_change",
    metadata,
    Column("change_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("scope", "product or vendor.", required=True),
    text_("scope_key", "product_url or vendor_url.", required=True),
    Column("before", JSONB, nullable=False, comment="The terms that moved, as they were."),
    Column("after", JSONB, nullable=False, comment="The same, from then on."),
    text_("changed_by", "Who: a person, or the way it came.", required=True),
    at("changed_at", "UTC.", required=True),
    text_("note", "Why, in their words."),
    Index("term_change_scope_idx", "scope", "scope_key"),
    schema="plan",
    comment="Every change of what buyers fix for products and vendors; only ever added to.",
)

vendor_term = Table(
    "vendor_term",
    metadata,
    text_("vendor_url", "The vendor.", key=True),
    _number("minimum_order_value", "Least value of an order, in the currency of its prices."),
    _number("lead_time_days", "Order to shelf, in days; wins over what Finale says."),
    _number("review_period_days", "Days between chances to order; wins over the setting."),
    _number("cover_days", "Days of sales one order should last; wins over the setting."),
    schema="plan",
    comment="What is agreed with a vendor; kept by people, never written by a sync.",
)

purchase_order_draft_line = Table(
    "purchase_order_draft_line",
    metadata,
    _snapshot(),
    text_("vendor_url", "The vendor; empty = no supplier is known.", key=True),
    text_("product_url", "The product.", key=True),
    text_("sku", "Finale's productId.", required=True),
    text_("vendor_sku", "The vendor's own code of the product."),
    units("quantity_units", "Units to order."),
    _number("unit_cost", "Buying price of one unit; null = unknown."),
    text_("currency", "Its currency; null = the account's."),
    _number("line_total", "Quantity times cost."),
    _on("arrival_on", "When it arrives if ordered that day."),
    _on("stockout_on", "When available stock ends without it."),
    _on("must_order_by_on", "The last day that avoids the stock-out."),
    _number("cover_after_days", "Days that stock lasts with this order; null = nothing sells."),
    text_(
        "urgency",
        "late: runs out before an order can arrive; today: must be ordered by then;"
        " soon: the rest.",
        required=True,
    ),
    _texts("needs_data", "What is missing: vendor, cost, lead time."),
    text_("why", "The suggestion in a sentence, with the arithmetic.", required=True),
    changed(),
    row_hash(),
    Index("purchase_order_draft_line_product_url_idx", "product_url"),
    schema="plan",
    comment="Lines of suggested orders; one row per snapshot day, vendor and product.",
)
