"""`finale backup`: the warehouse as one file, read again."""

from pathlib import Path

import click

from finale_pipeline.backup.create import BackupReport, backup, shown
from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import answering, pass_settings
from finale_pipeline.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--with-dagster", is_flag=True, help="Dagster's own records, too.")
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N", help="Delete all but the newest N there."
)
@answering(shown)
@pass_settings
def command(
    settings: Settings, *, file: Path | None, with_dagster: bool, keep: int | None
) -> BackupReport:
    """Write the warehouse into one file, and read it again; FILE may be a folder."""
    return backup(settings, file, with_dagster=with_dagster, keep=keep, now=utc_now())
