"""`finale backup`: the warehouse as one file, read again."""

import json
from pathlib import Path

import click

from finale_pipeline.backup.create import backup, shown
from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import json_option, pass_settings, say
from finale_pipeline.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--with-dagster", is_flag=True, help="Dagster's own records, too.")
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N", help="Delete all but the newest N there."
)
@json_option
@pass_settings
def command(
    settings: Settings, *, file: Path | None, with_dagster: bool, keep: int | None, as_json: bool
) -> None:
    """Write the warehouse into one file, and read it again; FILE may be a folder."""
    report = backup(settings, file, with_dagster=with_dagster, keep=keep, now=utc_now())
    say(json.dumps(report.as_dict()) if as_json else shown(report))
