"""Builds an account from real order lines: products, descriptions, prices and sales of the file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.catalog import Item, Maker
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.sales import Event, Lines, Product, Return, Sale, back

NEEDED = {"invoice_no", "sku", "description", "quantity", "invoice_at", "unit_price_gbp"}
NO_GOODS = (
    r"^(POST|DOT|M|D|S|B|C2|C3|CRUK|PADS|SP1002|ADJUST2?|AMAZONFEE|BANK CHARGES|GIFT(_.*)?"
    r"|TEST\d*)$"
)
"""Codes of postage, fees, vouchers and tests: they become fees of an order, not products."""
MATCHED = ["customer_id", "sku", "quantity"]
CANCELLED_WITHIN = "3d"
AHEAD = timedelta(weeks=8)
"""So much of the file is still to come, so that sales happen while one watches."""


def account_from(path: Path, clock: Clock | None = None, *, ahead: timedelta = AHEAD) -> Account:
    """Build an account from a parquet file of order lines.

    Times are moved by whole weeks, so that weekdays stay, until about `ahead` of the file lies
    after the clock's present. Each invoice is an order with one shipment. A cancellation (a `C`
    document) of the same quantity by the same customer within three days is made in Finale as
    people make it there: the shipment gets a correcting line, or with its last line the whole order
    is cancelled. Other `C` documents are returns, lines without a price and quantities below zero
    are write-offs: they move stock and nothing else. What the file does not have is made up: cost
    is 60 % of the price, vendors are invented, and a product's stock is what the file will still
    sell of it at most. A product is called what its last priced line calls it.

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
    lines = _matched(lines)
    items = _items(lines.filter("is_goods"), int(now.timestamp()))
    maker = Maker(len(items), seed=7, now=now, span=timedelta(), items=items, currency="GBP")
    return Account(maker, clock, _events(lines, {p.sku: p for p in maker.sold()}), seed=7)


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
    price, text = pl.col("unit_price_gbp"), pl.col("description").replace("nan", None)
    # Lines without a price are write-offs: their text is a remark, such as "damages".
    name = pl.coalesce(text.filter(price > 0).drop_nulls().last(), text.drop_nulls().last())
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


def _matched(lines: pl.DataFrame) -> pl.DataFrame:
    """Add to each line what it is, and to cancelled and cancelling lines which one the other is.

    A cancellation belongs to the last line before it with the same customer, SKU and quantity; a
    second cancellation of one line is a return.
    """
    if "customer_id" not in lines.columns:
        lines = lines.with_columns(customer_id=pl.lit(None, pl.Int64))
    is_c = pl.col("invoice_no").str.starts_with("C")
    is_goods = ~pl.col("sku").str.contains(NO_GOODS)
    lines = lines.with_row_index("line").with_columns(
        is_goods=is_goods,
        is_sold=is_goods & ~is_c & (pl.col("quantity") > 0) & (pl.col("unit_price_gbp") > 0),
        is_back=is_goods & is_c,
    )
    by_time = lines.filter(pl.col("customer_id").is_not_null()).sort("invoice_at", "line")
    sold = by_time.filter("is_sold").select(*MATCHED, "invoice_at", of="line", order="invoice_no")
    undone = by_time.filter("is_back").with_columns(quantity=-pl.col("quantity"))
    pairs = (
        undone.select(*MATCHED, "invoice_at", "line")
        .join_asof(
            sold, on="invoice_at", by=MATCHED, tolerance=CANCELLED_WITHIN, check_sortedness=False
        )
        .drop_nulls("of")
        .unique("of", keep="first", maintain_order=True)
    )
    return lines.join(pairs.select("line", "of", "order"), on="line", how="left")


class _Invoice(NamedTuple):
    """One document of the file; its columns are lists with an entry per line."""

    number: str
    at: int
    skus: list[str]
    units: list[float]
    amounts: list[float]
    are_goods: list[bool]
    are_sold: list[bool]
    orders: list[str | None]


def _events(lines: pl.DataFrame, products: dict[str, Product]) -> Iterator[Event]:
    """Yield what each document does, by its first line's time."""
    documents = (
        lines.with_columns(
            pl.col("quantity").cast(pl.Float64),
            amount=pl.col("quantity") * pl.col("unit_price_gbp"),
        )
        .group_by("invoice_no", maintain_order=True)
        .agg(pl.col("at").min(), "sku", "quantity", "amount", "is_goods", "is_sold", "order")
        .sort("at", maintain_order=True)
    )
    undone = set(lines["order"].drop_nulls())
    sales: dict[str, Sale] = {}
    for row in documents.iter_rows():
        invoice = _Invoice(*row)
        if invoice.number.startswith("C"):
            yield from _undo(invoice, products, sales)
            continue
        sale = _sale(invoice, products)
        if invoice.number in undone:
            sales[invoice.number] = sale
        if sale.lines:
            yield Event(sale.at, sale, sale.lines)
        rest = [g and not s for g, s in zip(invoice.are_goods, invoice.are_sold, strict=True)]
        if any(rest):
            yield Event(sale.at, None, _chosen(invoice, products, rest))


def _sale(invoice: _Invoice, products: dict[str, Product]) -> Sale:
    amounts = zip(invoice.amounts, invoice.are_goods, strict=True)
    fees = sum(amount or 0 for amount, is_goods in amounts if not is_goods)
    sold = _chosen(invoice, products, invoice.are_sold)
    at = invoice.at
    return Sale(invoice.number, at, sold, at, shipped_at=at, fees=round(fees, 2))


def _chosen(invoice: _Invoice, products: dict[str, Product], chosen: Iterable[bool]) -> Lines:
    lines = zip(invoice.skus, invoice.units, chosen, strict=True)
    return tuple((products[sku], units) for sku, units, is_chosen in lines if is_chosen)


def _undo(
    invoice: _Invoice, products: dict[str, Product], sales: dict[str, Sale]
) -> Iterator[Event]:
    """Correct or cancel the orders that a `C` document names lines of; the rest comes back."""
    for order in dict.fromkeys(order for order in invoice.orders if order):
        lines = back(_chosen(invoice, products, [order == other for other in invoice.orders]))
        sale = sales[order]
        corrections = sale.corrections + lines
        is_cancelled = len(corrections) == len(sale.lines)
        sales[order] = sale = replace(
            sale, changed_at=invoice.at, corrections=corrections, is_cancelled=is_cancelled
        )
        yield Event(invoice.at, sale, back(lines))
    pairs = zip(invoice.are_goods, invoice.orders, strict=True)
    returned = back(_chosen(invoice, products, [goods and not order for goods, order in pairs]))
    if returned:
        document = Return(invoice.number, None, returned, invoice.at)
        yield Event(invoice.at, document, back(returned))
