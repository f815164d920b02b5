"""Models of statsforecast: the same series and numbers here and on a cluster; and without it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finale_pipeline.cli import main
from finale_pipeline.domain.forecast.backtest import backtest
from finale_pipeline.domain.forecast.history import History, history
from finale_pipeline.planning.cluster import ENGINES, INSTALL, challengers, daily_series
from finale_pipeline_tests.domain.forecast.demand import SAMPLES

MISSING = [name for name in ENGINES["dask"] if find_spec(name) is None]
with_extra = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} not installed: {INSTALL}"
)


def few(most: int) -> History:
    rows = pl.read_parquet(SAMPLES / "retail_daily_demand_sample.parquet")
    return history(rows.rename({"sku": "product_url", "date": "sold_on"})).thinned(most)


def test_a_series_has_every_day_since_the_first_sale() -> None:
    sales = pl.DataFrame(
        {
            "product_url": ["a", "a", "b", "c", "c", "c"],
            "sold_on": [600, 602, 599, 1, 580, 606],
            "units": [2.0, 3.0, 9.0, 1.0, 4.0, 5.0],
        }
    )
    known = history(sales)

    found = daily_series(known, 604, np.array([0, 2]))

    of_a = found[found["unique_id"] == 0]
    assert of_a["ds"].tolist() == [600, 601, 602, 603]
    assert of_a["y"].tolist() == [2, 0, 3, 0]
    of_c = found[found["unique_id"] == 2]
    assert (of_c["ds"].min(), of_c["ds"].max(), len(of_c)) == (240, 603, 364)
    assert of_c["y"].sum() == 4
    assert set(found["unique_id"]) == {0, 2}


@pytest.mark.skipif(not MISSING, reason="the extra cluster is installed")
def test_without_the_extra_the_command_says_what_to_install(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    monkeypatch.setenv("FINALE_HOME", str(tmp_path))
    orders = str(SAMPLES / "retail_daily_demand_sample.parquet")

    assert main(["forecast", "backtest", "--orders", orders, "--engine", "dask"]) == 4

    assert "-c constraints-cluster.txt -e '.[cluster]'" in capsys.readouterr().err


@with_extra
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of packages that are not ours
def test_a_cluster_gives_the_numbers_of_this_machine() -> None:
    known = few(60)
    origins = [int(known.sold.days.max()) - 28 - 28 * k for k in range(2)]
    found = {}
    for engine in ENGINES:
        with challengers(engine) as methods:
            found[engine] = [s.as_dict() for s in backtest(known, origins, (14, 28), methods)]

    assert found["local"] == found["dask"]
    assert len(found["local"]) == 6
    assert all(score["forecasts"] for score in found["local"])
    assert all(0.2 < float(score["wape"]) < 2 for score in found["local"])
