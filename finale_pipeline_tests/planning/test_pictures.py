"""Pictures are SVG, the same for the same plan, and the same as on the page."""

from pathlib import Path
from xml.etree import ElementTree

from finale_pipeline.planning import pictures
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse


def test_every_picture_is_drawn_and_the_same_twice(connection: Connection, tmp_path: Path) -> None:
    warehouse = Warehouse(connection)
    for n in range(12):
        url = warehouse.product(f"p{n:02}", available=40 + 9 * n, on_order=20)
        warehouse.sales(url, [float((day * (n + 3)) % (n + 4)) for day in range(300)])
    warehouse.product("never", available=3)
    planned = plan_day(connection, AS_OF, SETTINGS, now=NOW).planned
    table = pictures.abc_xyz_table(planned.products)

    def fan() -> str:
        return pictures.fan_chart(connection, planned, 1)

    def abc_xyz() -> str:
        return pictures.abc_xyz_chart(table)

    for draw in (fan, abc_xyz):
        picture = draw()
        ElementTree.fromstring(picture)  # noqa: S314 - our own
        assert picture == draw()
        assert len(picture) < 100_000
        (tmp_path / f"{draw.__name__}.svg").write_text(picture)
    assert table["products"].sum() == 12
