"""What a database is made of, as PostgreSQL's catalogue has it: to compare two of them."""

from typing import Any

from finale_pipeline.warehouse import definitions
from finale_pipeline.warehouse.connect import Connection

# Views are compared by their columns and their files' digest: PostgreSQL keeps the order of a
# table's columns in the text of a view, and an added column is its last.
QUERIES = {
    "columns": """
        SELECT a.attrelid::regclass::text, c.relkind::text, c.relpersistence::text, a.attname::text,
               format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated::text,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE NOT a.attisdropped AND c.relkind IN ('r', 'v', 'S')
          AND c.relnamespace IN {schemas}""",
    "relations": """
        SELECT c.oid::regclass::text, obj_description(c.oid, 'pg_class'),
               (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(c.relacl) x)
        FROM pg_class c WHERE c.relkind IN ('r', 'v', 'S') AND c.relnamespace IN {schemas}""",
    "constraints": """
        SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE contype <> 'n' AND connamespace IN {schemas}""",
    "indexes": """
        SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE c.relnamespace IN {schemas}""",
    "functions": """
        SELECT pg_get_functiondef(oid), obj_description(oid, 'pg_proc'), proacl::text
        FROM pg_proc WHERE pronamespace IN {schemas}""",
    "triggers": """
        SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace IN {schemas}""",
    "rights": """
        SELECT attrelid::regclass::text, attname::text, attacl::text
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE attacl IS NOT NULL AND c.relnamespace IN {schemas}
        UNION ALL
        SELECT nspname::text, '', nspacl::text FROM pg_namespace WHERE oid IN {schemas}""",
    "digest": "SELECT version_num, definitions FROM ops.schema_version",
}
SCHEMAS = ", ".join(f"'{name}'::regnamespace" for name in definitions.SCHEMAS)


def catalog(connection: Connection) -> dict[str, set[tuple[Any, ...]]]:
    """Return what a database is made of, by kind."""
    return {
        kind: {
            tuple(str(value) for value in row)
            for row in connection.execute(query.format(schemas=f"({SCHEMAS})").encode()).fetchall()
        }
        for kind, query in QUERIES.items()
    }
