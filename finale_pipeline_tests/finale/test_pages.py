"""Large answers: read by parts, and given back meanwhile, they say what they say in one piece."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from finale_pipeline.errors import MalformedError
from finale_pipeline.finale.cells import parts
from finale_pipeline.finale.pages import FIRST, Pages
from finale_pipeline.finale.records import STOCK
from finale_pipeline.finale.wire import decode

ROWS = 120_000
"""Of which a column of addresses takes several parts."""


def pages(text: bytes) -> Pages:
    made = Pages()
    for start in range(0, len(text), 1 << 16):
        made.extend(text[start : start + (1 << 16)])
    made.strip()
    return made


def stock(**columns: Sequence[Any]) -> bytes:
    usual: dict[str, Sequence[Any]] = {
        "facilityUrl": [f"/demo/api/facility/{i % 7}" for i in range(ROWS)],
        "productUrl": [f"/demo/api/product/{i}" for i in range(ROWS)],
        "quantityOnHand": [i % 90 for i in range(ROWS)],
    }
    return json.dumps(usual | columns).encode()


@given(
    cells=st.lists(st.none() | st.integers() | st.text('ab,"[{\\:é ', max_size=9), max_size=30),
    size=st.integers(2, 40),
    is_spaced=st.booleans(),
)
@example(cells=["a", ",", "b", ",", ",,", "c"], size=6, is_spaced=False)
def test_parts_of_a_column_have_its_cells_in_order(
    cells: list[object], size: int, *, is_spaced: bool
) -> None:
    separators = (" , ", " : ") if is_spaced else (",", ":")
    text = json.dumps(cells, ensure_ascii=False, separators=separators)
    cut = list(parts(msgspec.Raw(text.encode()), size))

    assert [cell for part in cut for cell in msgspec.json.decode(part)] == cells


def test_a_long_answer_in_pages_is_read_as_in_one_piece() -> None:
    lots: list[object] = ["", None, "L-1", 'a "lot", with marks', "L-2"] * (ROWS // 5)
    on_hand: list[object] = list(range(ROWS))
    on_hand[ROWS - 2] = "many"
    text = stock(lotId=lots, quantityOnHand=on_hand, unheardOf=[[]] * ROWS)
    whole, paged = decode(text, STOCK), decode(pages(text), STOCK)

    as_text = pl.col(pl.Categorical).cast(pl.String)
    assert paged.frame.with_columns(as_text).equals(whole.frame.with_columns(as_text))
    assert (paged.rows, paged.rejects, paged.unknown) == (ROWS, whole.rejects, ("unheardOf",))
    assert paged.rejects[0].key == f"/demo/api/product/{ROWS - 2}"


def test_texts_that_many_rows_share_are_kept_once() -> None:
    assert decode(pages(stock()), STOCK).frame.schema["facility_url"] == pl.Categorical


def test_a_row_that_stands_twice_in_a_long_answer_refuses_the_read() -> None:
    twice = [*(f"/demo/api/product/{i}" for i in range(ROWS - 7)), *["/demo/api/product/1"] * 7]

    with pytest.raises(MalformedError, match="share their key"):
        decode(pages(stock(productUrl=twice)), STOCK)


def test_bad_escapes_in_pages_become_what_they_become_in_one_piece() -> None:
    text = b'{"productUrl":["/a"],"productId":["\\u0000b"],"quantityOnHand":[1]}'

    assert decode(pages(text), STOCK).frame["sku"].to_list() == ["\ufffdb"]


def test_pages_grow_and_lose_the_space_around_a_text() -> None:
    text = b"0123456789" * (FIRST // 8)
    kept = pages(b"\xef\xbb\xbf \n" + text + b"\r\n")
    kept.give_back(1 << 20)

    assert len(kept) == len(text)
    assert bytes(kept.view()[1 << 20 :]) == text[1 << 20 :]
    assert kept.has(b"9876543210") is False
