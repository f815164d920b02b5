import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.errors import DriftError, MalformedError
from finale_pipeline.finale.lists import Note
from finale_pipeline.finale.nested import rule_rows, supplier_rows
from finale_pipeline.finale.quantities import with_pack
from finale_pipeline.finale.records import PRODUCT, STOCK
from finale_pipeline.finale.wire import Answer, decode

STAMP = "2026-03-01T10:00:00"


def products(n: int = 2, **columns: Any) -> dict[str, Any]:
    required = {
        "productUrl": [f"/demo/api/product/{i}" for i in range(n)],
        "productId": [f"SOAP-{i}" for i in range(n)],
        "statusId": ["PRODUCT_ACTIVE"] * n,
        "lastUpdatedDate": [STAMP] * n,
    }
    return required | columns


def answer(table: dict[str, Any]) -> Answer:
    decoded = decode(json.dumps(table).encode(), PRODUCT)
    assert decoded.rows == len(decoded.frame) + len(decoded.rejects) + decoded.duplicates
    return decoded


def test_absent_and_empty_optional_columns_are_null() -> None:
    frame = answer(products(cost=[])).frame

    assert frame["cost"].to_list() == frame["category"].to_list() == [None, None]


def test_a_short_optional_column_loses_no_record() -> None:
    assert answer(products(3, cost=[1.5])).frame["cost"].to_list() == [1.5, None, None]


def test_a_longer_optional_column_counts_the_records() -> None:
    """Taking the first column's length would lose rows without a sign."""
    with pytest.raises(MalformedError, match="3 records and only 2 values of productUrl"):
        answer(products(2, cost=[1, 2, 3]))


def test_a_required_column_gone_is_drift() -> None:
    table = products()
    del table["statusId"]

    with pytest.raises(DriftError, match="statusId"):
        answer(table)


@pytest.mark.parametrize("kept", [[], ["PRODUCT_ACTIVE"]])
def test_a_required_column_cut_short_refuses_the_whole_answer(kept: list[str]) -> None:
    with pytest.raises(MalformedError, match="statusId"):
        answer(products(statusId=kept))


