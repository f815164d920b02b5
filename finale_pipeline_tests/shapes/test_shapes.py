"""Each recorded shape of an answer goes through a full sync and leaves the right warehouse."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from finale_pipeline.errors import ImplausibleError
from finale_pipeline.health.doctor import examine, shown
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.comparison import to_compare
from finale_pipeline.warehouse.store import Counts
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.processes import finale
from finale_pipeline_tests.shapes.account import ShapeServer, load, names
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, sync


@pytest.mark.parametrize("name", names())
def test_a_shape_leaves_the_right_warehouse(url: str, connection: Connection, name: str) -> None:
    shape = load(name)
    with ShapeServer(shape) as server:
        settings = settings_for(url, server, **shape["settings"])
        sync(settings)
        _assert_holds(connection, shape["warehouse"])
        for step in shape["then"]:
            shape["collections"] |= step.get("collections", {})
            shape["records"] |= step.get("records", {})
            shape["now"] += timedelta(days=1)
            sync(settings, step["sync"])
            _assert_holds(connection, step["warehouse"])
    assert_ledger_is_closed(connection)
    assert all(one.says and one.where for one in to_compare(connection))


def _assert_holds(connection: Connection, warehouse: dict[str, list[list[Any]]]) -> None:
    for query, rows in warehouse.items():
        found = connection.execute(query.encode()).fetchall()
        assert [[_plain(cell) for cell in row] for row in found] == rows, query


def _plain(cell: object) -> object:
    if isinstance(cell, Decimal):
        return float(cell)
    return cell if cell is None or isinstance(cell, str | int | float | bool) else str(cell)


def test_every_shape_says_what_it_shows() -> None:
    for name in names():
        assert load(name)["shows"].endswith("."), name


def test_vendors_without_roles_are_held_until_a_person_says_that_there_are_none(
    url: str, connection: Connection
) -> None:
    shape = load("cases")
    del shape["collections"]["partygroup"]["roleTypeIdList"]
    with ShapeServer(shape) as server:
        settings = settings_for(url, server)
        for _ in range(2):
            with pytest.raises(ImplausibleError, match="none of Finale's parties has the role"):
                sync(settings)
        sync(settings, accept=True)
        sync(settings)
    assert connection.execute("SELECT count(*) FROM core.vendor").fetchall() == [(0,)]
    assert_ledger_is_closed(connection)


def test_the_doctor_names_what_to_hold_against_finales_pages(
    url: str, connection: Connection
) -> None:
    """Case stock with the numbers of both readings, and where Finale shows the right one."""
    with ShapeServer(load("cases")) as server:
        sync(settings_for(url, server))
    said = [f"{one.says} | {one.where}" for one in to_compare(connection)]
    assert (
        "SOAP-12 has 10 on hand in the packing 12 cs 12/1: 120 units if that counts cases, 10 if it"
        " counts units; taken as 120 (cases, by the setting or the default) | Product SOAP-12 in"
        " Finale, Stock: units on hand. If it shows the other number, set FINALE_CASE_QUANTITIES."
    ) in said
    assert any(one.startswith("order PO-551 has 60 units of SOAP-12, at 2.5 for") for one in said)
    assert any(
        one.startswith("144 units were sold in the 30 days up to 2026-02-11") for one in said
    )


def test_the_doctor_prints_the_list_for_a_real_account_and_not_for_a_simulated_one(
    url: str, connection: Connection
) -> None:
    with ShapeServer(load("cases")) as server:
        simulated = settings_for(url, server)
        sync(simulated)
        assert " compare " not in shown(examine(simulated))
        # No name of this machine, so a real account; and none that could be asked.
        real = settings_for(url, server, base_url="http://finale.invalid")
        printed = shown(examine(real)).splitlines()
    found = [number for number, line in enumerate(printed) if line.startswith("look     compare ")]
    assert len(found) == len(to_compare(connection)) >= 5
    assert "SOAP-12 has 10 on hand in the packing 12 cs 12/1: 120 units" in printed[found[0]]
    for number in found:
        assert "Finale" in printed[number + 1], printed[number]


def test_a_completed_order_that_finale_shows_no_more_is_asked_for_once(
    url: str, connection: Connection
) -> None:
    """An upgrade took back what was known of its lines; they stay as they are."""
    shape = load("cases")
    with ShapeServer(shape) as server:
        settings = settings_for(url, server)
        sync(settings)
        lines = connection.execute("SELECT * FROM core.purchase_order_line").fetchall()
        connection.execute(
            "UPDATE core.purchase_order SET status = 'ORDER_COMPLETED', lines_updated_at = NULL"
        )
        del shape["records"]["/demo/api/order/PO-551"]
        told = [sync(settings, "sales").counts["core.purchase_order_line"].rejected]
        told += [sync(settings, "sales").counts.get("core.purchase_order_line", Counts()).rejected]
    assert told == [1, 0]
    assert connection.execute("SELECT count(*) FROM core.purchase_order_line").fetchall() == [
        (len(lines),)
    ]


def test_the_status_names_what_cannot_be_read_in_a_list(url: str) -> None:
    shape = load("cases")
    rule = {"facilityUrl": "/demo/api/facility/10001", "reorderPoint": "1,200"}
    shape["collections"]["product"] |= {"reorderGuidelineList": [[rule], []]}
    with ShapeServer(shape) as server:
        settings = settings_for(url, server)
        sync(settings)
        said = finale(settings, "status")
        told = finale(settings, "status", "--json").json["refused"]
    assert (
        "refused    /demo/api/product/100731: reorderGuidelineList[1].reorderPoint is no number"
    ) in said.out
    assert [one["table_name"] for one in told] == ["core.product"]
