"""Models of one large graph keep what they say, at any size."""

import networkx as nx
import numpy as np
import pytest

from gengraph.baselines.kronecker_moments import expected_counts
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.large.communities import best_communities, description_length, edges_of_communities
from gengraph.large.folder import simple
from gengraph.large.models import LARGE_MODELS, Plan, fit_large


def drawn(plan: Plan, seed: int = 0) -> GraphSet:
    keys = np.concatenate([simple(plan.draw(shard, seed))[0] for shard in range(len(plan.expected))])
    assert len(np.unique(keys)) == len(keys), "a pair of nodes in two shards"
    ends = np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int64)
    return GraphSet.from_flat([plan.num_nodes], np.zeros(len(ends), np.int64), ends)


@pytest.fixture(scope="module")
def planted() -> GraphSet:
    return GraphSet.from_networkx([nx.planted_partition_graph(8, 40, 0.3, 0.01, seed=3)], attributes="drop")


def test_the_best_communities_are_the_planted_ones(planted: GraphSet) -> None:
    found, truth = best_communities(planted), np.repeat(np.arange(8), 40)
    assert len(np.unique(found)) == 8
    assert (np.bincount(found * 8 + truth, minlength=64).reshape(8, 8).max(axis=1) >= 38).all()
    lengths = [description_length(planted, part) for part in (truth, truth // 2, np.arange(320) % 8, 0 * truth)]
    assert min(lengths) == lengths[0]


def test_no_communities_where_there_are_none() -> None:
    graph = GraphSet.from_networkx([nx.gnm_random_graph(300, 900, seed=1)])
    assert not best_communities(graph).any()


def test_edges_of_communities(planted: GraphSet) -> None:
    pairs, counts = edges_of_communities(planted, np.arange(320) % 3)
    expected = np.zeros((3, 3), int)
    for u, v in planted.edges % 3:
        expected[min(u, v), max(u, v)] += 1
    assert np.array_equal(counts, expected[tuple(pairs.T)])
    assert counts.sum() == expected.sum()


@pytest.mark.parametrize("model", [model for model in LARGE_MODELS if model != "kronecker"])
@pytest.mark.parametrize("num_nodes", [320, 1000, 150])
def test_mean_degrees_stay(model: str, num_nodes: int, planted: GraphSet) -> None:
    graph = drawn(fit_large(model, planted, num_nodes=num_nodes).plan)
    assert graph.num_nodes[0] == num_nodes
    assert 2 * len(graph.edges) / num_nodes == pytest.approx(2 * len(planted.edges) / 320, rel=0.2 if model == "ba" else 0.1)


def test_kronecker_has_as_many_edges_as_its_initiator_says(planted: GraphSet) -> None:
    fitted = fit_large("kronecker", planted)
    graph, expected = drawn(fitted.plan), expected_counts(np.array(fitted.parameters["initiator"]), 9)[0]
    assert graph.num_nodes[0] == 512
    assert len(graph.edges) == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert fit_large("kronecker", planted, num_nodes=1025).plan.num_nodes == 2048


def test_degrees_and_communities_stay(planted: GraphSet) -> None:
    plan = fit_large("configuration", planted).plan
    keys = np.concatenate([plan.draw(shard, 0) for shard in range(len(plan.expected))])
    degrees = np.bincount((keys >> np.uint64(32)).astype(int), minlength=320) + np.bincount(
        keys.astype(np.uint32), minlength=320
    )
    assert np.array_equal(np.sort(degrees), np.sort(planted.degrees()))

    fitted = fit_large("dcsbm", planted, num_nodes=960)
    graph, copies = drawn(fitted.plan), fitted.parameters["copies"]
    assert copies == 3
    _, counts = edges_of_communities(planted, best_communities(planted))
    inner = (graph.edges[:, 0] // 40 == graph.edges[:, 1] // 40).mean()
    within = np.equal(*best_communities(planted)[planted.edges].T).mean()
    assert inner == pytest.approx(within, abs=0.05)
    assert graph.num_components()[0] == 1
    assert counts.sum() == len(planted.edges)


@pytest.mark.parametrize("model", LARGE_MODELS)
def test_shards_follow_from_seed_and_number(model: str, planted: GraphSet) -> None:
    one, other = (fit_large(model, planted, seed=4).plan for _ in range(2))
    last = len(one.expected) - 1
    assert np.array_equal(one.draw(last, 4), other.draw(last, 4))
    assert not np.array_equal(one.draw(last, 4), one.draw(last, 5))


def test_what_cannot_be_fitted(planted: GraphSet) -> None:
    with pytest.raises(InputError, match="choose from er, chung-lu"):
        fit_large("er2", planted)
    with pytest.raises(InputError, match="fitted to one graph, got 2"):
        fit_large("er", GraphSet.concatenate([planted, planted]))
    with pytest.raises(InputError, match="at least one edge"):
        fit_large("er", GraphSet.from_edge_lists([5], [[]]))
    with pytest.raises(InputError, match=r"num_nodes must lie in 2\.\.2147483647, got 1"):
        fit_large("ba", planted, num_nodes=1)
    with pytest.raises(InputError, match=r"at most 2\^30 nodes"):
        fit_large("kronecker", planted, num_nodes=2**30 + 1)


@pytest.mark.parametrize("model", LARGE_MODELS)
def test_the_smallest_graphs(model: str) -> None:
    for num_nodes, edges in ((2, [[0, 1]]), (3, [[0, 1], [0, 2], [1, 2]]), (5, [[0, 1]])):
        plan = fit_large(model, GraphSet.from_edge_lists([num_nodes], [edges])).plan
        assert drawn(plan).num_nodes[0] >= num_nodes
