"""Walks, losses, samples and scores of links."""

from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
import torch

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding, HasLinkScores
from gengraph.models.graphgan.sampler import log_links, pair_law
from gengraph.sampling.attempts import sample_graphs
from gengraph.testing.generators import TRAINING, complete_graphs, path_graphs
from gengraph.training.checkpoint import build_model
from gengraph.training.config import load_config, usual_config
from gengraph.training.trainer import prepare_graphs

SIX = GraphSet.from_edge_lists([6], [[(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5)]])


def model_of(graphs: GraphSet, *assignments: str) -> Any:
    config = usual_config("graphgan").replace(["model.spread=1", *assignments])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(config, prepare_graphs(graphs, config)[1])


def test_walks_follow_the_law_and_know_their_probability() -> None:
    model = model_of(SIX, "model.samples=2000")
    batch = model.encoder(SIX)(np.array([0]), key=(1, 2))
    log_walk, end = model._walk(batch)
    law = log_links(model.links, 0, np.arange(6), model._vectors(model.generator)) - np.log(model.links.degree(0))[:, None]
    ends = batch.trees.node[end].reshape(6, 2000)
    for root in range(6):
        expected = np.exp(law[root]) * 2000
        found = np.bincount(ends[root], minlength=6)
        inner = expected > 0
        assert not found[~inner].any()
        assert ((found - expected)[inner] ** 2 / expected[inner]).sum() < 18.5  # chi-square, 4 degrees of freedom, p = 0.001
        np.testing.assert_allclose(log_walk.detach().reshape(6, 2000)[root], law[root, ends[root]], rtol=1e-4, atol=1e-5)


def test_the_loss_is_the_cross_entropy_of_neighbours() -> None:
    model = model_of(SIX).eval()
    batch = model.encoder(SIX)(np.array([0]), key=(1, 2))
    law = log_links(model.links, 0, np.arange(6), model._vectors(model.generator)) - np.log(model.links.degree(0))[:, None]
    low, high = SIX.edges.T
    expected = -(law[low, high] + law[high, low]).sum() / 12
    assert float(model(batch).total.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(model.train()(batch).total.detach()) == pytest.approx(expected, rel=1e-5)  # whatever its gradient is that of


def test_the_gradient_is_that_of_the_expected_reward() -> None:
    """With many walks, beside the exact sum over all ends; with the baseline and without."""
    for baseline in ("true", "false"):
        model = model_of(SIX, "model.samples=20000", f"model.baseline={baseline}", "model.entropy=0.5")
        model(model.encoder(SIX)(np.array([0]), key=(1, 2))).total.backward()
        batch = model.encoder(SIX)(np.array([0]), key=(1, 2))
        trees = batch.trees
        states, passed, cost = trees.root, torch.zeros(6), torch.zeros(())
        scores = model.discriminator.detach() @ model.discriminator.detach().T
        while len(states):
            found = trees.branches(states)
            along = passed[found.of] + model.log_prob(trees, states, found)
            ended = states[found.of[found.up]]
            log_end, root = along[torch.from_numpy(found.up)], trees.node[trees.root[ended // 6]]
            lost = -torch.nn.functional.softplus(scores[root, trees.node[ended]])
            cost = cost + (log_end.exp() * (lost + 0.5 * log_end)).sum() / 6
            states, passed = found.target[~found.up], along[torch.from_numpy(~found.up)]
        sampled, model.generator.grad = model.generator.grad, None
        cost.backward()
        error = (sampled - model.generator.grad).norm() / model.generator.grad.norm()
        assert error < 0.1, baseline


def test_other_graphs_are_stood_for_by_training_graphs() -> None:
    model = model_of(TRAINING).eval()
    others = GraphSet.concatenate([path_graphs(30), TRAINING[2:3], complete_graphs(3)])
    losses = [float(model(model.encoder(others)(np.array([i]), key=(0, 0))).total.detach()) for i in range(3)]
    own = [float(model(model.encoder(TRAINING)(np.array([i]), key=(0, 0))).total.detach()) for i in (0, 2, 2)]
    assert losses == pytest.approx(own)


def test_edges_are_drawn_by_the_law_of_pairs() -> None:
    """Three of six pairs without putting back, against the exact law; a temperature flattens it."""
    graph = GraphSet.from_edge_lists([4], [[(0, 1), (1, 2), (1, 3)]])
    model = model_of(graph, "model.sharpness=2")
    pairs, law = pair_law(model.links, 0, model._vectors(model.generator))
    for temperature in (1.0, 4.0):
        weights = np.exp(law * 2 / temperature)
        sampler = model.sampler(Decoding(temperature=temperature))
        drawn = [frozenset(np.flatnonzero((pairs[:, None] == own).all(2).any(1)).tolist()) for own in _draw(sampler, 1500)]
        expected = {frozenset(chosen): _probability(weights, chosen) for chosen in combinations(range(len(pairs)), 3)}
        statistic = sum((drawn.count(chosen) - 1500 * p) ** 2 / (1500 * p) for chosen, p in expected.items())
        assert statistic < 43.8  # chi-square, 19 degrees of freedom, p = 0.001


def _probability(weights: np.ndarray, chosen: tuple[int, ...]) -> float:
    """The probability that three pairs are those drawn, over all orders of drawing them."""
    total = 0.0
    for order in permutations(chosen):
        left, p = weights.sum(), 1.0
        for place in order:
            p, left = p * weights[place] / left, left - weights[place]
        total += p
    return total


def _draw(sampler: Any, count: int) -> list[np.ndarray]:
    return [
        graph.edges for drawn in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=5) for graph in drawn.graphs
    ]


def test_samples_have_the_size_and_the_edges_of_a_training_graph() -> None:
    model = model_of(TRAINING)
    graphs = sample_graphs(model, np.arange(40), seed=1).graphs
    known = set(zip(TRAINING.num_nodes.tolist(), np.diff(TRAINING.edge_offsets).tolist(), strict=True))
    assert set(zip(graphs.num_nodes.tolist(), np.diff(graphs.edge_offsets).tolist(), strict=True)) == known
    assert (graphs.num_nodes <= 12).all()
    cut = list(model.sampler(Decoding(max_num_node=6)).draw(np.arange(20), np.zeros(20, np.int64), seed=1))
    assert all((drawn.graphs.num_nodes <= 6).all() and drawn.cut.any() for drawn in cut)


def test_links_are_scored_by_the_law_both_ways_alike() -> None:
    two = GraphSet.from_edge_lists([6], [[(0, 1), (1, 2), (3, 4)]])
    model = model_of(two)
    assert isinstance(model, HasLinkScores)
    pairs, law = pair_law(model.links, 0, model._vectors(model.generator))
    np.testing.assert_allclose(model.link_scores(two, pairs.astype(np.int64)), law)
    np.testing.assert_allclose(model.link_scores(two, pairs[:, ::-1].astype(np.int64)), law)
    assert (model.link_scores(two, np.array([[0, 3], [5, 1]])) < law.min()).all()


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"graphgan takes graphs of at most 8 nodes, got 12.*model\.most_nodes = 12"):
        prepare_graphs(TRAINING, usual_config("graphgan").replace(["model.most_nodes=8"]))


def test_the_presets_are_configs_of_it() -> None:
    for name in ("default", "paper", "links"):
        assert load_config(f"graphgan/{name}").family == "graphgan"
