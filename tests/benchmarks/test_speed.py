"""Commands that measure, where they measure something that can be checked."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gengraph.benchmarks.speed.builds import BLOCKS, CALLS, QUANTITIES, SIDES, summarize
from gengraph.benchmarks.speed.scale import START, commands, exponent, measure, molecule_like, table
from gengraph.formats import write_graphs
from gengraph.graphs.isomorphism import isomorphism_classes

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


def test_graphs_like_molecules_are_simple_connected_and_the_same_for_a_seed() -> None:
    graphs = molecule_like(500, seed=3)
    assert graphs == molecule_like(500, seed=3)
    assert (graphs.num_components() == 1).all()
    rings = graphs.num_edges - graphs.num_nodes + 1
    assert 9 == graphs.num_nodes.min() < graphs.num_nodes.max() == 27
    assert 0 == rings.min() < rings.max() <= 4
    assert len(np.unique(isomorphism_classes(graphs)[0])) > 400


def test_the_exponent_is_that_of_what_the_start_does_not_cost() -> None:
    sizes = [1000, 10_000, 100_000]
    assert exponent(sizes, [2 + 1e-6 * n**1.5 for n in sizes], 2.0) == pytest.approx(1.5)
    assert math.isnan(exponent(sizes, [2.0, 2.01, 2.3], 2.0))


def test_a_command_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    write_graphs(molecule_like(START, seed=0), tmp_path / f"{START}.parquet")
    cost = measure(commands(tmp_path, START)["datasets show"])
    assert cost["cpu_s"] > 0
    assert cost["peak_mb"] > 20
    with pytest.raises(RuntimeError, match="ended with 2: "):
        measure(["datasets", "show", str(tmp_path / "nothing.parquet")])
    report = {"datasets show": {"start": cost, "sizes": {10: {"cpu_s": 3.0, "peak_mb": 70.0}}, "exponent": math.nan}}
    assert table(report, [10]).splitlines()[-1].endswith("| 3.0 s, 70 MB | - |")
