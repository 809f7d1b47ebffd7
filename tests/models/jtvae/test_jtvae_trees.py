"""Junction trees, kinds of clusters and derivations, against networkx and isomorphism."""

from collections.abc import Sequence

import networkx as nx
import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys, first_isomorphic
from gengraph.models.jtvae.clusters import Cluster, Vocabulary, isomorphisms
from gengraph.models.jtvae.decomposition import Decomposition, decompose
from gengraph.models.jtvae.derivations import NONE, Derivation, Rules, derive, graphs_in_lists
from gengraph.models.jtvae.sampler import Lane, graphs_of


def decomposed(graph: "nx.Graph[int]") -> Decomposition:
    return decompose([sum(1 << other for other in graph[node]) for node in range(len(graph))])


def fused(*rings: Sequence[int]) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.Graph()
    for ring in rings:
        nx.add_cycle(graph, ring)
    return nx.convert_node_labels_to_integers(graph, ordering="sorted")


NAPHTHALENE = fused(range(6), [0, 1, 6, 7, 8, 9])
NORBORNANE = fused(range(6), [0, 1, 2, 3, 6])
SPIRO = fused(range(5), [0, 5, 6, 7])
PHENALENE = fused([0, 1, 4, 5, 6, 2], [0, 2, 7, 8, 9, 3], [0, 3, 10, 11, 12, 1])
PROPELLANE = fused([0, 1, 2], [0, 1, 3], [0, 1, 4])


@pytest.mark.parametrize(
    ("graph", "sizes", "hinges"),
    [
        (nx.path_graph(4), [2, 2, 2], []),
        (nx.star_graph(4), [2, 2, 2, 2], [1]),
        (NAPHTHALENE, [6, 6], []),
        (NORBORNANE, [7], []),
        (SPIRO, [4, 5], []),
        (PHENALENE, [13], []),
        (PROPELLANE, [3, 3, 3], [2]),
        (nx.complete_graph(5), [5], []),
        (nx.empty_graph(2), [1, 1], []),
    ],
)
def test_clusters_of_known_graphs(graph: "nx.Graph[int]", sizes: list[int], hinges: list[int]) -> None:
    found = decomposed(graph)
    split: dict[bool, list[int]] = {False: [], True: []}
    for nodes, hinge in zip(found.clusters, found.hinges, strict=True):
        split[hinge].append(len(nodes))
    assert (sorted(split[False]), sorted(split[True])) == (sizes, hinges)


@pytest.mark.parametrize("seed", range(30))
def test_they_are_the_tree_of_what_small_cliques_separate(seed: int) -> None:
    """A tree a component, each edge in a cluster, the clusters of a node connected, and nothing that could be parted."""
    graph = nx.gnm_random_graph(12, 8 + seed % 12, seed=seed)
    found = decomposed(graph)
    tree = nx.Graph((c, other) for c, near in enumerate(found.links) for other in near)
    tree.add_nodes_from(range(len(found.clusters)))
    assert nx.is_forest(tree)
    assert nx.number_connected_components(tree) == nx.number_connected_components(graph)
    assert all(any({u, v} <= set(nodes) for nodes in found.clusters) for u, v in graph.edges)
    for node in graph:
        assert nx.is_connected(tree.subgraph([c for c, nodes in enumerate(found.clusters) if node in nodes]))
    for nodes, hinge in zip(found.clusters, found.hinges, strict=True):
        inner = graph.subgraph(nodes)
        for separator in [*([node] for node in nodes), *inner.edges]:
            rest = inner.subgraph(set(nodes) - set(separator))
            assert hinge or not len(rest) or nx.is_connected(rest)


def labelled(seed: int, count: int = 12) -> GraphSet:
    """Random graphs, one in three of them in several components, with labels."""
    random, made = np.random.default_rng(seed), []
    for k in range(count):
        graph = nx.gnm_random_graph(9, 8 + k % 6, seed=int(random.integers(1 << 30)))
        if k % 3:
            graph = graph.subgraph(max(nx.connected_components(graph), key=len)).copy()
        nx.set_node_attributes(graph, {node: "CN"[random.integers(2)] for node in graph}, "element")
        nx.set_edge_attributes(graph, {edge: "12"[random.integers(2)] for edge in graph.edges}, "bond")
        made.append(graph)
    return GraphSet.from_networkx(made, node_label="element", edge_label="bond")


