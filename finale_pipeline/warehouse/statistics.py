"""Statistics of tables, by which the server chooses how to carry out a statement."""

from finale_pipeline.warehouse.connect import Connection

WITHOUT = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('core', 'plan', 'ops')
  AND c.reltuples < 0 AND pg_relation_size(c.oid) > 0
"""


def gather_missing(connection: Connection) -> None:
    """Gather the statistics of filled tables that have none, as after a first load.

    The server's own daemon comes to it after minutes. Until then a page takes the plan that suits
    an empty table, and several times as long.
    """
    tables = connection.texts(WITHOUT)
    if tables:
        connection.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(tables)}")
