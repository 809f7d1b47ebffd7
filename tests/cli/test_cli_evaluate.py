import json

import pytest
from command_line import gengraph

pytest.importorskip("sklearn")


def test_the_discrepancy_stands_beside_the_other_protocols() -> None:
    printed = gengraph("evaluate planar:20 lobster:20 --train planar:16 --protocol tv,pgd --format json")
    squared, pgd = json.loads(printed[printed.index("[\n") :])
    assert squared["metrics"]["degree"]["mmd2"] > 0.5
    assert pgd["classifier"] == "logistic regression"
    assert pgd["pgd"] > 0.9
    assert pgd["floor"]["pgd"] < 0.5
    assert set(pgd["scores"]) == {"orbit4", "orbit5", "clustering", "degree", "spectral", "gin"}
    assert pgd["repeats"] == 10
    shown = gengraph("evaluate planar:20 lobster:20 --protocol pgd")
    assert "PolyGraph discrepancy by logistic regression between 20 graphs" in shown
    assert "floor" not in shown


def test_the_discrepancy_is_no_squared_mmd() -> None:
    assert "use table or json" in gengraph("evaluate planar:20 lobster:20 --protocol pgd --format csv", code=2)
