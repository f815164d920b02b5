"""The report of a backtest: one page that needs nothing beside it."""

from collections.abc import Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from finale_pipeline.disk import write_whole
from finale_pipeline.domain.forecast.classes import ALL
from finale_pipeline.planning.policy_chart import policy_chart
from finale_pipeline.warehouse.reads.forecasts import LEAST_ROWS

LABELS = {
    "method": "method",
    "rmsse": "RMSSE",
    "mase": "MASE",
    "wape": "WAPE",
    "bias": "bias",
    "loss_q50": "loss .50",
    "loss_q90": "loss .90",
    "loss_q95": "loss .95",
    "held_q50": "held .50",
    "held_q90": "held .90",
    "held_q95": "held .95",
}
CLASSES = {"segment": "class", "forecasts": "forecasts"} | {
    name: label for name, label in LABELS.items() if name not in {"method", "rmsse", "mase"}
}
POLICY = {
    "method": "order up to",
    "fill_per_product": "fill per product",
    "fill_of_units": "fill of units",
    "stockout_days": "days a year without stock",
    "stock_units": "units on hand",
}
FEW = "too few"
DETAILED_WINDOW = 14
"""Days of the windows of which most is shown."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;
color:#1c1f24}}table{{border-collapse:collapse;margin:.5rem 0 1.5rem}}td,th{{padding:.25rem .6rem;
border-bottom:1px solid #d7dae0;text-align:right;font-variant-numeric:tabular-nums}}
td:first-child,th:first-child{{text-align:left}}svg{{max-width:100%;font-size:13px}}</style>
<h1>{title}</h1><p>{summary}</p>{body}
<p>Class: A, B, C make 80, 15 and 5 % of a year's demand at cost (in units, for a file of orders);
smooth sells on three days in four or more, the rest is intermittent; young is less than 28 days old
and in no other class. Loss: pinball loss over demand, less is better. Held: share of windows whose
demand stayed under the quantile; .95 should hold in 92 to 97 %. WAPE alone rewards forecasting too
low: read it with bias and held beside it. Order up to: weekly reviews, 14 days of lead time, demand
that cannot be met is lost.</p></html>
"""


def _of_window(scores: Sequence[dict[str, Any]], window: int) -> list[dict[str, Any]]:
    """Return the scores of all products together, by method."""
    return [s for s in scores if s["window_days"] == window and s["segment"] == ALL]


def classes(scores: Sequence[dict[str, Any]], method: str) -> pd.DataFrame:
    """Return the scores of a method by class of products; of few forecasts, how many alone."""
    rows = [score for score in scores if score["window_days"] == DETAILED_WINDOW]
    table = _frame([score for score in rows if score["method"] == method], CLASSES)
    few = (table["forecasts"] < LEAST_ROWS).to_numpy()
    return table.astype(object).mask(
        few[:, None] & ~table.columns.isin(["class", "forecasts"]), FEW
    )


def _frame(rows: Sequence[dict[str, Any]], labels: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame([{label: row[name] for name, label in labels.items()} for row in rows])


def write_report(
    folder: Path, scores: Sequence[dict[str, Any]], *, source: str, as_of: date, chosen: str
) -> Path:
    """Write the page; return where it is."""
    name = f"backtest-{as_of}-{Path(source).stem}"
    rows = _of_window(scores, DETAILED_WINDOW)
    parts = ["<h2>Loss of the 95 % quantile (less is better)</h2>"]
    parts.append(_bars([(str(row["method"]), float(row["loss_q95"])) for row in rows]))
    for window in sorted({int(score["window_days"]) for score in scores} - {0}):
        table = _table(_frame(_of_window(scores, window), LABELS))
        parts += [f"<h2>{window} days ahead</h2>", table]
    title = f"By class of products: {chosen}, {DETAILED_WINDOW} days ahead"
    parts += [f"<h2>{escape(title)}</h2>", _table(classes(scores, chosen))]
    policies = [score for score in scores if score["window_days"] == 0]
    if policies:
        parts += ["<h2>Stock that a service level needs</h2>", policy_chart(policies, chosen)]
        parts.append(_table(_frame(policies, POLICY)))
    page = folder / f"{name}.html"
    title = f"Backtest of {source} up to {as_of}"
    summary = _summary(chosen)
    text = PAGE.format(title=escape(title), summary=escape(summary), body="\n".join(parts))
    write_whole(page, text)
    return page


def _summary(chosen: str) -> str:
    if chosen.startswith("pace"):
        return f"The method to use: {chosen}, with quantiles learnt from peers."
    return (
        f"On this past the pace lost more than {chosen}: forecasts fall back on it until a weekly"
        " score says otherwise."
    )


def _table(table: pd.DataFrame) -> str:
    return str(table.to_html(index=False, border=0, float_format=_number))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}"  # noqa: PLR2004 - units, not shares


def _bars(rows: Sequence[tuple[str, float]]) -> str:
    """Return a bar per row as SVG, the longest as wide as there is room."""
    longest = max((value for _, value in rows), default=0) or 1.0
    bars = "".join(
        f'<text x="230" y="{22 * n + 16}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="240" y="{22 * n + 4}" width="{400 * value / longest:.1f}" height="16"'
        f' fill="#1f5fa8"/><text x="{246 + 400 * value / longest:.1f}" y="{22 * n + 16}">'
        f"{_number(value)}</text>"
        for n, (name, value) in enumerate(rows)
    )
    return f'<svg width="720" height="{22 * len(rows) + 8}" role="img">{bars}</svg>'
