"""`finale sandbox`: a simulated account on loopback."""

from pathlib import Path

import click

from finale_pipeline.commands.common import say
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.services.sandbox import build, server


@click.command()
@click.option("--port", type=int, default=3002, show_default=True)
@click.option("--products", type=int, default=2500, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--orders", type=click.Path(path_type=Path), help="Parquet file of real order lines.")
@click.option(
    "--fault",
    multiple=True,
    metavar="KIND[=ARG][@PATH][*TIMES][+SKIP]",
    help="A fault to meet, such as status=503@product*2; an unknown one lists all.",
)
@click.option(
    "--quirk",
    multiple=True,
    metavar="NAME=VALUE",
    help="How writes behave where Finale's own behaviour is not known; a wrong one lists all.",
)
@click.option(
    "--shapes", is_flag=True, help="With cases, kits, builds, transfers, dropship, returns."
)
@click.option(
    "--odd", is_flag=True, help="With harmful names, doubled SKUs, negative and much missing stock."
)
@click.option("--no-limits", is_flag=True, help="Without request budgets.")
@click.option("--latency", type=float, default=0, metavar="SECONDS")
@click.option("--bandwidth", type=float, metavar="BYTES_PER_SECOND")
def command(
    *,
    port: int,
    products: int,
    seed: int,
    orders: Path | None,
    fault: tuple[str, ...],
    quirk: tuple[str, ...],
    shapes: bool,
    odd: bool,
    no_limits: bool,
    latency: float,
    bandwidth: float | None,
) -> None:
    """Serve a simulated account on loopback."""
    account = build(products, seed, orders, odd=odd)
    for text in quirk:
        account.quirks.set(text)
    if shapes:
        account.show_shapes()
    options = {"latency": latency, "bandwidth": bandwidth}
    options |= {"rate_limits": None} if no_limits else {}
    with server(account, port, faults=[*map(Fault.parse, fault)], **options) as running:
        say(
            f"The sandbox serves {len(account.tables['product'])} products:\n"
            f"  FINALE_BASE_URL={running.base_url} FINALE_ACCOUNT={account.name}"
            f" FINALE_API_KEY={KEY} FINALE_API_SECRET={SECRET}\n"
            "Ctrl-C ends it."
        )
        running.wait()
