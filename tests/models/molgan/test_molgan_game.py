"""MolGAN: graphs as classes, judges, the energy score, valences, what is drawn."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.valences import valences_fit
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelArrays, Labels, LabelSchema
from gengraph.models.family import Decoding
from gengraph.models.molgan import FAMILY
from gengraph.models.molgan.classes import classes_of, graphs_of, rewards_of
from gengraph.models.molgan.config import MolGANConfig
from gengraph.models.molgan.energy import Features, energy_score
from gengraph.models.molgan.network import Dense, Judge, one_hot
from gengraph.testing.generators import TRAINING
from gengraph.training.checkpoint import build_model
from gengraph.training.config import usual_config
from gengraph.training.trainer import prepare_graphs

MOLECULES = graphs_of_texts(["CCO", "C1CC1N", "CC(=O)OC", "C#CCN", "O=C1CC1", "CC(F)(F)F"]).graphs
SMALL = MolGANConfig(generator_size=16, judge_size=8, judge_layers=2, pool_size=8, latent_size=4)


def model_of(graphs: GraphSet, *assignments: str) -> Any:
    small = [
        "model.generator_size=16",
        "model.judge_size=8",
        "model.judge_layers=2",
        "model.pool_size=8",
        "model.latent_size=4",
    ]
    config = usual_config("molgan").replace([*small, *assignments])
    torch.manual_seed(0)
    return build_model(config, prepare_graphs(graphs, config)[1])


def drawn_of(model: Any, count: int, **decoding: Any) -> GraphSet:
    sampler = model.sampler(Decoding(**decoding))
    return GraphSet.concatenate([found.graphs for found in sampler.draw(np.arange(count), np.zeros(count, int), seed=3)])


def dense_of(graphs: GraphSet, n: int) -> Dense:
    classes = classes_of(graphs, n)
    return one_hot(torch.from_numpy(classes.nodes), torch.from_numpy(classes.pairs), graphs.schema.num_kinds, torch.float64)


def renumbered(graphs: GraphSet, seed: int) -> GraphSet:
    """The same graphs, their nodes in another order."""
    rng, new, first = np.random.default_rng(seed), np.arange(int(graphs.num_nodes.sum())), 0
    for size in graphs.num_nodes.tolist():
        new[first : first + size] = rng.permutation(size)
        first += size
    ends = new[graphs.edges + graphs.node_offsets[graphs.graph_of_edge][:, None]]
    assert graphs.node_labels is not None
    place = np.empty_like(new)
    place[new + np.repeat(graphs.node_offsets[:-1], graphs.num_nodes)] = np.arange(len(new))
    labels = LabelArrays(graphs.schema, graphs.node_labels[place], graphs.edge_labels)
    return GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge, ends, labels)


@pytest.mark.parametrize("graphs", [MOLECULES, MOLECULES.bare(), TRAINING])
def test_classes_are_the_graphs(graphs: GraphSet) -> None:
    again, cut = graphs_of(classes_of(graphs, 14), graphs.schema)
    assert again == graphs
    assert not cut.any()


def test_places_without_a_node_have_no_edges_and_large_graphs_are_cut() -> None:
    classes = classes_of(TRAINING, 12)
    classes.nodes[0, 2] = 0  # of a path of six
    graphs, cut = graphs_of(classes, TRAINING.schema, limit=4)
    assert graphs.num_nodes.tolist() == [4] * 5
    assert graphs[0].edges.tolist() == [[0, 1], [2, 3]]
    assert cut.all()


def test_judges_know_neither_numbers_nor_padding() -> None:
    torch.manual_seed(1)
    judge = Judge(SMALL, MOLECULES.schema.num_kinds, 3).double()
    found = judge(dense_of(MOLECULES, 6))
    assert torch.allclose(judge(dense_of(renumbered(MOLECULES, 2), 6)), found)
    assert torch.allclose(judge(dense_of(MOLECULES, 9)), found)
    assert len(torch.unique((found[:, 0] * 1e6).round())) == len(MOLECULES)


def test_the_penalty_is_of_the_gradient_of_each_whole_graph() -> None:
    torch.manual_seed(1)
    judge, graphs = Judge(SMALL, MOLECULES.schema.num_kinds, 1).double(), dense_of(MOLECULES, 6).leaf()
    slope = graphs.gradient(judge(graphs))
    towards = Dense(torch.randn_like(slope.nodes), torch.randn_like(slope.pairs))
    step = 1e-6
    moved = Dense(graphs.nodes + step * towards.nodes, graphs.pairs + step * towards.pairs)
    change = ((judge(moved) - judge(graphs)) / step)[:, 0]
    assert torch.allclose(slope.dot(towards), change, rtol=1e-4)


def test_a_pack_is_judged_by_all_its_graphs() -> None:
    torch.manual_seed(1)
    judge, graphs = Judge(SMALL, MOLECULES.schema.num_kinds, 1, pack=2).double(), dense_of(MOLECULES, 6).leaf()
    slope = torch.autograd.grad(judge(graphs)[2].sum(), graphs.nodes)[0].abs().sum((1, 2))
    assert (slope > 0).tolist() == [False, False, True, True, False, False]


def test_energy_score_is_its_formula_and_knows_the_same_again_and_again() -> None:
    features = Features(MOLECULES.schema.num_kinds).double()
    found = features(dense_of(MOLECULES, 6))
    assert torch.allclose(features(dense_of(renumbered(MOLECULES, 5), 8)), found)
    real, generated = found[:4].numpy(), found[2:].numpy()
    between = np.mean([np.linalg.norm(a - b) for i, a in enumerate(generated) for j, b in enumerate(generated) if i != j])
    expected = [np.mean([np.linalg.norm(x - g) for g in generated]) - between / 2 for x in real]
    assert energy_score(found[:4], found[2:]).tolist() == pytest.approx(expected)
    collapsed = energy_score(found, found[:1].expand(6, -1)).mean()
    assert energy_score(found, found).mean() < collapsed


def test_valences_are_never_exceeded_when_masked() -> None:
    free, masked = (drawn_of(model_of(MOLECULES, f"model.valences={mode}"), 300) for mode in ("none", "auto"))
    assert valences_fit(masked).all()
    assert 0 < valences_fit(free).sum() < 300
    assert masked.schema == MOLECULES.schema


def test_without_molecules_nothing_is_masked() -> None:
    colours = LabelSchema(Labels("colour", ("blue", "red")))
    count = int(TRAINING.num_nodes.sum())
    graphs = TRAINING.labelled(LabelArrays(colours, np.arange(count, dtype=np.int32) % 2, None))
    model = model_of(graphs, "model.valences=auto")
    assert not model.masked
    assert drawn_of(model, 5).schema == colours


def test_draws_follow_the_softmax_of_the_logits() -> None:
    model = model_of(TRAINING, "model.noise=1")
    with torch.no_grad():
        model.generator.nodes.weight.zero_()
        model.generator.pairs.weight.zero_()
        model.generator.nodes.bias[0::2] = -30.0  # a node at every place
        likely = torch.softmax(model.generator.pairs.bias[:2].double(), 0).tolist()
    counts = drawn_of(model, 500).num_edges.sum()
    pairs = 500 * 66
    assert chisquare([pairs - counts, counts], [pairs * likely[0], pairs * likely[1]]).pvalue > 1e-3
    cool = drawn_of(model, 500, temperature=0.5).num_edges.sum()
    sharp = likely[1] ** 2 / (likely[0] ** 2 + likely[1] ** 2)
    assert chisquare([pairs - cool, cool], [pairs * (1 - sharp), pairs * sharp]).pvalue > 1e-3


def test_the_critic_sees_the_graph_that_is_drawn() -> None:
    model = model_of(MOLECULES, "model.discretise=straight-through", "model.noise=1")
    logits = model.generator(torch.randn(20, 4))
    drawn, seen = model._generated(logits, [torch.rand_like(part) for part in logits])
    graphs, _ = graphs_of(classes_of_tensors(drawn), model.schema)
    assert torch.equal(seen.nodes.sum((1, 2)).round().long(), torch.tensor(graphs.num_nodes))
    assert torch.equal(seen.pairs.sum((1, 2)).round().long(), torch.tensor(graphs.num_edges))


def classes_of_tensors(drawn: Any) -> Any:
    from gengraph.models.molgan.classes import Classes

    return Classes(*(part.numpy() for part in drawn))


@pytest.mark.parametrize(
    "assignment", ["model.discretise=gumbel", "model.discretise=softmax", "model.pack=3", "model.energy=0.5"]
)
def test_every_player_learns_with_a_reward(assignment: str) -> None:
    model = model_of(MOLECULES, assignment, "model.reward=validity", "model.valences=auto")
    loss = model(model.encoder(MOLECULES)(np.arange(6), key=(0, 0)), 0.5)
    loss.total.backward()
    assert set(loss.parts) >= {"critic_gap", "steepness", "reward"}
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()] == []
    assert all(weight.grad.abs().sum() > 0 for name, weight in model.named_parameters() if name.endswith("weight"))


def test_judges_learn_faster_by_their_rate() -> None:
    slow, fast = (model_of(MOLECULES, f"model.judge_rate={rate}") for rate in (1.0, 4.0))
    graphs = dense_of(MOLECULES, 6)
    graphs = Dense(graphs.nodes.float(), graphs.pairs.float())
    assert torch.allclose(slow._judge("critic")(graphs), fast._judge("critic")(graphs), atol=1e-5)
    for model in (slow, fast):
        model._judge("critic")(graphs).sum().backward()
    assert torch.allclose(4 * slow.critic.gate.weight.grad, fast.critic.gate.weight.grad, atol=1e-4)


def test_graphs_without_a_reward_get_the_least() -> None:
    for scores, expected in (([1.0, np.nan, 0.5], [1, 0, 0.5]), ([-1.0, np.nan, 2.0], [-1, -1, 2]), ([np.nan], [0])):
        found = rewards_of(lambda _graphs, scores=scores: np.array(scores), TRAINING)
        assert found.tolist() == expected


def test_what_it_cannot_learn_is_refused() -> None:
    with pytest.raises(InputError, match="at most 8 nodes, got 12"):
        FAMILY.select(TRAINING, MolGANConfig(most_nodes=8))
    directed = GraphSet.from_flat([3], [0, 0], [[0, 1], [2, 1]], directed=True)
    with pytest.raises(InputError, match="no directions; symmetrise"):
        FAMILY.select(directed, MolGANConfig())
    with pytest.raises(InputError, match="molecules need node labels"):
        FAMILY.select(TRAINING, MolGANConfig(reward="qed"))
