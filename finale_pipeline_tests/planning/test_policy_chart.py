"""The picture of what a service level costs stays inside its box."""

import re

from finale_pipeline.planning.policy_chart import HEIGHT, WIDTH, policy_chart


def test_every_point_is_inside_and_names_are_escaped() -> None:
    rows = [
        {"method": f"pace 80/20, {level:.0%}", "service_level": level, "stock_units": units,
         "fill_per_product": fill}
        for level, units, fill in ((0.8, 700, 0.71), (0.95, 1_400, 0.93))
    ]  # fmt: skip
    alone = {"method": "7 days <on> top", "service_level": None, "stock_units": 0,
             "fill_per_product": 0.4}  # fmt: skip
    shown = policy_chart([*rows, alone], "pace 80/20")

    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', shown)
    assert len(circles) == 3
    assert all(0 < float(x) < WIDTH and 0 < float(y) < HEIGHT for x, y in circles)
    assert len(re.findall("<polyline", shown)) == 2
    assert ">pace 80/20<" in shown
    assert "7 days &lt;on&gt; top" in shown
