"""Notes which lines and branches of the package the tests reach, where REACHED names a folder.

It stands above the tests' own conftest, which imports the package: that must find this already on.
"""

import json
import os
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER")

if WORKER and "REACHED" in os.environ:
    import slipcover

    PACKAGE = Path(__file__).parent / "finale_pipeline"
    reached = slipcover.Slipcover(
        branch=True,
        source=[str(PACKAGE)],
        omit=[f"{PACKAGE}/warehouse/migrations/*"],  # Alembic loads them by a way of its own
        exclude_also=["raise NotImplementedError", "if __name__ == .__main__.:"],
    )
    slipcover.ImportManager(reached, slipcover.FileMatcher([PACKAGE])).__enter__()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish() -> None:
        """Write what this process of the tests reached."""
        found = Path(os.environ["REACHED"]) / f"{WORKER}.json"
        found.write_text(json.dumps(reached.get_coverage()))
