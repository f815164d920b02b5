"""What must hold of forecasts: better than the naive one, as sure as they say, and complete."""

from typing import TYPE_CHECKING, Any

from finale_pipeline.assets.checks import Check, Found, Look

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

NAIVE = "30-day mean + normal"
HELD_FROM, HELD_TO = 0.92, 0.97
LEAST_FORECASTS = 200
"""Fewer say nothing about a share."""

NAMED = 10
"""Products that are named in a check."""
TOLERATED = 1.05
"""The 30-day mean may have been nearer by chance; by more than this it was not."""

LATEST = (
    "SELECT s.method, s.is_in_use, sum(s.forecasts),"
    " sum(s.loss_q50 + s.loss_q90 + s.loss_q95),"
    " sum(s.held_q95 * s.forecasts) / sum(s.forecasts), min(s.scored_on)::text"
    " FROM plan.forecast_score s WHERE s.source = 'weekly' AND s.segment = 'all' AND s.scored_on ="
    " (SELECT max(scored_on) FROM plan.forecast_score WHERE source = 'weekly') GROUP BY 1, 2"
)


def _latest(connection: "Connection") -> list[tuple[str, bool, int, float, float, str]]:
    rows: list[Any] = connection.execute(LATEST).fetchall()
    return [(str(m), bool(u), int(n), float(x), float(h), str(on)) for m, u, n, x, h, on in rows]


def _not_worse_than_naive(look: Look) -> Found:
    scores = _latest(look.connection)
    paces = [loss for method, _, _, loss, _, _ in scores if method.startswith("pace")]
    naive = [loss for method, _, _, loss, _, _ in scores if method == NAIVE]
    said, numbers = _outcomes(look.connection)
    if not paces or not naive:
        return Found(not said, said or "too little history to tell", numbers)
    used = next((method for method, in_use, *_ in scores if in_use), "")
    numbers |= {
        "loss": round(min(paces), 4),
        "naive_loss": round(naive[0], 4),
        "method_in_use": used,
        "scored_on": scores[0][-1],
    }
    if used == NAIVE:
        said = "the pace lost more than the 30-day mean on this account's past, so that is used"
    return Found(not said, said, numbers)


def _outcomes(connection: "Connection") -> tuple[str, dict[str, Any]]:
    """Say whether the plans of the last weeks were farther off than the 30-day mean, with numbers.

    Products whose forecasts were are named.
    """
    from finale_pipeline.warehouse.reads.forecasts import outcomes  # noqa: PLC0415 - not at import

    found = outcomes(connection)
    if not found.groups or found.groups[0]["forecasts"] < LEAST_FORECASTS:
        return "", {}
    whole = found.groups[0]
    error, naive = (float(whole[name] or 0) for name in ("error", "naive_error"))
    numbers = {
        "plans_error": round(error, 4),
        "plans_naive_error": round(naive, 4),
        "plans_held": round(float(whole["held"]), 4),
        "plans_asked": round(float(whole["asked"]), 4),
        "worse_products": ", ".join(str(row["sku"]) for row in found.worse[:NAMED]) or "none",
    }
    if error <= TOLERATED * naive:
        return "", numbers
    return (
        f"what the plans of the last weeks expected was {error:.0%} off, the 30-day mean"
        f" {naive:.0%}; /forecasts shows of which products",
        numbers,
    )


def _q95_holds(look: Look) -> Found:
    used = [score for score in _latest(look.connection) if score[1]]
    if not used or used[0][2] < LEAST_FORECASTS:
        return Found(passed=True, why="too little history to tell", numbers={})
    method, _, forecasts, _, held, scored_on = used[0]
    numbers = {"held": round(held, 4), "forecasts": forecasts, "method": method,
               "scored_on": scored_on}  # fmt: skip
    passed = HELD_FROM <= held <= HELD_TO
    return Found(passed, "" if passed else f"q95 held {held:.1%} of past windows", numbers)


def _needs_no_data(look: Look) -> Found:
    rows: list[Any] = look.connection.execute(
        "SELECT need, count(*) FROM plan.purchase_order_draft_line, unnest(needs_data) AS need"
        " WHERE snapshot_on = (SELECT max(snapshot_on) FROM plan.purchase_order_draft_line)"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    missing = {str(need): int(count) for need, count in rows}
    why = ", ".join(f"{count} lines without {need}" for need, count in missing.items())
    return Found(not missing, why.replace("_", " "), missing)


PLAN_CHECKS = (
    Check(
        "forecasts",
        "is_not_worse_than_naive",
        "On the account's own past the method loses no more than a 30-day mean; else that is used.",
        _not_worse_than_naive,
    ),
    Check(
        "forecasts",
        "q95_covers_what_it_says",
        "The 95 % quantile held in 92 to 97 % of the past windows.",
        _q95_holds,
    ),
    Check(
        "purchase_plan",
        "needs_no_data",
        "Every line has a vendor, a cost and a lead time.",
        _needs_no_data,
    ),
)
