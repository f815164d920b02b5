"""The decision in a sentence, and then its arithmetic: the one place where it is put into words."""

import polars as pl

BASIS_TEXT = {
    "peers": "in products that sell alike",
    "blend": "in products that sell alike, and by its own spread",
    "negative binomial": "by its own spread alone",
    "normal": "by a normal curve",
}

SLOW_UNITS_PER_DAY, MONTH_DAYS = 0.1, 30


def number(value: str | pl.Expr, *, decimals: int = 1) -> pl.Expr:
    """Return a number, or that of a column, as people write it: no more decimals than it has."""
    shown = pl.col(value) if isinstance(value, str) else value
    return shown.round(decimals).cast(pl.String).str.strip_suffix(".0")


def why() -> pl.Expr:
    """Return the sentence of every product."""
    parts = [_decision(), _pace(), _note(), _demand(), _stock(), _builds(), _lead_time()]
    return pl.concat_str(parts, separator=" ", ignore_nulls=True)


def _note() -> pl.Expr:
    """Return what the pace alone does not explain; nothing where it does."""
    note = pl.col("demand_note").str.strip_chars()
    return pl.when(note != "").then(note)


def why_here() -> pl.Expr:
    """Return the sentence of every product and location."""
    return pl.concat_str([_decision(), _pace_here(), _stock()], separator=" ", ignore_nulls=True)


def _pace_here() -> pl.Expr:
    whole = number("velocity_of_all", decimals=2)
    sells = pl.format(
        "Sells {} a day here, {} % of {}: its part of half a year's sales.",
        number("velocity_units_per_day", decimals=2),
        number(pl.col("share") * 100),
        whole,
    )
    nowhere = pl.format("Sells {} a day, and of half a year's sales no place is known.", whole)
    return (
        pl.when(pl.col("location_url") == "")
        .then(nowhere)
        .when(pl.col("velocity_of_all").is_null())
        .then(pl.lit("Its velocity is unknown."))
        .when(pl.col("velocity_of_all") == 0)
        .then(pl.lit("Nothing of it sells."))
        .when(pl.col("share") == 0)
        .then(pl.format("Sells {} a day, none of it from here.", whole))
        .otherwise(sells)
    )


def _pace() -> pl.Expr:
    velocity = pl.col("velocity_units_per_day")
    # Of what sells less than three a month, "0.07 a day" tells a person nothing.
    sells = (
        pl.when(velocity < SLOW_UNITS_PER_DAY)
        .then(pl.format("Sells {} a month of 30 days", number(velocity * MONTH_DAYS, decimals=2)))
        .otherwise(pl.format("Sells {} a day", number("velocity_units_per_day", decimals=2)))
    )
    suffix = (
        pl.when(pl.col("is_last_known") > 0)
        .then(pl.lit(" (last known, out of stock since)"))
        .otherwise(pl.lit(""))
    )
    return (
        pl.when(velocity.is_null())
        .then(pl.lit("Was never seen in stock, so its velocity is unknown."))
        .when(pl.col("history_days").is_null())
        .then(pl.lit("Never sold."))
        .when(velocity == 0)
        .then(pl.lit("Sold nothing for half a year in stock."))
        .otherwise(pl.concat_str([sells, suffix, pl.lit(".")]))
    )


def _demand() -> pl.Expr:
    basis = pl.col("basis").replace_strict(BASIS_TEXT, default="")
    text = pl.format(
        "In {} days (lead time {}, {}; review {}) it needs {}, and {} of 100 such spans stay"
        " under {} ({}).",
        number("protection_days_now"),
        number("lead_time_days"),
        pl.col("lead_time_source"),
        number("review_period_days"),
        number("expected_units"),
        number(pl.col("service_level") * 100),
        number("demand_service_units"),
        basis,
    )
    return pl.when(pl.col("velocity_units_per_day") > 0).then(text)


