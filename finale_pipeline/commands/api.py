"""`finale api`: the API and the pages alone."""

from typing import NoReturn

import click

from finale_pipeline.commands.common import pass_warehouse
from finale_pipeline.services import processes, serving
from finale_pipeline.settings import Settings


@click.command()
@pass_warehouse
def command(settings: Settings) -> NoReturn:
    """Serve the API and the pages, without Dagster."""
    serving.serve(settings)
    processes.leave(0)
