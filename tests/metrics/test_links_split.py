"""Edges that are held out, and how well scores tell them from other pairs."""

import itertools

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.metrics.links import FloatArray, average_precision, median_accuracy, roc_auc, split_links


def one(graph: nx.Graph) -> GraphSet:
    return GraphSet.from_networkx([graph])


def pairs(values: Int64Array) -> set[tuple[int, int]]:
    found = {(int(low), int(high)) for low, high in values}
    assert len(found) == len(values)
    assert all(low < high for low, high in found)
    return found


@pytest.mark.parametrize("density", [0.05, 0.45])  # others are drawn again where they are edges, or out of all that are left
def test_a_split_leaks_nothing(density: float) -> None:
    graph = one(nx.gnp_random_graph(60, density, seed=1))
    for seed in range(5):
        split = split_links(graph, seed=seed)
        everything = pairs(graph.edges)
        train, validation, test = (pairs(part) for part in (split.train.edges, split.validation.edges, split.test.edges))
        assert train | validation | test == everything
        assert len(train) + len(validation) + len(test) == len(everything)
        assert (len(validation), len(test)) == (int(0.05 * len(everything)), int(0.1 * len(everything)))
        first, second = pairs(split.validation.others), pairs(split.test.others)
        assert not (first | second) & everything
        assert not first & second
        assert (len(first), len(second)) == (len(validation), len(test))
        assert split.train.num_nodes.tolist() == [60]
    assert split_links(graph, seed=4).train == split.train
    assert split_links(graph, seed=3).train != split.train


@pytest.mark.parametrize("size", [7, 20])
def test_other_pairs_are_drawn_uniformly(size: int) -> None:
    graph = nx.star_graph(size - 1)
    drawn = [split_links(one(graph), seed=seed, validation=0.2, test=0.2) for seed in range(600)]
    counts = dict.fromkeys(itertools.combinations(range(1, size), 2), 0)
    for split in drawn:
        for low, high in (*split.validation.others.tolist(), *split.test.others.tolist()):
            counts[low, high] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize(
    ("graphs", "shares", "message"),
    [
        ([nx.path_graph(30)] * 2, (0.05, 0.1), "in one graph, got 2 graphs; take one"),
        ([nx.path_graph(20)], (0.05, 0.1), "at least 20 edges, got 19; take a larger"),
        ([nx.complete_graph(20)], (0.05, 0.1), "28 pairs without an edge must be held out, got 0; take a sparser"),
        ([nx.path_graph(30)], (0.0, 0.1), "must be > 0 and leave some to train on, got 0 and 0.1; take"),
        ([nx.path_graph(30)], (0.5, 0.5), "got 0.5 and 0.5"),
    ],
)
def test_what_cannot_be_split(graphs: list[nx.Graph], shares: tuple[float, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_links(GraphSet.from_networkx(graphs), validation=shares[0], test=shares[1])


def scores(seed: int, levels: int) -> tuple[FloatArray, FloatArray]:
    """Of edges and of others; few levels make ties."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, levels, 23) / 7 + 0.1, generator.integers(0, levels, 23) / 7 + 0.1


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_measures_are_what_they_are_defined_as(seed: int, levels: int) -> None:
    edges, others = scores(seed, levels)
    wins = [(edge > other) + (edge == other) / 2 for edge in edges for other in others]
    assert roc_auc(edges, others) == pytest.approx(np.mean(wins))
    area, recall = 0.0, 0.0
    for limit in sorted({*edges.tolist(), *others.tolist()}, reverse=True):
        found, wrong = (edges >= limit).sum(), (others >= limit).sum()
        area += found / (found + wrong) * (found / len(edges) - recall)
        recall = found / len(edges)
    assert average_precision(edges, others) == pytest.approx(area)
    order = np.random.default_rng(0)  # ties are broken at random: on average, their share is right
    tried = []
    for _ in range(300):
        key = np.lexsort((order.random(46), -np.concatenate([edges, others])))
        tried.append((key[:23] < 23).mean())
    assert median_accuracy(edges, others) == pytest.approx(np.mean(tried), abs=0.02)


@pytest.mark.parametrize("levels", [3, 1000])
def test_measures_are_those_of_scikit_learn(levels: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    edges, others = scores(9, levels)
    truth, both = np.repeat([1, 0], 23), np.concatenate([edges, others])
    assert roc_auc(edges, others) == pytest.approx(metrics.roc_auc_score(truth, both))
    assert average_precision(edges, others) == pytest.approx(metrics.average_precision_score(truth, both))


def test_the_best_and_the_worst() -> None:
    high, low = np.array([3.0, 4.0]), np.array([1.0, 2.0])
    assert [measure(high, low) for measure in (roc_auc, average_precision, median_accuracy)] == [1, 1, 1]
    assert [measure(low, high) for measure in (roc_auc, median_accuracy)] == [0, 0]
    assert [measure(high * 0, low * 0) for measure in (roc_auc, average_precision, median_accuracy)] == [0.5, 0.5, 0.5]
    for bad in (np.array([]), np.array([np.nan])):
        with pytest.raises(InputError, match="finite numbers of at least 1 edge and 1 other pair"):
            roc_auc(bad, low)
