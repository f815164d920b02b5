"""The life of an order: which step leads from which state to which."""

CREATED, LOCKED = "ORDER_CREATED", "ORDER_LOCKED"
COMPLETED, CANCELLED = "ORDER_COMPLETED", "ORDER_CANCELLED"
STEPS = {
    "lock": ((CREATED,), LOCKED),
    "complete": ((CREATED, LOCKED), COMPLETED),
    "cancel": ((CREATED, LOCKED), CANCELLED),
    "edit": ((LOCKED, COMPLETED), CREATED),
}
"""Step → the states it may be taken in, and the state after it."""
OPEN_SHIPMENT = ("SHIPMENT_INPUT", "SHIPMENT_PACKED", "SHIPMENT_UNPACKED")
SHIPMENT_STEPS = {"receive": "SHIPMENT_DELIVERED", "cancel": "SHIPMENT_CANCELLED"}
"""Step of a purchase's shipment that has not come yet → its state afterwards."""


def action_urls(url: str, status: str) -> dict[str, str | None]:
    """Return an order's actionUrl fields; None where the step is not legal now."""
    return {
        f"actionUrl{step.title()}": f"{url}/{step}" if status in begins else None
        for step, (begins, _) in STEPS.items()
    }


def shipment_action_urls(url: str, status: str) -> dict[str, str | None]:
    """Return the actionUrl fields of a purchase's shipment; None where the step is not legal."""
    return {
        f"actionUrl{step.title()}": f"{url}/{step}" if status in OPEN_SHIPMENT else None
        for step in SHIPMENT_STEPS
    }
