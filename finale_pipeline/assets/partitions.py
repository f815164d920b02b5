"""The one partitions definition: the account's business days."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from finale_pipeline.clock import business_day, utc_now
from finale_pipeline.resources import at_definition

SINCE: date = at_definition("since")
"""First day of the account, as the assets were defined."""
ZONE: str = at_definition("timezone")


def first_day(now: datetime) -> date:
    """Return the first partition: last year's first day, or the account's where that is later.

    A full read brings older records up to date all the same. As days they would be thousands that
    nobody asks for singly, each an event of every asset in Dagster's log; and assets whose past
    cannot be read would look empty beside them for good.
    """
    last_year = date(business_day(now, ZoneInfo(ZONE)).year - 1, 1, 1)
    return max(SINCE, at_definition("partitions_since") or last_year)


business_days = dg.DailyPartitionsDefinition(
    start_date=first_day(utc_now()).isoformat(), timezone=ZONE, end_offset=1
)
"""Business days in the account's zone, from the first of last year; today is among them.

One object for every partitioned asset: Dagster starts one job only over assets that share it.
"""


def today(now: datetime) -> str:
    """Return the partition of the business day that a moment lies in."""
    return business_day(now, ZoneInfo(business_days.timezone)).isoformat()
