"""A file of orders → demand, to score forecasts on sales that are in no warehouse."""

from pathlib import Path

import polars as pl

from finale_pipeline.domain.forecast.history import History, history
from finale_pipeline.errors import ConfigError

DAILY = {"sku", "date", "units"}
LINES = {"sku", "invoice_at", "quantity", "invoice_no"}
CANCELLED_WITHIN_DAYS = 3


def read_orders(path: Path) -> History:
    """Return the demand of a parquet file, of days or of order lines.

    Of order lines, cancellations and free lines are left out, and a line that the same customer
    cancelled within three days.

    Raises:
        ConfigError: There is no such file, or it has other columns.
    """
    try:
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(
            f"{path} cannot be read as parquet.", step="Name another file."
        ) from error
    if set(rows.columns) >= DAILY:
        return history(rows.rename({"sku": "product_url", "date": "sold_on"}))
    if set(rows.columns) >= LINES:
        return history(_demand(rows))
    raise ConfigError(
        f"{path} has the columns {', '.join(rows.columns)}.",
        step=f"Give it {', '.join(sorted(DAILY))} per day, or {', '.join(sorted(LINES))} per line.",
    )


def _demand(rows: pl.DataFrame) -> pl.DataFrame:
    sold_on = pl.col("invoice_at").dt.date()
    customer = [name for name in ("customer_id",) if name in rows.columns]
    is_cancelled = pl.col("invoice_no").str.starts_with("C") | (pl.col("quantity") <= 0)
    priced = (
        pl.col("unit_price_gbp") > 0 if "unit_price_gbp" in rows.columns else pl.lit(value=True)
    )
    sold = rows.filter(~is_cancelled & priced).with_columns(sold_on=sold_on).with_row_index("line")
    cancelled = rows.filter(is_cancelled, pl.col("invoice_no").str.starts_with("C")).select(
        "sku", *customer, quantity=-pl.col("quantity"), cancelled_at="invoice_at"
    )
    if not customer:
        return _named(sold)
    after = pl.col("cancelled_at") - pl.col("invoice_at")
    taken_back = sold.join(cancelled, on=["sku", "quantity", *customer]).filter(
        after >= pl.duration(days=0), after <= pl.duration(days=CANCELLED_WITHIN_DAYS)
    )
    return _named(sold.join(taken_back.select("line").unique(), on="line", how="anti"))


def _named(sold: pl.DataFrame) -> pl.DataFrame:
    return sold.select("sold_on", product_url="sku", units="quantity")
