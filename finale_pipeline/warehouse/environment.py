"""What of a process's environment reaches PostgreSQL: nothing by accident.

Its client library reads some thirty variables; with one of them names would be stored in another
encoding, days in another order, or rows in another database than the settings say.
"""

import os

import psycopg

INHERITED = ("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR")
"""What PostgreSQL's programs need of whoever starts them."""
CREDENTIALS = ("PGPASSFILE", "PGPASSWORD", "PGSSLCERT", "PGSSLCRL", "PGSSLKEY", "PGSSLROOTCERT")
"""Variables of PostgreSQL's that hold: how we prove who we are, and whom we believe."""
UNLISTED = ("PGSYSCONFDIR", "PGLOCALEDIR", "PGTZ", "PGDATESTYLE", "PGGEQO", "PGSERVICEFILE")
"""Variables that the library reads and does not list among its options."""


def programs(*more: str) -> dict[str, str]:
    """Return what PostgreSQL's programs inherit, and `more` by name: no secret, no language."""
    variables = {name: os.environ[name] for name in (*INHERITED, *more) if name in os.environ}
    return variables | {"LC_ALL": "C"}


def forget() -> None:
    """Have this process, and what it starts, forget the client library's variables but CREDENTIALS.

    They cannot be overridden one by one: some of them go before what a connection asks for.
    """
    options = psycopg.pq.Conninfo.get_defaults()
    read = {option.envvar.decode() for option in options if option.envvar}
    for name in {*read, *UNLISTED} - {*CREDENTIALS}:
        os.environ.pop(name, None)
