"""The law of trees: the probabilities of all forests of a size sum to that of the size, and the sampler draws with them."""

from collections import Counter
from itertools import combinations_with_replacement

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.family import Decoding
from gengraph.models.trees import FAMILY
from gengraph.models.trees.config import TreesConfig
from gengraph.models.trees.network import TreesModel
from gengraph.testing.generators import path_graphs

NUM_FORESTS = {1: 1, 2: 2, 3: 3, 4: 6, 5: 10, 6: 20, 7: 37, 8: 76, 9: 153}
"""Forests of a size up to isomorphism: https://oeis.org/A005195."""
TREES, FORESTS = path_graphs(3, 5, 6, 7), GraphSet.from_edge_lists([4, 7, 9], [[(0, 1)], [(0, 1), (2, 3)], []])


def small_model(graphs: GraphSet, *, seed: int = 0) -> TreesModel:
    """A model whose logits are far from all alike."""
    torch.manual_seed(seed)
    model = TreesModel(TreesConfig(hidden_size=16), FAMILY.prepare(graphs, TreesConfig(), seed=0)).eval()
    for head in (model.ranks, model.sizes):
        head.output.weight.data *= 30
    return model


def every_forest(size: int) -> GraphSet:
    """One graph for each forest of a size up to isomorphism."""
    found = []
    for parts in partitions(size, size):
        ways = [combinations_with_replacement(trees(n), count) for n, count in Counter(parts).items()]
        found += [nx.disjoint_union_all(chosen) for chosen in products(ways)]
    return GraphSet.from_networkx(found)


def trees(size: int) -> list["nx.Graph[int]"]:
    return list(nx.nonisomorphic_trees(size)) if size > 1 else [nx.empty_graph(1)]


def partitions(total: int, largest: int) -> list[tuple[int, ...]]:
    if total == 0:
        return [()]
    return [(n, *rest) for n in range(min(total, largest), 0, -1) for rest in partitions(total - n, n)]


def products(ways: list) -> list[list["nx.Graph[int]"]]:  # type: ignore[type-arg]
    found: list[list[nx.Graph[int]]] = [[]]
    for way in ways:
        options = list(way)
        found = [[*before, *more] for before in found for more in options]
    return found


def log_probs(model: TreesModel, forests: GraphSet) -> np.ndarray:
    with torch.inference_mode():
        return model.log_prob(model.encoder(forests)(np.arange(len(forests)), key=(0, 0))).numpy()


@pytest.mark.parametrize("training", [TREES, FORESTS], ids=["trees", "forests"])
@pytest.mark.parametrize("size", NUM_FORESTS)
def test_probabilities_of_a_size_sum_to_its_own(size: int, training: GraphSet) -> None:
    model, forests = small_model(training), every_forest(size)
    assert len(forests) == NUM_FORESTS[size]
    log_prob = log_probs(model, forests)
    assert np.exp(log_prob).sum() == pytest.approx(float(np.exp(model.size_law.log_prob(np.int64(size)))), rel=1e-5)
    connected = forests.num_components() == 1
    assert (np.exp(log_prob[~connected]).sum() > 1e-6) == (training is FORESTS and size > 1)


@pytest.mark.parametrize("temperature", [1.0, 0.4])
@pytest.mark.parametrize(("training", "size"), [(TREES[3:], 7), (FORESTS[1:2], 7)], ids=["trees", "forests"])
def test_sampler_draws_with_the_probabilities_of_the_likelihood(training: GraphSet, size: int, temperature: float) -> None:
    model, forests, count = small_model(training, seed=3), every_forest(size), 4000
    probability = np.exp(log_probs(model, forests))
    sampler = model.sampler(Decoding(temperature=temperature))
    drawn = GraphSet.concatenate([part.graphs for part in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=5)])
    drawn = drawn[np.flatnonzero(drawn.num_nodes == size)]
    seen = Counter(canonical_keys(drawn))
    assert set(seen) <= set(canonical_keys(forests))
    observed = np.array([seen[key] for key in canonical_keys(forests)])
    likely = probability * count >= 5
    expected = probability[likely] / probability[likely].sum() * observed[likely].sum()
    assert (stats.chisquare(observed[likely], expected).pvalue > 1e-3) == (temperature == 1)
