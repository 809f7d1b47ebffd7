"""Commands that measure, where they measure something that can be checked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gengraph.benchmarks.speed.builds import BLOCKS, CALLS, QUANTITIES, SIDES, summarize

ROOT = Path(__file__).parents[2]


def turn(prepare: float, step: list[float], graph: list[float], content: str = "a") -> dict[str, Any]:
    return {"prepare": [prepare], "step": step, "graph": graph, "content_hashes": [content], "mean_num_nodes": 5.0}


def test_ratios_are_of_neighbours_in_time_and_of_what_nothing_disturbed() -> None:
    this = [turn(2.0, [1.0, 9.0], [3.0]), turn(4.0, [9.0, 1.0], [6.0]), turn(8.0, [5.0, 5.0], [12.0])]
    other = [turn(1.0, [2.0, 2.0], [3.0]), turn(2.0, [2.0, 2.0], [6.0]), turn(4.0, [2.0, 2.0], [12.0])]
    found = summarize({"this": this, "other": other})
    assert found["ratios"]["prepare"] == {"median": 2.0, "least": 2.0}
    assert found["ratios"]["step"] == {"median": 2.5, "least": 0.5}
    assert found["ratios"]["graph"] == {"median": 1.0, "least": 1.0}
    assert found["milliseconds"]["step"]["this"] == {"least": 1000.0, "median": 5000.0}
    assert found["same_graphs"]
    assert not summarize({"this": this, "other": [*other[:2], turn(1.0, [1.0, 1.0], [1.0], "b")]})["same_graphs"]


@pytest.mark.slow
def test_a_build_beside_itself_does_the_same() -> None:
    command = [sys.executable, "-m", "gengraph.benchmarks.speed.builds", "--against", str(ROOT)]
    command += ["--models", "graphrnn-c", "--datasets", "ladder-small", "--turns", "3"]
    command += ["--steps", str(BLOCKS), "--graphs", str(CALLS)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=150).stdout)
    found = report["graphrnn-c, ladder-small"]
    assert found["same_graphs"]
    assert {build["folder"] for build in report["builds"].values()} == {str(ROOT / "gengraph")}
    for quantity in QUANTITIES:
        assert all(found["milliseconds"][quantity][side]["least"] > 0 for side in SIDES)
        assert 0.2 < found["ratios"][quantity]["least"] < 5
