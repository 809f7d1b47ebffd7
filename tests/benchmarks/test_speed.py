"""Commands that measure, where they measure something that can be checked."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gengraph.benchmarks.speed import card, training_on_device
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
    command += ["--preset", "graphrnn-c/gpu", "--batch-size", "4"]
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


def test_a_device_is_measured_beside_a_core(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--preset", "graphrnn-s/gpu", "--dataset", "grid-small", "--steps", "1", "--turns", "1", "--budget", "0.1"]
    training_on_device.main([*few, "--loss", "1e9"])
    report = json.loads(capsys.readouterr().out)
    assert report["device"] == "cpu"
    (steps,) = report["steps"].values()
    assert set(steps["seconds_a_step"]) == {"device", "core"}
    assert steps["graphs_a_second"]["device"] > 0
    assert steps["threads_that_code"] == 0
    (found,) = report["until"].values()
    assert found["seconds"] is not None
    assert found["least"] > 0
    (times,) = report["profile"].values()
    assert times["all"] >= sum(list(times.values())[1:]) > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("command", [lambda: card.main([]), lambda: training_on_device.main(["--device", "cuda"])])
def test_without_a_device_nothing_is_measured(command: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command()
    assert re.search(r"CUDA device.*; nothing was (run|measured)", capsys.readouterr().err)


def test_what_fails_or_takes_too_long_leaves_its_place_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    works = {"slow": (["-c", "import time; time.sleep(60)"], 1), "bad": (["-c", "1 / 0"], 60), "good": (["-c", "print(7)"], 60)}
    monkeypatch.setattr(card, "WORKS", works)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a card")
    with pytest.raises(SystemExit, match="failed: slow, bad"):
        card.main(["--out", str(tmp_path / "card")])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("status") for line in lines] == [None, "took more than 1 s", 1, 0]
    assert (tmp_path / "card" / "good.txt").read_text() == "7\n"
    assert "ZeroDivisionError" in (tmp_path / "card" / "bad.txt").read_text()


def test_another_build_is_measured_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(card, "WORKS", {})
    monkeypatch.setattr(card, "_run", lambda _name, work, _folder: commands.append(work[0]) or True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "a card")
    with pytest.raises(SystemExit, match="0"):
        card.main(["--out", str(tmp_path / "card"), "--against", "former"])
    for command, (model, preset, size) in zip(commands, card.OTHERS.values(), strict=True):
        for option in (f"--against former --models {model}", f"--preset {preset} --batch-size {size} --device cuda"):
            assert option in " ".join(command)
