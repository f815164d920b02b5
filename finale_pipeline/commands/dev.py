"""`finale dev`: everything at once, until Ctrl-C."""

import click

from finale_pipeline.commands.common import pass_settings, say
from finale_pipeline.services import dev
from finale_pipeline.settings import Settings


@click.command()
@pass_settings
def command(settings: Settings) -> int:
    """Start everything: database, sandbox, Dagster, API and pages."""
    return dev.run(settings, say)
