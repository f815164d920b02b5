"""An order as it goes to its vendor, with nothing of ours in it; and the plan's workbook."""

import io
import re
import zipfile

import httpx
import pytest

from finale_pipeline_tests.api.buyer import line_of, patch, terms_of_acme
from finale_pipeline_tests.notify.warehouse import Warehouse

INTERNAL = ("why", "flags", "suggest", "velocity", "urgency", "edited", "margin", "reason")


@pytest.fixture(autouse=True)
def terms(stock: Warehouse) -> None:
    terms_of_acme(stock)


def texts(book: bytes) -> list[str]:
    """Every text of a workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        strings = parts.read("xl/sharedStrings.xml").decode()
    return re.findall(r"<t[^>]*>([^<]*)</t>", strings)


def test_a_vendors_order_has_their_skus_packs_and_prices_and_nothing_of_ours(
    api: httpx.Client, stock: Warehouse
) -> None:
    patch(api, line_of(api, "A"), quantity_units=48, unit_cost=4.55)  # A comes in dozens
    answer = api.get("/api/purchase-plan/document", params={"vendor": "Acme", "format": "xlsx"})

    assert answer.status_code == 200, answer.text
    said = texts(answer.content)
    assert "Purchase order (proposal)" in said
    assert {"Your SKU", "Our SKU", "Packs", "Units", "Price", "Total"} <= set(said)
    assert {"Acme", "A", "v", "4 x 12", "Total USD"} <= set(said)
    assert not [text for text in said for word in INTERNAL if word in text.lower()]
    name = answer.headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="order-\d{4}-\d\d-\d\d-Acme\.xlsx"', name)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<v>218.4</v>" in sheet  # 48 at 4.55
    assert 'paperSize="9"' in sheet


def test_it_is_a_pdf_too_and_what_is_not_there_is_said(api: httpx.Client) -> None:
    answer = api.get("/api/purchase-plan/document", params={"vendor": "Acme"}, timeout=60)
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    for wrong in (
        api.get("/api/purchase-plan/document", params={"vendor": "nobody"}),
        api.get("/api/purchase-orders/FP-none/document"),
    ):
        assert wrong.status_code == 404
        assert wrong.json()["detail"]


def test_a_vendor_with_a_chinese_name_gets_its_documents(
    api: httpx.Client, stock: Warehouse
) -> None:
    stock.product("A", name="Teekanne 茶壶, 한국")
    stock.connection.execute("UPDATE core.vendor SET name = '东京 & Söhne'")
    asked = {"vendor": "东京 & Söhne"}
    answer = api.get("/api/purchase-plan/document", params=asked, timeout=60)
    assert answer.content.startswith(b"%PDF")
    book = api.get("/api/purchase-plan/document", params=asked | {"format": "xlsx"})
    assert "Teekanne 茶壶, 한국" in texts(book.content)


def test_the_plans_workbook_has_a_cover_words_totals_and_filters(api: httpx.Client) -> None:
    book = api.get("/api/purchase-plan", params={"format": "xlsx"}).content
    said = texts(book)
    assert {"Purchase plan", "Vendors", "Lines", "Vendor's SKU", "To order", "Order by"} <= set(
        said
    )
    assert "must_order_by_on" not in said
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        orders = parts.read("xl/worksheets/sheet2.xml").decode()
        acme = parts.read("xl/worksheets/sheet3.xml").decode()
    assert "<autoFilter" in orders
    assert "SUBTOTAL(9," in acme
    assert 'orientation="landscape"' in acme
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        names, styles = (parts.read(f"xl/{part}.xml").decode() for part in ("workbook", "styles"))
    (end,) = re.findall(r"Print_Area[^>]*>Acme!\$A\$1:\$(\w+)\$\d+<", names)
    assert end == "O", "paper has all before the reasons, which are as long as the rest"
    assert "#,##0.######" not in styles, "Excel shows whole units as 12. by it"
    total = sum(line["line_total"] for line in api.get("/api/purchase-plan").json()["orders"][0]
                ["order_lines"])  # fmt: skip
    assert re.search(rf"<v>{total:g}(\.0)?</v>", acme)
