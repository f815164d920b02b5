"""`finale watch`: the dead man's switch, for cron or a timer."""

import json

import click

from finale_pipeline.commands.common import json_option, pass_settings, say
from finale_pipeline.health.watch import shown, watch
from finale_pipeline.settings import Settings


@click.command()
@json_option
@pass_settings
def command(settings: Settings, *, as_json: bool) -> int:
    """Look once whether all runs, and mail when it does not; then the exit code is 9."""
    result = watch(settings)
    say(json.dumps(result.as_dict()) if as_json else shown(result))
    return result.exit_code
