"""What must hold of forecasts: better than the naive one, as sure as they say, and complete."""

from typing import TYPE_CHECKING, Any

from finale_pipeline.assets.checks import Check, CheckContext, CheckResult

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


def _not_worse_than_naive(look: CheckContext) -> CheckResult:
    from finale_pipeline.warehouse.reads import checks  # nothing at import

    scores = checks.latest_scores(look.connection)
    paces = [score.loss for score in scores if score.method.startswith("pace")]
    naive = [score.loss for score in scores if score.method == NAIVE]
    complaint, numbers = _outcomes(look.connection)
    if not paces or not naive:
        return CheckResult(not complaint, complaint or "too little history to tell", numbers)
    used = next((score.method for score in scores if score.is_in_use), "")
    numbers |= {
        "loss": round(min(paces), 4),
        "naive_loss": round(naive[0], 4),
        "method_in_use": used,
        "scored_on": scores[0].scored_on,
    }
    if used == NAIVE:
        complaint = (
            "the pace lost more than the 30-day mean on this account's past, so that is used"
        )
    return CheckResult(not complaint, complaint, numbers)


def _outcomes(connection: "Connection") -> tuple[str, dict[str, Any]]:
    """Say whether the plans of the last weeks were farther off than the 30-day mean, with numbers.

    Products whose forecasts were are named.
    """
    from finale_pipeline.warehouse.reads.forecasts import outcomes  # not at import

    result = outcomes(connection)
    if not result.groups or result.groups[0]["forecasts"] < LEAST_FORECASTS:
        return "", {}
    whole = result.groups[0]
    error, naive = (float(whole[name] or 0) for name in ("error", "naive_error"))
    numbers = {
        "plans_error": round(error, 4),
        "plans_naive_error": round(naive, 4),
        "plans_held": round(float(whole["held"]), 4),
        "plans_asked": round(float(whole["asked"]), 4),
        "worse_products": ", ".join(str(row["sku"]) for row in result.worse[:NAMED]) or "none",
    }
    if error <= TOLERATED * naive:
        return "", numbers
    return (
        f"what the plans of the last weeks expected was {error:.0%} off, the 30-day mean"
        f" {naive:.0%}; /forecasts shows of which products",
        numbers,
    )


def _q95_holds(look: CheckContext) -> CheckResult:
    from finale_pipeline.warehouse.reads import checks  # nothing at import

    used = next((s for s in checks.latest_scores(look.connection) if s.is_in_use), None)
    if used is None or used.forecasts < LEAST_FORECASTS:
        return CheckResult(passed=True, why="too little history to tell", numbers={})
    names = ("forecasts", "method", "scored_on")
    numbers = {"held": round(used.held, 4)} | {name: getattr(used, name) for name in names}
    passed = HELD_FROM <= used.held <= HELD_TO
    return CheckResult(
        passed, "" if passed else f"q95 held {used.held:.1%} of past windows", numbers
    )


def _needs_no_data(look: CheckContext) -> CheckResult:
    from finale_pipeline.warehouse.reads import checks  # nothing at import

    missing = checks.missing_data(look.connection)
    why = ", ".join(f"{count} lines without {need}" for need, count in missing.items())
    return CheckResult(not missing, why.replace("_", " "), missing)


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
