import itertools
import math
import resource
from typing import Any

import networkx as nx
import numpy as np
import pytest
from golden_files import golden_set, golden_values
from hypothesis import given
from hypothesis import strategies as st
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.orbits import node_orbits, node_triangles
from gengraph.metrics import scalars
from gengraph.metrics.spectra import laplacian_spectra, spectral_histogram
from gengraph.metrics.statistics import (
    clustering_histogram,
    degree_histogram,
    histogram_bins,
    local_clustering,
    node_degrees,
    orbit_means,
)

PER_GRAPH = golden_values("per_graph")


def nonzero_bins(histogram: np.ndarray) -> list[list[int]]:
    return [[int(bin_), int(histogram[bin_])] for bin_ in np.flatnonzero(histogram)]


@pytest.mark.parametrize("golden", PER_GRAPH, ids=[f"{graph['set']}-{graph['index']}" for graph in PER_GRAPH])
def test_golden_graphs(golden: dict[str, Any]) -> None:
    graph = golden_set(golden["set"])[golden["index"]]
    orbits = node_orbits(graph)
    assert orbits.sum(axis=0).tolist() == golden["orbit15_sum_over_nodes"]
    assert orbits[:5].tolist() == golden["orbit15_first5_nodes"]
    assert orbit_means(graph)[0].tolist() == golden["orbit15_mean_per_node"]
    assert local_clustering(graph).tolist() == golden["clustering_coefficients"]
    assert degree_histogram(graph)[0].tolist() == golden["degree_histogram"]
    assert nonzero_bins(clustering_histogram(graph)[0]) == golden["clustering_hist100_nonzero"]
    assert laplacian_spectra(graph) == pytest.approx(golden["normalized_laplacian_eigs"], abs=1e-12)
    assert nonzero_bins(spectral_histogram(graph)[0]) == golden["spectral_hist200_clipped_nonzero"]
    assert scalars.triangle_counts(graph).tolist() == [golden["triangles_total"]]


ORBIT_BY_SHAPE = {
    # sorted degrees of a connected graph with 2..4 nodes -> orbit of a node by its degree
    (1, 1): {1: 0},
    (1, 1, 2): {1: 1, 2: 2},
    (2, 2, 2): {2: 3},
    (1, 1, 2, 2): {1: 4, 2: 5},
    (1, 1, 1, 3): {1: 6, 3: 7},
    (2, 2, 2, 2): {2: 8},
    (1, 2, 2, 3): {1: 9, 2: 10, 3: 11},
    (2, 2, 3, 3): {2: 12, 3: 13},
    (3, 3, 3, 3): {3: 14},
}


def brute_force_orbits(graph: nx.Graph) -> list[list[int]]:
    counts = np.zeros((len(graph), 15), int)
    for size in (2, 3, 4):
        for nodes in itertools.combinations(graph, size):
            degrees = dict(graph.subgraph(nodes).degree())
            shape = tuple(sorted(degrees.values()))
            if shape in ORBIT_BY_SHAPE and min(shape) > 0 and nx.is_connected(graph.subgraph(nodes)):
                for node, degree in degrees.items():
                    counts[node, ORBIT_BY_SHAPE[shape][degree]] += 1
    return counts.tolist()


def test_orbits_of_all_graphs_with_up_to_six_nodes() -> None:
    graphs = [graph for graph in nx.graph_atlas_g() if len(graph) <= 6]
    assert len(graphs) == 1 + 1 + 2 + 4 + 11 + 34 + 156
    expected = [row for graph in graphs for row in brute_force_orbits(graph)]
    assert node_orbits(GraphSet.from_networkx(graphs)).tolist() == expected


@given(graph_sets(max_graphs=3, max_nodes=9))
def test_orbits_of_random_graphs(graphs: GraphSet) -> None:
    expected = [row for graph in graphs.to_networkx() for row in brute_force_orbits(graph)]
    assert node_orbits(graphs).reshape(-1, 15).tolist() == expected


def star(leaves: int) -> GraphSet:
    return GraphSet.from_edge_lists([leaves + 1], [np.column_stack([np.zeros(leaves, np.int64), np.arange(1, leaves + 1)])])


@pytest.mark.slow
def test_the_counts_of_a_hub_of_millions_are_right_or_refused() -> None:
    leaves = 2_500_000
    graphs = star(leaves)
    orbits = node_orbits(graphs)
    assert orbits[0].tolist() == [leaves, 0, math.comb(leaves, 2), 0, 0, 0, 0, math.comb(leaves, 3), *[0] * 7]
    assert (orbits[1:] == [1, leaves - 1, 0, 0, 0, 0, math.comb(leaves - 1, 2), *[0] * 8]).all()
    means = orbit_means(GraphSet.concatenate([graphs, star(3)]))
    assert means[0, 6] == pytest.approx(leaves * math.comb(leaves - 1, 2) / (leaves + 1), rel=1e-9)
    assert means[1].tolist() == [6 / 4, 6 / 4, 3 / 4, 0, 0, 0, 3 / 4, 1 / 4, *[0] * 7]
    with pytest.raises(InputError, match=r"below 2\^63, but a node has 2700000 neighbours; leave out the statistic orbit"):
        node_orbits(star(2_700_000))


