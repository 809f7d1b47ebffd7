"""Statistics of labels and directions: by hand, against networkx and plain Python, and the same for any numbering."""

import itertools
from collections import Counter
from functools import partial

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import labelled_sets, renumbered

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import PROTOCOLS, STATISTICS, DescribedSet, Uncertainty, descriptions, evaluate, novelty
from gengraph.metrics.nspdk import nspdk_features
from gengraph.metrics.triads import CONNECTED, NAMES, triad_census

LABELLED = [name for name, statistic in STATISTICS.items() if statistic.labelled]
SEVERAL = Uncertainty(num_permutations=30, num_bootstrap=30)


def molecule(atoms: str, bonds: dict[tuple[int, int], str], *, directed: bool = False) -> nx.Graph:
    graph = (nx.DiGraph if directed else nx.Graph)()
    graph.add_nodes_from((i, {"element": atom}) for i, atom in enumerate(atoms))
    graph.add_edges_from((u, v, {"bond": bond}) for (u, v), bond in bonds.items())
    return graph


def labelled_set(*graphs: nx.Graph) -> GraphSet:
    return GraphSet.from_networkx(graphs, node_label="element", edge_label="bond", directed="keep")


# Labels by hand: C is 0, N 1, O 2; bonds 1 and 2 are 0 and 1.
CHAIN, LONE = molecule("CCON", {(0, 1): "1", (1, 2): "2", (2, 3): "1"}), molecule("C", {})
ARROWS = molecule("CNO", {(0, 1): "1", (1, 0): "1", (2, 1): "2"}, directed=True)


def test_counts_of_labels_by_hand() -> None:
    described = DescribedSet(labelled_set(CHAIN, LONE))
    assert described.rows("node_labels").tolist() == [[2, 1, 1], [1, 0, 0]]
    assert described.rows("edge_labels").tolist() == [[2, 1], [0, 0]]
    # by degree: of 0 the lone C, of 1 a C and the N, of 2 a C and the O
    assert described.rows("labelled_degree").tolist() == [[0, 0, 0, 1, 1, 0, 1, 0, 1], [1, 0, 0] + [0] * 6]
    edges = described.rows("labelled_edges").reshape(2, 2, 3, 3)
    wanted = np.zeros((2, 2, 3, 3))
    wanted[0, 0, 0, 0] = wanted[0, 1, 0, 2] = wanted[0, 0, 1, 2] = 1
    assert np.array_equal(edges, wanted)


def test_counts_of_directions_by_hand() -> None:
    described = DescribedSet(labelled_set(ARROWS))
    assert described.rows("in_degree").tolist() == [[1, 1, 1]]
    assert described.rows("out_degree").tolist() == [[0, 3]]
    edges = described.rows("labelled_edges").reshape(2, 3, 3)
    assert {tuple(cell) for cell in np.argwhere(edges).tolist()} == {(0, 0, 1), (0, 1, 0), (1, 2, 1)}
    assert described.rows("edge_labels").tolist() == [[1, 1]]
    assert dict(zip(NAMES[CONNECTED], described.rows("triads")[0], strict=True))["111D"] == 1
    assert described.rows("triads").sum() == 1


def test_triads_are_those_of_networkx() -> None:
    graphs = [nx.gnp_random_graph(n, p, seed=n, directed=True) for n in range(16) for p in (0.05, 0.2, 0.6)]
    graphs.append(nx.DiGraph(nx.complete_graph(6)))
    wanted = [[nx.triadic_census(graph)[name] for name in NAMES] for graph in graphs]
    assert triad_census(GraphSet.from_networkx(graphs, directed="keep")).tolist() == wanted
    undirected = GraphSet.from_networkx([nx.complete_graph(6), nx.path_graph(4)])
    assert triad_census(undirected)[:, [2, 10, 15]].tolist() == [[0, 0, 20], [2, 2, 0]]


@pytest.mark.parametrize("name", LABELLED)
@given(graphs=labelled_sets(), seed=st.integers(0, 9))
def test_statistics_do_not_depend_on_the_numbering(name: str, graphs: GraphSet, seed: int) -> None:
    needs = STATISTICS[name].needs
    if not len(graphs) or (needs and not getattr(graphs.schema, needs)):
        return
    both = (graphs, renumbered(graphs, seed))
    if name == "nspdk":
        products = [one @ two.T for one in map(features, both) for two in map(features, both)]
        assert all(np.allclose(part.toarray(), products[0].toarray()) for part in products)
    else:
        rows = [DescribedSet(part).rows(name) for part in both]
        assert rows[0].tolist() == rows[1].tolist()


