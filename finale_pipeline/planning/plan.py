"""The plan of a day: read, computed and written in one transaction."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from finale_pipeline.clock import business_day
from finale_pipeline.domain.forecast.methods import MENU, NORMAL
from finale_pipeline.domain.forecast.velocity import Pace
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.compute import Planned, compute
from finale_pipeline.planning.decisions import note
from finale_pipeline.planning.locations import plan_places, read_places
from finale_pipeline.planning.outcomes import reckon
from finale_pipeline.planning.reading import Past, PlanInputs, read
from finale_pipeline.planning.scores import MethodInUse, method_in_use
from finale_pipeline.planning.writing import write
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import locks, sales_months
from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.plan_days import keep_total
from finale_pipeline.warehouse.reads.stock import last_day
from finale_pipeline.warehouse.store import Counts


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What planning a day did; `compute_seconds` are the processor's, the others the clock's."""

    as_of: date
    inputs: PlanInputs
    planned: Planned
    method: MethodInUse
    counts: dict[str, Counts]
    vendors: int
    read_seconds: float
    compute_seconds: float
    seconds: float


def plan_days(
    connection: Connection, days: Sequence[date], settings: Settings, *, now: datetime
) -> Iterator[PlanReport]:
    """Plan some days, the oldest first, each in a transaction of its own.

    What they share, two years of demand, is read once. Arguments and errors as of `plan_day`.
    """
    past = Past(min(days), max(days)) if len(days) > 1 else None
    for day in sorted(days):
        yield plan_day(connection, day, settings, now=now, past=past)


def present_day(connection: Connection, settings: Settings, now: datetime) -> date:
    """Return the business day that is planned as the present one.

    A sandbox's clock may be ahead of ours; stock that was read is of its day.
    """
    return max(business_day(now, settings.zone), last_day(connection) or date.min)


def plan_day(
    connection: Connection,
    as_of: date,
    settings: Settings,
    *,
    now: datetime,
    past: Past | None = None,
) -> PlanReport:
    """Plan one day, today or past; the same day again gives the same plan.

    Raises:
        ConfigError: The day is still to come.
    """
    today = present_day(connection, settings, now)
    if as_of > today:
        raise ConfigError(
            f"{as_of} has not come yet, so there is nothing known on its morning.",
            step=f"Plan {today} or an earlier day.",
        )
    observed = last_day(connection)
    begun = time.perf_counter()
    sales_months.pack(connection, today)
    with (
        database_errors(f"planning {as_of}"),
        locks.held(connection, Lock.PLANNING),  # before the transaction, whose view must be newer
        connection.transaction(),
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        inputs, numbered = read(connection, as_of, observed=observed, past=past)
        locations = read_places(numbered)
        was_read = time.perf_counter()
        method = method_in_use(connection, inputs.history, as_of, now=now)
        before = time.process_time()
        planned = compute(inputs, settings, pace=pace_of(method.name))
        places = plan_places(locations, planned.products, as_of, settings)
        computed = time.process_time()
        counts = write(connection, planned, places, now=now)
        keep_total(connection, as_of, now=now)
        note(connection, as_of, as_of, settings, now=now)
        reckon(connection, as_of, today, now=now)
    return PlanReport(
        as_of,
        inputs,
        planned,
        method,
        counts,
        planned.products.filter("order_now")["vendor_url"].n_unique(),
        read_seconds=was_read - begun,
        compute_seconds=computed - before,
        seconds=time.perf_counter() - begun,
    )


def pace_of(method: str) -> Pace | None:
    """Return how a method weighs days; None = it is the naive one."""
    return None if method == NORMAL else MENU[method]
