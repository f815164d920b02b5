"""Products and vendors by catalogue windows, and facilities."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets.failures import failures
from finale_pipeline.assets.reports import metadata
from finale_pipeline.resources import Finale, at_definition

if TYPE_CHECKING:
    from finale_pipeline.sync.catalog import Catalogue

OWNERS = ["team:operations"]
KINDS = {"finale", "postgres"}
GROUP = "catalogue"

catalogue_windows = dg.MonthlyPartitionsDefinition(
    start_date=at_definition("since").replace(day=1).isoformat(), end_offset=1
)
"""Months of `lastUpdatedDate`, in UTC; the present one is among them."""


def _backfill(context: dg.AssetExecutionContext, finale: Finale, asset: str) -> Iterator[Any]:
    from finale_pipeline.sync.catalog import PRODUCTS, VENDORS  # noqa: PLC0415 - nothing at import
    from finale_pipeline.sync.scan import backfill  # noqa: PLC0415

    catalogue: Catalogue = {"products": PRODUCTS, "vendors": VENDORS}[asset]
    window = context.partition_time_window
    with (
        failures(context, finale, (asset,)),
        finale.sync(context.run.run_id, asset, ("catalogue",), trigger="ui") as run,
    ):
        ends_at = min(window.end, run.client.source_now() + timedelta(hours=1))
        backfill(run, catalogue, window.start, ends_at)
        yield dg.MaterializeResult(metadata=metadata(run, asset))


@dg.asset(
    partitions_def=catalogue_windows,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "product"},
    description="Products by the month of their last change. Ask mart.product; the tables are"
    " core.product, product_supplier and reorder_rule. Reading a month again is harmless: an older"
    " row never replaces a newer one, and nothing is removed; the job full_sync finds what is"
    " gone.",
)
def products(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read the products of the chosen months again."""
    yield from _backfill(context, finale, "products")


@dg.asset(
    partitions_def=catalogue_windows,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "partygroup"},
    description="Vendors by the month of their last change. Ask mart.vendor; the tables are"
    " core.vendor and vendor_contact. A vendor is a party having the role SUPPLIER; disabled ones"
    " are kept.",
)
def vendors(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read the vendors of the chosen months again."""
    yield from _backfill(context, finale, "vendors")


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds=KINDS,
    tags={"source": "facility"},
    description="Locations and their sublocations. The table is core.facility; stock is summed per"
    " location.",
)
def facilities(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Any]:
    """Read all places."""
    from finale_pipeline.sync.catalog import sync_facilities  # noqa: PLC0415 - nothing at import

    with (
        failures(context, finale, ("facilities",)),
        finale.sync(context.run.run_id, "facilities", ("catalogue",), trigger="ui") as run,
    ):
        sync_facilities(run)
        yield dg.MaterializeResult(metadata=metadata(run, "facilities"))
