"""Builds the sandbox that was asked for and serves it."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from finale_pipeline.errors import LocalError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.server import SandboxServer


def build(products: int, seed: int, orders: Path | None) -> Account:
    """Build the account, from real order lines when a file is given."""
    if orders is not None:
        from finale_pipeline.sandbox.orders import account_from  # noqa: PLC0415 - needs polars

        return account_from(orders)
    return invented_account(products=products, seed=seed)


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


def serve(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Serve until interrupted."""
    orders = Path(options.orders) if options.orders else None
    account = build(options.products, options.seed, orders)
    for text in options.quirk:
        account.quirks.set(text)
    with server(
        account,
        options.port,
        options.fault,
        limits=not options.no_limits,
        latency=options.latency,
        bandwidth=options.bandwidth,
    ) as running:
        say(
            f"The sandbox serves {len(account.tables['product'])} products:\n"
            f"  FINALE_BASE_URL={running.base_url} FINALE_ACCOUNT={account.name}"
            f" FINALE_API_KEY={KEY} FINALE_API_SECRET={SECRET}\n"
            "Ctrl-C ends it."
        )
        running.wait()
