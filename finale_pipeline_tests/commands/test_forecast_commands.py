"""`finale forecast adjust`, `adjustments`, `outcomes`: what a person types, and what is stored."""

from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from finale_pipeline.commands.forecast import command
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import Warehouse


@pytest.fixture
def finale(url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    warehouse = Warehouse(connection)
    warehouse.product("mug")
    warehouse.product("old-mug")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, list(arguments), catch_exceptions=True)
        return done.exit_code, done.output + str(done.exception or "")

    return run


def test_what_is_typed_is_stored_with_who_and_can_be_taken_back(
    finale: Any, connection: Connection
) -> None:
    code, _ = finale("adjust", "mug", "--times", "1.5", "--from", "2026-12-01",
                     "--until", "2026-12-24", "--note", "advent")  # fmt: skip
    assert code == 0
    assert finale("adjust", "mug", "--successor-of", "old-mug")[0] == 0
    for wrong in (
        ("mug",),
        ("mug", "--times", "much", "--from", "2026-12-01", "--until", "2026-12-24"),
        ("mug", "--times", "2", "--from", "2026-12-24", "--until", "2026-12-01"),
        ("nothing of that name", "--units", "3", "--from", "2026-12-01", "--until", "2026-12-24"),
        ("acme", "--scope", "vendor", "--units", "3", "--from", "2026-12-01",
         "--until", "2026-12-24"),
    ):  # fmt: skip
        assert finale("adjust", *wrong)[0] != 0, wrong

    rows = connection.execute(
        "SELECT adjustment_id, kind, value, made_by FROM plan.demand_adjustment ORDER BY 1"
    ).fetchall()
    assert [row[1:3] for row in rows] == [("times", Decimal("1.5")), ("successor", None)]
    assert all(row[3] for row in rows)

    _, listed = finale("adjustments")
    assert "mug: 1.5 times from 2026-12-01 to 2026-12-24" in listed
    assert "mug takes the place of old-mug" in listed
    code, left = finale("adjustments", "--withdraw", str(rows[0][0]))
    assert (code, "1.5 times" in left) == (0, False)
    assert finale("adjustments", "--withdraw", "99")[0] != 0


def test_outcomes_say_when_nothing_can_be_judged_yet(finale: Any) -> None:
    code, said = finale("outcomes")
    assert code == 0
    assert "No plan is old enough yet" in said
