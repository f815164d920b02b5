"""`finale forecast`: plans a day, and shows on the account's own past how good forecasts are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError
from finale_pipeline.sync.source import utc_now
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

if TYPE_CHECKING:
    from finale_pipeline.domain.forecast.history import History
    from finale_pipeline.domain.forecast.methods import Method
    from finale_pipeline.settings import Settings

WINDOWS = (10, 14, 28)
ORIGINS, STEP_DAYS = 11, 28
REVIEWS = 42
MOST_PRODUCTS = 10_000
BACKTEST = "backtest"


def plan(settings: "Settings", day: date | None) -> dict[str, Any]:
    """Plan a day, today if none is named; return what was done.

    Raises:
        ConfigError: The day is still to come.
    """
    from finale_pipeline.planning.plan import last_observed, plan_day  # noqa: PLC0415 - polars

    now = utc_now()
    with connect(database_url(settings), name="finale forecast") as connection:
        schema.require_current(connection)
        today = now.astimezone(settings.zone).date()
        as_of = day or last_observed(connection) or today
        report = plan_day(connection, as_of, settings, now=now)
    return {
        "as_of": as_of.isoformat(),
        "method": report.method.name,
        "method_change": report.method.change,
        "seconds": round(report.seconds, 3),
        "compute_seconds": round(report.compute_seconds, 3),
        "tables": {table: counts.as_dict() for table, counts in report.counts.items()},
    }


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a backtest found.

    Attributes:
        source: Whose past it was: backtest = the account's, else the file.
        as_of: Up to which day.
        scores: Every method on every window; window 0 is the simulated policy.
        chosen: The method to use.
        report: The page that was written.
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


def picture(
    settings: "Settings", sku: str | None, day: date | None, out: Path | None
) -> dict[str, Any]:
    """Draw a product's fan chart: what was sold, and where stock may go; nothing is planned.

    Args:
        settings: Where the warehouse is.
        sku: Finale's productId.
        day: The morning; None = that of the last day on which stock was read.
        out: The file; None = named after product and day, in the folder of the reports.

    Returns:
        The file's path and what stands above the picture.

    Raises:
        ConfigError: No product is named, or it sold nothing.
    """
    if sku is None:
        raise ConfigError("No product was named.", step="Run: finale forecast picture SKU")
    from finale_pipeline.planning.pictures import fan_chart, fan_of  # noqa: PLC0415 - polars
    from finale_pipeline.planning.plan import last_observed, look  # noqa: PLC0415

    now = utc_now()
    with connect(database_url(settings), name="finale forecast") as connection:
        schema.require_current(connection)
        as_of = day or last_observed(connection) or now.astimezone(settings.zone).date()
        known, planned = look(connection, as_of, settings, now=now)
    number = planned.products["sku"].index_of(sku)
    if number is None or number not in planned.demand.keys:
        raise ConfigError(
            f"SKU {sku}: nothing was sold in the two years before {as_of}, so nothing to draw.",
            step="Name a SKU as Finale writes it, or another day: --on DAY",
        )
    fan = fan_of(known, planned, number)
    path = out or settings.home / "reports" / f"{_file_name(sku)}-{as_of}.png"
    write_whole(path, fan_chart(fan))
    return {"sku": sku, "as_of": as_of.isoformat(), "picture": str(path), "says": fan.title}


def _file_name(sku: str) -> str:
    """Return a SKU with what no file name should have replaced."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in sku)


def backtest(settings: "Settings", orders: Path | None, engine: str | None = None) -> Backtest:
    """Roll the origin over the past, score every method, simulate ordering by it, and report.

    Args:
        settings: Where the warehouse and the reports are.
        orders: A parquet file to score instead of the account: `sku, date, units` per day, or
            order lines `sku, invoice_at, quantity` with `invoice_no`.
        engine: Score models of statsforecast too, and run them there: local or dask.

    Raises:
        ConfigError: There is too little history, the file is of another form, or the engine is
            not installed.
    """
    from finale_pipeline.operate.reporting import write_report  # noqa: PLC0415 - pandas

    now = utc_now()
    with connect(database_url(settings), name="finale backtest") as connection:
        schema.require_current(connection)
        source = BACKTEST if orders is None else orders.name
        history, end = _account(connection) if orders is None else _file(orders)
        scores, chosen = _scores(history, end, engine)
        _store(connection, scores, end, source=source, chosen=chosen, now=now)
    folder = settings.home / "reports"
    report = write_report(folder, scores, source=source, as_of=_day(end), chosen=chosen)
    return Backtest(source, _day(end), scores, chosen, report)


def _day(number: int) -> date:
    from finale_pipeline.domain.forecast.history import EPOCH  # noqa: PLC0415 - polars

    return date.fromordinal(number + EPOCH)


def _account(connection: Connection) -> "tuple[History, int]":
    """Return all demand of the account, and the day after the last sale."""
    from finale_pipeline.planning.plan import last_observed  # noqa: PLC0415 - polars
    from finale_pipeline.planning.reading import read_demand  # noqa: PLC0415

    row = connection.execute("SELECT max(sold_on) FROM core.sales_daily").fetchone()
    last = row[0] if row else None
    if not isinstance(last, date):
        raise ConfigError("There are no sales in the warehouse yet.", step="Run: finale sync full")
    as_of = max(last, last_observed(connection) or last)
    history = read_demand(connection, as_of)
    return history, int(history.sold.days.max()) + 1


