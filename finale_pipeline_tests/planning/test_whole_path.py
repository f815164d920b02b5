"""Order lines → sandbox → API → warehouse → forecast: the published numbers, by the whole path."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from finale_pipeline.domain.forecast.backtest import backtest
from finale_pipeline.domain.forecast.history import day_number
from finale_pipeline.domain.forecast.methods import methods
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.planning.reading import read_history
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.orders import account_from
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.numbered import number
from finale_pipeline_tests.conftest import NOW, settings_for
from finale_pipeline_tests.domain.forecast.demand import ORIGINS, WHOLE
from finale_pipeline_tests.domain.forecast.test_evidence import MEASURES, PUBLISHED, whole
from finale_pipeline_tests.sync.helpers import sync

LAST_SALE = day_number(date(2011, 12, 9))
NAMES = ("30-day mean + normal", "pace 80/20", "pace 100/0")


@whole
def test_the_published_measures_are_reached_by_the_whole_path(
    url: str, connection: Connection
) -> None:
    file = Path(WHOLE or "", "retail_order_lines.parquet")
    account = account_from(file, Clock(frozen_at=NOW), ahead=timedelta(days=-1))
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(url, sandbox, since=date(2023, 1, 1))
        sync(settings, "full")
    row = connection.execute("SELECT to_regclass('core.sales_daily')").fetchone()
    if row is None or row[0] is None:
        pytest.skip("this program reads no sales yet")
    # The published protocol begins at the first sale; when products were made, the sandbox invents.
    connection.execute("UPDATE core.product SET created_at = NULL, updated_at = NULL")
    # The published protocol is of what was asked for: it takes no returns off, and bounds no order.
    connection.execute("UPDATE core.sales_daily SET returned_units = 0")
    with connection.transaction():
        numbered = number(connection, NOW.date() + timedelta(days=1), since=date.min)
        history = read_history(numbered)

    # The sandbox moves the file's days by whole weeks to its present.
    moved = int(history.sold.days.max()) - LAST_SALE
    assert moved % 7 == 0
    origins = [origin + moved for origin in ORIGINS]
    scored = {name: methods()[name] for name in NAMES}
    found = {
        (s.method, s.window_days): s.as_dict() for s in backtest(history, origins, [14, 28], scored)
    }
    for (name, window), numbers in PUBLISHED.items():
        if name in scored:
            measured = [found[name, window][measure] for measure in MEASURES]
            assert measured == pytest.approx(numbers, abs=0.001), (name, window)
    report = plan_day(connection, NOW.date(), settings, now=NOW)
    assert report.method.name.startswith("pace")
    assert report.counts["plan.demand"].read > 2_500
