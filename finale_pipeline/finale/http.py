"""httpx without its command line, which takes longer to import than the rest of it.

Where rich and pygments are installed, as with Dagster, httpx imports them for that alone; without
them it does what it does here.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

__all__ = ["httpx"]
