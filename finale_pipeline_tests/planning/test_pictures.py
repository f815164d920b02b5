"""Pictures are bytes of a PNG, the same for the same plan."""

import json
from pathlib import Path

import pytest

from finale_pipeline.cli import main
from finale_pipeline.planning import pictures
from finale_pipeline.planning.compute import compute
from finale_pipeline.planning.reading import read
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, SETTINGS, Warehouse

PNG = b"\x89PNG\r\n"


def test_every_picture_is_drawn_and_the_same_twice(connection: Connection, tmp_path: Path) -> None:
    warehouse = Warehouse(connection)
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=40 + 9 * n, on_order=20)
        warehouse.sales(url, [float((day * (n + 3)) % (n + 4)) for day in range(300)])
    warehouse.product("never", available=3)
    with connection.transaction():
        known = read(connection, AS_OF, observed=AS_OF)
    planned = compute(known, SETTINGS)
    table = pictures.abc_xyz_table(planned.products)

    def fan() -> bytes:
        return pictures.fan_chart(pictures.fan_of(known, planned, 1))

    def abc_xyz() -> bytes:
        return pictures.abc_xyz_chart(table)

    def scores() -> bytes:
        return pictures.score_chart(["a", "b"], [0.2, 0.3], [0.95, 0.4])

    for draw in (fan, abc_xyz, scores):
        png = draw()
        assert png.startswith(PNG)
        assert png == draw()
        assert len(png) < 100_000
        (tmp_path / f"{draw.__name__}.png").write_bytes(png)
    assert table["products"].sum() == 12
    with pytest.raises(ValueError, match="never sold"):
        pictures.fan_of(known, planned, 0)


def test_the_command_draws_a_product_and_plans_nothing(
    url: str,
    connection: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    monkeypatch.setenv("FINALE_HOME", str(tmp_path))
    warehouse = Warehouse(connection)
    sells = warehouse.product("a/b 1", available=40)
    warehouse.sales(sells, [2.0] * 100)
    warehouse.product("never", available=3)

    assert main(["forecast", "picture", "a/b 1", "--json"]) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert drawn["picture"] == str(tmp_path / "reports" / f"a_b_1-{AS_OF}.png")
    assert "Sells 2 a day." in drawn["says"]
    assert Path(drawn["picture"]).read_bytes().startswith(PNG)
    out = tmp_path / "there" / "fan.png"
    day = ["--on", "2026-02-01"]
    assert main(["forecast", "picture", "a/b 1", "--out", str(out), *day]) == 0
    assert str(out) in capsys.readouterr().out
    assert out.read_bytes().startswith(PNG)
    assert warehouse.rows("plan.forecast") == []
    assert main(["forecast", "picture", "never"]) == 4
    assert (
        "SKU never: nothing was sold in the two years before 2026-03-09" in capsys.readouterr().err
    )
    assert main(["forecast", "picture", "unknown"]) == 4
    assert main(["forecast", "picture"]) == 4
    assert "finale forecast picture SKU" in capsys.readouterr().err
