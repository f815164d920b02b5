"""Serves the simulated account on loopback."""

from typing import Any

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.handler import Handler
from finale_pipeline.sandbox.listening import HttpService
from finale_pipeline.sandbox.simulation import Simulation
from finale_pipeline.sandbox.wire import AccountListener


class SandboxServer(Simulation, HttpService):
    """Serves an account until it is closed.

    Args:
        port: On 127.0.0.1; 0 = any free one.
        **options: Limits and faults, as `Simulation` takes them.
    """

    def __init__(self, account: Account, *, port: int = 0, **options: Any) -> None:
        Simulation.__init__(self, account, **options)
        HttpService.__init__(self, AccountListener(("127.0.0.1", port), Handler, self))
