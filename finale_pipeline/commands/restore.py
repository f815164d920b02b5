"""`finale restore`: a backup becomes the warehouse."""

import json
from pathlib import Path

import click

from finale_pipeline.backup.restore import restore, shown
from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import json_option, pass_settings, say
from finale_pipeline.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Even where there are data.")
@click.option("--with-dagster", is_flag=True, help="Dagster's own records, too.")
@click.option("--discard", is_flag=True, help="Do not keep the state before.")
@click.option(
    "--trust-foreign", is_flag=True, help="One that another installation wrote; a backup is code."
)
@json_option
@pass_settings
def command(
    settings: Settings,
    *,
    file: Path,
    replace: bool,
    with_dagster: bool,
    discard: bool,
    trust_foreign: bool,
    as_json: bool,
) -> None:
    """Make a backup the warehouse; a failure changes nothing."""
    report = restore(
        settings,
        file,
        replace=replace,
        with_dagster=with_dagster,
        discard=discard,
        trust_foreign=trust_foreign,
        now=utc_now(),
    )
    say(json.dumps(report.as_dict()) if as_json else shown(report))
