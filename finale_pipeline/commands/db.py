"""`finale db`: the database itself."""

import click

from finale_pipeline.backup.restore import drop_kept
from finale_pipeline.commands.common import pass_settings, say
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import connect, embedded, schema


@click.group()
def command() -> None:
    """The database: upgrade, stop, url; drop what a restore kept."""


@command.command()
@pass_settings
def upgrade(settings: Settings) -> None:
    """Bring the schema up to date."""
    say(f"The schema is at {schema.upgrade(connect.database_url(settings))}.")


@command.command()
@pass_settings
def stop(settings: Settings) -> None:
    """Stop the embedded server."""
    if settings.database_url is not None:
        say("FINALE_DATABASE_URL names a server of your own; it is left alone.")
        return
    stopped = embedded.stop((settings.home / "postgres").resolve())
    say("The embedded database is stopped." if stopped else "It was not running.")


@command.command()
@pass_settings
def url(settings: Settings) -> None:
    """Show the database's address, without a password."""
    say(connect.shown_url(connect.database_url(settings)))


@command.command()
@click.argument("name")
@pass_settings
def drop(settings: Settings, *, name: str) -> None:
    """Delete a state that a restore kept."""
    drop_kept(connect.database_url(settings), name)
    say(f"The database {name} is deleted.")
