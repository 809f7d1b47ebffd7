"""What is measured of large graphs is what the exact metrics give, within its intervals."""

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.large.comparison import STATISTICS, distances, measure, wasserstein
from gengraph.large.density import POINTS, cumulative_spectrum, spectral_moments
from gengraph.large.graphlets import path_sampler
from gengraph.metrics.spectra import laplacian_spectra
from gengraph.metrics.statistics import local_clustering, orbit_means
from gengraph.seeded import Stream

GRAPHS = {
    "power law": nx.powerlaw_cluster_graph(400, 4, 0.6, seed=1),
    "grid": nx.grid_2d_graph(15, 12),
    "cliques": nx.connected_caveman_graph(20, 6),
    "several": nx.disjoint_union(nx.gnm_random_graph(60, 200, seed=2), nx.empty_graph(9)),
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> GraphSet:
    return GraphSet.from_networkx([nx.convert_node_labels_to_integers(GRAPHS[request.param])])


def test_orbits_lie_in_their_intervals(graph: GraphSet) -> None:
    sampler = path_sampler(graph)
    exact = orbit_means(graph)[0]
    means, low, high = sampler.graphlets(sampler.sample(20_000, Stream(5))).orbit_means(int(graph.num_nodes[0]))
    slack = 1e-9 * exact
    assert (low - slack <= exact).all()
    assert (exact <= high + slack).all()
    assert np.allclose(means[:4], exact[:4])
    assert means == pytest.approx(exact, rel=0.15, abs=0.4)


def test_intervals_cover_as_often_as_they_say() -> None:
    graph = GraphSet.from_networkx([GRAPHS["power law"]])
    sampler, exact = path_sampler(graph), orbit_means(graph)[0]
    covered = 0
    for seed in range(100):
        _, low, high = sampler.graphlets(sampler.sample(2000, Stream(seed))).orbit_means(400)
        covered += bool(((low <= exact * (1 + 1e-9)) & (exact <= high * (1 + 1e-9))).all())
    assert covered >= 91


def test_spectra_lie_in_their_intervals(graph: GraphSet) -> None:
    exact = laplacian_spectra(graph)
    moments = spectral_moments(graph, 40, seed=3, num_moments=32)
    chebyshev = np.cos(np.outer(np.arange(32), np.arccos(np.clip(exact - 1, -1, 1)))).mean(axis=1)
    error = moments.std(axis=0, ddof=1) / np.sqrt(40)
    reach = stats.t(39).ppf(1 - 0.001 / 64)
    assert (np.abs(moments.mean(axis=0) - chebyshev) <= reach * error + 1e-9).all()
    smooth = cumulative_spectrum(chebyshev)
    estimate = cumulative_spectrum(moments)
    assert np.abs(estimate.mean(axis=0) - smooth).max() <= 5 * estimate.std(axis=0, ddof=1).max() / np.sqrt(40)


def test_smoothed_spectra_are_near_the_spectra() -> None:
    graph = GraphSet.from_networkx([GRAPHS["power law"]])
    exact = laplacian_spectra(graph)
    chebyshev = np.cos(np.outer(np.arange(128), np.arccos(np.clip(exact - 1, -1, 1)))).mean(axis=1)
    smooth, steps = cumulative_spectrum(chebyshev), np.searchsorted(np.sort(exact), POINTS, side="right") / 400
    assert smooth[-1] == pytest.approx(1)
    assert (np.diff(smooth) > -1e-9).all()
    assert np.abs(smooth - steps).mean() < 0.01


def test_degrees_and_clustering_are_exact(graph: GraphSet) -> None:
    measured = measure(graph, samples=100, vectors=2)
    assert np.array_equal(measured.degrees, graph.degrees())
    assert np.array_equal(measured.clustering, local_clustering(graph))
    assert measured.summary()["edges"] == len(graph.edges)


def test_distances() -> None:
    sets = [GraphSet.from_networkx([nx.gnm_random_graph(500, m, seed=s)]) for m, s in ((2000, 1), (2000, 2), (3000, 3))]
    first, like, unlike = (measure(one, samples=20_000, vectors=8) for one in sets)
    near, far, same = distances(first, like), distances(first, unlike), distances(first, first)
    assert set(near) == set(STATISTICS)
    for name in STATISTICS:
        assert same[name].distance == 0
        assert same[name].floor == near[name].floor > 0
        assert far[name].distance > 2 * near[name].distance
    assert far["degree"].distance == pytest.approx(0.5, abs=0.05)


def test_distances_in_mean_degrees_need_a_degree() -> None:
    empty, path = (
        measure(GraphSet.from_networkx([one]), samples=10, vectors=2) for one in (nx.empty_graph(3), nx.path_graph(3))
    )
    with pytest.raises(
        InputError, match="mean degrees of the first graph, and it has no edges; give one with at least one edge"
    ):
        distances(empty, path)
    assert distances(path, empty)["degree"].distance == pytest.approx(1)


def test_wasserstein_is_scipys() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 30, 70), rng.random(41) * 30
    assert wasserstein(first, second) == pytest.approx(stats.wasserstein_distance(first, second))


def test_what_cannot_be_measured() -> None:
    one = GraphSet.from_networkx([nx.path_graph(3)])
    with pytest.raises(InputError, match="samples must be >= 2, got 1"):
        measure(one, samples=1)
    with pytest.raises(InputError, match="vectors must be >= 2, got 0"):
        measure(one, vectors=0)
    with pytest.raises(InputError, match="got 2 graphs with 6 nodes"):
        measure(GraphSet.concatenate([one, one]))
    with pytest.raises(InputError, match="got 1 graphs with 0 nodes"):
        measure(GraphSet.from_edge_lists([0], [[]]))


@pytest.mark.parametrize("edges", [[], [[0, 1]], [[0, 1], [1, 2]], [[0, 1], [0, 2], [1, 2]]])
def test_graphs_without_paths_of_three_edges(edges: list[list[int]]) -> None:
    measured = measure(GraphSet.from_edge_lists([3], [edges]), samples=10, vectors=2)
    assert measured.graphlets.counts[3:].sum() == 0
    assert all(value.distance == 0 for value in distances(measured, measured).values())
