"""The whole way from graphs to MMD^2 against code that does one graph and one pair at a time."""

import subprocess
import sys
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from strategies import graph_sets

from gengraph.graphs import GraphSet
from gengraph.graphs.orbits import node_orbits
from gengraph.metrics import evaluate

Vector = np.ndarray


def degree(graph: nx.Graph) -> Vector:
    return np.array(nx.degree_histogram(graph)) / len(graph)


def clustering(graph: nx.Graph) -> Vector:
    return np.histogram(list(nx.clustering(graph).values()), 100, (0.0, 1.0))[0] / len(graph)


def spectral(graph: nx.Graph) -> Vector:
    eigenvalues = np.linalg.eigvalsh(nx.normalized_laplacian_matrix(graph).toarray())
    return np.histogram(np.minimum(eigenvalues, 2), 200, (-1e-5, 2))[0] / len(graph)


def orbit(graph: nx.Graph) -> Vector:
    return node_orbits(GraphSet.from_networkx([graph])).mean(axis=0)


def emd(x: Vector, y: Vector) -> float:
    return float(wasserstein_distance(range(len(x)), range(len(y)), x, y))


def tv(x: Vector, y: Vector) -> float:
    width = max(len(x), len(y))
    return float(np.abs(np.pad(x, (0, width - len(x))) - np.pad(y, (0, width - len(y)))).sum() / 2)


def euclidean(x: Vector, y: Vector) -> float:
    return float(np.linalg.norm(x - y))


PLAIN = {
    ("emd", "degree"): (degree, emd, 1),
    ("emd", "clustering"): (clustering, lambda x, y: emd(x, y) / 100, 0.1),
    ("emd", "orbit"): (orbit, euclidean, 30),
    ("tv", "degree"): (degree, tv, 1),
    ("tv", "clustering"): (clustering, tv, 0.1),
    ("tv", "orbit"): (orbit, tv, 30),
    ("tv", "spectral"): (spectral, tv, 1),
}


def mean_kernel(first: list[Vector], second: list[Vector], distance: Callable[[Vector, Vector], float], sigma: float) -> float:
    return float(np.mean([np.exp(-(distance(x, y) ** 2) / (2 * sigma**2)) for x in first for y in second]))


@settings(max_examples=25)
@given(st.tuples(*[graph_sets(min_nodes=1, max_nodes=7).filter(len)] * 2))
@pytest.mark.parametrize("protocol", ["emd", "tv"])
def test_evaluate_equals_plain_code(protocol: str, sets: tuple[GraphSet, GraphSet]) -> None:
    result = evaluate(*sets, protocol)
    for (name, statistic), (describe, distance, sigma) in PLAIN.items():
        if name == protocol:
            x, y = ([describe(graph) for graph in graphs.to_networkx()] for graphs in sets)
            within = mean_kernel(x, x, distance, sigma) + mean_kernel(y, y, distance, sigma)
            expected = within - 2 * mean_kernel(x, y, distance, sigma)
            assert result.metrics[statistic].mmd2 == pytest.approx(expected, abs=1e-10)


def test_evaluation_needs_no_heavy_library() -> None:
    code = (
        "import sys; from gengraph.graphs import GraphSet; from gengraph.metrics import evaluate;"
        "graphs = GraphSet.from_edge_lists([3], [[(0, 1)]]); evaluate(graphs, graphs, 'tv');"
        "print({'torch', 'ray', 'networkx', 'igraph', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