@pytest.mark.parametrize("body", [b"{}", b'{"productUrl":[]}', b"\xef\xbb\xbf{}"])
def test_no_records_is_an_answer_too(body: bytes) -> None:
    assert decode(body, PRODUCT).rows == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"productUrl":["/a"',
        b'{"productUrl":7}',
        b'{"productUrl":["\xff"]}',
        b'{"cost":[NaN]}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"errorMessage":"no","success":false}',
    ],
)
def test_what_is_no_table_is_refused_by_one_class_of_error(body: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(body, PRODUCT)


@pytest.mark.parametrize(
    ("sent", "read"), [("12.50", 12.5), (" 7 ", 7.0), (-3, -3.0), ("", None), (None, None)]
)
def test_numbers_come_as_numbers_or_text(sent: object, read: float | None) -> None:
    assert answer(products(1, cost=[sent])).frame["cost"].to_list() == [read]


@pytest.mark.parametrize(
    "bad",
    [
        "1,234.50",
        "12 pcs",
        "1e5e",
        "NaN",
        "null",
        "Null",
        "-inf",
        "1_000",
        1e13,
        [1],
        {"a": 1},
        True,
    ],
)
def test_a_number_that_is_none_rejects_its_row_only(bad: object) -> None:
    decoded = answer(products(2, cost=[bad, 1]))

    assert decoded.frame["sku"].to_list() == ["SOAP-1"]
    assert decoded.rejects[0].key == "/demo/api/product/0"
    assert decoded.rejects[0].reason.startswith("cost")


def test_units_per_case_that_are_no_number_are_named() -> None:
    decoded = answer(products(3, stdPackingUnitsPerCase=["1,200", "1E+1", None]))
    assert [(note.key, note.reason) for note in decoded.notes] == [
        ("/demo/api/product/0", "stdPackingUnitsPerCase is no number")
    ]
    assert with_pack(decoded.frame)["pack_units"].to_list() == [None, 10, None]


@pytest.mark.parametrize("digits", [b"1e400", b"9" * 5_000])
def test_a_number_beyond_all_bounds_rejects_its_row(digits: bytes) -> None:
    body = json.dumps(products(2, cost=[8_888, 1])).encode().replace(b"8888", digits)

    assert decode(body, PRODUCT).frame["sku"].to_list() == ["SOAP-1"]


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_record_without_its_key_is_rejected(blank: str | None) -> None:
    assert len(answer(products(2, productId=[blank, "B"])).rejects) == 1


def test_stamps_are_utc_with_and_without_fraction_and_zone() -> None:
    stamps = [STAMP, "2026-03-01T10:00:00.000Z", "2026-03-01"]

    read = answer(products(3, lastUpdatedDate=stamps)).frame["updated_at"].to_list()

    assert read == [datetime(2026, 3, 1, h, tzinfo=UTC) for h in (10, 10, 0)]


@pytest.mark.parametrize("bad", ["0001-01-01T00:00:00", "01/02/2026", 1772359200000])
def test_a_required_stamp_out_of_range_rejects_its_row(bad: object) -> None:
    assert len(answer(products(2, lastUpdatedDate=[bad, STAMP])).rejects) == 1


def test_nul_and_half_a_pair_are_replaced_and_escaped_backslashes_are_not() -> None:
    body = json.dumps(products(1)).encode()[:-1] + rb',"internalName":["a\u0000b\ud800c\\u0000"]}'

    assert decode(body, PRODUCT).frame["name"].to_list() == ["a\ufffdb\ufffdc\\u0000"]


def test_the_payload_keeps_what_has_no_column_and_leaves_nulls_out() -> None:
    table = products(2, weight=[2.4, None], supplierList=[[{"price": 1}], []], newField=["x", None])
    frame = answer(table).frame

    assert [json.loads(p) for p in frame["payload"]] == [
        {"weight": 2.4, "supplierList": [{"price": 1}], "newField": "x"},
        {},
    ]
    assert frame["suppliers"].to_list() == ['[{"price": 1}]', None]


def test_of_several_rows_the_newest_wins() -> None:
    table = products(2, productUrl=["/a", "/a"], lastUpdatedDate=["2026-03-02", STAMP])
    decoded = answer(table)

    assert (decoded.frame["sku"].to_list(), decoded.duplicates) == (["SOAP-0"], 1)


def test_rows_that_contradict_each_other_are_all_rejected() -> None:
    decoded = answer(products(3, productUrl=["/a", "/a", "/b"]))

    assert decoded.frame["sku"].to_list() == ["SOAP-2"]
    assert [r.key for r in decoded.rejects] == ["/a", "/a"]


def test_a_stock_row_that_stands_twice_refuses_the_read() -> None:
    table = {"productUrl": ["/a"] * 2, "facilityUrl": ["/f"] * 2, "quantityOnHand": [1, 1]}

    with pytest.raises(MalformedError, match="Sums over them would be wrong"):
        decode(json.dumps(table).encode(), STOCK)


def test_stock_without_on_hand_quantities_is_never_all_zero() -> None:
    with pytest.raises(DriftError, match="quantityOnHand"):
        decode(b'{"productUrl":["/a"],"facilityUrl":["/f"]}', STOCK)


def test_null_quantities_are_zero_and_missing_lots_are_empty() -> None:
    body = b'{"productUrl":["/a"],"facilityUrl":["/f"],"quantityOnHand":[null]}'
    row = decode(body, STOCK).frame.row(0, named=True)

    assert (row["on_hand_quantity"], row["lot_id"], row["order_url"]) == (0.0, "", "")


names = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(values=st.lists(names, min_size=1, max_size=6))
def test_any_text_is_read_as_it_was_sent(values: list[str | None]) -> None:
    read = answer(products(len(values), internalName=values)).frame["name"].to_list()

    assert read == [v.replace("\x00", "\ufffd") if v else v for v in values]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6))
