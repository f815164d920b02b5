"""Lists everything that Dagster should know; decides nothing."""

import dagster as dg

from finale_pipeline.assets.catalog import facilities, products, vendors
from finale_pipeline.assets.checks import ASSET_CHECKS
from finale_pipeline.assets.plan_checks import PLAN_ASSET_CHECKS
from finale_pipeline.assets.purchasing import plan
from finale_pipeline.assets.stock import inventory_levels
from finale_pipeline.automation.jobs import JOBS
from finale_pipeline.automation.sensors import SENSORS
from finale_pipeline.resources import Finale

definitions = dg.Definitions(
    assets=[facilities, products, vendors, inventory_levels, plan],
    asset_checks=[*ASSET_CHECKS, *PLAN_ASSET_CHECKS],
    jobs=JOBS,
    sensors=SENSORS,
    resources={"finale": Finale()},
    executor=dg.in_process_executor,
)