def features(graphs: GraphSet):
    """Without the columns that are empty; each set has columns of its own, so kernels are taken within pairs of sets."""
    matrix = nspdk_features(graphs).matrix.tocoo()
    folded = (matrix.data, (matrix.row, matrix.col % 1_000_003))
    return type(matrix)(folded, shape=(len(graphs), 1_000_003)).tocsr()


def features_in_words(graph: nx.Graph, radius: int, distance: int) -> dict[tuple, float]:
    """NSPDK as its definition has it, with tuples for hashes: edges become nodes, and distances double."""
    halved = nx.Graph()
    for node, data in graph.nodes(data=True):
        halved.add_node(node, said=(data["element"], graph.degree(node)))
    for u, v, data in graph.edges(data=True):
        halved.add_node((u, v, "edge"), said=(data["bond"], 2))
        nx.add_path(halved, [u, (u, v, "edge"), v])
    within = {node: nx.single_source_shortest_path_length(halved, node) for node in graph}

    def neighbourhood(root: int, r: int) -> tuple | None:
        if max(within[root].values()) < 2 * r:
            return None
        rings = [sorted(halved.nodes[v]["said"] for v, far in within[root].items() if far == k) for k in range(2 * r + 1)]
        return tuple(map(tuple, rings))

    counts: Counter = Counter()
    for v, u in itertools.product(graph, graph):
        d = within[v].get(u, 2 * distance + 1)
        for r in range(radius + 1 if d <= 2 * distance else 0):
            here, there = neighbourhood(v, r), neighbourhood(u, r)
            if here is not None and there is not None:
                counts[(r, d), tuple(sorted([here, there]))] += 1
                counts[(r, d), there] += 1
    kinds = {kind for kind, _ in counts}
    norms = {kind: np.sqrt(sum(n * n for (of, _), n in counts.items() if of == kind) * len(kinds)) for kind in kinds}
    return {key: n / norms[key[0]] for key, n in counts.items()}


@pytest.mark.parametrize(("radius", "distance"), [(0, 0), (0, 1), (1, 0), (2, 3), (4, 4)])
def test_nspdk_is_that_of_its_definition(radius: int, distance: int) -> None:
    rng = np.random.default_rng(radius)
    graphs = [CHAIN, LONE]
    for seed in range(8):
        plain = nx.gnp_random_graph(int(rng.integers(2, 9)), 0.3, seed=seed)
        graphs.append(
            molecule("".join(rng.choice(list("CN"), len(plain))), {edge: str(rng.integers(1, 3)) for edge in plain.edges})
        )
    found = nspdk_features(labelled_set(*graphs), radius=radius, distance=distance).matrix
    kernel = [[(found[[i]].multiply(found[[j]])).sum() for j in range(len(graphs))] for i in range(len(graphs))]
    words = [features_in_words(graph, radius, distance) for graph in graphs]
    wanted = [[sum(value * two.get(key, 0) for key, value in one.items()) for two in words] for one in words]
    assert np.allclose(kernel, wanted)
    assert np.allclose(np.diag(kernel), 1)


def test_nspdk_of_two_nodes_by_hand() -> None:
    """Two C joined: 8 features, of four kinds (r, d), each kind with counts 2 and 2; with radius and distance 0, one kind."""
    two, other = labelled_set(molecule("CC", {(0, 1): "1"})), labelled_set(molecule("CN", {(0, 1): "1"}))
    assert nspdk_features(two).matrix.data.tolist() == [pytest.approx(1 / np.sqrt(8))] * 8
    schema = two.schema.union(other.schema)
    both = GraphSet.concatenate([two.relabelled(schema), other.relabelled(schema)])
    found = nspdk_features(both, radius=0, distance=0).matrix
    # C pair 2, C alone 2 against each of C and N 1: (2 + 2) / (sqrt 8 x sqrt 4)
    assert (found[[0]].multiply(found[[1]])).sum() == pytest.approx(4 / np.sqrt(32))


