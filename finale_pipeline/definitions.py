"""Lists everything that Dagster should know; decides nothing."""

import gc

import dagster as dg

# What Dagster imported stays for as long as the process: searching it for garbage, while ours is
# imported and once more when the process ends, takes longer than our imports.
gc.freeze()

from finale_pipeline.assets import marts
from finale_pipeline.assets.account import account
from finale_pipeline.automation.alerting import ALERT_SCHEDULES, ALERT_SENSORS
from finale_pipeline.automation.housekeeping import housekeeping
from finale_pipeline.automation.jobs import SYNC_JOBS
from finale_pipeline.automation.schedules import SCHEDULES
from finale_pipeline.automation.sensors import SENSORS
from finale_pipeline.resources import Finale

definitions = dg.Definitions(
    assets=[account, *marts.specs()],
    jobs=[*SYNC_JOBS.values(), housekeeping],
    schedules=[*SCHEDULES, *ALERT_SCHEDULES],
    sensors=[*SENSORS, *ALERT_SENSORS],
    resources={"finale": Finale()},
    executor=dg.in_process_executor,
)
