"""What a packing says of a quantity beside it."""

from typing import Literal

Reading = Literal["cases", "units"]
"""What a quantity beside a packing counts."""

LEADING = r"^\s*(\d{1,9}(?:\.\d{1,6})?)"
"""The number of units in a pack, at a packing's beginning: 24 in `24/4/2/1`."""
