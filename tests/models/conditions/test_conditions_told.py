"""Models that are told properties: samplers follow the likelihood given them, and models learn them."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gran_cases import as_numbered, numbered_graphs
from scipy.stats import chisquare

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.gran.network import GRANModel
from gengraph.rewards.conditions import Told, condition_facts, told_values
from gengraph.rewards.find import find_reward
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.testing.generators import TRAINING, complete_graphs, path_graphs
from gengraph.training.checkpoint import build_model
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Trainer, prepare_graphs

PATHS = path_graphs(*[2, 3, 4, 5, 6, 7, 8] * 6)
GIVEN = {"edges": 4.0, "clustering": 0.5}
DRAWN = 1000
ONE = np.zeros(1, np.int64), np.zeros(1, np.int64)  # index and attempt
GRAPHRNN = ["model.hidden_size=8", "model.embedding_size=8", "model.head.hidden_size=8"]
SMALL = {
    "graphrnn": GRAPHRNN,
    "graphrnn edge_state": [*GRAPHRNN, "model.head.node_input=edge_state"],
    "graphrnn-s": [*GRAPHRNN, "model.node=transformer", "model.num_heads=2"],
    "graphrnn-c": GRAPHRNN,
    "gran": ["model.hidden_size=8", "model.num_layers=2", "model.num_mixtures=3", "model.prefixes=0"],
    "molrnn": ["model.hidden_size=8"],
    "molmp": [],
}
MOLRNN = [
    "model.embedding_size=4",
    "model.layer_sizes=[8, 8]",
    "model.skip_size=8",
    "model.state_size=8",
    "model.policy_size=8",
]


def small_config(name: str, *conditions: str) -> Config:
    """A model of few units that is told of edges and clustering, or of other things."""
    sizes = MOLRNN if name.startswith("mol") else SMALL[name]
    names = ", ".join(f'"{condition}"' for condition in conditions or GIVEN)
    return usual_config(name.split(maxsplit=1)[0]).replace([*sizes, f"model.conditions=[{names}]", "training.batch_size=16"])


def random_model(name: str) -> Any:
    """Weights that are large enough for a condition to matter."""
    config = small_config(name)
    _, facts = prepare_graphs(TRAINING, config)
    torch.manual_seed(3)
    model = build_model(config, facts)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape))
        for name_of, weight in model.named_parameters():
            if name_of.endswith("bias"):
                weight.normal_(0, 0.7)
            if "code.network" in name_of:
                weight.mul_(3)
    return model.eval()


@torch.inference_mode()
def probabilities(model: Any, graphs: GraphSet, given: dict[str, float]) -> dict[str, float]:
    """Of each graph with its numbers, as training has it, given some of the conditions; those that the coding can hold."""
    told = told_values(given, getattr(model, "conditions", None) or model.facts.conditions, "model")
    found = {}
    for graph in graphs:
        batch = as_numbered(graph, model.config) if isinstance(model, GRANModel) else model.rollout(graph, *ONE, seed=0)
        if not sum(batch.losses_of_data.values()):
            found[graph.content_hash()] = float(torch.exp(-model(replace(batch, told=told), 1.0).total))
    return found


@pytest.mark.parametrize("name", SMALL)
def test_graphs_are_drawn_by_the_law_given_what_is_told(name: str) -> None:
    model, laws = random_model(name), []
    for given in ({}, GIVEN):
        expected = {graph: DRAWN * p for graph, p in probabilities(model, numbered_graphs(range(1, 4)), given).items()}
        drawn = sample_graphs(model, np.arange(DRAWN), seed=3, conditions=Conditions(given=given, max_num_node=30)).graphs
        seen = Counter(graph.content_hash() for graph in drawn)
        often = [graph for graph, count in expected.items() if count > 5]
        counts, wanted = [seen[graph] for graph in often], [expected[graph] for graph in often]
        assert len(often) > 1
        assert chisquare([*counts, DRAWN - sum(counts)], [*wanted, DRAWN - sum(wanted)]).pvalue > 1e-4
        laws.append(np.array([*expected.values()]))
    assert np.abs(laws[0] - laws[1]).sum() > 0.05 * DRAWN  # what is told matters


@pytest.mark.parametrize("name", SMALL)
def test_the_likelihood_is_that_of_nothing_told(name: str) -> None:
    model = random_model(name)
    batch = model.encoder(TRAINING)(np.arange(len(TRAINING)), key=(0, 3))
    assert np.isfinite(batch.told).any()
    with torch.inference_mode():
        log_prob = model.log_prob(batch)
        nothing = replace(batch, told=np.full_like(batch.told, np.nan))
        assert float(log_prob.sum()) == pytest.approx(-float(model(nothing, 1.0).total), rel=1e-5)
        assert float(log_prob.sum()) != pytest.approx(-float(model(batch, 1.0).total), rel=1e-3)


@pytest.mark.parametrize(("name", "steps"), [("graphrnn-c", 100), ("gran", 100), ("molmp", 90)])
def test_a_model_learns_what_it_is_told(name: str, steps: int) -> None:
    config = small_config(name, "nodes").replace(["training.learning_rate=0.01"]).trained(steps=steps)
    prepared, facts = prepare_graphs(PATHS, config)
    trainer = Trainer(config, facts, prepared, GraphSet.empty())
    trainer.run(lambda _metrics: None, lambda _checkpoint: None)
    model = trainer.checkpoint().build_model()

    def sizes(**given: float) -> Any:
        return sample_graphs(model, np.arange(100), seed=0, conditions=Conditions(given=given)).graphs.num_nodes

    assert abs(np.median(sizes(nodes=3)) - 3) <= 1
    assert abs(np.median(sizes(nodes=7)) - 7) <= 1
    assert sizes().std() > 1  # not told, it draws them all


def test_what_is_told_of_a_graph_follows_from_seed_epoch_and_index() -> None:
    facts = condition_facts(PATHS, ["nodes", "assortativity"], "model")
    assert (facts[0]["mean"], facts[0]["least"], facts[0]["most"]) == (5, 2, 8)
    told = Told(PATHS, facts, 0.2)
    values = np.concatenate([told(np.arange(len(PATHS)), (4, epoch)) for epoch in range(200)])
    assert np.array_equal(told(np.array([7, 3]), (4, 199)), values[-len(PATHS) :][[7, 3]], equal_nan=True)
    assert np.array_equal(Told(PATHS, facts, 0.2)(np.array([5]), (4, 0)), values[5:6], equal_nan=True)
    nodes = np.tile((PATHS.num_nodes - facts[0]["mean"]) / facts[0]["deviation"], 200)
    known = ~np.isnan(values[:, 0])
    assert values[known, 0] == pytest.approx(nodes[known])
    assert known.mean() == pytest.approx(0.8 * 0.8, abs=0.02)
    has_one = ~np.isnan(np.tile(find_reward("assortativity")(PATHS), 200))
    assert not np.isfinite(values[~has_one, 1]).any()  # a path of two nodes has none
    both_missing = (np.isnan(values).all(1) & has_one).sum() / has_one.sum()
    assert both_missing == pytest.approx(0.2 + 0.8 * 0.2 * 0.2, abs=0.02)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("gran", {"edges": 30.0}, r"near those of the training graphs, got edges = 30 where they have 5 to 11; give one from"),
        (
            "graphrnn",
            {"nodes": 5.0},
            r"got nodes = 5 and a graphrnn that was trained only with edges, clustering; train one with",
        ),
        ("molmp", {"qed": 0.5}, r'train one with model\.conditions = \["qed"\], or ask for a range'),
    ],
)
def test_what_a_model_was_not_trained_with_is_refused(name: str, given: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        random_model(name).sampler(Decoding(given=given))


def test_a_model_without_conditions_is_told_nothing() -> None:
    for name, message in (
        ("graphrnn", "trained without conditions"),
        ("vgae", "a value of edges is not for vgae as it is here"),
    ):
        config = usual_config(name)
        model = build_model(config, prepare_graphs(TRAINING, config)[1])
        with pytest.raises(InputError, match=message):
            model.sampler(Decoding(given={"edges": 5.0}))


@pytest.mark.parametrize(
    ("model", "assignments", "message"),
    [
        ("graphrnn", ['model.conditions=["edges", "edges"]'], "must differ, got edges twice"),
        ("gran", ['model.conditions=["edges=3"]'], "names of properties without a value, got 'edges=3'"),
        ("molrnn", ["model.condition_dropout=0"], r"must lie in \(0, 1\), got 0"),
        ("graphrnn", ["model.stop=size", 'model.conditions=["edges"]'], "got edges with model.stop = size; set model.stop"),
        ("gran", ["model.termination=size", 'model.conditions=["edges"]'], "set model.termination = stop"),
    ],
)
def test_conditions_of_a_config_are_checked(model: str, assignments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        usual_config(model).replace(assignments)


@pytest.mark.parametrize(
    ("condition", "graphs", "message"),
    [
        ("beauty", PATHS, "unknown property 'beauty'; choose from qed"),
        ("clustering", PATHS, "must differ among training graphs, but all have 0"),
        ("assortativity", complete_graphs(3, 4), "must differ among training graphs, but none has one"),
        ("qed", PATHS, "the condition qed is of molecules, and graphrnn sees no labels here"),
    ],
)
def test_properties_that_training_graphs_do_not_show_are_refused(condition: str, graphs: GraphSet, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_graphs(graphs, small_config("graphrnn", condition))
