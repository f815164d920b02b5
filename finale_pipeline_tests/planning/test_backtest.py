"""The command that shows how good forecasts are: scores, a page, a picture, rows."""

import json
import re
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from finale_pipeline.cli import main
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.order_lines import read_orders
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.domain.forecast.demand import SAMPLES
from finale_pipeline_tests.planning.warehouse import Warehouse


@pytest.fixture
def home(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    monkeypatch.setenv("FINALE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_of_orders_is_scored(
    home: Path, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    few = home / "few.parquet"
    rows = pl.read_parquet(SAMPLES / "retail_daily_demand_sample.parquet")
    skus = rows["sku"].unique().sort().head(40)
    late = pl.col("date") > pl.date(2011, 2, 1)
    rows.filter(late, pl.col("sku").is_in(skus.implode())).write_parquet(few)

    assert main(["forecast", "backtest", "--orders", str(few), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    page = Path(found["report"])
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert "By class" in text
    assert "http" not in text.replace("http-equiv", "")
    methods = {score["method"] for score in found["scores"] if score["window_days"] == 14}
    segments = {score["segment"] for score in found["scores"] if score["window_days"]}
    assert {"all", "A", "B", "C", "intermittent"} <= segments
    used = [s for s in found["scores"] if (s["method"], s["window_days"]) == (found["method"], 14)]
    scarce = [score["segment"] for score in used if score["forecasts"] < 20]
    assert scarce
    for name in scarce:  # how many there are is said, and nothing that so few cannot say
        (row,) = re.findall(rf"<tr>\s*<td>{name}</td>(.*?)</tr>", text, re.DOTALL)
        assert re.findall("<td>(.*?)</td>", row)[1:] == ["too few"] * 8
    levels = [
        s["service_level"]
        for s in found["scores"]
        if s["method"].startswith(found["method"]) and not s["window_days"]
    ]
    assert levels == [0.8, 0.9, 0.95, 0.98]
    assert {"30-day mean", "30-day mean + normal", "Poisson", "negative binomial", "pace 80/20",
            "pace 100/0"} <= methods  # fmt: skip
    assert found["method"] in methods
    stored = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE window_days = 0), count(DISTINCT source),"
        " min(source) FROM mart.forecast_score"
    ).fetchall()
    assert stored == [(len(found["scores"]), 9, 1, "few.parquet")]


def test_the_account_is_scored_and_planned(
    home: Path, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = Warehouse(connection)
    assert main(["forecast", "backtest"]) == 4
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=n)
        warehouse.sales(url, [float((day * 7 + n) % 5 == 0) * (n + 1) for day in range(250)])

    assert main(["forecast", "backtest"]) == 0
    assert "backtest-2026-03-09-backtest.html" in capsys.readouterr().out
    assert main(["forecast", "plan"]) == 0
    assert "Plan of 2026-03-09" in capsys.readouterr().out
    assert main(["forecast", "plan", "--on", "2026-02-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"]["plan.demand"]["read"] == 12
    assert main(["forecast", "plan", "--on", "2099-01-01"]) == 4
    assert (home / "reports").is_dir()


def test_order_lines_become_demand(tmp_path: Path) -> None:
    noon = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - the file's own clock
    lines = [
        ("1", "A", 5, noon, 1.0, 7), ("2", "A", 9, noon, 1.0, 8), ("C3", "A", -9, noon, 1.0, 8),
        ("4", "A", 4, noon, 0.0, 7), ("5", "B", -2, noon, 1.0, None),
        ("6", "B", 2, noon, 1.0, None),
    ]  # fmt: skip
    names = ["invoice_no", "sku", "quantity", "invoice_at", "unit_price_gbp", "customer_id"]
    frame = pl.DataFrame(lines, schema=names, orient="row")
    path = tmp_path / "lines.parquet"
    frame.write_parquet(path)

    found = read_orders(path)

    assert found.keys.to_list() == ["A", "B"]
    assert found.units.tolist() == [5, 2]
    frame.drop("customer_id").write_parquet(path)
    assert read_orders(path).units.tolist() == [14, 2]
    frame.drop("quantity").write_parquet(path)
    with pytest.raises(ConfigError, match="has the columns"):
        read_orders(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_orders(tmp_path / "none.parquet")
