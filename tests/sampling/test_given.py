"""Properties that are asked for: ranges by rejection, values told to a model that knows them, from the command line."""

import json
import pickle
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from command_line import FAST_S, gengraph, in_tmp_path  # noqa: F401

from gengraph.baselines.erdos_renyi import ErdosRenyi
from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.graphs import GraphSet
from gengraph.learned import learned
from gengraph.rewards.find import find_reward, in_range
from gengraph.sampling.attempts import GeneratorSource, sample_graphs
from gengraph.sampling.conditions import Conditions

SMALL = GraphSet.from_networkx([nx.cycle_graph(6), nx.wheel_graph(7), nx.complete_graph(5), nx.path_graph(6)])
WITHIN = {"edges": (6, 9), "clustering": (0.1, 0.6)}


def test_ranges_are_kept_by_the_first_attempts_of_any_generator() -> None:
    source = GeneratorSource(ErdosRenyi().fit(SMALL, seed=0))
    conditions = Conditions(within=WITHIN)
    samples = sample_graphs(source, np.arange(30), seed=4, conditions=conditions)
    assert pickle.loads(pickle.dumps(conditions)) == conditions  # as workers get them
    for name, (least, most) in WITHIN.items():
        values = find_reward(name)(samples.graphs)
        assert values.min() >= least
        assert values.max() <= most
    index, attempt = 7, 0
    while True:
        (drawn,) = source.draw(np.array([index]), np.array([attempt]), seed=4)
        if all(in_range(name, *ends)(drawn.graphs)[0] for name, ends in WITHIN.items()):
            break
        attempt += 1
    assert (drawn.graphs, attempt + 1) == (samples.graphs[index : index + 1], samples.attempts[index])


def test_what_no_graph_has_is_in_no_range_and_attempts_are_bounded() -> None:
    source = GeneratorSource(ErdosRenyi().fit(SMALL, seed=0))
    none = Conditions(within={"triangles": (500, 600), "density": (0.5, 1)})
    with pytest.raises(InputError, match=r"conditions \(500\.\.600 triangles, 0\.5\.\.1 density\), but 0 of \d+ did; loosen"):
        sample_graphs(source, np.arange(50), seed=0, conditions=none)
    assert not in_range("assortativity", -1, 1)(GraphSet.from_networkx([nx.cycle_graph(4)])).any()
    with pytest.raises(InputError, match="a value of edges is not for this generator as it is here"):
        sample_graphs(source, np.arange(5), seed=0, conditions=Conditions(given={"edges": 7.0}))


@pytest.mark.usefixtures("in_tmp_path")
def test_a_sample_with_properties_from_the_command_line() -> None:
    gengraph(
        f'train --dataset grid-small --model graphrnn-s --steps 5 --run g {FAST_S} --set model.conditions=["edges","density"]'
    )
    asked = "sample --run g -n 12 --given edges=20 --given nodes=1..30 --given edges=0..60.5"
    gengraph(f"{asked} --out a")
    gengraph(f"{asked} --shard-size 5 --out b")
    manifest = json.loads(Path("a/manifest.json").read_text())
    assert manifest["conditions"]["given"] == {"edges": 20}
    assert manifest["conditions"]["within"] == {"nodes": [1, 30], "edges": [0, 60.5]}
    graphs = read_graphs("a")
    assert read_graphs("b") == graphs
    assert graphs.num_nodes.max() <= 30
    conditions: dict[str, Any] = {"given": {"edges": 20}, "within": {"nodes": (1, 30), "edges": (0, 60.5)}}
    model = learned("graphrnn-s").load("runs/g")
    assert model.sample(12, seed=0, conditions=Conditions(**conditions)) == graphs
    card = next(Path("runs/g").rglob("card.md")).read_text()
    assert "conditions" in card
    for given, message in (
        ("edges=900", "near those of the training graphs, got edges = 900"),
        ("triangles=3", "trained only with edges, density; train one with"),
        ("edges", "--given must be NAME=VALUE or NAME=LEAST..MOST, got 'edges'"),
        ("edges=few", "--given must be NAME=VALUE or NAME=LEAST..MOST, got 'edges=few'"),
        ("edges=9..3", "a range of edges must be least..most with least <= most, got 9..3"),
        ("edges=20 --given edges=30", "--given takes one value and one range of each name, got two of edges"),
        ("nodes=2..9 --num-nodes 2..8", "--num-nodes 2..8 is --given nodes=2..8, and another range of nodes is given"),
    ):
        shown = " ".join(gengraph(f"sample --run g -n 2 --given {given} --out c", code=2).split())
        assert message in shown
        assert not Path("c").exists()
