"""How good forecasts were: the origin rolls over the past, each forecast meets what came after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from finale_pipeline.domain.forecast.calibration import LEAST_DAYS, MOST_QUIET_DAYS
from finale_pipeline.domain.forecast.classes import ALL, SEGMENTS, YOUNG, segments
from finale_pipeline.domain.forecast.history import DayNumber, Flags, Floats, History
from finale_pipeline.domain.forecast.methods import SCORED_LEVELS, Method, methods

SCALE_DAYS = 364
"""Errors are measured against the change from day to day in the last year."""
LEAST_COUNTED = 0.5
"""Share of a window that must teach something: the forecast is judged by that part of it."""
LEAST_SCALE = 1e-9
"""Units squared; what never changed cannot be divided by."""


@dataclass
class BacktestScore:
    """What one method reached on windows of one length, products of one segment, all origins."""

    method: str
    window_days: int
    segment: str = ALL
    rows: int = 0
    demand: float = 0.0
    _absolute: float = 0.0
    _error: float = 0.0
    _scaled: float = 0.0
    _scaled_squares: float = 0.0
    _loss: Floats = field(default_factory=lambda: np.zeros(len(SCORED_LEVELS)))
    _held: Floats = field(default_factory=lambda: np.zeros(len(SCORED_LEVELS)))

    def add(self, mean: Floats, quantiles: Floats, demand: Floats, scales: Floats) -> None:
        """Judge the forecasts of one origin."""
        error = mean - demand
        self.rows += len(demand)
        self.demand += float(demand.sum())
        self._absolute += float(np.abs(error).sum())
        self._error += float(error.sum())
        scaled = error / np.sqrt(self.window_days * scales)
        self._scaled += float(np.abs(scaled).sum())
        self._scaled_squares += float((scaled**2).sum())
        self._loss += pinball(quantiles, demand).sum(axis=0)
        self._held += (demand[:, None] <= quantiles).sum(axis=0)

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the measures by name; relative to demand, per row, or as shares.

        Of the young no change from day to day is known that errors could be measured against.
        """
        rows, demand = max(1, self.rows), self.demand or 1.0
        scaled = {
            "rmsse": float(np.sqrt(self._scaled_squares / rows)),
            "mase": self._scaled / rows,
        }
        named = [f"q{round(level * 100)}" for level in SCORED_LEVELS]
        return {
            "method": self.method,
            "window_days": self.window_days,
            "segment": self.segment,
            "forecasts": self.rows,
            **(scaled if self.segment != YOUNG else {}),
            "wape": self._absolute / demand,
            "bias": self._error / demand,
            **{f"loss_{n}": float(v / demand) for n, v in zip(named, self._loss, strict=True)},
            **{f"held_{n}": float(v / rows) for n, v in zip(named, self._held, strict=True)},
        }


def pinball(quantiles: Floats, demand: Floats) -> Floats:
    """Return the loss of quantiles: each unit short costs the level, each too many the rest.

    >>> pinball(np.array([[1.0, 10.0, 10.0]]), np.array([6.0])).round(2).tolist()
    [[2.5, 0.4, 0.2]]
    """
    short = demand[:, None] - quantiles
    levels = np.array(SCORED_LEVELS)
    loss: Floats = np.maximum(levels * short, (levels - 1) * short)
    return loss


def scale(history: History, as_of: DayNumber) -> Floats:
    """Return the mean squared change of demand from day to day, in the last year before a morning.

    Only days from the product's first sale count.
    """
    begin = np.maximum(history.first_day, as_of - SCALE_DAYS)
    owners, days, units = history.sold.owners(), history.sold.days, history.units
    inside = (days >= begin[owners]) & (days < as_of)
    owners, days, units = owners[inside], days[inside], units[inside]
    follows = np.zeros(len(days), np.bool_)
    follows[1:] = (owners[1:] == owners[:-1]) & (days[1:] == days[:-1] + 1)
    before = np.where(follows, np.concatenate([[0.0], units[:-1]]), 0.0)
    into = np.where(days > begin[owners], units - before, 0.0)
    ends = np.ones(len(days), np.bool_)
    ends[:-1] = ~follows[1:]
    out_of = np.where(ends & (days < as_of - 1), units, 0.0)
    changes = np.maximum(1, as_of - begin - 1)
    squares = np.bincount(owners, into**2 + out_of**2, minlength=len(history)) / changes
    least: Floats = np.maximum(squares, LEAST_SCALE)
    return least


def demand_in(history: History, begin: int, days: int, of: History) -> Floats:
    """Return the units demanded in a window, of another history's products."""
    inside = (history.sold.days >= begin) & (history.sold.days < begin + days)
    owners = history.sold.owners()[inside]
    total = np.bincount(owners, history.units[inside], minlength=len(history))
    demand: Floats = total[history.keys.is_in(of.keys.implode()).to_numpy()]
    return demand


def counted_share(history: History, begin: int, days: int, of: History) -> Floats:
    """Return which share of a window's days teaches something, for another history's products."""
    out = history.censored
    inside = (out.days >= begin) & (out.days < begin + days)
    left_out = np.bincount(out.owners()[inside], minlength=len(history))
    share: Floats = 1 - left_out[history.keys.is_in(of.keys.implode()).to_numpy()] / days
    return share


def judged(history: History, as_of: DayNumber) -> Flags:
    """Whether each product has 28 days of a past, and sold in the last 180."""
    last = history.sold.days[history.sold.starts[1:] - 1]
    return (as_of - history.first_day >= LEAST_DAYS) & (as_of - last <= MOST_QUIET_DAYS)


def backtest(
    history: History,
    origins: Sequence[int],
    windows: Sequence[int],
    by_name: Mapping[str, Method] | None = None,
    values: Floats | None = None,
) -> Iterator[BacktestScore]:
    """Yield the score of every method on every window, and of every segment.

    Args:
        history: Whole; each forecast sees only what lies before its origin.
        windows: Days to forecast from there; they must have been lived through.
        by_name: The methods; None = all of them.
        values: Of a unit of each product, to judge segments apart; None = all products as one.
    """
    scored = methods() if by_name is None else by_name
    names = (ALL,) if values is None else SEGMENTS
    scores = {
        (m, h, name): BacktestScore(m, h, name) for m in scored for h in windows for name in names
    }
    for origin in origins:
        past = history.before(origin)
        parts = _segments(history, past, origin, values)
        scales = scale(past, origin)
        demands = [demand_in(history, origin, h, past) for h in windows]
        shares = [counted_share(history, origin, h, past) for h in windows]
        for name, method in scored.items():
            for h, demand, share, (mean, quantiles) in zip(
                windows, demands, shares, method(past, origin, windows), strict=True
            ):
                for segment, rows in parts.items():
                    counted = rows & (share >= LEAST_COUNTED) & ~np.isnan(mean)
                    part = share[counted]
                    scores[name, h, segment].add(
                        mean[counted] * part,
                        quantiles[counted] * part[:, None],
                        demand[counted],
                        scales[counted],
                    )
    yield from scores.values()


def _segments(
    history: History, past: History, origin: int, values: Floats | None
) -> dict[str, Flags]:
    """Return which of the known products are judged, and in which segments."""
    every = judged(past, origin)
    if values is None:
        return {ALL: every}
    of_known = values[history.keys.is_in(past.keys.implode()).to_numpy()]
    by_segment = segments(past, origin, of_known)
    return {
        ALL: every,
        **{name: rows if name == YOUNG else rows & every for name, rows in by_segment.items()},
    }
