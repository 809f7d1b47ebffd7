import itertools
import time

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from strategies import graph_sets

from gengraph.baselines.kronecker import Kronecker
from gengraph.baselines.kronecker_classes import num_levels
from gengraph.baselines.kronecker_moments import expected_counts, fit_by_moments, subgraph_counts
from gengraph.baselines.kronecker_sampling import sample_kronecker
from gengraph.baselines.kronfit import (
    Positions,
    fit_by_likelihood,
    initial_positions,
    log_likelihood,
    pair_classes,
    sample_assignments,
)
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.streams import stream_key

KEY = stream_key(5, "test")
INITIATOR = np.array([[0.9, 0.6], [0.6, 0.3]])
THREE = np.array([[0.9, 0.5, 0.2], [0.5, 0.6, 0.3], [0.2, 0.3, 0.1]])


def whole(initiator: np.ndarray, levels: int) -> np.ndarray:
    probability = np.ones((1, 1))
    for _ in range(levels):
        probability = np.kron(probability, initiator)
    return probability


def shuffled(graphs: GraphSet, seed: int = 0) -> GraphSet:
    """Node numbers that say nothing."""
    random = np.random.default_rng(seed)
    lists = [random.permutation(graph.num_nodes[0])[graph.edges] for graph in graphs]
    return GraphSet.from_edge_lists(graphs.num_nodes.tolist(), lists)


@given(graph_sets())
def test_subgraph_counts_equal_networkx(graphs: GraphSet) -> None:
    for graph, counts in zip(graphs.to_networkx(), subgraph_counts(graphs), strict=True):
        degrees = np.array([d for _, d in graph.degree], dtype=int)
        expected = [
            degrees.sum() // 2,
            (degrees * (degrees - 1)).sum() // 2,
            (degrees * (degrees - 1) * (degrees - 2)).sum() // 6,
        ]
        assert counts.tolist() == [*expected, sum(nx.triangles(graph).values()) // 3]


@pytest.mark.parametrize(("initiator", "levels"), [(INITIATOR, 1), (INITIATOR, 3), (THREE, 2)])
def test_expected_counts_equal_the_sum_over_all_nodes(initiator: np.ndarray, levels: int) -> None:
    probability = whole(initiator, levels)
    nodes = range(len(probability))
    stars = [
        sum(
            np.prod(probability[i, list(ends)])
            for i in nodes
            for ends in itertools.combinations([j for j in nodes if j != i], arms)
        )
        for arms in (1, 2, 3)
    ]
    triangles = sum(probability[i, j] * probability[j, k] * probability[i, k] for i, j, k in itertools.combinations(nodes, 3))
    assert expected_counts(initiator, levels) == pytest.approx([stars[0] / 2, stars[1], stars[2], triangles], rel=1e-12)


@pytest.mark.parametrize("entries", [(0.9, 0.6, 0.3), (0.99, 0.45, 0.25), (0.8, 0.8, 0.2), (1.0, 0.5, 0.0)])
@pytest.mark.parametrize("levels", [5, 14])
def test_moments_determine_the_initiator(entries: tuple[float, float, float], levels: int) -> None:
    a, b, c = entries
    counts = expected_counts(np.array([[a, b], [b, c]]), levels)
    fitted = fit_by_moments(counts, counts, levels)
    assert fitted[np.triu_indices(2)] == pytest.approx(entries, abs=1e-3)


@pytest.mark.parametrize("size", [40, 64, 70, 100])
def test_moments_keep_the_density_of_trimmed_graphs(size: int) -> None:
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(size, 0.1, seed=seed) for seed in range(20)])
    sampled = Kronecker().fit(graphs, seed=0).sample(200, seed=1)
    assert sampled.num_edges.mean() == pytest.approx(graphs.num_edges.mean(), rel=0.05)


def test_likelihood_keeps_the_density_at_every_size() -> None:
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(size, 5 / size, seed=size) for size in range(33, 65)])
    sampled = Kronecker(fit="likelihood").fit(graphs, seed=0).sample(600, seed=1)
    for low, high in ((33, 48), (49, 64)):
        ours, theirs = ((low <= some.num_nodes) & (some.num_nodes <= high) for some in (sampled, graphs))
        assert sampled.num_edges[ours].mean() == pytest.approx(graphs.num_edges[theirs].mean(), rel=0.05)


def direct_log_likelihood(graphs: GraphSet, initiator: np.ndarray, levels: int, numbers: np.ndarray) -> float:
    """By the definition: a sum over all pairs of nodes of all graphs; `numbers` int[G, s^k]."""
    probability = whole(initiator, levels)
    total = 0.0
    for graph, number in zip(graphs, numbers, strict=True):
        present = set(map(tuple, graph.edges.tolist()))
        for u, v in itertools.combinations(range(len(number)), 2):
            p = probability[number[u], number[v]]
            total += np.log(p if (u, v) in present else 1 - p)
    return total


