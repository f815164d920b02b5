"""The life of an order: which step leads from which state to which."""

from collections.abc import Mapping

CREATED, LOCKED = "ORDER_CREATED", "ORDER_LOCKED"
COMPLETED, CANCELLED = "ORDER_COMPLETED", "ORDER_CANCELLED"
STEPS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "lock": ((CREATED,), LOCKED),
    "complete": ((CREATED, LOCKED), COMPLETED),
    "cancel": ((CREATED, LOCKED), CANCELLED),
    "edit": ((LOCKED, COMPLETED), CREATED),
}
"""Step → the states it may be taken in, and the state after it."""
OPEN_SHIPMENT = ("SHIPMENT_INPUT", "SHIPMENT_PACKED", "SHIPMENT_UNPACKED")
DELIVERED, SHIPMENT_CANCELLED = "SHIPMENT_DELIVERED", "SHIPMENT_CANCELLED"
SHIPMENT_STEPS = {
    "receive": (OPEN_SHIPMENT, DELIVERED),
    "cancel": (OPEN_SHIPMENT, SHIPMENT_CANCELLED),
}
"""The same of a purchase's shipment."""


def action_urls(
    url: str, status: str, steps: Mapping[str, tuple[tuple[str, ...], str]] = STEPS
) -> dict[str, str | None]:
    """Return the actionUrl fields of an order or shipment; None where the step is not legal now."""
    return {
        f"actionUrl{step.title()}": f"{url}/{step}" if status in begins else None
        for step, (begins, _) in steps.items()
    }
