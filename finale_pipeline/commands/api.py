"""`finale api`: the API and the pages alone."""

import click

from finale_pipeline.commands.common import pass_warehouse
from finale_pipeline.services import serving
from finale_pipeline.settings import Settings


@click.command()
@pass_warehouse
def command(settings: Settings) -> int:
    """Serve the API and the pages, without Dagster."""
    return serving.serve(settings)
