"""The SQL of a table has one owner, in `warehouse/`: a column is changed where it is declared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import finale_pipeline

PACKAGE = Path(finale_pipeline.__file__).parent
STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|DELETE FROM|TRUNCATE)\s|\bUPDATE \S+ (\w+ )?SET\b|\bFROM \w+\.\w+\b"
)
TEMPORARY = re.compile(r"CREATE TEMP TABLE (?:IF NOT EXISTS )?(\w+)")
NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING|ANALYZE|COPY|TABLE|EXISTS)\s+(\w+)\b(?!\.)")
HINT = re.compile(r"^(See|Run)\b|SELECT \* FROM ops\.\w+`?$")
ELSEWHERE = {
    "frames.py": "asks the promised views, as the reader",
    "backup/create.py": "asks the server, not our tables",
    "backup/manifest.py": "asks the server's catalogue",
    "backup/preconditions.py": "asks the server's catalogue",
    "backup/restore.py": "asks the server's catalogue",
    "sync/catalog.py": "names the writer's own table and stage",
    "sync/checkpoints.py": "hands over keys",
    "sync/commits.py": "names the writer's own table",
    "sync/purchases.py": "names the writer's own stage",
    "api/rest/pagination.py": "wraps the statement of a listing",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        # A drill looks from outside at what it left.
        if not name.startswith(("warehouse/", "sandbox/", "drills/")):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def statements(tree: ast.Module) -> list[str]:
    """Return the strings of a module that are SQL; docstrings and hints for people are none."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs
        and STATEMENT.search(node.value)
        and not HINT.search(node.value)
    ]


def test_only_the_warehouse_speaks_sql() -> None:
    found = {name: sql for name, tree in modules() if (sql := statements(tree))}
    assert {name: sql for name, sql in found.items() if name not in ELSEWHERE} == {}
    assert set(ELSEWHERE) - set(found) == set(), "it moved: take it off the list"


def test_a_temporary_table_is_named_in_one_module() -> None:
    """Who else needs what is in it asks the module that makes it, by a function or a query."""
    text = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.*")
        if path.suffix in {".py", ".sql"}
    }
    owner = {table: name for name, sql in text.items() for table in TEMPORARY.findall(sql)}
    assert len(owner) > 10
    elsewhere = {
        (name, table)
        for name, sql in text.items()
        for table in NAMED.findall(sql)
        if owner.get(table, name) != name
    }
    assert elsewhere == set()


def test_every_advisory_lock_is_taken_by_its_name() -> None:
    """Two numbers for one lock, or one number for two, once kept nobody out."""
    named = {"warehouse/locks.py", "warehouse/leases.py", "warehouse/outbox.py"}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "pg_advisory" in path.read_text(encoding="utf-8")
        or "pg_try_advisory" in path.read_text(encoding="utf-8")
    }
    assert found == named
