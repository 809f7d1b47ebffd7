import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from command_line import gengraph, in_tmp_path, orders_are_tried_briefly  # noqa: F401

from gengraph.cli.choosing import is_open
from gengraph.cli.config import configure
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet
from gengraph.training import choosing
from gengraph.training.choosing import Trial

pytestmark = pytest.mark.usefixtures("orders_are_tried_briefly")
TRIALS = [
    Trial(model="graphrnn-c", why="takes any graphs", ratios={"degree": 9.0}, distance=3.0, steps=5),
    Trial(model="maps", why="all graphs are planar", ratios={"degree": 1.0}, distance=1.0, steps=7),
]


@pytest.mark.usefixtures("in_tmp_path")
def test_the_closest_is_trained_and_what_was_tried_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "try_models", lambda *graphs, **how: iter(TRIALS))
    said = gengraph("train --dataset grid-small --model auto --steps 2")
    assert "graphrnn-c (takes any graphs): distance 3.00 after 5 steps" in said
    assert "maps is trained" in said
    about = json.loads(Path("runs/grid-small-maps/run.json").read_text())
    assert [trial["model"] for trial in about["tried"]] == ["graphrnn-c", "maps"]


@pytest.mark.usefixtures("in_tmp_path")
def test_what_was_tried_of_the_model_is_what_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Trial(
        model="attachment", why="cheap", settings={"model.order": "ring"}, ratios={}, distance=2.0, steps=9, expected=1.2
    )
    bfs = replace(ring, settings={"model.order": "bfs"}, expected=1.5)
    monkeypatch.setattr(choosing, "try_models", lambda *graphs, **how: iter([replace(ring, expected=None), bfs, ring]))
    said = gengraph("train --dataset grid-small --steps 1")
    assert "attachment model.order=ring (cheap): distance 2.00 after 9 steps, 1 is the floor; 1.20 is to be expected" in said
    assert "attachment model.order=ring is trained: of the two that came closest" in said
    assert 'order = "ring"' in Path("runs/grid-small-attachment/config.toml").read_text()


def test_a_config_is_a_choice_already() -> None:
    said = gengraph("train --dataset grid-small --model auto --config graphrnn/paper", code=2)
    assert "chooses the config with the model" in said
    said = gengraph("train --dataset grid-small --model auto --set model.order=bfs", code=2)
    assert "--model auto chooses what of [model] is set, got --set model.order=bfs too; name the model" in said


def test_an_interrupt_in_the_trials_names_the_closest_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def tries(*_: object, **how: object) -> Iterator[Trial]:
        yield from TRIALS
        raise KeyboardInterrupt

    monkeypatch.setattr(choosing, "try_models", tries)
    said = gengraph("train --dataset grid-small --model auto", code=130)
    assert "Nothing is kept of the trials; --model maps trains what was closest so far." in said


@pytest.mark.parametrize(
    ("dataset", "model", "config", "assign", "expected"),
    [
        ("mine.jsonl", None, None, None, True),
        ("grid-small", None, None, None, True),  # no preset is made for it
        ("grid", None, None, None, False),
        ("sbm:60", None, None, [], False),
        ("mine.jsonl", "graphrnn", None, None, False),
        ("mine.jsonl", None, "graphrnn/paper", None, False),
        ("mine.jsonl", None, None, ["model.hidden_size=8"], False),
        ("grid", "auto", None, ["training.batch_size=2"], True),
    ],
)
def test_what_nobody_said_is_chosen(dataset: str, model: Any, config: Any, assign: Any, expected: bool) -> None:
    assert is_open(dataset, model, config, assign) == expected


@pytest.mark.usefixtures("in_tmp_path")
def test_without_a_word_the_model_that_suits_is_trained() -> None:
    said = gengraph("train --dataset grid-small --steps 20 --run mine --seed 3")
    assert "maps (all graphs are planar): distance" in said
    assert "after 2 steps" in said
    name = re.search(r"(\S+).* is trained: .*closest in 2 steps each.*; --model NAME overrules", said)[1]  # type: ignore[index]
    about = json.loads(Path("runs/mine/run.json").read_text())
    assert [trial["model"] for trial in about["tried"]][:2] == ["graphrnn-c", "maps"]
    last = [trial for trial in about["tried"] if trial["expected"] is not None] or about["tried"]
    distances = {trial["model"]: trial["expected"] or trial["distance"] for trial in last}
    assert distances[name] <= 1.1 * min(distances.values())
    said = gengraph("train --dataset grid-small --steps 20 --run mine", code=2)
    assert "trying models" not in said
    assert "exists" in said


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [("grid", "graphrnn"), ("planar", "maps"), ("sbm:60", "blocks"), ("protein", "graphrnn-c"), ("ladder-small", "graphrnn")],
)
def test_a_data_set_with_presets_has_the_model_they_were_made_of(dataset: str, expected: str) -> None:
    assert configure(None, None, dataset, ["training.steps=3"]).model_name == expected
    assert configure(None, "graphrnn-s", dataset, None).model_name == "graphrnn-s"


@pytest.mark.usefixtures("in_tmp_path")
def test_where_one_model_alone_suits_nothing_is_tried() -> None:
    write_graphs(GraphSet.from_networkx([nx.gnp_random_graph(20, 0.5, seed=seed) for seed in range(12)]), Path("mine.jsonl"))
    said = gengraph("train --dataset mine.jsonl --steps 2")
    assert "graphrnn-c is trained: no other suits these graphs" in said
    tried = {"model": "graphrnn-c", "why": "takes any graphs", "settings": {}, "ratios": {}, "distance": None}
    tried |= {"steps": 0, "expected": None}
    assert json.loads(Path("runs/mine-graphrnn-c/run.json").read_text())["tried"] == [tried]
