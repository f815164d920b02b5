"""The check that shows a wrong setting on a page, instead of a default that nobody chose."""

import dagster as dg

from finale_pipeline.assets.checks import Check, CheckResult
from finale_pipeline.assets.partitions import SINCE, ZONE
from finale_pipeline.errors import ConfigError
from finale_pipeline.resources import Finale


def check_settings(finale: Finale) -> CheckResult:
    """Say whether the settings are right, and those that the assets were defined with."""
    try:
        settings = finale.settings()
    except ConfigError as error:
        why = f"{error.what} {error.step} Until then nothing runs, and days are shown in UTC."
        return CheckResult(passed=False, why=why, numbers={}, severity=dg.AssetCheckSeverity.ERROR)
    if (settings.timezone, settings.since) != (ZONE, SINCE):
        why = "FINALE_TIMEZONE or FINALE_SINCE was changed since Dagster loaded the assets."
        step = "Reload the code location under Deployment."
        return CheckResult(passed=False, why=f"{why} {step}", numbers={})
    return CheckResult(passed=True, why="", numbers={"timezone": settings.timezone})


SETTING_CHECK = Check(
    "facilities",
    "settings_are_right",
    "Every FINALE_… setting is known and has a value that it may have. Looked at by the sensor"
    " settings_watch all the time, not only when facilities are read.",
    lambda look: check_settings(look.finale),
)
