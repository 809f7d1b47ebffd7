import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets, labelled_sets, renumbered

from gengraph.graphs import GraphSet, LabelSchema
from gengraph.graphs.isomorphism import canonical_keys, first_isomorphic, hash_graphs, isomorphism_classes
from gengraph.graphs.matching import UNDECIDED, arrays_of, graph_hashes, representatives
from gengraph.graphs.schema import Labels


def by_canonical_form(graphs: GraphSet) -> list[int]:
    first: dict[bytes | None, int] = {}
    return [first.setdefault(key, g) for g, key in enumerate(canonical_keys(graphs))]


@given(graph_sets(), st.integers(0, 9))
def test_first_isomorphic_is_that_of_canonical_forms(graphs: GraphSet, seed: int) -> None:
    both = GraphSet.concatenate([graphs, renumbered(graphs, seed)])
    assert first_isomorphic(both).tolist() == by_canonical_form(both)
    hashes = graph_hashes(*arrays_of(both))
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
    both = GraphSet.concatenate([graphs, renumbered(graphs, 1)])
    hashes = graph_hashes(*arrays_of(both))
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert len(np.unique(hashes)) == 3
    assert first_isomorphic(both).tolist() == by_canonical_form(both)


def test_a_matching_that_takes_too_long_says_so() -> None:
    """A thousand equal components in another order, less one edge that stands elsewhere."""
    paths = nx.disjoint_union_all([nx.path_graph(3)] * 1000)
    graphs = GraphSet.concatenate([GraphSet.from_networkx([paths]), renumbered(GraphSet.from_networkx([paths]), 0)])
    found = representatives(*arrays_of(graphs), np.arange(2), np.array([0, 2]))
    assert found.tolist() == [UNDECIDED, UNDECIDED]
    assert isomorphism_classes(graphs)[0].tolist() == [0, 0]


@given(labelled_sets(max_graphs=6), st.integers(0, 9))
def test_labels_and_directions_tell_graphs_apart(graphs: GraphSet, seed: int) -> None:
    both = GraphSet.concatenate([graphs, renumbered(graphs, seed)])
    found = first_isomorphic(both).tolist()
    assert found == by_canonical_form(both)
    assert found == by_networkx(both)


@given(labelled_sets(max_graphs=5))
def test_a_key_is_that_of_the_graph_alone_however_labels_are_numbered(graphs: GraphSet) -> None:
    keys = canonical_keys(graphs)
    assert [canonical_keys(graphs[g : g + 1])[0] for g in range(len(graphs))] == keys
    nodes, edges = (
        labels and Labels(labels.name, ("another", *reversed(labels.values)))
        for labels in (graphs.schema.nodes, graphs.schema.edges)
    )
    assert canonical_keys(graphs.relabelled(LabelSchema(nodes, edges, graphs.schema.directed))) == keys


def by_networkx(graphs: GraphSet) -> list[int]:
    listed, match = graphs.to_networkx(), nx.isomorphism.categorical_node_match("element", None)
    edges = nx.isomorphism.categorical_edge_match("bond", None)
    return [next(i for i in range(g + 1) if nx.is_isomorphic(listed[i], graph, match, edges)) for g, graph in enumerate(listed)]


@given(labelled_sets(), st.integers(0, 9))
def test_hashes_of_labelled_graphs_are_those_of_any_numbering(graphs: GraphSet, seed: int) -> None:
    assert hash_graphs(graphs).tolist() == hash_graphs(renumbered(graphs, seed)).tolist()
