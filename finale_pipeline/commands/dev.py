"""`finale dev`: everything at once, until Ctrl-C."""

from typing import NoReturn

import click

from finale_pipeline.commands.common import pass_settings, say
from finale_pipeline.services import dev, processes
from finale_pipeline.settings import Settings


@click.command()
@pass_settings
def command(settings: Settings) -> NoReturn:
    """Start everything: database, sandbox, Dagster, API and pages."""
    processes.leave(dev.run(settings, say))