def test_any_quantity_is_read_exactly(values: list[float]) -> None:
    assert answer(products(len(values), cost=values)).frame["cost"].to_list() == values


@given(
    st.decimals(-(10**12), 10**12, places=9),
    st.sampled_from(['"%s"', "%s"]),
)
def test_a_number_has_all_its_digits_or_is_named(sent: Decimal, form: str) -> None:
    """Twelve before the point and nine after it are more than a double holds."""
    body = json.dumps(products(1, cost=[8_888])).replace("8888", form % f"{sent:f}").encode()
    decoded = decode(body, PRODUCT)
    listed = f'[{{"supplierPartyUrl": "/v", "price": {form % f"{sent:f}"}}}]'
    body = json.dumps(products(1, supplierList=[8_888])).replace("8888", listed).encode()
    (price,) = supplier_rows(decode(body, PRODUCT).frame)["price"]
    for read in (*decoded.frame["cost"], price):
        assert read is None or Decimal(repr(read)).quantize(Decimal("1e-9")) == sent
    assert bool(decoded.rejects) == (price is None)


@given(st.binary(max_size=60))
def test_no_body_makes_any_other_error(body: bytes) -> None:
    try:
        decode(body, PRODUCT)
    except (MalformedError, DriftError):
        return


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([1])
stamps = st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"])


@given(st.integers(1, 5), st.data())
def test_optional_columns_of_any_length_stay_with_their_record(
    rows: int, data: st.DataObject
) -> None:
    """D1: zip() would cut all to the shortest, or move values to another product."""
    costs = data.draw(st.lists(st.integers(0, 99), max_size=rows))
    names = data.draw(st.lists(st.sampled_from(["A", "B"]), max_size=rows))
    frame = answer(products(rows, cost=costs, internalName=names)).frame

    assert frame["cost"].to_list() == costs + [None] * (rows - len(costs))
    assert frame["name"].to_list() == names + [None] * (rows - len(names))


@given(costs=st.lists(cells, min_size=1, max_size=6), named=st.lists(cells, min_size=6, max_size=6))
def test_any_cell_is_read_or_its_row_is_rejected_with_a_reason(
    costs: list[object], named: list[object]
) -> None:
    """D3, D5: never another error, never NaN or infinity, and no row is lost without a count."""
    table = products(len(costs), cost=costs, internalName=named[: len(costs)])
    body = json.dumps(table).replace("NaN", "1e999").replace("Infinity", "1e999")
    decoded = decode(body.encode(), PRODUCT)

    assert decoded.rows == len(costs) == len(decoded.frame) + len(decoded.rejects)
    assert all(c is None or abs(c) <= 1e12 for c in decoded.frame["cost"].to_list())
    assert all(reject.reason and reject.key for reject in decoded.rejects)


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), stamps), min_size=1, max_size=6), data=st.data()
)
def test_the_order_of_rows_decides_nothing(
    rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    """D8: a record that came twice is the newest one, wherever it stands in the answer."""

    def read(in_order: list[tuple[str, str]]) -> tuple[dict[str, str], int]:
        urls, changed = ([row[i] for row in in_order] for i in (0, 1))
        ids = ["/" + url for url in urls]
        table = products(len(urls), productUrl=ids, productId=urls, lastUpdatedDate=changed)
        decoded = answer(table)
        found = zip(decoded.frame["sku"], decoded.frame["updated_at"], strict=True)
        return {sku: f"{at:%Y-%m-%d}" for sku, at in found}, len(decoded.rejects)

    newest = {url: max(at for u, at in rows if u == url) for url, _ in rows}
    assert read(rows) == read(data.draw(st.permutations(rows))) == (newest, 0)


json_cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["],[", "null", "[]", '"', "\\", "a\tb\nc"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab*^$", max_size=3), inner)
    ),
    max_leaves=6,
)
field_names = st.sampled_from(["a", "weight", "*", "^.*$", "", "é", "0"])


