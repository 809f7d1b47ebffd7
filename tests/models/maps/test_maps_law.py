"""The law of planar maps: probabilities sum to one, and the sampler draws with them."""

from typing import Any

import numpy as np
import pytest
import torch
from maps_cases import as_batch, every_sequence, small_model
from scipy import stats

from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys, log_automorphisms
from gengraph.graphs.planarity import is_planar
from gengraph.models.family import Decoding
from gengraph.models.maps.network import MapsModel
from gengraph.training.likelihood import log_prob_bound

CYCLES = GraphSet.from_edge_lists([3, 4, 5], [[(i, (i + 1) % n) for i in range(n)] for n in (3, 4, 5)])
TRIANGLES = GraphSet.from_edge_lists([3, 4], [[(0, 1), (1, 2), (0, 2)], [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)]])
HUNG = {
    "star": [(0, 1), (0, 2), (0, 3), (0, 4)],
    "tree": [(0, 1), (0, 2), (0, 3), (3, 4), (3, 5), (5, 6)],
    "bow tie": [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2)],
    "clique with hairs": [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (0, 4), (0, 5)],
    "square with diagonal and hair": [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (1, 4)],
    "wheel with hairs": [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1), (0, 5), (5, 6), (0, 7)],
    "ring with a tail": [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 5), (1, 6), (6, 7)],
    "triangle and edge": [(0, 1), (1, 2), (2, 0), (3, 4)],
}
NUM_SEQUENCES = [2, 24, 3, 10, 6, 8, 22, 1]
"""By hand: ways to mirror and hang the blocks of each graph, times edges of the outer face, over its automorphisms."""
EVERY_GRAPH = {1: 1, 2: 2, 3: 4, 4: 11}
"""Graphs of a size up to isomorphism; all of at most four nodes are planar."""


def sequences_of(size: int, model: MapsModel) -> tuple[np.ndarray, list[bytes], list[list[tuple[int, int]]]]:
    """Log-probability, name and graph of every sequence of a size."""
    batch, graphs = as_batch(size, list(every_sequence(size)), model.widths)
    with torch.inference_mode():
        return model.log_prob(batch).double().numpy(), model.sequences(batch), graphs


@pytest.mark.parametrize("training", [CYCLES, TRIANGLES], ids=["cycles", "triangles"])
@pytest.mark.parametrize("size", EVERY_GRAPH)
def test_probabilities_of_a_size_sum_to_its_own(size: int, training: GraphSet) -> None:
    model = small_model(training)
    log_probs, names, graphs = sequences_of(size, model)
    assert len(set(names)) == len(names)
    assert np.exp(log_probs).sum() == pytest.approx(float(np.exp(model.size_law.log_prob(np.int64(size)))), rel=1e-4)
    found = GraphSet.from_edge_lists([size] * len(graphs), graphs)
    assert is_planar(found).all()
    assert len(set(canonical_keys(found))) == EVERY_GRAPH[size]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampler_draws_with_the_probabilities_of_the_likelihood(temperature: float) -> None:
    model = small_model(CYCLES[:2], seed=1, calibration=0.8)
    expected: dict[tuple[Any, ...], float] = {}
    for size in (3, 4):
        log_probs, _, graphs = sequences_of(size, model)
        for log_prob, edges in zip(log_probs, graphs, strict=True):
            expected[size, *edges] = expected.get((size, *edges), 0.0) + float(np.exp(log_prob))
    count = 20_000
    observed = dict.fromkeys(expected, 0)
    sampler = model.sampler(Decoding(temperature=temperature))
    for drawn in sampler.draw(np.arange(count), np.zeros(count, np.int64), seed=5):
        for graph, cut in zip(drawn.graphs, drawn.cut, strict=True):
            if not cut and 3 <= graph.num_nodes[0] <= 4:
                edges = sorted(map(tuple, np.sort(graph.edges, axis=1).tolist()))
                observed[int(graph.num_nodes[0]), *edges] += 1
    keys = [key for key in expected if expected[key] * count >= 5]
    total = sum(observed[key] for key in keys)
    weights = np.array([expected[key] for key in keys])
    result = stats.chisquare([observed[key] for key in keys], weights / weights.sum() * total)
    assert (result.pvalue > 1e-3) == (temperature == 1)


def test_every_way_to_hang_blocks_is_drawn_with_the_probability_that_it_has() -> None:
    graphs = GraphSet.from_edge_lists([1 + max(map(max, edges)) for edges in HUNG.values()], HUNG.values())
    model, count = small_model(graphs), 800
    encode, names, ways = model.encoder(graphs), [set[bytes]() for _ in HUNG], np.empty((count, len(HUNG)))
    for epoch in range(count):
        batch = encode(np.arange(len(graphs)), key=(0, epoch))
        ways[epoch] = model.log_ways(batch)
        for name, own in zip(model.sequences(batch), names, strict=True):
            own.add(name)
    assert [len(own) for own in names] == NUM_SEQUENCES
    found = np.exp(ways - log_automorphisms(graphs)).mean(0)  # the mean of 1 / q over drawings counts these
    np.testing.assert_allclose(found, NUM_SEQUENCES, rtol=0.02)


def test_the_weighted_bound_is_the_sum_over_all_sequences() -> None:
    graphs = GraphSet.from_edge_lists([7, 6], [HUNG["tree"], HUNG["clique with hairs"]])
    bound = log_prob_bound(small_model(graphs), graphs, num_orderings=800)
    assert bound.num_distinct.tolist() == [24, 10]
    assert bound.weighted is not None
    np.testing.assert_allclose(bound.weighted, bound.distinct, atol=0.3)  # half a choice between two that is counted wrong
    assert (bound.weighted > bound.average + 1).all()