def test_star_with_5000_leaves() -> None:
    n = 5000
    orbits = node_orbits(GraphSet.from_networkx([nx.star_graph(n)]))
    centre, leaf = [0] * 15, [0] * 15
    centre[0], centre[2], centre[7] = n, n * (n - 1) // 2, n * (n - 1) * (n - 2) // 6
    leaf[0], leaf[1], leaf[6] = 1, n - 1, (n - 1) * (n - 2) // 2
    assert orbits[0].tolist() == centre
    assert (orbits[1:] == leaf).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20


@given(graph_sets(max_nodes=8))
def test_statistics_equal_networkx(graphs: GraphSet) -> None:
    oracles = graphs.to_networkx()
    assert node_degrees(graphs).tolist() == [degree for graph in oracles for _, degree in graph.degree()]
    assert node_triangles(graphs).tolist() == [count for graph in oracles for count in nx.triangles(graph).values()]
    assert local_clustering(graphs).tolist() == [value for graph in oracles for value in nx.clustering(graph).values()]
    assert scalars.triangle_counts(graphs).tolist() == [sum(nx.triangles(graph).values()) / 3 for graph in oracles]
    assert scalars.node_counts(graphs).tolist() == [len(graph) for graph in oracles]
    assert scalars.edge_counts(graphs).tolist() == [graph.number_of_edges() for graph in oracles]
    assert scalars.component_counts(graphs).tolist() == [nx.number_connected_components(graph) for graph in oracles]
    diameters = [
        max((nx.diameter(graph.subgraph(nodes)) for nodes in nx.connected_components(graph)), default=np.nan)
        for graph in oracles
    ]
    assert scalars.diameters(graphs) == pytest.approx(diameters, nan_ok=True)
    spectra = [np.linalg.eigvalsh(nx.normalized_laplacian_matrix(graph).toarray()) for graph in oracles if len(graph)]
    assert laplacian_spectra(graphs) == pytest.approx(np.concatenate([[], *spectra]), abs=1e-12)


@pytest.mark.parametrize("name", ["dd_A", "enzymes_A", "grid", "community2"])
def test_diameter_and_assortativity_of_larger_graphs(name: str) -> None:
    graphs = golden_set(name)[:10]
    oracles = graphs.to_networkx()
    diameters = [max(nx.diameter(graph.subgraph(part)) for part in nx.connected_components(graph)) for graph in oracles]
    assert scalars.diameters(graphs).tolist() == diameters
    assert scalars.assortativity(graphs) == pytest.approx([nx.degree_assortativity_coefficient(graph) for graph in oracles])


def test_assortativity_where_it_is_extreme_or_undefined() -> None:
    regular = [nx.cycle_graph(5), nx.complete_graph(4), nx.empty_graph(3), nx.empty_graph(0), nx.Graph([(0, 1)])]
    assert np.isnan(scalars.assortativity(GraphSet.from_networkx(regular))).all()
    two_cliques = nx.disjoint_union(nx.complete_graph(4), nx.complete_graph(3))
    assert scalars.assortativity(GraphSet.from_networkx([two_cliques, nx.star_graph(4)])) == pytest.approx([1, -1])


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 400)), min_size=1, max_size=30))
def test_bins_are_those_of_numpy(fractions: list[tuple[int, int]]) -> None:
    values = np.array([min(a, b) / b for a, b in fractions])
    bins = histogram_bins(values, num_bins=100, low=0.0, high=1.0)
    assert np.bincount(bins, minlength=100).tolist() == np.histogram(values, 100, (0.0, 1.0))[0].tolist()


@pytest.mark.parametrize("hundredths", range(101))
def test_every_bin_edge_is_as_in_numpy(hundredths: int) -> None:
    for value in (hundredths / 100, float(f"0.{hundredths:02d}") if hundredths < 100 else 1.0):
        (found,) = histogram_bins(np.array([value]), num_bins=100, low=0.0, high=1.0)
        assert np.histogram([value], 100, (0.0, 1.0))[0][found] == 1


def test_bipartite_spectra_keep_their_largest_eigenvalue() -> None:
    graphs = golden_set("ladder")
    assert (spectral_histogram(graphs).sum(axis=1) == graphs.num_nodes).all()
    strict = np.stack([np.histogram(laplacian_spectra(graph), 200, (-1e-5, 2))[0] for graph in graphs])
    assert spectral_histogram(graphs, strict=True).tolist() == strict.tolist()


def test_no_graphs_and_null_graphs_have_rows() -> None:
    null = GraphSet.from_edge_lists([0, 3], [[], []])
    for statistic in (degree_histogram, clustering_histogram, spectral_histogram):
        assert statistic(null).sum(axis=1).tolist() == [0, 3]
        assert statistic(GraphSet.empty()).shape[0] == 0
    assert (orbit_means(null) == 0).all()
    assert np.isnan(scalars.diameters(null)).tolist() == [True, False]
    assert orbit_means(GraphSet.empty()).shape == (0, 15)
