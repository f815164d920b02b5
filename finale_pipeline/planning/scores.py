"""Which method to forecast with: chosen once a week on the account's own past, and kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from finale_pipeline.domain.forecast.backtest import backtest
from finale_pipeline.domain.forecast.calibration import LEAST_DAYS, LEAST_HISTORY_DAYS
from finale_pipeline.domain.forecast.classes import ALL
from finale_pipeline.domain.forecast.history import History, day_number
from finale_pipeline.domain.forecast.methods import (
    CHOSEN_FROM,
    MENU,
    NORMAL,
    WEEKS_TO_CHANGE,
    WORTH,
    choose,
    losses,
    methods,
)
from finale_pipeline.warehouse.connect import Connection, Row, database_errors
from finale_pipeline.warehouse.plan_days import merge
from finale_pipeline.warehouse.reads import forecasts as forecasts_reads

WEEKLY = "weekly"
WINDOWS = (14, 28)
ORIGINS, STEP_DAYS = 6, 28
SHORT_WINDOWS, SHORT_STEP_DAYS = (7,), 7
"""Where too few days are known for that: an account of eight weeks chooses, too."""
MOST_PRODUCTS = 5_000
"""Enough to tell methods apart; more would only take longer."""

LEAST_FORECASTS = 200
"""Fewer would choose by chance."""

Scores = list[dict[str, float | int | str]]

MEASURES = tuple(
    (
        "rmsse mase wape bias loss_q50 loss_q90 loss_q95 held_q50 held_q90 held_q95 service_level "
        "fill_per_product fill_of_units stockout_days stock_units"
    ).split()
)


def monday(day: date) -> date:
    """Return the Monday of a day's week.

    >>> monday(date(2026, 3, 11))
    datetime.date(2026, 3, 9)
    """
    return day - timedelta(days=day.weekday())


def origins(history: History, day: int, *, longest: int, most: int, step: int) -> list[int]:
    """Return mornings from which windows up to a day are closed and have a past to learn from."""
    first = history.begins + LEAST_HISTORY_DAYS + longest + LEAST_DAYS
    return [o for k in range(most) if (o := day - longest - step * k) >= first]


def score(history: History, day: date) -> Scores:
    """Return how good the methods on the menu were on the windows closed by a day."""
    morning = day_number(day)
    past = history.before(morning).thinned(MOST_PRODUCTS)
    mornings = origins(past, morning, longest=max(WINDOWS), most=ORIGINS, step=STEP_DAYS)
    windows: tuple[int, ...] = WINDOWS
    if not mornings:
        windows = SHORT_WINDOWS
        ends = [morning - max(windows) - SHORT_STEP_DAYS * k for k in range(ORIGINS)]
        mornings = [o for o in ends if o >= past.begins + LEAST_DAYS]
    every = methods()
    chosen_from = {name: every[name] for name in CHOSEN_FROM}
    scores = [result.as_dict() for result in backtest(past, mornings, windows, chosen_from)]
    return [result for result in scores if result["forecasts"]]


@dataclass(frozen=True, slots=True)
class MethodInUse:
    """The method of a week, and the one it took the place of; None = the same, or the first."""

    name: str
    before: str | None = None

    @property
    def change(self) -> str | None:
        """A sentence about the change; None = there was none."""
        if self.before is None:
            return None
        return (
            f"Method changed: {self.name} instead of {self.before}, which lost at least"
            f" {WORTH:.0%} more in each of {WEEKS_TO_CHANGE} weeks."
        )


def method_in_use(
    connection: Connection, history: History, as_of: date, *, now: datetime
) -> MethodInUse:
    """Return the method of a morning's week; scores the menu first if nobody has."""
    day = monday(as_of)
    weeks = _weeks(connection, day)
    if weeks and weeks[-1].day == day:
        return _in_use(weeks)
    scores = score(history, day)
    before = weeks[-1].in_use if weeks else None
    if not scores:
        return MethodInUse(before or next(iter(MENU)))
    judged = sum(int(row["forecasts"]) for row in scores if row["method"] == NORMAL)
    lost = [week.lost for week in weeks[1 - WEEKS_TO_CHANGE :]]
    chosen = before or next(iter(MENU))
    if judged >= LEAST_FORECASTS:
        chosen = choose([*lost, losses(scores)], before)
    write_scores(connection, scores, day, source=WEEKLY, in_use=chosen, now=now)
    return MethodInUse(chosen, before if before != chosen else None)


def method_change(connection: Connection, as_of: date) -> str | None:
    """Say what changed of the method in a morning's week; None = nothing, or it was not scored."""
    weeks = _weeks(connection, monday(as_of))
    is_scored = bool(weeks) and weeks[-1].day == monday(as_of)
    return _in_use(weeks).change if is_scored else None


@dataclass(frozen=True, slots=True)
class _Week:
    """A week that was scored: what each method lost, and which one was used."""

    day: date
    lost: dict[str, float]
    in_use: str | None


def _weeks(connection: Connection, until: date) -> list[_Week]:
    """Return the weeks that were scored, up to one, the newest last; no more than count."""
    with database_errors("reading plan.forecast_score"):
        since = until - timedelta(weeks=WEEKS_TO_CHANGE + 1)
        rows = connection.rows(forecasts_reads.SCORES, WEEKLY, until, since)
    by_day: dict[date, list[Row]] = {}
    for row in rows:
        by_day.setdefault(row["scored_on"], []).append(row)
    weeks = []
    for day, scored in by_day.items():
        used = [str(row["method"]) for row in scored if row["is_in_use"]]
        on_menu = used[0] if used and used[0] in (NORMAL, *MENU) else None
        weeks.append(_Week(day, losses(scored), on_menu))
    return weeks


def _in_use(weeks: Sequence[_Week]) -> MethodInUse:
    used = weeks[-1].in_use or next(iter(MENU))
    before = weeks[-2].in_use if len(weeks) > 1 else None
    return MethodInUse(used, before if before != used else None)


def write_scores(
    connection: Connection,
    scores: Iterable[Mapping[str, float | int | str]],
    day: date,
    *,
    source: str,
    in_use: str,
    now: datetime,
) -> None:
    """Store scores in plan.forecast_score, over those of the same day and source."""
    schema = {
        "scored_on": pl.Date,
        "source": pl.String,
        "method": pl.String,
        "window_days": pl.Int64,
        "segment": pl.String,
        "forecasts": pl.Int64,
        **dict.fromkeys(MEASURES, pl.Float64),
        "is_in_use": pl.Boolean,
    }
    rows = [
        {
            "segment": ALL,
            **score,
            "scored_on": day,
            "source": source,
            "is_in_use": score["method"] == in_use,
        }
        for score in scores
    ]
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    merge(connection, "plan.forecast_score", frame, now=now)
