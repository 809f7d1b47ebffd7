"""The law of planar maps: probabilities sum to one, and the sampler draws with them."""

from typing import Any

import numpy as np
import pytest
import torch
from maps_cases import as_batch, every_sequence, small_model
from scipy import stats

from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.planarity import is_planar
from gengraph.models.family import Decoding
from gengraph.models.maps.network import MapsModel

CYCLES = GraphSet.from_edge_lists([3, 4, 5], [[(i, (i + 1) % n) for i in range(n)] for n in (3, 4, 5)])
TRIANGLES = GraphSet.from_edge_lists([3, 4], [[(0, 1), (1, 2), (0, 2)], [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)]])
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
