"""Pictures of a plan, as the bytes of a PNG: what stock will do, and what kinds of products sell.

Matplotlib is imported where a picture is drawn: it takes half a second.
"""

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.demand import over_days
from finale_pipeline.domain.forecast.history import Floats, day_number
from finale_pipeline.planning.compute import SHOWN_LEVELS, Planned
from finale_pipeline.planning.reading import PlanInputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAST_DAYS = 84
BLUE, GREY, RED, GREEN = "#1f5fa8", "#8a8f98", "#b3261e", "#2e7d32"


@dataclass(frozen=True, slots=True)
class Fan:
    """What a fan chart shows.

    Attributes:
        title: Of the picture.
        as_of: The morning.
        sold: Units of each of the last days, yesterday last.
        days: Ahead, from 0.
        expected: Available stock on each of them, open orders arriving.
        at_worst: The same for what demand stays under, per level.
        reorder_point: Units; NaN = none.
    """

    title: str
    as_of: date
    sold: Floats
    days: Floats
    expected: Floats
    at_worst: dict[float, Floats]
    reorder_point: float


def most_valuable(planned: Planned) -> int:
    """Return the number of the product that sells for most; one at least must have sold."""
    value = pl.col("velocity_units_per_day").fill_null(0) * pl.col("unit_cost").fill_null(0)
    sold = planned.products.filter(pl.col("history_days").is_not_null())
    return int(sold.sort(value, "number", descending=[True, False])["number"][0])


def fan_of(known: PlanInputs, planned: Planned, number: int) -> Fan:
    """Return the fan of a product that sold, by its number in the plan.

    Raises:
        ValueError: It never sold: there is nothing to fan out.
    """
    demand = planned.demand
    place = demand.keys.index_of(number)
    if place is None:
        raise ValueError(f"product {number} never sold")
    row = planned.products.row(number, named=True)
    days = np.arange(0.0, np.ceil(row["protection_days"] * 1.5) + 1)
    velocity = demand.state.velocity[place]
    grid = np.repeat(demand.quantiles[[place]], len(days), axis=0)
    found = over_days(grid, demand.windows, np.maximum(days, 1.0))
    levels = list(demand.levels)
    lo, hi = planned.arrivals.starts[number : number + 2]
    has_come = days[:, None] >= planned.arrivals.in_days[lo:hi]
    coming = (has_come * planned.arrivals.units[lo:hi]).sum(axis=1)
    available = (row["available_units"] or 0.0) + coming
    return Fan(
        title=f"{row['sku']}: {row['why']}",
        as_of=planned.as_of,
        sold=_sold(known, place, planned.as_of),
        days=days,
        expected=available - velocity * days,
        at_worst={
            level: available - np.where(days > 0, found[:, levels.index(level)], 0.0)
            for level in SHOWN_LEVELS
        },
        reorder_point=row["reorder_point_units"] if row["reorder_point_units"] else float("nan"),
    )


def _sold(known: PlanInputs, place: int, as_of: date) -> Floats:
    lo, hi = known.history.sold.starts[place : place + 2]
    ago = day_number(as_of) - known.history.sold.days[lo:hi]
    recent = (ago >= 1) & (ago <= PAST_DAYS)
    sold = np.zeros(PAST_DAYS)
    sold[PAST_DAYS - ago[recent]] = known.history.units[lo:hi][recent]
    return sold


def fan_chart(fan: Fan) -> bytes:
    """Return the picture: what was sold, and where stock may go if nothing more is ordered."""
    figure = _figure(9, 4.2)
    sold, stock = figure.subplots(1, 2, width_ratios=(2, 3))
    past = [fan.as_of - timedelta(days=n) for n in range(PAST_DAYS, 0, -1)]
    sold.bar(np.arange(-PAST_DAYS, 0), fan.sold, width=1.0, color=GREY)
    sold.set_title(f"sold a day since {past[0]}", fontsize=9, loc="left")
    worst = [fan.at_worst[level] for level in sorted(fan.at_worst)]
    names = [f"{level:.0%}" for level in sorted(fan.at_worst)]
    for upper, lower, name, alpha in zip(worst, worst[1:], names[1:], (0.35, 0.18), strict=False):
        label = f"stays above in {name}"
        stock.fill_between(fan.days, upper, lower, color=BLUE, alpha=alpha, lw=0, label=label)
    stock.plot(fan.days, fan.expected, color=BLUE, lw=1.8, label="expected")
    stock.axhline(0, color=RED, lw=1)
    if not np.isnan(fan.reorder_point):
        stock.axhline(fan.reorder_point, color=GREEN, lw=1, ls="--", label="reorder point")
    stock.set_title(f"available units, days from {fan.as_of}", fontsize=9, loc="left")
    stock.legend(fontsize=8, frameon=False)
    figure.suptitle(_wrapped(fan.title), fontsize=8, x=0.01, ha="left", parse_math=False)
    return _png(figure)


def _wrapped(text: str) -> str:
    import textwrap  # noqa: PLC0415 - only pictures need it

    return "\n".join(textwrap.wrap(text, 130)[:3])


def abc_xyz_table(products: pl.DataFrame) -> pl.DataFrame:
    """Return how many products and how much a year's demand there is per class, all nine cells."""
    every = pl.DataFrame({"abc_class": list("AAABBBCCC"), "xyz_class": list("XYZ") * 3})
    value = pl.col("velocity_units_per_day").fill_null(0) * 365 * pl.col("unit_cost").fill_null(0)
    sold = products.filter(pl.col("history_days").is_not_null())
    found = sold.group_by("abc_class", "xyz_class").agg(
        products=pl.len().cast(pl.Int64), yearly_value=value.sum()
    )
    return every.join(
        found, on=["abc_class", "xyz_class"], how="left", maintain_order="left"
    ).fill_null(0)


def abc_xyz_chart(table: pl.DataFrame) -> bytes:
    """Return the picture of `abc_xyz_table`: products that sell, by value and by steadiness."""
    figure = _figure(5.2, 4)
    axes = figure.subplots()
    value = table["yearly_value"].to_numpy().reshape(3, 3)
    total = float(value.sum()) or 1.0
    axes.imshow(np.sqrt(value / total), cmap="Blues", vmin=0, vmax=1)
    for n, row in enumerate(table.iter_rows(named=True)):
        text = f"{row['products']:,} products\n{row['yearly_value'] / total:.0%} of value"
        color = "white" if row["yearly_value"] > total / 2 else "black"
        axes.text(n % 3, n // 3, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(3), ["X steady", "Y changing", "Z erratic"])
    axes.set_yticks(range(3), ["A first 80 %", "B next 15 %", "C rest"])
    axes.set_title("products that sell, by yearly value and by weeks", fontsize=9, loc="left")
    return _png(figure)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second

    return Figure(figsize=(width, height), dpi=90, layout="constrained")


def _png(figure: "Figure") -> bytes:
    for axes in figure.axes:
        _plain(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _plain(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