@given(st.integers(1, 4), st.data(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_the_payload_is_what_was_sent_whatever_it_is(
    rows: int, data: st.DataObject, in_ascii: bool, separators: tuple[str, str]
) -> None:
    """Each cell stays with its record, with all its digits; nulls and empty lists are left out."""
    columns = data.draw(
        st.dictionaries(field_names, st.lists(json_cells, min_size=1, max_size=rows), max_size=4)
    )
    body = json.dumps(products(rows, **columns), ensure_ascii=in_ascii, separators=separators)
    decoded = decode(body.encode(), PRODUCT)

    wanted = [
        {
            name: cells[row]
            for name, cells in columns.items()
            if row < len(cells) and cells[row] not in (None, [])
        }
        for row in range(rows)
    ]
    assert [json.loads(payload) for payload in decoded.frame["payload"]] == wanted


odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, "", "x", 'q"uote', "back\\slash", "tab\tline\n", "é", "],[", "}", "z" * 600, 5,
        1.5, 1e13, "12.50", "1,200", True, [], {"a": 1}, 12345678.125, -3,
    ]
)  # fmt: skip
supplier_fields = ("supplierPartyUrl", "supplierPrefOrderId", "price", "supplierProductId", "other")
suppliers = st.lists(st.dictionaries(st.sampled_from(supplier_fields), odd_values), max_size=3)
usual = st.fixed_dictionaries(
    {"supplierPartyUrl": st.sampled_from(["/v/1", "/v/2"])},
    optional={
        "price": st.floats(0, 1e6) | st.none(),
        "supplierProductId": st.text(max_size=9).map(lambda t: t.replace("\0", "")) | st.none(),
    },
)


@given(st.lists(st.lists(usual, max_size=3, unique_by=lambda s: s["supplierPartyUrl"]), min_size=1))
def test_suppliers_are_the_entries_of_their_product(lists: list[list[dict[str, Any]]]) -> None:
    frame = answer(products(len(lists), supplierList=lists)).frame

    rows = supplier_rows(frame).select("product_url", "vendor_url", "price", "vendor_sku").rows()
    wanted = [
        (
            f"/demo/api/product/{i}",
            s["supplierPartyUrl"],
            s.get("price"),
            s.get("supplierProductId"),
        )
        for i, entries in enumerate(lists)
        for s in entries
    ]
    assert rows == wanted


@given(st.lists(st.none() | suppliers, min_size=1, max_size=4))
def test_lists_that_are_read_later_give_the_same_rows_and_name_the_same(
    lists: list[list[dict[str, Any]] | None],
) -> None:
    body = json.dumps(products(len(lists), supplierList=lists)).encode()
    at_once, later = decode(body, PRODUCT), decode(body, PRODUCT, lists_later=True)
    notes: list[Note] = []

    assert supplier_rows(later.frame, notes).equals(supplier_rows(at_once.frame))
    assert [note[:2] for note in notes] == [(n.key, n.reason) for n in at_once.notes]
    assert not later.notes
    named = {key for key, _, _ in notes}
    unread = {
        f"/demo/api/product/{i}"
        for i, entries in enumerate(lists)
        if any(isinstance(s.get("price"), list | dict | bool) for s in entries or [])
    }
    assert unread <= named


def test_rules_are_those_of_the_last_entry_for_a_place() -> None:
    guidelines = [
        [{"facilityUrl": "/f", "reorderPoint": 1}, {"reorderPoint": 0.19}, {"facilityUrl": "/f"}],
        None,
    ]
    frame = answer(products(2, reorderGuidelineList=guidelines)).frame

    rows = rule_rows(frame).select("product_url", "facility_url", "reorder_point_units").rows()
    assert sorted(rows) == [
        ("/demo/api/product/0", "", 0.19),
        ("/demo/api/product/0", "/f", None),
    ]
