"""The one partitions definition: the account's business days."""

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg

from finale_pipeline.clock import business_day
from finale_pipeline.resources import at_definition

business_days = dg.DailyPartitionsDefinition(
    start_date=at_definition("since").isoformat(), timezone=at_definition("timezone"), end_offset=1
)
"""Business days in the account's zone; today is among them.

One object for every partitioned asset: Dagster starts one job only over assets that share it.
"""


def today(now: datetime) -> str:
    """Return the partition of the business day that a moment lies in."""
    return business_day(now, ZoneInfo(business_days.timezone)).isoformat()
