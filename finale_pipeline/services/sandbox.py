"""Builds the sandbox that was asked for and serves it."""

from collections.abc import Sequence
from pathlib import Path

from finale_pipeline.errors import LocalError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.server import SandboxServer


def build(products: int, seed: int, orders: Path | None, *, odd: bool = False) -> Account:
    """Build the account, from real order lines when a file is given.

    Args:
        products: How many.
        seed: The same one gives the same account.
        orders: File of order lines; None = they are invented.
        odd: With what real accounts have and a healthy shop has not; see `sandbox.catalog.Maker`.
    """
    if orders is not None:
        from finale_pipeline.sandbox.orders import account_from  # needs polars

        return account_from(orders)
    return invented_account(products=products, seed=seed, odd=odd)


def server(
    account: Account,
    port: int,
    faults: Sequence[str] = (),
    *,
    limits: bool = True,
    latency: float = 0,
    bandwidth: float | None = None,
) -> SandboxServer:
    """Return the server, bound to its port.

    Raises:
        LocalError: The port is taken.
    """
    try:
        return SandboxServer(
            account,
            port=port,
            faults=[Fault.parse(text) for text in faults],
            rate_limits=(120, 300) if limits else None,
            latency=latency,
            bandwidth=bandwidth,
        )
    except OSError as error:
        raise LocalError(
            f"Port {port} cannot be used: {error.strerror}.",
            data="Nothing was started.",
            step="Choose another port, or end what listens there.",
        ) from error
