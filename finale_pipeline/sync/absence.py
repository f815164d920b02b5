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
) -> tuple[list[str], list[bytes]]:
    """Return those of missing records that are gone by their own address, too.

    Of many only some are asked for, spread over all. Does Finale show one of them, the answer lost
    rows, and none of those that were not asked for counts as gone.

    Args:
        missing: Their addresses.
        chosen: Which of the collection's records belong to the table.

    Returns:
        Addresses of those that are gone; what Finale shows of others, one body each.
    """
    ordered = sorted(missing)
    sample = ordered[:: -(-len(ordered) // MOST) or 1]
    shown, gone = read_singly(run, resource, sample, chosen)
    if len(gone) == len(sample):
        return ordered, []
    log.warning(
        "An answer for %s lacked %d records; Finale shows %d of %d that were asked for, so they"
        " stay.", resource.path, len(ordered), len(sample) - len(gone), len(sample),
    )  # fmt: skip
    return gone, shown


def read_singly(
    run: SyncRun,
    resource: Resource,
    urls: Sequence[str],
    chosen: Callable[[pl.DataFrame], pl.DataFrame],
) -> tuple[list[bytes], list[str]]:
    """Read records by their own addresses.

    Args:
        urls: A request each.
        chosen: Which of the collection's records belong to the table.

    Returns:
        What Finale shows of those that can be read; addresses of those that it does not show, or
        that do not belong to the table. What is there and unreadable is in neither.
    """
    shown, gone = [], []
    for url in urls:
        try:
            body = run.client.record(resource, url)
            frame = None if body is None else decode_records([body], resource).frame
        except (MalformedError, DriftError) as error:
            log.warning("%s stays, for its record cannot be read: %s", url, error.what)
            continue
        if body is None or frame is None or (len(frame) and chosen(frame).is_empty()):
            gone.append(url)
        elif len(frame):
            shown.append(body)
    return shown, gone