def replayed(derivation: Derivation, rules: Rules) -> Lane:
    """What the sampler builds by the decisions of a derivation."""
    lane, chosen = Lane(), {line[0]: line for line in derivation.choices.tolist() if line[1]}
    for cluster, follows, before in derivation.steps.tolist():
        if not lane.clusters:
            lane.attach(int(derivation.clusters[0, 0]), ((), ()), rules)
        if not follows:
            lane.path.pop()
            lane.places.pop()
            continue
        child = lane.clusters
        assert derivation.clusters[child, 1] == cluster
        assert before < derivation.clusters[child, 3]
        _, _, p1, a1, p2, a2, _ = chosen[child]
        shared = [(p, a) for p, a in ((p1, a1), (p2, a2)) if p != NONE]
        choice = (tuple(p for p, _ in shared), tuple(a for _, a in shared))
        kind = int(derivation.clusters[child, 0])
        assert choice in lane.choices(kind, rules, 99)
        lane.attach(kind, choice, rules)
    return lane


def test_every_graph_comes_back() -> None:
    """By the choices that the sampler has, with as many bonds counted as there are."""
    graphs = labelled(0, 60)
    rules = Rules(Vocabulary([], [1, 2]), [18, 18], apart=True)
    lanes = [replayed(derive(graph, rules), rules) for graph in graphs_in_lists(graphs)]
    made = graphs_of(lanes, graphs.schema)
    first = first_isomorphic(GraphSet.concatenate([graphs, made]))
    assert np.array_equal(first[: len(graphs)], first[len(graphs) :])
    for lane in lanes:
        counted = np.zeros(len(lane.labels), int)
        for u, v, label in lane.edges:
            counted[[u, v]] += label + 1
        assert lane.used == counted.tolist()


def test_kinds_are_classes_of_isomorphism() -> None:
    """However nodes are numbered; kinds of one vocabulary differ."""
    graphs, vocabulary, random = labelled(1, 40), Vocabulary([], [1, 1]), np.random.default_rng(0)
    graphs = graphs[graphs.num_components() == 1]
    for graph in graphs_in_lists(graphs):
        kind, _ = vocabulary.find(tuple(graph.labels), tuple(graph.edges), hinge=False)
        to = random.permutation(len(graph.labels)).tolist()
        edges = tuple(sorted((*sorted((to[u], to[v])), label) for u, v, label in graph.edges))
        labels = tuple(graph.labels[to.index(k)] for k in range(len(to)))
        again, places = vocabulary.find(labels, edges, hinge=False)
        assert again == kind
        assert [labels[node] for node in places] == list(vocabulary.kinds[kind].labels)
    assert len(vocabulary.kinds) == len(set(canonical_keys(graphs)))
    assert Vocabulary(vocabulary.to_json(), [1, 1]).kinds == vocabulary.kinds


@pytest.mark.parametrize(("labels", "count"), [((0, 0, 0, 0, 0, 0), 12), ((0, 0, 1, 0, 0, 0), 2), ((0, 1, 0, 1, 0, 1), 6)])
def test_symmetries_of_rings(labels: tuple[int, ...], count: int) -> None:
    ring = Cluster(labels, tuple(sorted((*sorted((k, (k + 1) % 6)), 0) for k in range(6))), orders=(1,))
    assert len(set(ring.symmetries)) == len(list(isomorphisms(ring, ring))) == count
    assert len([slots for slots in ring.entries if len(slots) == 1]) == {12: 1, 2: 4, 6: 2}[count]


def test_a_derivation_does_not_depend_on_numbers() -> None:
    """Of a molecule without equal branches."""
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 6), (6, 7), (2, 8), (8, 9), (9, 10)]
    rules, first = Rules(Vocabulary([], [1])), None
    for seed in range(8):
        to = np.random.default_rng(seed).permutation(11)
        graphs = GraphSet.from_edge_lists([11], [to[np.array(edges)]])
        found = derive(next(graphs_in_lists(graphs)), rules)
        first = first or found
        for name in ("clusters", "steps", "choices", "used"):
            assert np.array_equal(getattr(found, name), getattr(first, name)), name


def test_one_component_unless_it_knows_several() -> None:
    graph = next(graphs_in_lists(GraphSet.from_edge_lists([4], [[(0, 1), (2, 3)]])))
    with pytest.raises(InputError, match="several components"):
        derive(graph, Rules(Vocabulary([], [1])))
    assert len(derive(graph, Rules(Vocabulary([], [1]), apart=True)).clusters) == 2
