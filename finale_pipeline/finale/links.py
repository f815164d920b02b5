"""Where Finale's own pages show what it keeps."""

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings


def pages_of(settings: "Settings") -> str:
    """Return where the account's pages are, such as https://app.finaleinventory.com/demo."""
    return f"{settings.base_url.rstrip('/')}/{settings.account}"


def order_page(pages: str, order_url: str) -> str:
    """Return where an order is shown.

    >>> order_page("https://app.finaleinventory.com/demo", "/demo/api/order/1")
    'https://app.finaleinventory.com/demo/sc2/?order/purchase/order/L2RlbW8vYXBpL29yZGVyLzE='
    """
    return f"{pages}/sc2/?order/purchase/order/{_named(order_url)}"


def product_page(pages: str, product_url: str) -> str:
    """Return where a product is shown; by analogy with orders, Finale documents neither.

    >>> product_page("https://app.finaleinventory.com/demo", "/demo/api/product/1")
    'https://app.finaleinventory.com/demo/sc2/?product/detail/L2RlbW8vYXBpL3Byb2R1Y3QvMQ=='
    """
    return f"{pages}/sc2/?product/detail/{_named(product_url)}"


def _named(url: str) -> str:
    return base64.b64encode(url.encode()).decode()
