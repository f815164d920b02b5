"""`finale serve`: one service, for good."""

import click

from finale_pipeline.commands.common import pass_settings, say
from finale_pipeline.errors import LocalError
from finale_pipeline.services import processes
from finale_pipeline.settings import Settings


@click.command()
@click.argument("service", type=click.Choice(processes.SERVICES))
@click.option("--check", is_flag=True, help="Only say whether it runs and is well.")
@pass_settings
def command(settings: Settings, *, service: str, check: bool) -> int:
    """Run one service for good: what `finale dev`, the units and the compose file start."""
    if not check:
        return processes.serve(settings, service)
    is_well = processes.is_well(settings, service)
    say(f"{service} is well" if is_well else f"{service} does not answer")
    return 0 if is_well else LocalError.exit_code