def edge_counts(positions: Positions, graphs: GraphSet, numbers: np.ndarray, side: int, levels: int) -> np.ndarray:
    classes = pair_classes(side, levels)
    low = side ** (levels // 2)
    counts = np.zeros(len(classes.num_pairs))
    for graph, (u, v) in zip(graphs.graph_of_edge, graphs.edges, strict=True):
        one, other = numbers[graph, u], numbers[graph, v]
        counts[classes.high[one // low, other // low] + classes.low[one % low, other % low]] += 1
    return counts


@pytest.mark.parametrize(("initiator", "levels"), [(INITIATOR, 1), (INITIATOR, 4), (THREE, 2)])
def test_log_likelihood_and_gradient_equal_the_sum_over_all_pairs(initiator: np.ndarray, levels: int) -> None:
    side, upper = len(initiator), np.triu_indices(len(initiator))
    num_nodes = side**levels
    graphs = shuffled(sample_kronecker(initiator, num_nodes, np.arange(3), KEY))
    positions = initial_positions(graphs, initiator, levels)
    numbers = (positions.high * side ** (levels // 2) + positions.low).reshape(3, num_nodes)
    assert (np.sort(numbers, axis=1) == np.arange(num_nodes)).all()
    classes = pair_classes(side, levels)
    counts = edge_counts(positions, graphs, numbers, side, levels)
    value, gradient = log_likelihood(initiator[upper], counts, 3, classes)
    assert value == pytest.approx(direct_log_likelihood(graphs, initiator, levels, numbers), rel=1e-10, abs=1e-8)
    for entry, (i, j) in enumerate(zip(*upper, strict=True)):
        # d log p / d entry and d log(1 - p) / d entry of every pair, by the product rule over the levels.
        derivative = np.zeros((num_nodes, num_nodes))
        moved = np.zeros((side, side))
        moved[i, j] = moved[j, i] = 1
        for level in range(levels):
            parts = [initiator] * levels
            parts[level] = moved
            product = np.ones((1, 1))
            for part in parts:
                product = np.kron(product, part)
            derivative += product
        probability = whole(initiator, levels)
        direct = 0.0
        for graph, number in zip(graphs, numbers, strict=True):
            present = graph.to_csr().toarray()
            p, d = probability[np.ix_(number, number)], derivative[np.ix_(number, number)]
            direct += (np.triu(np.where(present, d / p, -d / (1 - p)), 1)).sum()
        assert gradient[entry] == pytest.approx(direct, rel=1e-10, abs=1e-8)


def test_metropolis_has_the_posterior_as_its_limit() -> None:
    # Four nodes: all 24 assignments can be enumerated, and the mean number of edges in each class with them.
    graphs = GraphSet.from_edge_lists([4], [[(0, 1), (0, 2), (2, 3)]])
    classes = pair_classes(2, 2)
    log_probability = classes.exponents @ np.log(INITIATOR[np.triu_indices(2)])
    log_odds = log_probability - np.log1p(-np.exp(log_probability))
    weights, tables = [], []
    for number in itertools.permutations(range(4)):
        numbers = np.array([number])
        counts = edge_counts(initial_positions(graphs, INITIATOR, 2), graphs, numbers, 2, 2)
        weights.append(np.exp(direct_log_likelihood(graphs, INITIATOR, 2, numbers)))
        tables.append(counts)
    expected = np.average(tables, axis=0, weights=weights)
    positions = initial_positions(graphs, INITIATOR, 2)
    sampled = [sample_assignments(positions, (classes.high, classes.low), log_odds, KEY, i) for i in range(3000)]
    assert np.mean(sampled, axis=0) == pytest.approx(expected, abs=0.03)


def test_kronfit_recovers_the_initiator_of_1024_nodes() -> None:
    graphs = shuffled(sample_kronecker(INITIATOR, 1024, np.arange(1), KEY))
    started = time.monotonic()
    fitted = Kronecker(fit="likelihood").fit(graphs, seed=0)
    assert time.monotonic() - started < 60
    assert np.abs(np.array(fitted.parameters()["initiators"]["1024"]) - INITIATOR).max() < 0.03


def test_kronfit_recovers_three_rows() -> None:
    graphs = shuffled(sample_kronecker(THREE, 243, np.arange(10), KEY))
    fitted = Kronecker(fit="likelihood", side=3).fit(graphs, seed=0)
    assert np.abs(np.array(fitted.parameters()["initiators"]["243"]) - THREE).max() < 0.15


def test_kronfit_raises_the_likelihood() -> None:
    graphs = shuffled(sample_kronecker(INITIATOR, 256, np.arange(4), KEY))
    fit = fit_by_likelihood(graphs, [np.array([[0.5, 0.45], [0.45, 0.4]])], 8, key=KEY, iterations=30)
    assert fit.log_likelihoods[-1] > fit.log_likelihoods[0] + 100
    assert len(fit.log_likelihoods) == 30
    assert len(fit_by_likelihood(graphs, [INITIATOR], 8, key=KEY, budget=0.0).log_likelihoods) == 1


def test_moments_recover_the_initiator() -> None:
    graphs = sample_kronecker(INITIATOR, 256, np.arange(50), KEY)
    fitted = Kronecker().fit(graphs, seed=0)
    assert np.abs(np.array(fitted.parameters()["initiators"]["256"]) - INITIATOR).max() < 0.03


def test_num_levels() -> None:
    assert [num_levels(n, 2) for n in (0, 1, 2, 3, 4, 5, 1024, 1025)] == [1, 1, 1, 2, 2, 3, 10, 11]
    assert [num_levels(n, 3) for n in (1, 3, 4, 243, 244)] == [1, 1, 2, 5, 6]


@pytest.mark.parametrize("options", [{"fit": "guess"}, {"side": 3}, {"fit": "likelihood", "side": 4}])
def test_wrong_options(options: dict) -> None:
    with pytest.raises(InputError, match="must be one of"):
        Kronecker(**options)
