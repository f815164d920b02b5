"""Pictures of a plan as SVG, for reports: what stock will do, and what kinds of products sell."""

import polars as pl

from finale_pipeline.planning.charts import product_chart, svg
from finale_pipeline.planning.compute import Planned
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import products as products_reads
from finale_pipeline.warehouse.reads.stock import last_day

STYLE = """text{font:12px sans-serif;fill:#5b616b}text.n{text-anchor:end}text.m{text-anchor:middle}
line{stroke:#d7dae0}.zero{stroke:#b3261e}.now{stroke:#5b616b;stroke-dasharray:2 3}
.point{stroke:#2e7d32;stroke-dasharray:6 4}polyline{fill:none;stroke:#1f5fa8;stroke-width:1.8}
.expected{stroke-dasharray:5 3}.band{fill:#1f5fa8;opacity:.18}rect{fill:#8a8f98}"""


def most_valuable(planned: Planned) -> int:
    """Return the number of the product that sells for most; one at least must have sold."""
    value = pl.col("velocity_units_per_day").fill_null(0) * pl.col("unit_cost").fill_null(0)
    sold = planned.products.filter(pl.col("history_days").is_not_null())
    return int(sold.sort(value, "number", descending=[True, False])["number"][0])


def fan_chart(connection: Connection, planned: Planned, number: int) -> str:
    """Return the picture of a product of a written plan; a ValueError: nothing is known of it."""
    url = str(planned.products["product_url"][number])
    product = products_reads.product(connection, url) or {"available_units": None}
    forecast = products_reads.forecast_of(connection, url, planned.as_of)
    today = last_day(connection) or planned.as_of
    chart = product_chart(connection, url, forecast, product["available_units"], today)
    if chart is None:
        raise ValueError(f"nothing is known of {url}")
    return svg(chart, style=STYLE)


def abc_xyz_table(products: pl.DataFrame) -> pl.DataFrame:
    """Return how many products and how much a year's demand there is per class, all nine cells."""
    every = pl.DataFrame({"abc_class": list("AAABBBCCC"), "xyz_class": list("XYZ") * 3})
    value = pl.col("velocity_units_per_day").fill_null(0) * 365 * pl.col("unit_cost").fill_null(0)
    sold = products.filter(pl.col("history_days").is_not_null())
    cells = sold.group_by("abc_class", "xyz_class").agg(
        products=pl.len().cast(pl.Int64), yearly_value=value.sum()
    )
    return every.join(
        cells, on=["abc_class", "xyz_class"], how="left", maintain_order="left"
    ).fill_null(0)


def abc_xyz_chart(table: pl.DataFrame) -> str:
    """Return the picture of `abc_xyz_table`: products that sell, by value and by steadiness."""
    total = float(table["yearly_value"].sum()) or 1.0
    parts = [f"<style>{STYLE}</style>"]
    for n, name in enumerate(("X steady", "Y changing", "Z erratic")):
        parts.append(f'<text class="m" x="{180 + 140 * n}" y="16">{name}</text>')
    for n, name in enumerate(("A first 80 %", "B next 15 %", "C rest")):
        parts.append(f'<text class="n" x="100" y="{54 + 60 * n}">{name}</text>')
    for n, row in enumerate(table.iter_rows(named=True)):
        x, y = 110 + 140 * (n % 3), 24 + 60 * (n // 3)
        share = row["yearly_value"] / total
        parts.append(
            f'<rect x="{x}" y="{y}" width="136" height="56" style="fill:#1f5fa8;fill-opacity:'
            f'{0.05 + 0.5 * share:.2f}"/><text class="m" x="{x + 68}" y="{y + 25}">'
            f"{row['products']:,} products</text>"
            f'<text class="m" x="{x + 68}" y="{y + 42}">{share:.0%} of value</text>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 540 210" role="img"'
        f' aria-label="Products that sell, by value and by weeks">{"".join(parts)}</svg>'
    )
