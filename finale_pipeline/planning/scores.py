"""Which method to forecast with: chosen once a week on the account's own past, and kept."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from finale_pipeline.domain.forecast.backtest import backtest
from finale_pipeline.domain.forecast.calibration import LEAST_DAYS, LEAST_HISTORY_DAYS
from finale_pipeline.domain.forecast.history import History, day_number
from finale_pipeline.domain.forecast.methods import CHOSEN_FROM, MENU, NORMAL, choose
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.store import TableWriter, hashed

WEEKLY = "weekly"
WINDOWS = (14, 28)
ORIGINS, STEP_DAYS = 6, 28
MOST_PRODUCTS = 5_000
"""Enough to tell methods apart; more would only take longer."""

LEAST_FORECASTS = 200
"""Fewer would choose by chance."""

Scores = list[dict[str, float | int | str]]

MEASURES = (
    "rmsse", "mase", "wape", "bias", "loss_q50", "loss_q90", "loss_q95", "held_q50", "held_q90",
    "held_q95", "fill_per_product", "fill_of_units", "stockout_days", "stock_units",
)  # fmt: skip


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
    known = history.before(morning).thinned(MOST_PRODUCTS)
    mornings = origins(known, morning, longest=max(WINDOWS), most=ORIGINS, step=STEP_DAYS)
    if not mornings:
        return []
    scores = [found.as_dict() for found in backtest(known, mornings, WINDOWS, CHOSEN_FROM)]
    return [found for found in scores if found["forecasts"]]


def method_in_use(connection: Connection, history: History, as_of: date, *, now: datetime) -> str:
    """Return the method of a morning's week; scores the menu first if nobody has.

    Args:
        connection: In a transaction of the caller.
        history: Of the account.
        as_of: The morning.
        now: UTC.

    Returns:
        A name of the menu, or that of the naive method where the menu did worse.
    """
    day = monday(as_of)
    with database_errors("reading plan.forecast_score"):
        row = connection.execute(
            "SELECT method FROM plan.forecast_score WHERE scored_on = %s AND source = %s"
            " AND is_in_use LIMIT 1",
            (day, WEEKLY),
        ).fetchone()
    if row is not None:
        return str(row[0])
    scores = score(history, day)
    if not scores:
        return next(iter(MENU))
    judged = sum(int(found["forecasts"]) for found in scores if found["method"] == NORMAL)
    chosen = choose(scores) if judged >= LEAST_FORECASTS else next(iter(MENU))
    write_scores(connection, scores, day, source=WEEKLY, in_use=chosen, now=now)
    return chosen


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
        "scored_on": pl.Date, "source": pl.String, "method": pl.String, "window_days": pl.Int64,
        "forecasts": pl.Int64, **dict.fromkeys(MEASURES, pl.Float64), "is_in_use": pl.Boolean,
    }  # fmt: skip
    rows = [
        {**found, "scored_on": day, "source": source, "is_in_use": found["method"] == in_use}
        for found in scores
    ]
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    writer = TableWriter(connection, "plan.forecast_score")
    with database_errors("writing plan.forecast_score"):
        writer.copy(hashed(frame))
        writer.merge(now=now)
