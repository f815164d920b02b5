"""The suggestion in a sentence, with its arithmetic."""

import polars as pl

BASIS_TEXT = {
    "peers": "in products that sell alike",
    "blend": "in products that sell alike, and by its own spread",
    "negative binomial": "by its own spread alone",
    "normal": "by a normal curve",
}


def number(column: str, *, decimals: int = 1) -> pl.Expr:
    """Return a number as people write it: no more decimals than it has."""
    text = pl.col(column).round(decimals).cast(pl.String)
    return text.str.replace(r"\.0$", "")


def why() -> pl.Expr:
    """Return the sentence of every product."""
    return pl.concat_str(
        [_pace(), pl.col("demand_note"), _demand(), _stock(), _decision()], ignore_nulls=True
    )


def why_here() -> pl.Expr:
    """Return the sentence of every product and location."""
    return pl.concat_str([_pace_here(), _stock(), _decision()], ignore_nulls=True)


def _pace_here() -> pl.Expr:
    whole = number("velocity_of_all", decimals=2)
    part = (pl.col("share") * 100).round(1).cast(pl.String).str.replace(r"\.0$", "")
    sells = pl.format("Sells {} a day here, {} % of {}: its part of half a year's sales.",
        number("velocity_units_per_day", decimals=2), part, whole,
    )  # fmt: skip
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
    sells = pl.format("Sells {} a day", number("velocity_units_per_day", decimals=2))
    known = (
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
        .otherwise(pl.concat_str([sells, known, pl.lit(".")]))
    )


def _demand() -> pl.Expr:
    basis = pl.col("basis").replace_strict(BASIS_TEXT, default="")
    level = (pl.col("service_level") * 100).round(1).cast(pl.String).str.replace(r"\.0$", "")
    text = pl.format(
        " In {} days (lead time {}, {}; review {}) it needs {}, and {} of 100 such spans stay"
        " under {} ({}).",
        number("protection_days"), number("lead_time_days"), pl.col("lead_time_source"),
        number("review_period_days"), number("demand_units"), level,
        number("demand_service_units"), basis,
    )  # fmt: skip
    return pl.when(pl.col("velocity_units_per_day") > 0).then(text)


def _stock() -> pl.Expr:
    text = pl.format(
        " Available {} and on order {} make {}.",
        number("available_units"), number("on_order_units"), number("position_units"),
    )  # fmt: skip
    unknown = pl.lit(" Its stock was not observed by that day.")
    return pl.when(pl.col("available_units").is_null()).then(unknown).otherwise(text)


def _decision() -> pl.Expr:
    source = pl.col("reorder_point_source").replace_strict(
        {"finale": "Finale's rule", "buyer": "the buyer's", "ours": "ours"}, default=""
    )
    ours = pl.format(
        "{} x {} + {} safety", number("velocity_units_per_day", decimals=2),
        number("protection_days"), number("safety_stock_units"),
    )  # fmt: skip
    of_point = pl.when(pl.col("reorder_point_source") == "ours").then(ours).otherwise(source)
    point = pl.format("the reorder point {} ({})", number("reorder_point_units"), of_point)
    # Two decimals: "up to 10" must not stand beside 11, ordered because it is 10.04.
    order = pl.format(
        " At or below {}: order {}, up to {} in packs of {}.", point,
        number("quantity_units"), number("order_up_to_units", decimals=2), number("pack_units"),
    )  # fmt: skip
    owed = pl.format(
        " Nothing sells, and {} are owed: order {}.",
        (0 - pl.col("position_units")).round(1).cast(pl.String).str.replace(r"\.0$", ""),
        number("quantity_units"),
    )
    later = pl.format(" Above {}: order by {}.", point, pl.col("reorder_on").cast(pl.String))
    return (
        pl.when(~pl.col("is_active"))
        .then(pl.lit(" Discontinued: not ordered again."))
        .when(pl.col("is_never_reordered"))
        .then(pl.lit(" Finale says not to reorder it."))
        .when(pl.col("order_now") & pl.col("order_up_to_units").is_not_null()
              & ~(pl.col("velocity_units_per_day") == 0).fill_null(value=False))
        .then(order)
        .when(pl.col("order_now"))
        .then(owed)
        .when(pl.col("reorder_on").is_not_null())
        .then(later)
        .otherwise(pl.lit(" Nothing to order."))
    )  # fmt: skip
