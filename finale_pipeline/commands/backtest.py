"""How good forecasts are, on the account's own past or on a file of orders."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.backtest_report import DETAILED_WINDOW, FEW, write_report
from finale_pipeline.commands.common import open_warehouse
from finale_pipeline.domain.forecast.backtest import backtest as rolled
from finale_pipeline.domain.forecast.classes import ALL
from finale_pipeline.domain.forecast.history import EPOCH, Floats, History
from finale_pipeline.domain.forecast.methods import NORMAL, choose, losses
from finale_pipeline.domain.replenishment.policy import (
    CURVE,
    at_level,
    cover,
    replay,
    up_to_quantiles,
)
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.order_lines import read_orders
from finale_pipeline.planning.reading import read_demand
from finale_pipeline.planning.scores import origins, write_scores
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.reads.forecasts import LEAST_ROWS
from finale_pipeline.warehouse.reads.stock import last_day

WINDOWS = (10, 14, 28)
ORIGINS, STEP_DAYS = 11, 28
REVIEWS = 42
COVER_DAYS = 28
MOST_PRODUCTS = 10_000
BACKTEST = "backtest"


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a backtest found.

    Attributes:
        source: Whose past it was: backtest = the account's, else the file.
        scores: Every method on every window; window 0 is the simulated policy.
    """

    source: str
    as_of: date
    scores: list[dict[str, Any]]
    chosen: str
    report: Path

    def as_dict(self) -> dict[str, Any]:
        """Return it; the names are promised."""
        return {
            "source": self.source,
            "as_of": self.as_of.isoformat(),
            "method": self.chosen,
            "fell_back": not self.chosen.startswith("pace"),
            "report": str(self.report),
            "scores": self.scores,
        }


def backtest(settings: Settings, orders: Path | None) -> Backtest:
    """Roll the origin over the past, score every method, simulate ordering by it, and report.

    Args:
        orders: A parquet file to score instead of the account: `sku, date, units` per day, or
            order lines `sku, invoice_at, quantity` with `invoice_no`.

    Raises:
        ConfigError: There is too little history, the file is of another form.
    """
    now = utc_now()
    with open_warehouse(settings) as connection:
        source = BACKTEST if orders is None else orders.name
        if orders is None:
            history, values = _account(connection)
        else:  # a file has no costs, so that units are their value
            history = read_orders(orders)
            values = np.ones(len(history))
        end = int(history.sold.days.max()) + 1
        as_of = date.fromordinal(end + EPOCH)
        scores, chosen = _scores(history, end, values)
        with connection.transaction():
            write_scores(connection, scores, as_of, source=source, in_use=chosen, now=now)
    folder = settings.home / "reports"
    report = write_report(folder, scores, source=source, as_of=as_of, chosen=chosen)
    return Backtest(source, as_of, scores, chosen, report)


def _account(connection: Connection) -> tuple[History, Floats]:
    """Return all demand of the account, and what a unit of each product costs."""
    last = stock_reads.last_sold_on(connection)
    if last is None:
        raise ConfigError("There are no sales in the warehouse yet.", step="Run: finale sync full")
    as_of = max(last, last_day(connection) or last)
    return read_demand(connection, as_of)


def _scores(history: History, end: int, values: Floats) -> tuple[list[dict[str, Any]], str]:
    whole, history = history, history.thinned(MOST_PRODUCTS)
    values = values[whole.keys.is_in(history.keys.implode()).to_numpy()]
    mornings = origins(history, end, longest=max(WINDOWS), most=ORIGINS, step=STEP_DAYS)
    scores = [score.as_dict() for score in rolled(history, mornings, WINDOWS, values=values)]
    scores = [score for score in scores if score["forecasts"]]
    if not scores:
        raise ConfigError(
            f"Of {end - history.begins} days of sales no past can be forecast;"
            " about 120 are needed.",
            step="Wait, or score a file of orders: finale forecast backtest --orders FILE",
        )
    chosen = choose([losses(scores)])
    return [*scores, *_policies(history, end, chosen)], chosen


def _policies(history: History, end: int, chosen: str) -> list[dict[str, Any]]:
    """Return what ordering by the method, and by the naive rules, would have reached."""
    reviews = min(REVIEWS, (end - history.begins - STEP_DAYS * 4) // 7)
    if reviews < 6:  # noqa: PLR2004 - the first three weeks are not counted
        return []
    compared = dict.fromkeys((chosen, NORMAL))
    rules = [*(up_to_quantiles(name) for name in compared), cover(COVER_DAYS)]
    level_of = {at_level(name, level): level for name in compared for level in CURVE}
    reached = replay(history, end - 7 * reviews, rules, reviews=reviews)
    return [
        {
            "method": name,
            "window_days": 0,
            "forecasts": reviews,
            "service_level": level_of.get(name),
            **{measure: getattr(result, measure) for measure in result.__slots__},
        }
        for name, result in reached.items()
    ]


def shown(report: Backtest) -> str:
    """Return the scores as text."""
    lines = [f"{'method':28}{'days':>5}{'WAPE':>8}{'bias':>8}{'loss .95':>10}{'held .95':>10}"]
    by_window = [score for score in report.scores if score["window_days"]]
    lines += [_score(s["method"], s) for s in by_window if s["segment"] == ALL]
    days = DETAILED_WINDOW
    lines.append(f"{f'{report.chosen}, {days} days':69}")
    lines.extend(
        _score(f"  {score['segment']}", score)
        for score in by_window
        if score["method"] == report.chosen
        and score["window_days"] == days
        and score["segment"] != ALL
    )
    lines.append(f"{'order up to':33}{'fill':>8}{'units':>8}{'stock':>12}")
    lines.extend(
        f"{s['method']:33}{s['fill_per_product']:>8.3f}{s['fill_of_units']:>8.3f}"
        f"{s['stock_units']:>12,.0f}"
        for s in report.scores
        if not s["window_days"]
    )
    pace = report.chosen.startswith("pace")
    says = "in use" if pace else "used instead of the pace, which lost more on this past"
    return "\n".join([*lines, f"{report.chosen}: {says}.", f"Report: {report.report}"])


def _score(name: str, score: dict[str, Any]) -> str:
    start = f"{name:28}{score['window_days']:>5}"
    if score["forecasts"] < LEAST_ROWS and score["segment"] != ALL:
        return f"{start}{FEW:>8}"
    return (
        f"{start}{score['wape']:>8.3f}{score['bias']:>8.3f}"
        f"{score['loss_q95']:>10.3f}{score['held_q95']:>10.3f}"
    )
