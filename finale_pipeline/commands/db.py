"""`finale db`: the database itself."""

import click

from finale_pipeline.backup.restore import drop_kept
from finale_pipeline.commands.common import answering, pass_settings, pass_warehouse, say
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import connect, embedded, schema
from finale_pipeline.warehouse.reader import Reader, create_reader, reader_of


@click.group()
def command() -> None:
    """The database: upgrade, stop, url, a user who reads; drop what a restore kept."""


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
    stopped = embedded.stop(connect.data_folder(settings))
    say("The embedded database is stopped." if stopped else "It was not running.")


@command.command()
@click.option("--reader", "is_reader", is_flag=True, help="That of the user who only reads.")
@pass_settings
def url(settings: Settings, *, is_reader: bool) -> None:
    """Show the database's address, without a password."""
    owner = connect.database_url(settings)
    if is_reader:
        say(reader_of(owner, loopback_port=settings.database_port).url)
    else:
        say(connect.shown_url(owner))


def _reader_shown(reader: Reader) -> str:
    lines = [
        f"host       {reader.host}",
        f"port       {reader.port}",
        f"database   {reader.database}",
        f"user       {reader.user}",
        f"password   {reader.password}",
        "The password is shown this once; run it again for a new one. It reads the schema mart.",
    ]
    if not reader.has_port:
        lines.append(
            "Only programs of this machine's user that know sockets can connect. For others set"
            " FINALE_DATABASE_PORT, such as 5433, and start again."
        )
    return "\n".join(lines)


@command.command()
@answering(_reader_shown)
@pass_warehouse
def reader(settings: Settings) -> Reader:
    """Make a user for Metabase, Excel and others, who may only read; or give it a new password."""
    return create_reader(connect.database_url(settings), loopback_port=settings.database_port)


@command.command()
@click.argument("name")
@pass_settings
def drop(settings: Settings, *, name: str) -> None:
    """Delete a state that a restore kept."""
    drop_kept(connect.database_url(settings), name)
    say(f"The database {name} is deleted.")
