"""Builds, transfers and labels of fields: accounts may lack them, and nothing waits for them."""

import logging
from collections.abc import Callable
from functools import partial

import msgspec
import polars as pl

from finale_pipeline.domain.packing import Reading
from finale_pipeline.errors import (
    DriftError,
    MalformedError,
    SkippedError,
    SourceUnavailable,
    ThrottledError,
    UnknownPath,
)
from finale_pipeline.finale.cells import LONGEST_KEY
from finale_pipeline.finale.lines import UserFieldDefinition, build_lines
from finale_pipeline.finale.quantities import in_units
from finale_pipeline.finale.records import BUILD, TRANSFER, Resource
from finale_pipeline.sync.catalog import Catalogue, Child
from finale_pipeline.sync.incremental import sync_incrementally
from finale_pipeline.sync.quantities import current_reading
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import items, stocking
from finale_pipeline.warehouse.stocking import StockingRules

log = logging.getLogger(__name__)

CUSTOMIZATION = Resource(path="customization", key=("customization_url",), fields=())


def builds(zone: str, reading: Reading) -> Catalogue:
    """Return builds, with what they use and make.

    Args:
        reading: What quantities beside a packing count.
    """
    return Catalogue(
        BUILD,
        "core.build",
        (Child("core.build_line", partial(build_lines, reading=reading), "consumed"),),
        partial(_builds, zone=zone),
    )


def transfers(reading: Reading) -> Catalogue:
    """Return transfers between places.

    Args:
        reading: What quantities beside a packing count.
    """
    return Catalogue(TRANSFER, "core.transfer", chosen=partial(_transfers, reading=reading))


def sync_movements(run: SyncRun) -> None:
    """Bring builds and transfers up to date, and what they and kits demand of components."""
    _sync_builds(run)
    moved = transfers(current_reading(run))
    _if_there(run, "transfers", partial(sync_incrementally, catalogue=moved))
    with run.batch("what vendors shipped to customers"):
        stocking.leave_out_dropshipped(run.connection, now=run.clock())
    mark_stocking(run)


def follow_builds(run: SyncRun) -> None:
    """Read what became of planned builds, between the answer with stock and its writing.

    A build that is done has taken its components from stock: as long as it counted as planned, too,
    they would be missing twice. Without any planned build nothing is asked.
    """
    if not stocking.any_planned_build(run.connection):
        return
    try:
        with run.holding("sales"):
            _sync_builds(run)
    except SkippedError as error:
        log.info("builds are left to another sync: %s", error.what)
    except (SourceUnavailable, ThrottledError) as error:
        log.warning("builds are as they were read last: %s", error.what)


def _sync_builds(run: SyncRun) -> None:
    began = run.clock()
    catalogue = builds(run.settings.timezone, current_reading(run))
    _if_there(run, "builds", partial(sync_incrementally, catalogue=catalogue))
    with run.batch("components of builds"):
        stocking.note_components(run.connection, since=began)


def sync_labels(run: SyncRun) -> None:
    """Read the labels of user-defined fields."""
    _if_there(run, "labels of fields", _labels)


def mark_stocking(run: SyncRun) -> None:
    """Bring up to date which products and orders bypass stock, and the demand of components.

    It writes products, so it is left to the sync that reads the catalogue, if another one does.
    """
    try:
        with run.holding("catalogue"), run.batch("what keeps stock"):
            stocking.mark_products(run.connection, rules_of(run))
            stocking.refresh_component_demand(run.connection)
    except SkippedError as error:
        log.info("what keeps stock is left to another sync: %s", error.what)


def judge_stocking(run: SyncRun) -> None:
    """Mark kits before the very first evaluation: only stock tells which of them keep any."""
    if items.any_product(run.connection) and items.last_evaluation(run.connection) is None:
        mark_stocking(run)


def rules_of(run: SyncRun) -> StockingRules:
    """Return how the settings tell what bypasses stock."""
    settings = run.settings
    field, _, value = (settings.dropship_field or "").partition("=")
    return StockingRules(
        settings.dropship_sku_suffixes,
        settings.dropship_categories,
        field.strip(),
        value.strip(),
        settings.kits,
    )


def _if_there(run: SyncRun, what: str, read: Callable[[SyncRun], None]) -> None:
    """Read something whose form no account has confirmed; without it the rest goes on."""
    try:
        read(run)
    except (UnknownPath, MalformedError, DriftError) as error:
        log.warning("%s are not read: %s", what, error.what)


def _labels(run: SyncRun) -> None:
    path = run.client.source.path("customization/PRIMARY")
    body = run.client.record(CUSTOMIZATION, path)
    if body is None:
        return
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        sent = raw.get("userFieldDefList", msgspec.Raw(b"[]"))
        fields = msgspec.json.decode(sent, type=list[UserFieldDefinition] | None) or []
    except msgspec.DecodeError as error:
        raise MalformedError(f"The labels of fields cannot be read: {error}.") from error
    labels = {
        f.attr_name: f.label
        for f in fields
        if f.attr_name and f.label and len(f.attr_name.encode()) <= LONGEST_KEY
    }
    with run.batch("labels of fields"):
        stocking.replace_labels(run.connection, sorted(labels.items()))


def _builds(frame: pl.DataFrame, *, zone: str) -> pl.DataFrame:
    day = pl.col("completed_at").dt.convert_time_zone(zone).dt.date()
    return frame.with_columns(completed_on=day)


def _transfers(frame: pl.DataFrame, *, reading: Reading) -> pl.DataFrame:
    return in_units(frame, {"quantity": "units"}, reading)
