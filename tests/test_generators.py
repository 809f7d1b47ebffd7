"""What every generator must do. To put another one to the test, add a line to CASES."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gengraph.config import Config
from gengraph.errors import InputError
from gengraph.models.generator import GENERATORS, GraphGenerator, load_generator
from gengraph.graphs import GraphSet

# Constructor arguments that make a generator cheap to test, by its name in GENERATORS, and what is special about the case.
SMALL = Config().replace(["model.hidden_size=8", "model.edge_hidden_size=4", "training.steps=40"])
CASES: dict[str, dict[str, Any]] = {
    "graphrnn": {"config": SMALL},
    "graphrnn-s": {"config": SMALL},
    "graphrnn-c": {"config": SMALL},
    "graphrnn edge_eos": {"config": SMALL.replace(["model.stop=edge_eos", "model.edge_context=state"])},
    "graphrnn edge_state": {"config": SMALL.replace(["model.node_input=edge_state", "training.steps=10"])},
    "graphrnn transformer": {"config": SMALL.replace(["model.node=transformer", "model.dropout=0.1"])},
    "graphrnn lstm": {"config": SMALL.replace(["model.node=lstm", "model.layer_norm=true"])},
    "graphrnn-s mixture": {"config": SMALL.replace(["model.head=mlp", "model.mixture=4"])},
    "er": {},
    "ba": {},
    "kronecker": {},
    "mmsb": {"num_groups": 2, "sweeps": 20},
    "configuration": {},
    "empirical": {},
}
# These draw the size of every graph from the training sizes.
SIZES_AMONG_TRAINING = {"er", "ba", "kronecker", "mmsb", "configuration", "empirical"}

Fitted = Callable[[str], GraphGenerator]


def path_graphs(*sizes: int) -> GraphSet:
    return GraphSet.from_edge_lists(sizes, [[(i, i + 1) for i in range(n - 1)] for n in sizes])


def complete_graphs(*sizes: int) -> GraphSet:
    return GraphSet.from_edge_lists(sizes, [np.column_stack(np.triu_indices(n, 1)) for n in sizes])


def model_of(name: str) -> type[GraphGenerator]:
    return GENERATORS[name.partition(" ")[0]]


def budget_of(name: str) -> float | None:
    return None if name.startswith("graphrnn") else 2.0  # networks end after the steps of their config


def fit_on(name: str, graphs: GraphSet) -> GraphGenerator:
    return model_of(name)(**CASES[name]).fit(graphs, seed=1, budget=budget_of(name))


TRAINING = GraphSet.concatenate([path_graphs(6, 9, 9, 12), complete_graphs(5)])


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    cache: dict[str, GraphGenerator] = {}

    def fit(name: str) -> GraphGenerator:
        if name not in cache:
            cache[name] = fit_on(name, TRAINING)
        return cache[name]

    return fit


every_generator = pytest.mark.parametrize("name", CASES)


@every_generator
def test_follows_the_protocol(name: str, fitted: Fitted) -> None:
    assert isinstance(fitted(name), GraphGenerator)
    again = model_of(name)(**CASES[name])
    assert again.fit(TRAINING[:1], seed=0, budget=budget_of(name)) is again


@every_generator
@pytest.mark.parametrize("num_graphs", [0, 1, 20])
def test_samples_as_many_simple_graphs_as_asked(name: str, num_graphs: int, fitted: Fitted) -> None:
    graphs = fitted(name).sample(num_graphs, seed=2)
    assert len(graphs) == num_graphs
    rebuilt = GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge, graphs.edges)  # raises unless simple and undirected
    assert rebuilt == graphs


@every_generator
def test_the_seed_alone_decides(name: str, fitted: Fitted) -> None:
    generator = fitted(name)
    graphs = generator.sample(12, seed=3)
    assert generator.sample(12, seed=3) == graphs
    assert generator.sample(5, seed=3) == graphs[:5]
    assert generator.sample(12, seed=4) != graphs
    assert len({graph.content_hash() for graph in graphs}) > 1


@every_generator
def test_the_same_fit_twice(name: str, fitted: Fitted) -> None:
    assert fit_on(name, TRAINING).sample(5, seed=3) == fitted(name).sample(5, seed=3)


@every_generator
def test_sizes_follow_the_training_sizes(name: str, fitted: Fitted) -> None:
    sizes = fitted(name).sample(60, seed=5).num_nodes
    if name in SIZES_AMONG_TRAINING:
        assert set(sizes.tolist()) == set(TRAINING.num_nodes.tolist())
    assert sizes.max() <= 2 * TRAINING.num_nodes.max()


@every_generator
@pytest.mark.parametrize(
    "graphs",
    [path_graphs(7), path_graphs(1), GraphSet.from_edge_lists([4, 6], [[], []]), complete_graphs(2, 4, 8)],
    ids=["one graph", "one node", "no edges", "complete"],
)
def test_learns_from_odd_sets(name: str, graphs: GraphSet) -> None:
    sampled = fit_on(name, graphs).sample(8, seed=6)
    assert len(sampled) == 8
    if not len(graphs.edges):
        assert not len(sampled.edges)


@every_generator
def test_parameters_are_json(name: str, fitted: Fitted) -> None:
    parameters = fitted(name).parameters()
    assert parameters
    assert json.loads(json.dumps(parameters)) == parameters


@every_generator
def test_state_survives_save_and_load(name: str, fitted: Fitted, tmp_path: Path) -> None:
    generator = fitted(name)
    generator.save(tmp_path / "model.json")
    for restored in (load_generator(tmp_path / "model.json"), model_of(name).load(tmp_path / "model.json")):
        assert type(restored) is type(generator)
        assert restored.sample(6, seed=3) == generator.sample(6, seed=3)
        assert restored.parameters() == generator.parameters()
    with pytest.raises(InputError, match="fit"):
        model_of(name)(**CASES[name]).save(tmp_path / "unfitted.json")
    assert not (tmp_path / "unfitted.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        '{"model": "er", "format": 1}',
        '{"model": "oracle", "format": 1, "options": {}, "state": {}}',
        '{"model": "er", "format": 99, "options": {}, "state": {}}',
        None,
    ],
)
def test_a_file_that_is_no_generator(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(InputError, match=r"model\.json|unknown model 'oracle'"):
        load_generator(tmp_path / "model.json")


def test_loading_another_model(tmp_path: Path) -> None:
    GENERATORS["er"]().fit(TRAINING, seed=0).save(tmp_path / "model.json")
    with pytest.raises(InputError, match="model 'ba', got format 1 of model 'er'"):
        GENERATORS["ba"].load(tmp_path / "model.json")


@every_generator
def test_wrong_use_is_an_input_error(name: str, fitted: Fitted) -> None:
    fresh = model_of(name)(**CASES[name])
    with pytest.raises(InputError, match="fit"):
        fresh.sample(1, seed=0)
    with pytest.raises(InputError, match="at least 1 graph"):
        fresh.fit(GraphSet.empty(), seed=0)
    with pytest.raises(InputError, match="num_graphs must be >= 0, got -1"):
        fitted(name).sample(-1, seed=0)


@every_generator
def test_an_unknown_parameter_is_an_error(name: str) -> None:
    with pytest.raises((TypeError, InputError), match="colour"):
        model_of(name)(colour="red")
