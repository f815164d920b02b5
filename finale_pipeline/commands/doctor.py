"""`finale doctor`: everything examined, each finding with its next step."""

import click

from finale_pipeline.commands.common import answering, pass_account
from finale_pipeline.health.doctor import examine, exit_code, shown
from finale_pipeline.health.findings import Finding
from finale_pipeline.settings import Settings


@click.command()
@answering(shown, exit_code)
@pass_account
def command(settings: Settings) -> list[Finding]:
    """Examine settings, disk, database, source and data."""
    return examine(settings)