def _stock() -> pl.Expr:
    on_order = pl.format("{} on order", number("on_order_units"))
    due = pl.format(
        "{} due {}, {} on order in all",
        number("next_due_units"),
        pl.col("next_due_on").cast(pl.String),
        number("on_order_units"),
    )
    is_one = pl.col("next_due_units") == pl.col("on_order_units")
    of_one = pl.format("{}, due {}", on_order, pl.col("next_due_on").cast(pl.String))
    coming = pl.when(is_one).then(of_one).otherwise(pl.coalesce(due, on_order))
    in_time = pl.when(pl.col("arriving_units") < pl.col("on_order_units")).then(
        pl.format(", {} of it in time", number("arriving_units"))
    )
    overdue = pl.when(pl.col("overdue_units") > 0).then(
        pl.format(", {} overdue", number("overdue_units"))
    )
    text = pl.concat_str(
        pl.format("Available {}", number("available_units")),
        pl.when(pl.col("on_order_units") > 0)
        .then(pl.concat_str(pl.lit("; "), coming, in_time, overdue, ignore_nulls=True))
        .otherwise(pl.lit("; nothing on order")),
        pl.lit("."),
    )
    unknown = pl.lit("Its stock was not observed by that day.")
    return pl.when(pl.col("available_units").is_null()).then(unknown).otherwise(text)


def _builds() -> pl.Expr:
    text = pl.format("Planned builds will use {}; these are not available.", number("build_units"))
    return pl.when(pl.col("build_units") > 0).then(text)


def _lead_time() -> pl.Expr:
    text = pl.format(
        "Stated {} days, takes {}.", number("stated_lead_time_days"), number("lead_time_days")
    )
    is_other = (pl.col("lead_time_source") == "measured") & (
        pl.col("stated_lead_time_days") != pl.col("lead_time_days")
    )
    return pl.when(is_other).then(text)


def _decision() -> pl.Expr:
    ours = pl.format(
        "{} x {} + {} safety",
        number("velocity_units_per_day", decimals=2),
        number("protection_days_now"),
        number("safety_stock_units"),
    )
    source = pl.col("reorder_point_source").replace_strict(
        {"finale": "Finale's", "buyer": "the buyer's", "ours": "ours"}, default=""
    )
    of_point = pl.when(pl.col("reorder_point_source") == "ours").then(ours).otherwise(source)
    point = pl.format("the reorder point {} ({})", number("reorder_point_units"), of_point)
    # Two decimals: "up to 10" must not stand beside 11, ordered because it is 10.04.
    up_to = pl.format(
        "up to {} in packs of {}", number("order_up_to_units", decimals=2), number("pack_units")
    )
    counted = pl.col("available_units") + pl.col("arriving_units")
    order = pl.format("Order {}: at or below {}, {}.", number("quantity_units"), point, up_to)
    gap = pl.format(
        "Order {}: without it, stock is out before the next arrival.", number("quantity_units")
    )
    owed = pl.format("Order {}: nothing sells, and it is owed.", number("quantity_units"))
    later = pl.format(
        "Nothing to order before {}: above {}.", pl.col("reorder_on").cast(pl.String), point
    )
    idle = ~(pl.col("velocity_units_per_day") > 0).fill_null(value=False)
    return (
        pl.when(~pl.col("is_active"))
        .then(pl.lit("Discontinued: not ordered again."))
        .when(pl.col("is_stopped_by_buyer"))
        .then(pl.lit("A buyer said not to order it."))
        .when(pl.col("is_never_reordered"))
        .then(pl.lit("Finale says not to reorder it."))
        .when(pl.col("order_now") & idle & pl.col("reorder_point_units").is_null())
        .then(owed)
        .when(pl.col("order_now") & ~idle & (counted > pl.col("reorder_point_units")))
        .then(gap)
        .when(pl.col("order_now"))
        .then(order)
        .when(pl.col("is_blocked"))
        .then(pl.lit("Something is needed, and maximum, packs and least quantity allow no order."))
        .when(pl.col("reorder_on").is_not_null())
        .then(later)
        .otherwise(pl.lit("Nothing to order."))
    )
