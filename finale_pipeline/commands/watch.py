"""`finale watch`: the dead man's switch, for cron or a timer."""

import click

from finale_pipeline.commands.common import answering, pass_settings
from finale_pipeline.health.watch import Watched, shown, watch
from finale_pipeline.settings import Settings


@click.command()
@answering(shown, lambda watched: watched.exit_code)
@pass_settings
def command(settings: Settings) -> Watched:
    """Look once whether all runs, and mail when it does not; then the exit code is 9."""
    return watch(settings)
