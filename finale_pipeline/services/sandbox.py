"""Builds the sandbox that was asked for and serves it."""

from pathlib import Path
from typing import Any

from finale_pipeline.errors import LocalError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer


def build(products: int, seed: int, orders: Path | None, *, odd: bool = False) -> Account:
    """Build the account, from real order lines where a file is given; `Maker` tells of the rest."""
    if orders is not None:
        from finale_pipeline.sandbox.orders import account_from  # needs polars

        return account_from(orders)
    return invented_account(products=products, seed=seed, odd=odd)


def server(account: Account, port: int, **options: Any) -> SandboxServer:
    """Return the server, bound to its port; options are those of `Simulation`.

    Raises:
        LocalError: The port is taken.
    """
    try:
        return SandboxServer(account, port=port, **options)
    except OSError as error:
        raise LocalError(
            f"Port {port} cannot be used: {error.strerror}.",
            data="Nothing was started.",
            step="Choose another port, or end what listens there.",
        ) from error