@given(labelled_sets(max_graphs=6), labelled_sets(max_graphs=6))
def test_mmd_of_nspdk_is_the_distance_of_the_mean_features(first: GraphSet, second: GraphSet) -> None:
    schemas = first.schema, second.schema
    if (
        not len(first)
        or not len(second)
        or [s and s.name for s in (schemas[0].nodes, schemas[0].edges)]
        != [s and s.name for s in (schemas[1].nodes, schemas[1].edges)]
    ):
        return
    schema = schemas[0].union(schemas[1])
    means = [features(part.relabelled(schema)).mean(axis=0) for part in (first, second)]
    found = evaluate(first, second, statistics=["nspdk"], uncertainty=SEVERAL).metrics["nspdk"]
    assert found.mmd2 == pytest.approx(float(np.square(means[0] - means[1]).sum()), abs=1e-9)
    assert found.kernel == "linear"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_statistics_of_labels_come_by_themselves(protocol: str) -> None:
    rng = np.random.default_rng(0)
    graphs = []
    for seed in range(30):
        plain = nx.gnp_random_graph(7, 0.3, seed=seed, directed=True)
        graphs.append(molecule("".join(rng.choice(list("CN"), 7)), dict.fromkeys(plain.edges, "1"), directed=True))
    graphs = labelled_set(*graphs)
    found = evaluate(graphs[:15], graphs[15:], protocol, uncertainty=SEVERAL)
    assert list(found.metrics)[-len(LABELLED) :] == LABELLED
    for metric in found.metrics.values():
        assert metric.p_value > 0.03
        assert metric.interval[0] <= metric.mmd2 <= metric.interval[1]
    same = evaluate(graphs, renumbered(graphs, 0), protocol)
    assert max(metric.mmd2 for metric in same.metrics.values()) < 1e-12
    assert set(evaluate(graphs.bare()[:15], graphs.bare()[15:], protocol).metrics) == set(PROTOCOLS[protocol].statistics)


def test_labels_are_compared_by_what_they_say() -> None:
    """The second set has N as label 0, the first C."""
    first = labelled_set(CHAIN, molecule("CN", {(0, 1): "2"}))
    second = labelled_set(molecule("NNON", {(0, 1): "1", (1, 2): "2", (2, 3): "1"}))
    found = evaluate(first, second, "tv").metrics
    assert found["node_labels"].mmd2 > 0.1
    turned = labelled_set(molecule("NC", {(0, 1): "2"}), CHAIN)
    assert max(metric.mmd2 for metric in evaluate(first, turned, "tv").metrics.values()) < 1e-12
    assert evaluate(first[:1], second, "tv").metrics["degree"].mmd2 == 0
    assert novelty(first, second).novel.count == 1
    assert novelty(first, turned).novel.count == 0


def test_labelled_against_bare_is_refused() -> None:
    graphs = labelled_set(CHAIN, LONE)
    with pytest.raises(InputError, match=r"same kinds of node labels.*graphs.bare\(\)"):
        evaluate(graphs, graphs.bare())
    with pytest.raises(InputError, match="in_degree is a statistic of graphs with directed edges, got graphs with node"):
        evaluate(graphs, graphs, statistics=["in_degree"])
    with pytest.raises(InputError, match="node_labels is a statistic of graphs with labels of nodes, got graphs with no"):
        evaluate(graphs.bare(), graphs.bare(), statistics=["node_labels"])


@pytest.mark.parametrize("name", [name for name in LABELLED if STATISTICS[name].sparse])
def test_many_columns_are_kept_without_the_empty_ones(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = labelled_set(ARROWS, molecule("CCO", {(0, 1): "1", (1, 2): "2"}, directed=True))
    dense = evaluate(graphs, graphs[1:], "tv", statistics=[name]).metrics[name]
    monkeypatch.setattr(descriptions, "WIDE", 2)
    assert evaluate(graphs, graphs[1:], "tv", statistics=[name]).metrics[name].mmd2 == pytest.approx(dense.mmd2, abs=1e-15)


def test_parts_may_have_different_values_of_their_labels() -> None:
    parts = [labelled_set(LONE), labelled_set(CHAIN), labelled_set(molecule("NN", {(0, 1): "2"}))]
    whole = GraphSet.concatenate(parts)
    found = evaluate(DescribedSet([partial(lambda part: part, part) for part in parts]), whole, "tv")
    assert max(metric.mmd2 for metric in found.metrics.values()) < 1e-12


def test_features_of_isomorphic_graphs_are_computed_once_and_kept(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gengraph.metrics.cache import DescriptorCache

    monkeypatch.setattr(descriptions, "_TRIED", 10)
    graphs = renumbered(labelled_set(*[CHAIN, LONE, molecule("CCON", {(0, 1): "1", (1, 2): "1", (2, 3): "1"})] * 6), 0)
    cache = DescriptorCache(folder=tmp_path, worth=0)
    for _ in range(2):
        found = DescribedSet(graphs, cache=cache).distinct("nspdk")
        assert len(found.values) == 3
        again = nspdk_features(graphs).matrix
        assert np.allclose(found.values.matrix[found.places].data, again.data)
        assert np.array_equal(found.values.matrix[found.places].indices, again.indices)
