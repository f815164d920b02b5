"""Writes lineage.json from a database at the newest schema, beside the dictionary.

What each column of a view of `mart` is made of, by the definitions that PostgreSQL itself keeps:
there every name is resolved. Dagster shows it; it is read there and made here, since parsing takes
seconds and a package that only developers have. A test holds it against what PostgreSQL says that
each view looks at.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from finale_pipeline.warehouse.table_columns import COLUMNS

if TYPE_CHECKING:
    from finale_pipeline.warehouse.connect import Connection

FILE = Path(__file__).with_suffix(".json")
VIEWS = """
SELECT schemaname || '.' || viewname, definition FROM pg_views
WHERE schemaname IN ('mart', 'core', 'plan', 'ops') ORDER BY 1
"""

Source = tuple[str, str]
"""A table or view, and a column of it."""


class SourceColumn(TypedDict):
    """A column of a view: its type, its meaning, and the [table, column] that it is made of."""

    type: str
    about: str
    of: list[list[str]]


class View(TypedDict):
    """A view: what it is about, and its columns."""

    about: str
    columns: dict[str, SourceColumn]


@cache
def stored_views() -> dict[str, View]:
    """Return the views of `mart`, as the file has them."""
    stored: dict[str, View] = json.loads(FILE.read_text(encoding="utf-8"))
    return stored


def render(connection: "Connection") -> str:
    """Return the lineage of a database as JSON, a line per column."""
    views = []
    for view, definition in traced(connection).items():
        lines = ",\n".join(
            f"   {json.dumps(name)}: {json.dumps(column)}"
            for name, column in definition["columns"].items()
        )
        views.append(
            f' {json.dumps(view)}: {{\n  "about": {json.dumps(definition["about"])},\n'
            f'  "columns": {{\n{lines}\n  }}\n }}'
        )
    return "{\n" + ",\n".join(views) + "\n}\n"


def traced(connection: "Connection") -> dict[str, View]:
    """Return what `stored_views` returns, from the database."""
    columns = connection.execute(COLUMNS).fetchall()
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for space, name, _, column, kind, *_ in columns:
        schema.setdefault(space, {}).setdefault(name, {})[column] = kind
    definitions = connection.mapping(VIEWS)
    direct = {view: _made_of(_parsed(text), schema) for view, text in definitions.items()}
    views: dict[str, View] = {}
    for space, name, about, column, kind, meaning, *_ in columns:
        if space == "mart":
            view = f"mart.{name}"
            sources = [list(source) for source in sorted(_behind((view, column), direct))]
            entry = views.setdefault(view, {"about": about or "", "columns": {}})
            entry["columns"][column] = {"type": kind, "about": meaning, "of": sources}
    return views


def _behind(column: Source, direct: Mapping[str, Mapping[str, set[Source]]]) -> set[Source]:
    """Return what a view's column is made of; views that are not of `mart` are looked through."""
    view, name = column
    return {
        further
        for source in direct[view].get(name, ())
        for further in (
            _behind(source, direct)
            if source[0] in direct and not source[0].startswith("mart.")
            else {source}
        )
    }


def _made_of(query: Any, schema: dict[str, Any]) -> dict[str, set[Source]]:
    """Return column of a query → the columns of tables and views that it is made of."""
    from sqlglot import exp  # developers have it
    from sqlglot.lineage import lineage

    made_of: dict[str, set[Source]] = {}
    for column, end in lineage(None, query, schema=schema, dialect="postgres").items():
        leaves = [(n.expression, n.name) for n in end.walk()]
        sources = {
            (f"{table.db}.{table.name}", name.rpartition(".")[2].strip('"'))
            for table, name in leaves
            if isinstance(table, exp.Table)
        }
        # What is computed of no column, such as a count, ends at the table itself.
        made_of[column] = {
            (table, name)
            for table, name in sources
            if name in schema.get(table.partition(".")[0], {}).get(table.partition(".")[2], {})
        }
    return made_of


def _parsed(definition: str) -> Any:
    """Return the query of a view, its LATERAL subqueries turned into plain ones.

    What such a one looks at beside itself chooses rows, and makes no column; where it has no rows
    of its own, it only names expressions, and these stand for their names.
    """
    import sqlglot  # developers have it
    from sqlglot import exp

    query: Any = sqlglot.parse_one(definition, dialect="postgres")
    for chosen in list(query.find_all(exp.Select)):
        _flatten(chosen)
    laterals: list[Any] = list(query.find_all(exp.Lateral))
    for lateral in laterals:
        if not isinstance(lateral.this, exp.Subquery):
            continue
        inner, name = lateral.this.this, lateral.alias
        if inner.args.get("from_") is None:
            named = {expression.alias: expression.unalias() for expression in inner.expressions}
            for column in list(query.find_all(exp.Column)):
                if column.table == name and column.name in named:
                    expression = exp.paren(named[column.name].copy())
                    is_output = isinstance(column.parent, exp.Select)
                    column.replace(exp.alias_(expression, column.name) if is_output else expression)
            lateral.find_ancestor(exp.Join).pop()
        else:
            inner.set("where", None)
            lateral.replace(exp.Subquery(this=inner, alias=lateral.args.get("alias")))
    return query


def _flatten(chosen: Any) -> None:
    """Take the parentheses from around joins; PostgreSQL writes them, and they change nothing."""
    from sqlglot import exp  # developers have it

    begins = chosen.args.get("from_")
    if begins is None:
        return
    first: Any = begins.this
    joins: list[Any] = []
    while isinstance(first, exp.Subquery) and isinstance(first.this, exp.Table | exp.Subquery):
        joins = [*(first.args.get("joins") or []), *joins]
        first = first.this
    joins = [*(first.args.get("joins") or []), *joins]
    first.set("joins", None)
    begins.set("this", first)
    chosen.set("joins", [*joins, *(chosen.args.get("joins") or [])])
