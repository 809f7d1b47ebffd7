"""The study of families that no preset was made for."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gengraph.benchmarks import choosing
from gengraph.benchmarks.studies import read_lines
from gengraph.graphs.planarity import is_planar


@pytest.mark.parametrize("name", choosing.FAMILIES)
def test_a_family_is_the_same_each_time_and_of_its_sizes(name: str) -> None:
    split, again = choosing.family(name), choosing.family(name)
    assert split.test.content_hash() == again.test.content_hash()
    assert (len(split.train), len(split.validation), len(split.test)) == (144, 16, 40)
    assert 35 <= split.train.num_nodes.min() < 45
    assert 76 <= split.train.num_nodes.max() <= 81


def test_families_are_what_they_are_called() -> None:
    graphs = choosing.family("stacked triangulations").train
    assert is_planar(graphs).all()
    assert (graphs.num_edges == 3 * graphs.num_nodes - 6).all()
    for name in ("random trees", "caterpillars"):
        graphs = choosing.family(name).train
        assert (graphs.num_edges == graphs.num_nodes - 1).all()
        assert (graphs.num_components() == 1).all()
    graphs = choosing.family("random regular").train
    assert (2 * graphs.num_edges == 3 * graphs.num_nodes).all()


def line(model: str, *, chosen: bool, degree: float, clustering: float = 0.0) -> dict[str, Any]:
    mmd2, floor = {"degree": degree, "clustering": clustering}, {"degree": 0.001, "clustering": 0.0}
    return {
        "family": "f",
        "trials": [["graphrnn-c", 2.0], ["maps", 1.0]],
        "model": model,
        "settings": {},
        "chosen": chosen,
        "mmd2": mmd2,
        "floor": floor,
    }


def test_the_table_has_ratios_to_the_floor_and_their_geometric_means() -> None:
    lines = [line("graphrnn-c", chosen=False, degree=0.004, clustering=0.02), line("maps", chosen=True, degree=0.001)]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in choosing.table([*lines, *lines]).splitlines()[2:]]
    assert rows[0] == ["f", "graphrnn-c 2, maps 1", "graphrnn-c", "4", "0.02 (floor 0)", "4"]
    assert rows[1][2:] == ["**maps**", "1", "0 (floor 0)", "1"]
    assert [row[0] for row in rows[-2:]] == ["all, graphrnn-c", "all, chosen"]
    assert [row[-1] for row in rows[-2:]] == ["4", "1"]


def test_a_family_is_tried_trained_and_judged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choosing, "NUM_GRAPHS", 30)
    monkeypatch.setattr(choosing, "NUM_SAMPLES", 20)
    monkeypatch.setattr("gengraph.training.choosing.LEARNED", ("graphrnn-c", "maps"))
    monkeypatch.setattr(sys, "argv", ["choosing", "--out", str(tmp_path), "--families", "caterpillars", "--minutes", "0.01"])
    choosing.main()
    lines = read_lines(tmp_path / "choosing.jsonl")
    assert [line["chosen"] for line in lines].count(True) == 1
    assert {"graphrnn-c", "maps"} == {name for name, _ in lines[0]["trials"][:2]}
    assert lines[-1]["model"] == choosing.LAW
    assert all(line["mmd2"]["degree"] > lines[-1]["mmd2"]["degree"] > 0 for line in lines[:-1])
    choosing.main()
    assert read_lines(tmp_path / "choosing.jsonl") == lines
    monkeypatch.setattr(sys, "argv", ["choosing", "--out", str(tmp_path), "--table"])
    capsys.readouterr()
    choosing.main()
    assert "| caterpillars " in capsys.readouterr().out
