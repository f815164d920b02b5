"""What the tutorial tells people to type works as it stands."""

import re
import shlex
from pathlib import Path

import psycopg
import pytest

from finale_pipeline.cli import main
from finale_pipeline.warehouse.connect import Connection, connect

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


QUESTIONS = [block for block in blocks("sql") if block.startswith("SELECT")]


def test_there_are_three_questions_in_sql_and_one_in_python() -> None:
    assert (len(QUESTIONS), len(blocks("python"))) == (3, 1)


def test_the_questions_in_sql_have_answers(url: str, connection: Connection) -> None:
    connection.execute("CREATE ROLE asker LOGIN IN ROLE finale_reader")
    try:
        with connect(url.replace("finale@", "asker@", 1), name="tests") as hers:
            for question in QUESTIONS:
                assert hers.execute(question.encode()).fetchall(), question
    finally:
        connection.execute("DROP ROLE asker")


def test_the_shelf_of_a_week_ago_is_as_it_was_observed(connection: Connection) -> None:
    cursor = connection.execute(QUESTIONS[-1].encode())
    assert cursor.description
    names = [column.name for column in cursor.description]
    first = dict(zip(names, cursor.fetchall()[0], strict=True))
    row = connection.execute(
        "SELECT count(*) FROM core.stock_daily h JOIN core.product p USING (product_url)"
        " WHERE p.sku = %s AND h.on_hand_units = %s AND h.snapshot_on <= %s",
        (first["sku"], first["then_units"], first["observed_on"]),
    ).fetchone()
    assert row
    assert int(str(row[0])) >= 1
    assert float(str(first["sold_units"])) > 0


def test_the_question_in_python_has_an_answer(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    exec(compile(blocks("python")[0], "docs/tutorial.md", "exec"), {})  # noqa: S102 - our own text
    said = capsys.readouterr().out
    assert "inventory_levels" in said
    assert "account's" in said


def test_the_user_for_analysts_is_made_and_limited(url: str, connection: Connection) -> None:
    """Also that the limits are really hers when she logs in."""
    (block,) = [block for block in blocks("sql") if block.startswith("CREATE ROLE")]
    for statement in block.replace("ROLE ann", "ROLE tutorial").split(";\n"):
        if statement.strip():
            connection.execute(statement.encode())
    try:
        with connect(url.replace("finale@", "tutorial@", 1), name="tests") as hers:
            assert hers.execute("SELECT count(*) FROM mart.stock_now").fetchone() != (0,)
        with psycopg.connect(url.replace("finale@", "tutorial@", 1)) as plain:
            assert plain.execute("SHOW statement_timeout").fetchone() == ("5min",)
    finally:
        connection.execute("DROP ROLE tutorial")


def test_every_command_of_the_tutorial_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands = re.findall(r"\.venv/bin/finale ([a-z ]+)", TEXT)
    assert len(commands) > 3
    for command in commands:
        assert main([*shlex.split(command)[:1], "--help"]) == 0, command
    capsys.readouterr()
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert {t for t in re.findall(r"make (\w+)", TEXT) if f"\n{t}:" not in makefile} == set()
