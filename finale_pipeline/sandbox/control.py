"""What a person or a drill may do to the sandbox itself: its time, faults, quirks, what it saw."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from finale_pipeline.sandbox.simulation import Simulation


def control(sandbox: Simulation, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """Do what was asked by `POST /sandbox/WHAT`, such as `/sandbox/clock {"seconds": 86400}`.

    Raises:
        KeyError: There is no such thing to do, or a word of it is missing.
        ConfigError: A fault or quirk is not one.
    """
    account = sandbox.account
    actions: dict[str, Callable[[], object]] = {
        "clock": lambda: account.clock.advance(seconds=float(body["seconds"])),
        "fault": lambda: sandbox.add_fault(str(body["fault"])),
        "heal": sandbox.clear_faults,
        "quirk": lambda: account.quirks.set(str(body["quirk"])),
        "rates": sandbox.rates.as_dict,
        "edit": lambda: len(account.edit_products(int(body["products"]))),
        "remove": lambda: len(account.remove_products(int(body["products"]))),
        "create": lambda: len(account.create_products(int(body["products"]))),
        "shapes": account.show_shapes,
        "sell": account.catch_up,
        "orders": lambda: account.orders(body.get("origin")),
        "arrive": lambda: account.arrive(str(body["order"])),
        "posts": lambda: [asdict(post) for post in sandbox.posts],
    }
    result = actions[action]()
    return {"done": action, "answer": result, "now": account.clock.now().isoformat()}
