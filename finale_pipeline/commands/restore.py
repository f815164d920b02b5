"""`finale restore`: a backup becomes the warehouse."""

from pathlib import Path

import click

from finale_pipeline.backup.restore import RestoreReport, restore, shown
from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import answering, pass_settings
from finale_pipeline.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Even where there are data.")
@click.option("--with-dagster", is_flag=True, help="Dagster's own records, too.")
@click.option("--discard", is_flag=True, help="Do not keep the state before.")
@click.option(
    "--trust-foreign", is_flag=True, help="One that another installation wrote; a backup is code."
)
@answering(shown)
@pass_settings
def command(settings: Settings, /, *, file: Path, **options: bool) -> RestoreReport:
    """Make a backup the warehouse; a failure changes nothing."""
    return restore(settings, file, now=utc_now(), **options)