def _file(path: Path) -> "tuple[History, int]":
    from finale_pipeline.planning.order_lines import read_orders  # noqa: PLC0415 - polars

    history = read_orders(path)
    return history, int(history.sold.days.max()) + 1


def _scores(history: "History", end: int, engine: str | None) -> tuple[list[dict[str, Any]], str]:
    from finale_pipeline.domain.forecast.backtest import backtest as rolled  # noqa: PLC0415 - polars
    from finale_pipeline.domain.forecast.methods import choose, losses  # noqa: PLC0415
    from finale_pipeline.planning.scores import origins  # noqa: PLC0415

    history = history.thinned(MOST_PRODUCTS)
    mornings = origins(history, end, longest=max(WINDOWS), most=ORIGINS, step=STEP_DAYS)
    with _methods(engine) as methods:
        scores = [found.as_dict() for found in rolled(history, mornings, WINDOWS, methods)]
    scores = [found for found in scores if found["forecasts"]]
    if not scores:
        raise ConfigError(
            f"Of {end - history.begins} days of sales no past can be forecast;"
            " about 120 are needed.",
            step="Wait, or score a file of orders: finale forecast backtest --orders FILE",
        )
    chosen = choose([losses(scores)])
    return [*scores, *_policies(history, end, chosen)], chosen


@contextmanager
def _methods(engine: str | None) -> Iterator["Mapping[str, Method]"]:
    """Give the methods to score, while what they run on stands."""
    from finale_pipeline.domain.forecast.methods import methods  # noqa: PLC0415 - polars

    if engine is None:
        yield methods()
        return
    from finale_pipeline.planning.cluster import challengers  # noqa: PLC0415 - an extra

    with challengers(engine) as models:
        yield {**methods(), **models}


def _policies(history: "History", end: int, chosen: str) -> list[dict[str, Any]]:
    """Return what ordering by the method, and by the naive rules, would have reached."""
    from finale_pipeline.domain.forecast.methods import NORMAL, methods  # noqa: PLC0415 - polars
    from finale_pipeline.domain.forecast.policy import cover, replay, up_to_quantile  # noqa: PLC0415

    reviews = min(REVIEWS, (end - history.begins - STEP_DAYS * 4) // 7)
    if reviews < 6:  # noqa: PLR2004 - the first three weeks are not counted
        return []
    rules = {
        f"{chosen}, 95 %": up_to_quantile(methods()[chosen], 0.95),
        f"{chosen}, 90 %": up_to_quantile(methods()[chosen], 0.9),
        f"{NORMAL}, 95 %": up_to_quantile(methods()[NORMAL], 0.95),
        "30-day mean, 28 days on top": cover(28),
    }
    reached = replay(history, end - 7 * reviews, rules, reviews=reviews)
    return [
        {
            "method": name,
            "window_days": 0,
            "forecasts": reviews,
            **{measure: getattr(found, measure) for measure in found.__slots__},
        }
        for name, found in reached.items()
    ]


def _store(
    connection: Connection,
    scores: list[dict[str, Any]],
    end: int,
    *,
    source: str,
    chosen: str,
    now: datetime,
) -> None:
    from finale_pipeline.planning.scores import write_scores  # noqa: PLC0415 - polars

    with connection.transaction():
        write_scores(connection, scores, _day(end), source=source, in_use=chosen, now=now)


def shown_plan(done: dict[str, Any]) -> str:
    """Return what planning a day did, as text."""
    tables = done["tables"]
    return (
        f"Plan of {done['as_of']} by {done['method']}:"
        f" {tables['plan.forecast']['read']:,} products,"
        f" {tables['plan.purchase_order_draft_line']['read']:,} to order from"
        f" {tables['plan.purchase_order_draft']['read']:,} vendors, in {done['seconds']:.1f} s."
        + (f"\n{done['method_change']}" if done["method_change"] else "")
    )


def shown_backtest(found: Backtest) -> str:
    """Return the scores as text."""
    lines = [f"{'method':28}{'days':>5}{'WAPE':>8}{'bias':>8}{'loss .95':>10}{'held .95':>10}"]
    for score in found.scores:
        if score["window_days"]:
            lines.append(
                f"{score['method']:28}{score['window_days']:>5}{score['wape']:>8.3f}"
                f"{score['bias']:>8.3f}{score['loss_q95']:>10.3f}{score['held_q95']:>10.3f}"
            )
    lines.append(f"{'order up to':33}{'fill':>8}{'units':>8}{'stock':>12}")
    lines.extend(
        f"{s['method']:33}{s['fill_per_product']:>8.3f}{s['fill_of_units']:>8.3f}"
        f"{s['stock_units']:>12,.0f}"
        for s in found.scores
        if not s["window_days"]
    )
    pace = found.chosen.startswith("pace")
    says = "in use" if pace else "used instead of the pace, which lost more on this past"
    return "\n".join([*lines, f"{found.chosen}: {says}.", f"Report: {found.report}"])
