"""A sync's error → a failed run that shows cause, meaning, next step, and the checks it broke."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg

from finale_pipeline.assets.alert_checks import ALERT_CHECKS
from finale_pipeline.assets.checks import CHECKS, Check, evaluations
from finale_pipeline.errors import PipelineError, SkippedError
from finale_pipeline.resources import Finale

Context = dg.OpExecutionContext | dg.AssetExecutionContext


def tell_checks(
    context: Context,
    finale: Finale,
    assets: tuple[str, ...],
    checks: tuple[Check, ...] = CHECKS,
) -> None:
    """Log how the checks of some assets stand, as if they had run beside them."""
    with finale.warehouse() as connection:
        for evaluation in evaluations(connection, finale, assets, (*checks, *ALERT_CHECKS)):
            # Dagster takes it, and its event log counts it; only its annotation leaves it out.
            context.log_event(evaluation)  # type: ignore[arg-type]


@contextmanager
def failures(context: Context, finale: Finale, assets: tuple[str, ...]) -> Iterator[None]:
    """Turn our errors into Dagster's; a skipped sync stays what it is.

    Args:
        context: Of the step.
        finale: The account and its warehouse.
        assets: Whose checks are told of the failure.
    """
    try:
        yield
    except SkippedError:
        raise
    except PipelineError as error:
        with suppress(PipelineError):  # the database itself may be what failed
            tell_checks(context, finale, assets)
        raise dg.Failure(
            str(error),
            metadata={
                "kind": error.kind,
                "what_it_means_for_the_data": error.data,
                "next_step": error.step,
            },
            allow_retries=False,
        ) from error
