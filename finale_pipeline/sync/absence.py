"""What a complete read did not have is asked for singly before it counts as gone."""

import logging
from collections.abc import Callable, Sequence

import polars as pl

from finale_pipeline.errors import DriftError, MalformedError
from finale_pipeline.finale.records import Resource
from finale_pipeline.finale.wire import decode_records
from finale_pipeline.sync.run import SyncRun

MOST = 50
"""Requests that one read's absences may cost."""

log = logging.getLogger(__name__)


def confirmed(
    run: SyncRun,
    resource: Resource,
    missing: Sequence[str],
    chosen: Callable[[pl.DataFrame], pl.DataFrame],
) -> list[str]:
    """Return those of missing records that are gone by their own address, too.

    Of many only some are asked for, spread over all. Does Finale show one of them, the answer lost
    rows, and none of those that were not asked for counts as gone.

    Args:
        missing: Their addresses.
        chosen: Which of the collection's records belong to the table.
    """
    ordered = sorted(missing)
    sample = ordered[:: -(-len(ordered) // MOST) or 1]
    gone = [url for url in sample if not _is_there(run, resource, url, chosen)]
    if len(gone) == len(sample):
        return ordered
    log.warning(
        "An answer for %s lacked %d records; Finale shows %d of %d that were asked for, so they"
        " stay.", resource.path, len(ordered), len(sample) - len(gone), len(sample),
    )  # fmt: skip
    return gone


def _is_there(
    run: SyncRun, resource: Resource, url: str, chosen: Callable[[pl.DataFrame], pl.DataFrame]
) -> bool:
    """Whether Finale shows a record, and it belongs to the table; what is unreadable is there."""
    try:
        body = run.client.record(resource, url)
        if body is None:
            return False
        frame = decode_records([body], resource).frame
    except (MalformedError, DriftError) as error:
        log.warning("%s stays, for its record cannot be read: %s", url, error.what)
        return True
    return frame.is_empty() or not chosen(frame).is_empty()
