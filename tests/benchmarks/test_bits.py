"""Bits on the graphs that a model was trained on, and on others."""

import math
from pathlib import Path

import networkx as nx
import pytest

from gengraph.benchmarks import bits
from gengraph.benchmarks.artefacts import Store
from gengraph.data import load_dataset
from gengraph.generators import GENERATORS
from gengraph.graphs import GraphSet
from gengraph.training.checkpoint import checkpoints_in, load_checkpoint
from gengraph.training.config import usual_config
from gengraph.training.likelihood import log_prob_bound


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of planar maps that has hardly learnt anything."""
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    config = usual_config("maps").replace(["model.hidden_size=8"]).trained(steps=2)
    GENERATORS["maps"](config=config).fit(load_dataset("grid-small")[:6], seed=0).save(path)  # type: ignore[call-arg]
    return path


def test_they_are_those_of_the_likelihood(saved: Path, tmp_path: Path) -> None:
    graphs = load_dataset("grid-small")
    found = bits.of_fit(Store(tmp_path), saved, {"train": graphs[:6], "test": graphs[6:]})
    assert found is not None
    model = load_checkpoint(checkpoints_in(saved.with_suffix(".checkpoints"))[-1]).build_model()
    nats = log_prob_bound(model, graphs[6:], num_orderings=1).weighted
    assert nats is not None
    assert found["test"]["graph"] == pytest.approx(-nats.mean() / math.log(2))
    assert found["test"]["node"] == pytest.approx(-nats.sum() / math.log(2) / graphs[6:].num_nodes.sum())


def test_graphs_that_a_model_cannot_say_have_none(saved: Path, tmp_path: Path) -> None:
    cliques = GraphSet.from_networkx([nx.complete_graph(5)] * 2)
    assert bits.of_fit(Store(tmp_path), saved, {"train": load_dataset("grid-small")[:6], "test": cliques}) is None


def test_a_closed_form_has_none(tmp_path: Path) -> None:
    GENERATORS["er"]().fit(load_dataset("grid-small"), seed=0).save(tmp_path / "fit.json")
    assert bits.of_fit(Store(tmp_path), tmp_path / "fit.json", {"train": load_dataset("grid-small")}) is None
