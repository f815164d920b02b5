"""Lists everything that Dagster should know; decides nothing."""

import dagster as dg

from finale_pipeline.assets.alert_checks import ALERT_ASSET_CHECKS
from finale_pipeline.assets.catalog import facilities, products, vendors
from finale_pipeline.assets.checks import ASSET_CHECKS
from finale_pipeline.assets.critical import critical_items
from finale_pipeline.assets.plan_checks import PLAN_ASSET_CHECKS
from finale_pipeline.assets.purchasing import plan
from finale_pipeline.assets.sales import purchase_orders, shipments
from finale_pipeline.assets.stock import inventory_levels
from finale_pipeline.automation.alerting import ALERT_SCHEDULES, ALERT_SENSORS
from finale_pipeline.automation.housekeeping import housekeeping
from finale_pipeline.automation.jobs import SYNC_JOBS
from finale_pipeline.automation.schedules import SCHEDULES
from finale_pipeline.automation.sensors import SENSORS
from finale_pipeline.resources import Finale

definitions = dg.Definitions(
    assets=[
        facilities,
        products,
        vendors,
        inventory_levels,
        critical_items,
        purchase_orders,
        shipments,
        plan,
    ],
    asset_checks=[*ASSET_CHECKS, *ALERT_ASSET_CHECKS, *PLAN_ASSET_CHECKS],
    jobs=[*SYNC_JOBS.values(), housekeeping],
    schedules=[*SCHEDULES, *ALERT_SCHEDULES],
    sensors=[*SENSORS, *ALERT_SENSORS],
    resources={"finale": Finale()},
    executor=dg.in_process_executor,
)
