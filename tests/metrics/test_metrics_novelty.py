import json
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, isomorphism
from gengraph.graphs.isomorphism import isomorphism_classes
from gengraph.metrics import novelty
from gengraph.metrics.novelty import wilson_interval

pytest.importorskip("igraph")


@given(graph_sets(max_graphs=6, max_nodes=5), st.randoms(use_true_random=False))
def test_classes_are_those_of_pairwise_isomorphism(graphs: GraphSet, random) -> None:
    oracles = graphs.to_networkx()
    order = {n: random.sample(range(n), n) for n in range(6)}
    renamed = GraphSet.from_edge_lists(
        graphs.num_nodes.tolist(), [[(order[len(graph)][u], order[len(graph)][v]) for u, v in graph.edges] for graph in oracles]
    )
    first, second = isomorphism_classes(graphs, renamed)
    assert first.tolist() == second.tolist()
    for i, graph in enumerate(oracles):
        assert (first == first[i]).tolist() == [nx.is_isomorphic(graph, other) for other in oracles]


def test_all_graphs_of_the_atlas_differ() -> None:
    atlas = GraphSet.from_networkx(nx.graph_atlas_g())
    (classes,) = isomorphism_classes(atlas)
    assert classes.tolist() == list(range(1253))


def test_golden_counts() -> None:
    """The mixture of the golden file; its Barabasi-Albert graphs are drawn anew, which changes none of the counts."""
    golden = golden_values("mmd")["vun_digress"]
    grid, er, ladder = golden_set("grid"), golden_set("er"), golden_set("ladder")
    ba = GraphSet.from_networkx([nx.barabasi_albert_graph(60, 4, seed=seed) for seed in range(6)])
    generated = GraphSet.concatenate([grid[:5], er[:3], ba, ba[:1], ba[:1], ladder[:4]])
    found = novelty(GraphSet.concatenate([grid, er]), generated, valid="planar")
    assert [found.unique.value, found.unique_novel.value, found.valid_unique_novel.value] == golden[
        "unique/unique_novel/unique_novel_planar"
    ]
    assert 1 - found.novel.value == pytest.approx(golden["frac_isomorphic_to_train"])
    assert found.valid.value == golden["planar_acc"]
    assert json.loads(json.dumps(found.to_dict()))["valid"]["count"] == 9
    assert not found.approximate


def test_edge_cases() -> None:
    null, grid = GraphSet.from_networkx([nx.empty_graph(0)] * 2), golden_set("grid")
    found = novelty(GraphSet.empty(), null, valid="tree")
    assert (found.unique.count, found.novel.count, found.valid.count, found.num_train) == (1, 2, 0, 0)
    assert novelty(grid, grid).valid is novelty(grid, grid).valid_unique_novel is None
    assert novelty(grid, grid, valid="community").approximate
    with pytest.raises(InputError, match="the generated set must hold at least 1 graph"):
        novelty(grid, GraphSet.empty())
    with pytest.raises(InputError, match="unknown validity test 'star'; choose from grid, ladder"):
        novelty(grid, grid, valid="star")


def test_igraph_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(InputError, match=r"pip install 'gengraph\[metrics\]'"):
        isomorphism.canonical_keys(golden_set("grid"))


@given(st.integers(1, 200), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95]))
def test_wilson_interval(total: int, share: float, level: float) -> None:
    count = round(share * total)
    expected = binomtest(count, total).proportion_ci(level, method="wilson")
    assert wilson_interval(count, total, level=level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("count", "total", "level"), [(3, 2, 0.95), (0, 0, 0.95), (1, 2, 1.0), (-1, 2, 0.9)])
def test_wilson_interval_refuses(count: int, total: int, level: float) -> None:
    with pytest.raises(InputError, match="a share needs"):
        wilson_interval(count, total, level=level)


def test_interval_covers() -> None:
    draws = np.random.default_rng(0).binomial(30, 0.05, 2000)
    intervals = {count: wilson_interval(int(count), 30) for count in np.unique(draws)}
    assert 0.92 < np.mean([intervals[count][0] <= 0.05 <= intervals[count][1] for count in draws]) < 0.99


def test_components_are_told_apart_one_by_one() -> None:
    """A search for a form of the whole does not end on these."""
    rng = np.random.default_rng(0)
    graphs = [
        nx.disjoint_union_all([nx.random_regular_graph(3, 20, seed=seed) for seed in range(300)]),
        nx.disjoint_union_all([nx.path_graph(3)] * 1000),
        nx.empty_graph(2000),
        nx.disjoint_union_all([nx.path_graph(3)] * 999 + [nx.path_graph(2), nx.path_graph(1)]),
    ]
    renamed = [nx.relabel_nodes(graph, dict(enumerate(rng.permutation(len(graph)).tolist()))) for graph in graphs]
    plain = [nx.empty_graph(len(graph)) for graph in renamed]
    for graph, other in zip(plain, renamed, strict=True):
        graph.add_edges_from(other.edges)
    start = time.process_time()
    first, second = isomorphism_classes(GraphSet.from_networkx(graphs), GraphSet.from_networkx(plain))
    assert time.process_time() - start < 10
    assert first.tolist() == second.tolist() == [0, 1, 2, 3]


def hard_graph(first_seed: int = 0) -> nx.Graph:
    """Connected, and too much for the search in any time that one waits; refinement tells no two of them apart."""
    graph = nx.disjoint_union_all([nx.random_regular_graph(3, 20, seed=first_seed + seed) for seed in range(50)])
    graph.add_edges_from((node, 1000) for node in range(1000))
    return graph


def test_what_takes_too_long_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isomorphism.canonical_keys, "__kwdefaults__", {"patience": 0.2})
    path, hard, other = nx.path_graph(4), hard_graph(), hard_graph(50)
    unknown = isomorphism.UNKNOWN
    assert isomorphism_classes(GraphSet.from_networkx([path, hard, path]))[0].tolist() == [0, 1, 0]  # none is like it
    assert isomorphism_classes(GraphSet.from_networkx([path, hard, other, path]))[0].tolist() == [0, unknown, unknown, 0]
    generated = GraphSet.from_networkx([path, hard, other, path, nx.path_graph(5)])
    found = novelty(GraphSet.from_networkx([path]), generated)
    assert (found.unknown, found.unique.count, found.novel.count, found.unique_novel.count) == (2, 2, 1, 1)
    found = novelty(GraphSet.from_networkx([hard]), generated[[0, 2, 3, 4]])
    assert (found.unknown, found.novel.count) == (1, 3)
    assert found.to_dict()["unknown"] == 1
    before = signal.getsignal(signal.SIGVTALRM)
    with ThreadPoolExecutor(1) as pool:  # no timer there, and none is missed
        assert pool.submit(isomorphism.canonical_keys, GraphSet.from_networkx([path])).result() != [None]
    assert signal.getsignal(signal.SIGVTALRM) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
