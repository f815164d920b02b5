"""Files that spreadsheet programs open: whatever Finale holds, they hold text and no formula."""

import csv
import io
import re
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.api.rest.responses import as_csv
from finale_pipeline.api.rest.workbooks import as_xlsx
from finale_pipeline.text import file_name

HOSTILE = (
    "=1+1", "box;=1+1;", 'a";=1', "a;\t@SUM(1)", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x",
    " =1", "a;  +1", "a; \"-1", "x\t=1", "\u200b=1",
    "a;\u202e=1", "%00", "|cmd", "'=1",
)  # fmt: skip
FORMULA = re.compile("[=+\\-@|%\uff1d\uff0b\uff0d\uff20]")


def cells(text: str, separator: str) -> list[str]:
    body = bytes(as_csv([{"name": text, "more": 1}], ("name", "more"), "x").body).decode(
        "utf-8-sig"
    )
    rows = csv.reader(io.StringIO(body), delimiter=separator)
    return [cell for row in rows for cell in row]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(text=st.sampled_from(HOSTILE) | st.text(alphabet="a1=+-@;,\t '\"\uff1d", max_size=12))
def test_no_cell_is_a_formula_wherever_cells_end(separator: str, text: str) -> None:
    for cell in cells(text, separator):
        assert not FORMULA.match(cell.strip(' "')), cell


def sheets_of(*titles: str, cell: str = "x") -> list[str]:
    """Return the names of a workbook's sheets, after reading all of it as XML."""
    made = as_xlsx([(title, ("name",), [{"name": cell}]) for title in titles], "x")
    with zipfile.ZipFile(io.BytesIO(bytes(made.body))) as book:
        for name in book.namelist():
            ElementTree.fromstring(book.read(name))  # noqa: S314 - ours
        root = ElementTree.fromstring(book.read("xl/workbook.xml"))  # noqa: S314
    return [str(node.get("name")) for node in root.iter() if node.tag.endswith("}sheet")]


ODD = (
    "\U0001f600" * 16, "\U0001f600" * 40, "", "'''", "history", "a\x01b\x1fc", "[]:*?/\\", "\ud800",
    "\ufffe\uffff", "Straße", "STRASSE", "x" * 60, "x" * 59,
)  # fmt: skip


def test_whatever_suppliers_are_called_the_workbook_opens() -> None:
    names = sheets_of(*ODD, *ODD)
    assert len({name.casefold() for name in names}) == 2 * len(ODD)
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.isprintable()


@given(title=st.text(max_size=40), cell=st.text(max_size=40))
def test_any_text_makes_a_workbook_that_opens(title: str, cell: str) -> None:
    assert len(sheets_of(title, title, cell=cell)) == 2


@given(text=st.sampled_from(["/../../../x", "..", ".", "", "a/b", "C:\\x", "\0"]) | st.text())
def test_a_files_name_made_of_data_stays_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert name not in {"", ".", ".."}
    assert not set(name) & set("/\\\0:")
    assert not name.startswith(".")
    assert len(name.encode()) <= 400
