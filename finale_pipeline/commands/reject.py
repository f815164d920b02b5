"""`finale reject`: a held read is wrong."""

import getpass

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.approve import waiting
from finale_pipeline.commands.common import open_warehouse, pass_warehouse, say
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import holds
from finale_pipeline.warehouse.holds import Hold


@click.command()
@click.argument("run", type=int)
@pass_warehouse
def command(settings: Settings, *, run: int) -> None:
    """Note that what run RUN held is wrong."""
    hold = reject(settings, run)
    say(
        f"{hold.subject} stays as it is. Reads that say the same are held without a word; the"
        " first believable one is taken."
    )


def reject(settings: Settings, run_id: int) -> Hold:
    """Note that a held read is wrong; later reads that say the same are held without a word.

    Raises:
        ConfigError: That run holds nothing that waits for a decision.
    """
    with open_warehouse(settings) as connection:
        hold = waiting(connection, run_id)
        holds.settle(connection, hold.subject, "rejected", now=utc_now(), by=getpass.getuser())
    return hold
