"""The source lies, or is cut."""

from finale_pipeline.drills.registry import Drill
from finale_pipeline.drills.scene import Scene, expect


def _half_of_stock(scene: Scene) -> None:
    scene.sync()
    before = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    scene.sandbox.add_fault("half@inventoryitem")
    seen = scene.sync("critical")
    after = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    expect(seen.code == 7, f"it ended with {seen.code}")  # noqa: PLR2004 - held
    expect(after == before, "levels changed")


DRILLS = (
    Drill(
        "stock-half",
        "half of the stock's rows are missing in every answer",
        "held for a person; no level changes",
        _half_of_stock,
        is_quick=True,
    ),
)
