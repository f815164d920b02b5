"""Whether a buyer's quantity can be ordered: whole packs, the least quantity, the vendor's minimum.

The suggestion itself is rounded in `replenish`; here are the same rules for what a person types.
Quantities and prices are exact, so that 0.3 is three packs of 0.1.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from finale_pipeline.domain.replenishment.decisions import ROUNDING

PACK, MINIMUM, VENDOR_MINIMUM = "pack", "minimum", "vendor_minimum"
NOTHING = Decimal(0)
TOLERANCE = Decimal(str(ROUNDING))


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What a supplier accepts of a product, as the plan decided by it.

    `LineTerms` are what is said of it when a draft is made; they differ in both respects.

    Attributes:
        pack_units: Orders are multiples of it, but for `TOLERANCE` packs; above 0: where nobody
            named one it is 1, for the plan orders whole units.
        minimum_order_units: Least quantity of an order; 0 = none.
    """

    pack_units: Decimal = Decimal(1)
    minimum_order_units: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Checked:
    """A quantity, held against the terms.

    Attributes:
        below_units: The largest quantity below it that may be ordered; None = there is none.
        above_units: The least quantity above it, or it itself, that may be ordered.
    """

    wanted_units: Decimal
    broken_rules: tuple[str, ...]
    below_units: Decimal | None
    above_units: Decimal

    @property
    def nearest_units(self) -> Decimal:
        """The one of both that is nearer; the larger one when both are as near."""
        if not self.broken_rules:
            return self.wanted_units
        if self.below_units is None:
            return self.above_units
        is_nearer = self.wanted_units - self.below_units < self.above_units - self.wanted_units
        return self.below_units if is_nearer else self.above_units


def check_quantity(wanted_units: Decimal, terms: OrderTerms) -> Checked:
    """Hold a quantity against the terms.

    >>> dozen = OrderTerms(pack_units=Decimal(12), minimum_order_units=Decimal(30))
    >>> check_quantity(Decimal(48), dozen).broken_rules
    ()
    >>> checked = check_quantity(Decimal(40), dozen)
    >>> checked.broken_rules, int(checked.below_units), int(checked.above_units)
    (('pack',), 36, 48)
    >>> checked = check_quantity(Decimal(7), dozen)
    >>> checked.broken_rules, checked.below_units, int(checked.nearest_units)
    (('pack', 'minimum'), None, 36)
    """
    packs = wanted_units / terms.pack_units
    least = math.ceil(terms.minimum_order_units / terms.pack_units - TOLERANCE)
    over, under = math.ceil(packs - TOLERANCE), math.floor(packs + TOLERANCE)
    broken = {
        PACK: over != under,
        MINIMUM: wanted_units < terms.minimum_order_units - TOLERANCE * terms.pack_units,
    }
    return Checked(
        wanted_units,
        tuple(rule for rule, is_broken in broken.items() if is_broken),
        under * terms.pack_units if under >= max(least, 1) else None,
        max(over, least, 1) * terms.pack_units,
    )


def units_to_minimum(
    quantity_units: Decimal, *, unit_cost: Decimal | None, gap: Decimal | None, terms: OrderTerms
) -> Decimal | None:
    """Return the quantity of a line at which its order reaches the vendor's minimum.

    Args:
        unit_cost: Of one unit; None or 0 = more of it brings the order no nearer.
        gap: What the order's total lacks, in the currency of the cost; None or 0 = nothing.

    >>> packs = OrderTerms(pack_units=Decimal(12))
    >>> units_to_minimum(Decimal(24), unit_cost=Decimal(5), gap=Decimal(100), terms=packs)
    Decimal('48')
    >>> units_to_minimum(Decimal(24), unit_cost=Decimal(5), gap=None, terms=packs)
    """
    if not unit_cost or not gap:
        return None
    return check_quantity(quantity_units + gap / unit_cost, terms).above_units
