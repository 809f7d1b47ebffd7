import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys, first_isomorphic, isomorphism_classes
from gengraph.graphs.matching import UNDECIDED, graph_hashes, representatives


def renamed(graphs: GraphSet, seed: int) -> GraphSet:
    rng = np.random.default_rng(seed)
    names = [rng.permutation(n) for n in graphs.num_nodes]
    lists = [name[part.edges] for name, part in zip(names, graphs, strict=True)]
    return GraphSet.from_edge_lists(graphs.num_nodes.tolist(), lists)


def by_canonical_form(graphs: GraphSet) -> list[int]:
    first: dict[bytes | None, int] = {}
    return [first.setdefault(key, g) for g, key in enumerate(canonical_keys(graphs))]


@given(graph_sets(), st.integers(0, 9))
def test_first_isomorphic_is_that_of_canonical_forms(graphs: GraphSet, seed: int) -> None:
    both = GraphSet.concatenate([graphs, renamed(graphs, seed)])
    assert first_isomorphic(both).tolist() == by_canonical_form(both)
    hashes = graph_hashes(both.num_nodes, both.edge_offsets, both.edges)
    assert hashes[: len(graphs)].tolist() == hashes[len(graphs) :].tolist()


def test_graphs_that_refinement_cannot_tell_apart() -> None:
    """Six nodes in a ring or in two; the two strongly regular graphs with 16 nodes and degree 6; cubic graphs."""
    rook = nx.convert_node_labels_to_integers(nx.line_graph(nx.complete_bipartite_graph(4, 4)))
    shrikhande = nx.Graph()
    steps = ((0, 1), (1, 0), (1, 1))
    shrikhande.add_edges_from(((i, j), ((i + a) % 4, (j + b) % 4)) for i in range(4) for j in range(4) for a, b in steps)
    shrikhande = nx.convert_node_labels_to_integers(shrikhande)
    cubic = [nx.random_regular_graph(3, 16, seed=seed) for seed in range(30)]
    plain = [nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), rook, shrikhande, *cubic]
    graphs = GraphSet.from_networkx([nx.Graph(graph.edges) for graph in plain])
    both = GraphSet.concatenate([graphs, renamed(graphs, 1)])
    hashes = graph_hashes(both.num_nodes, both.edge_offsets, both.edges)
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert len(np.unique(hashes)) == 3
    assert first_isomorphic(both).tolist() == by_canonical_form(both)


def test_a_matching_that_takes_too_long_says_so() -> None:
    """A thousand equal components in another order, less one edge that stands elsewhere."""
    paths = nx.disjoint_union_all([nx.path_graph(3)] * 1000)
    graphs = GraphSet.concatenate([GraphSet.from_networkx([paths]), renamed(GraphSet.from_networkx([paths]), 0)])
    arrays = graphs.num_nodes, graphs.edge_offsets, graphs.edges
    found = representatives(*arrays, np.arange(2), np.array([0, 2]))
    assert found.tolist() == [UNDECIDED, UNDECIDED]
    assert isomorphism_classes(graphs)[0].tolist() == [0, 0]
