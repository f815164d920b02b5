"""`finale doctor`: everything examined, each finding with its next step."""

import click

from finale_pipeline.commands.common import answer, json_option, pass_account
from finale_pipeline.health.doctor import examine, exit_code, shown
from finale_pipeline.settings import Settings


@click.command()
@json_option
@pass_account
def command(settings: Settings, *, as_json: bool) -> int:
    """Examine settings, disk, database, source and data."""
    findings = examine(settings)
    answer([f.as_dict() for f in findings] if as_json else findings, shown, as_json=as_json)
    return exit_code(findings)
