"""`finale reject`: a held read is wrong."""

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.approve import waiting
from finale_pipeline.commands.common import actor, pass_connection, say
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import holds
from finale_pipeline.warehouse.connect import Connection


@click.command()
@click.argument("run", type=int)
@pass_connection
def command(_settings: Settings, connection: Connection, *, run: int) -> None:
    """Note that what run RUN held is wrong."""
    hold = waiting(connection, run)
    holds.settle(connection, hold.subject, "rejected", now=utc_now(), by=actor())
    say(
        f"{hold.subject} stays as it is. Reads that say the same are held without a word; the"
        " first believable one is taken."
    )
