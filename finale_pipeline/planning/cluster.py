"""Models of statsforecast, to compare with: on this machine, or the same call on a Dask cluster.

Needs the extra `cluster`. The forecast in use does not: it is faster on one core than a cluster
would be on many. What this is for is a catalogue a hundred times as large, and models that take
long. The models know nothing of days without stock: to them those are days without demand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from finale_pipeline.domain.forecast.backtest import judged
from finale_pipeline.domain.forecast.calibration import LEVELS
from finale_pipeline.domain.forecast.history import Floats, History, Ints
from finale_pipeline.domain.forecast.methods import Method
from finale_pipeline.domain.forecast.quantiles import negative_binomial
from finale_pipeline.domain.forecast.velocity import moments
from finale_pipeline.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

ENGINES: Mapping[str, tuple[str, ...]] = {
    "local": ("statsforecast",),
    "dask": ("statsforecast", "fugue", "fugue_dask", "dask", "distributed"),
}
"""Where models run, and the packages that takes."""
INSTALL = "pip install -c constraints.txt -c constraints-cluster.txt -e '.[cluster]'"
MODELS = ("SES", "CrostonSBA", "TSB")
"""The cheap ones; AutoETS may be asked for too, at a tenth of a second per series."""
SERIES_DAYS = 364
SPREAD_DAYS = 182
WORKERS, PIECES = 2, 4

Run = Callable[["pd.DataFrame", Sequence[str], int], "pd.DataFrame"]
"""Series, names of models, days ahead → a forecast per series and day."""


def require(engine: str) -> None:
    """Check that what an engine needs is installed.

    Raises:
        ConfigError: It is not; the message has the command to run.
    """
    missing = [name for name in ENGINES[engine] if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"The engine {engine} needs {', '.join(missing)}, which the extra cluster installs.",
            step=f"Run: {INSTALL}",
        )


@contextmanager
def challengers(engine: str, models: Sequence[str] = MODELS) -> Iterator[Mapping[str, Method]]:
    """Give the models as methods of the backtest, while a cluster stands.

    Args:
        engine: local, or dask: a cluster of two workers on this machine.
        models: Their names.

    Raises:
        ConfigError: The extra is not installed.
    """
    require(engine)
    with _on_dask() if engine == "dask" else _here() as run:
        shared = _Shared(run, models)
        yield {f"{name} + negative binomial": shared.method(name) for name in models}


def fitted(series: "pd.DataFrame", models: Sequence[str], days: int) -> "pd.DataFrame":
    """Return what the models expect of each series on each of the next days.

    Args:
        series: `unique_id`, `ds` (day number), `y`; every day has a row.
        models: Their names.
        days: Ahead.
    """
    from statsforecast import StatsForecast  # noqa: PLC0415 - the extra
    from statsforecast import models as known  # noqa: PLC0415

    made = {
        "SES": lambda: known.SimpleExponentialSmoothing(alpha=0.1, alias="SES"),
        "CrostonSBA": lambda: known.CrostonSBA(alias="CrostonSBA"),
        "TSB": lambda: known.TSB(alpha_d=0.2, alpha_p=0.2, alias="TSB"),
        "AutoETS": lambda: known.AutoETS(season_length=7, alias="AutoETS"),
    }
    engine = StatsForecast(models=[made[name]() for name in models], freq=1)
    found: pd.DataFrame = engine.forecast(df=series[["unique_id", "ds", "y"]], h=days)
    return found


@contextmanager
def _here() -> Iterator[Run]:
    yield fitted


@contextmanager
def _on_dask() -> Iterator[Run]:
    """Start a cluster on loopback; end it with everything that runs on it."""
    import dask.dataframe as dd  # noqa: PLC0415
    import fugue_dask  # noqa: F401, PLC0415 - tells fugue of Dask
    import pandas as pd  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415
    from fugue import transform  # noqa: PLC0415

    # Fugue reads the types of what it hands to the workers.
    def part(series: pd.DataFrame, models: list[str], days: int) -> pd.DataFrame:
        return fitted(series, models, days)

    def run(series: "pd.DataFrame", models: Sequence[str], days: int) -> "pd.DataFrame":
        # Whole series in each piece: no shuffle, and no call for each of them, which would cost
        # more than its models.
        of_piece = series["unique_id"] % PIECES
        pieces = [frame.reset_index(drop=True) for _, frame in series.groupby(of_piece)]
        columns = ",".join(f"{name}:double" for name in models)
        found: pd.DataFrame = transform(
            dd.concat([dd.from_pandas(piece, npartitions=1) for piece in pieces]),
            part,
            schema=f"unique_id:long,ds:long,{columns}",
            params={"models": list(models), "days": days},
            engine=client,
        ).compute()
        return found

    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield run


def daily_series(history: History, as_of: int, products: Ints) -> "pd.DataFrame":
    """Return a row per product and day since it was first available, a year at most.

    Args:
        history: Of the days before the morning.
        as_of: The morning, a day number.
        products: Places of the products to look at, ascending.
    """
    import pandas as pd  # noqa: PLC0415 - half a second

    begins = np.maximum(history.first_day[products], as_of - SERIES_DAYS).astype(np.int64)
    lengths = as_of - begins
    starts = np.cumsum(lengths) - lengths
    row_of = np.full(len(history), -1)
    row_of[products] = np.arange(len(products))
    rows, days = row_of[history.sold.owners()], history.sold.days
    kept = (rows >= 0) & (days >= begins[rows]) & (days < as_of)
    units = np.zeros(int(lengths.sum()))
    units[(starts - begins)[rows[kept]] + days[kept]] = history.units[kept]
    day = np.arange(len(units)) - np.repeat(starts - begins, lengths)
    return pd.DataFrame({"unique_id": np.repeat(products, lengths), "ds": day, "y": units})


@dataclass
class _Shared:
    """One run of all models per origin; each method takes its own from it."""

    run: Run
    models: Sequence[str]
    _key: tuple[int, int, int] = (0, 0, 0)
    _made: dict[str, Floats] = field(default_factory=dict)

    def method(self, name: str) -> Method:
        """Return a model as a method: its mean, and a negative binomial of the half-year's spread.

        Only what the backtest judges is forecast; of the rest nothing is expected.
        """

        def method(
            history: History, as_of: int, windows: Sequence[int]
        ) -> list[tuple[Floats, Floats]]:
            ahead = self._daily(history, as_of, max(windows))[name]
            _, variance = moments(history, as_of, SPREAD_DAYS)
            means = [ahead[:, :h].sum(axis=1) for h in windows]
            return [
                (mean, negative_binomial(mean, variance * h, LEVELS))
                for mean, h in zip(means, windows, strict=True)
            ]

        return method

    def _daily(self, history: History, as_of: int, days: int) -> dict[str, Floats]:
        """Return per model what is expected, product by day ahead."""
        if self._key == (key := (id(history), as_of, days)):
            return self._made
        products = np.flatnonzero(judged(history, as_of))
        found = self.run(daily_series(history, as_of, products), self.models, days)
        found = found.sort_values(["unique_id", "ds"])
        self._key, self._made = key, {}
        for name in self.models:
            whole = np.zeros((len(history), days))
            whole[products] = found[name].to_numpy(np.float64).reshape(len(products), days)
            self._made[name] = np.maximum(np.nan_to_num(whole), 0.0)
        return self._made
