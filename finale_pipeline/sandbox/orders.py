"""Builds an account from real order lines: products, descriptions, prices and sales of the file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.account import NAME, Account
from finale_pipeline.sandbox.catalog import Item, Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.sales import Product, Sale

NEEDED = {"invoice_no", "sku", "description", "quantity", "invoice_at", "unit_price_gbp"}
AHEAD = timedelta(weeks=8)
"""So much of the file is still to come, so that sales happen while one watches."""


def account_from(path: Path, clock: Clock | None = None, *, ahead: timedelta = AHEAD) -> Account:
    """Build an account from a parquet file of order lines.

    Times are moved by whole weeks, so that weekdays stay, until about `ahead` of the file lies
    after the clock's present. Each invoice is an order with one shipment. What the file does not
    have is made up: cost is 60 % of the price, vendors are invented, and a product's stock is what
    the file will still sell of it at most. A product is called what its last priced line calls it.

    Args:
        path: The file.
        clock: The account's time.
        ahead: How much of the file is in the future.

    Raises:
        ConfigError: It cannot be read, or lacks a column.
    """
    clock = clock or Clock()
    lines = _lines(path)
    now = clock.now().replace(microsecond=0)
    last = lines["invoice_at"].max()
    assert isinstance(last, datetime)  # noqa: S101 - a column of times, not empty
    weeks = (now + ahead - last.replace(tzinfo=UTC)) // timedelta(weeks=1)
    lines = lines.with_columns(
        at=(pl.col("invoice_at") + timedelta(weeks=weeks)).dt.epoch("s"),
    ).sort("at", "invoice_no", maintain_order=True)
    items = _items(lines, int(now.timestamp()))
    maker = Maker(NAME, len(items), seed=7, now=now, span=timedelta(), items=items, currency="GBP")
    return Account(maker, clock, _sales(lines, {p.sku: p for p in maker.sold()}), seed=7)


def _lines(path: Path) -> pl.DataFrame:
    try:
        lines = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(
            f"The order lines in {path} cannot be read: {error}.",
            step="Name a parquet file of order lines.",
        ) from error
    missing = NEEDED - set(lines.columns)
    if missing or lines.is_empty():
        raise ConfigError(
            f"{path} has no {', '.join(sorted(missing)) or 'rows'}.",
            step=f"It needs the columns {', '.join(sorted(NEEDED))}.",
        )
    return lines


def _items(lines: pl.DataFrame, now: int) -> list[Item]:
    price, said = pl.col("unit_price_gbp"), pl.col("description").replace("nan", None)
    # Lines without a price are write-offs: their text is a remark, such as "damages".
    name = pl.coalesce(said.filter(price > 0).drop_nulls().last(), said.drop_nulls().last())
    still = pl.col("quantity").filter(pl.col("at") > now).cum_sum().max()
    products = (
        lines.group_by("sku")
        .agg(
            name=name,
            price=price.filter(price > 0).last(),
            stamp=pl.min_horizontal(pl.col("at").min(), pl.lit(now)),
            units=pl.max_horizontal(still, pl.lit(0)),
        )
        .sort("stamp", "sku")
    )
    return [
        Item(sku, name or sku, price or 0.0, stamp, float(units or 0))
        for sku, name, price, stamp, units in products.iter_rows()
    ]


def _sales(lines: pl.DataFrame, products: dict[str, Product]) -> Iterator[Sale]:
    """Yield each invoice, by its first line's time."""
    invoices = (
        lines.group_by("invoice_no", maintain_order=True)
        .agg(pl.col("at").min(), "sku", "quantity")
        .sort("at", maintain_order=True)
    )
    for number, at, skus, units in invoices.iter_rows():
        sold = tuple((products[s], float(u)) for s, u in zip(skus, units, strict=True))
        yield Sale(number, at, sold)
