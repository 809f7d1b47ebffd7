"""DFS codes: the least of all traversals, and the same for isomorphic graphs alone."""

import networkx as nx
import numpy as np
import pytest
from plain_codes import codes_of, rank

from gengraph.graphs import GraphSet
from gengraph.models.graphgen.codes import END, GraphCodes
from gengraph.seeded import Stream

ATLAS = [graph for graph in nx.graph_atlas_g() if 1 <= len(graph) <= 6]
"""All graphs of at most six nodes, 208 of them."""


def labels_of(graph: nx.Graph, labels: str) -> dict[int, int]:
    return {v: degree if labels == "degree" else 0 for v, degree in graph.degree}


def renumbered(graph: nx.Graph, seed: int) -> nx.Graph:
    order = np.random.default_rng(seed).permutation(len(graph)).tolist()
    return nx.relabel_nodes(graph, dict(zip(graph, order, strict=True)))


def as_set(graphs: list[nx.Graph]) -> GraphSet:
    return GraphSet.from_edge_lists([len(graph) for graph in graphs], [list(graph.edges) for graph in graphs])


@pytest.mark.parametrize("labels", ["degree", "none"])
def test_codes_are_the_least_of_all_traversals(labels: str) -> None:
    graphs = [graph for graph in ATLAS if len(graph) <= 5 and nx.is_connected(graph)]
    found = GraphCodes.of(as_set(graphs), labels, 1000)
    assert found.exact.all()
    for graph, code in zip(graphs, found.least, strict=True):
        least = min(codes_of(graph, labels_of(graph, labels)), key=rank)
        assert [tuple(step) for step in code.tolist()] == [*least, (END, 0, 0, 0)]


@pytest.mark.parametrize("labels", ["degree", "none"])
def test_codes_tell_graphs_apart_up_to_isomorphism(labels: str) -> None:
    first, second = as_set(ATLAS), as_set([renumbered(graph, seed) for seed, graph in enumerate(ATLAS)])
    ours, theirs = (GraphCodes.of(graphs, labels, 1000) for graphs in (first, second))
    names = [code.tobytes() for code in ours.least]
    assert names == [code.tobytes() for code in theirs.least]
    assert len(set(names)) == len(ATLAS)


@pytest.mark.parametrize("labels", ["degree", "none"])
def test_symmetric_graphs_are_searched_to_the_end(labels: str) -> None:
    """Twins and futures keep few partial codes: there are 20! orders of a complete graph."""
    graphs = [nx.complete_graph(20), nx.complete_bipartite_graph(8, 8), nx.star_graph(30), nx.cycle_graph(30)]
    ours = GraphCodes.of(as_set(graphs), labels, 64)
    theirs = GraphCodes.of(as_set([renumbered(graph, 3) for graph in graphs]), labels, 64)
    assert ours.exact.all()
    assert [code.tobytes() for code in ours.least] == [code.tobytes() for code in theirs.least]


def test_a_search_that_is_cut_short_says_so() -> None:
    graph = nx.random_regular_graph(3, 16, seed=1)
    found = GraphCodes.of(as_set([graph, nx.complete_graph(5)]), "none", 1)
    assert found.exact.tolist() == [False, True]
    assert len(found.least[0]) == graph.number_of_edges() + 2


def test_random_codes_are_codes_of_the_graph() -> None:
    graph = nx.disjoint_union(nx.house_x_graph(), nx.empty_graph(1))
    codes = GraphCodes.of(as_set([graph]), "degree", 10)
    connected = nx.house_x_graph()
    known = set(codes_of(connected, labels_of(connected, "degree")))
    drawn = {tuple(map(tuple, codes.random(0, Stream(seed)).tolist())) for seed in range(400)}
    assert all(code[-2:] == ((-1, 0, 0, 0), (END, 0, 0, 0)) for code in drawn)
    assert {code[:-2] for code in drawn} == known
