"""A set that is read a part at a time has the statistics of the whole, and isomorphic graphs are computed once."""

import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from golden_files import golden_set
from strategies import renumbered

from gengraph.graphs import GraphSet
from gengraph.metrics import STATISTICS, DescribedSet, descriptions, evaluate

BARE = [name for name, statistic in STATISTICS.items() if not statistic.labelled]


def repeated(seed: int) -> GraphSet:
    """Graphs of two kinds, each several times in other numberings."""
    tiny = GraphSet.from_edge_lists([0, 1], [[], []])
    some = GraphSet.concatenate([golden_set("enzymes_A")[:6], golden_set("grid")[:2], tiny])
    chosen = np.random.default_rng(seed).integers(0, len(some), 40)
    return renumbered(some[chosen], seed)


@pytest.mark.parametrize("name", BARE)
def test_parts_have_the_statistics_of_the_whole(name: str) -> None:
    graphs = repeated(0)
    parts = DescribedSet([partial(graphs.__getitem__, slice(k, k + 9)) for k in range(0, len(graphs), 9)])
    assert np.array_equal(parts.num_nodes, graphs.num_nodes)
    tolerance = 1e-5 if name == "gin" else 0  # sums in single precision
    assert np.allclose(parts.rows(name), DescribedSet(graphs).rows(name), rtol=tolerance, atol=0, equal_nan=True)
    assert parts.graphs == graphs


@pytest.mark.parametrize("protocol", ["emd", "tv", "rbf"])
def test_isomorphic_graphs_are_computed_once(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = repeated(1), repeated(2)
    singly = evaluate(first, second, protocol)
    monkeypatch.setattr(descriptions, "_TRIED", 10)
    twins = descriptions.find_twins(first)
    assert twins is not None
    assert len(twins[0]) <= 10
    asked = []
    for name in ("orbit", "spectral"):
        statistic = STATISTICS[name]
        counted = count_graphs(statistic.compute, asked)
        monkeypatch.setitem(STATISTICS, name, descriptions.Statistic(compute=counted, histogram=statistic.histogram, dear=True))
    once = evaluate(first, second, protocol)
    assert sum(asked) <= 4 * 10
    for name, metric in once.metrics.items():
        assert metric.mmd2 == pytest.approx(singly.metrics[name].mmd2, abs=1e-12)


def count_graphs(compute: Callable[[GraphSet], np.ndarray], asked: list[int]) -> Callable[[GraphSet], np.ndarray]:
    def counted(graphs: GraphSet) -> np.ndarray:
        asked.append(len(graphs))
        return compute(graphs)

    return counted


def test_graphs_that_all_differ_are_not_compared() -> None:
    lengths = np.arange(1, 1200)
    edges = [np.column_stack([np.arange(n - 1), np.arange(1, n)]) for n in lengths.tolist()]
    assert descriptions.find_twins(GraphSet.from_edge_lists(lengths.tolist(), edges)) is None
    assert descriptions.find_twins(golden_set("grid")) is None


def test_one_part_is_in_memory_at_a_time() -> None:
    """The peak of what is allocated for a set of many parts is that of few of them."""

    def part(k: int) -> GraphSet:
        rng = np.random.default_rng(k)
        sizes = rng.integers(10, 14, 2000)
        starts = np.cumsum(sizes) - sizes
        node = np.arange(sizes.sum()) - np.repeat(starts, sizes)
        child = node > 0
        edges = np.column_stack([rng.integers(0, np.maximum(node, 1)), node])[child]
        return GraphSet.from_flat(sizes, np.repeat(np.arange(2000), sizes)[child], edges)

    def peak(count: int) -> int:
        described = DescribedSet([partial(part, k) for k in range(count)])
        tracemalloc.start()
        described.distinct("degree")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    own = sum(array.nbytes for array in (part(0).num_nodes, part(0).edge_offsets, part(0).edges))
    assert peak(16) - peak(2) < 6 * own
