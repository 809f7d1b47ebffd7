import time
import tracemalloc
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance
from strategies import graph_sets

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import PROTOCOLS, Kernel, Protocol, evaluate, mmd
from gengraph.metrics.kernels import embedded, gram, pad_and_normalise, points, squared_distances
from gengraph.metrics.mmd import GramSums, gram_sums
from gengraph.metrics.statistics import degree_histogram, sparse_degree_histogram

KERNELS = [
    Kernel(distance="emd", sigma=(0.7,), scaling=3),
    Kernel(distance="tv", sigma=(0.2,)),
    Kernel(distance="euclidean", sigma=(0.5, 2.0)),
    Kernel(distance="euclidean", sigma=(0.1, 1.0), relative=True),
]
HISTOGRAMS = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)


def distance(x: list[int], y: list[int], kernel: Kernel) -> float:
    first, second = pad_and_normalise(np.array([x], float), np.array([y], float))
    return float(np.sqrt(squared_distances(points(first, kernel), points(second, kernel), kernel))[0, 0])


def transport_cost(x: np.ndarray, y: np.ndarray) -> float:
    """The earth mover's distance as the linear programme that defines it."""
    rows, columns = np.indices((len(x), len(y)))
    leaving = [(rows == i).ravel() for i in range(len(x))]
    arriving = [(columns == j).ravel() for j in range(len(y))]
    result = linprog(
        np.abs(rows - columns).ravel(), A_eq=np.array(leaving + arriving, float), b_eq=np.concatenate([x, y]), method="highs"
    )
    return float(result.fun)


@given(HISTOGRAMS, HISTOGRAMS)
def test_emd_is_the_optimal_transport(x: list[int], y: list[int]) -> None:
    expected = wasserstein_distance(range(len(x)), range(len(y)), x, y)
    assert distance(x, y, Kernel(distance="emd")) == pytest.approx(expected, abs=1e-12)
    assert distance(x, y, Kernel(distance="emd", scaling=4)) == pytest.approx(expected / 4, abs=1e-12)


@pytest.mark.parametrize(("x", "y"), [([1, 0, 0], [0, 1, 2]), ([3, 1], [1, 1, 1]), ([1], [1, 4, 2, 2])])
def test_emd_solves_the_linear_programme(x: list[int], y: list[int]) -> None:
    first, second = pad_and_normalise(np.array([x], float), np.array([y], float))
    assert distance(x, y, Kernel(distance="emd")) == pytest.approx(transport_cost(first[0], second[0]), abs=1e-9)


@given(HISTOGRAMS, HISTOGRAMS)
def test_tv_is_half_of_the_difference(x: list[int], y: list[int]) -> None:
    width = max(len(x), len(y))
    difference = np.pad(np.array(x) / sum(x), (0, width - len(x))) - np.pad(np.array(y) / sum(y), (0, width - len(y)))
    assert distance(x, y, Kernel(distance="tv")) == pytest.approx(np.abs(difference).sum() / 2)


def test_histograms_without_mass_have_a_bin_of_their_own() -> None:
    assert distance([0], [0, 0], Kernel(distance="tv")) == 0
    assert distance([0], [4], Kernel(distance="tv")) == 1
    assert distance([0], [4], Kernel(distance="emd")) == 1
    assert distance([0], [0, 0, 4], Kernel(distance="emd")) == 3
    kept, _ = pad_and_normalise(np.array([[1.0, 1.0]]), np.array([[2.0]]))
    assert kept.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
@given(graph_sets(), graph_sets(), st.integers(0, 30))
def test_bins_that_are_left_out_change_no_distance(kernel: Kernel, first: GraphSet, second: GraphSet, leaves: int) -> None:
    hub = GraphSet.from_edge_lists([40], [[(0, i) for i in range(1, leaves + 1)]])
    first = GraphSet.concatenate([first, hub])
    second = GraphSet.concatenate([second, hub])
    dense = degree_histogram(first), degree_histogram(second)
    expected = squared_distances(*(points(rows, kernel) for rows in pad_and_normalise(*dense)), kernel)
    sparse = sparse_degree_histogram(first), sparse_degree_histogram(second)
    for pair in (sparse, (sparse[0], dense[1]), (dense[0], sparse[1])):
        x, y = (part[:] for part in embedded(*pair, kernel, histogram=True))
        assert np.allclose(squared_distances(x, y, kernel), expected, rtol=1e-9, atol=1e-12)


def test_a_hub_does_not_cost_its_degree() -> None:
    """The dense histograms of these would take half a gigabyte each."""
    small = [nx.cycle_graph(5 + i % 9) for i in range(400)]
    hub = GraphSet.from_edge_lists([200_001], [np.column_stack([np.zeros(200_000, int), np.arange(1, 200_001)])])
    reference = GraphSet.concatenate([GraphSet.from_networkx(small), hub])
    start = time.process_time()
    for protocol in ("emd", "tv", "rbf"):
        tracemalloc.start()
        result = evaluate(reference, reference[:400], protocol, statistics=["degree"], train=reference[:9]).metrics["degree"]
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
        tracemalloc.stop()
        if protocol == "tv":  # the star is at distance 1 from the cycles, which are all the same
            far = 2 * np.exp(-1 / 2)
            assert result.mmd2 == pytest.approx((400**2 + 1 + 400 * far) / 401**2 + 1 - 2 * (400 + far / 2) / 401)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
@pytest.mark.parametrize("sizes", [(7, 5), (1, 4), (6, 6)])
def test_mmd_by_its_definition(kernel: Kernel, sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((sizes[0], 4)), rng.random((sizes[1], 4)) + 0.2
    whole = gram_sums(x, y, kernel)
    pairs = np.array([[np.sqrt(squared_distances(a[None], b[None], kernel))[0, 0] for b in y] for a in x])
    unit = np.sqrt(np.square(pairs).mean()) if kernel.relative else 1
    assert whole.sigma == pytest.approx(np.array(kernel.sigma) * unit)

    def mean(first: np.ndarray, second: np.ndarray, sigma: float, *, same: bool) -> float:
        values = [
            np.exp(-squared_distances(a[None], b[None], kernel)[0, 0] / (2 * sigma**2))
            for i, a in enumerate(first)
            for j, b in enumerate(second)
            if same or i != j
        ]
        return float(np.mean(values)) if values else np.nan

    for s, sigma in enumerate(whole.sigma):
        cross = mean(x, y, sigma, same=True)
        for estimator, same in (("biased", True), ("unbiased", False)):
            expected = mean(x, x, sigma, same=same) + mean(y, y, sigma, same=same) - 2 * cross
            assert whole.mmd2(estimator)[s] == pytest.approx(expected, nan_ok=True)

    monkeypatch.setattr(mmd, "BLOCK_SIZE", 2)
    blocks = gram_sums(x, y, kernel)
    assert blocks.mmd2("biased") == pytest.approx(whole.mmd2("biased"), abs=1e-14)


def test_expected_floor_is_the_mean_over_fresh_samples() -> None:
    rng = np.random.default_rng(0)
    kernel = Kernel(distance="tv", sigma=(0.3,))
    found: list[GramSums] = []
    for _ in range(400):
        samples = (rng.dirichlet([1, 1, 1], count) for count in (12, 7))
        first, second = (points(sample, kernel) for sample in samples)
        found.append(gram_sums(first, second, kernel))
    values = [sums.mmd2("biased")[0] for sums in found]
    error = 4 * np.std(values) / np.sqrt(len(values))
    assert np.mean([sums.expected_floor()[0] for sums in found]) == pytest.approx(np.mean(values), abs=error)
    unbiased = [sums.mmd2("unbiased")[0] for sums in found]
    assert np.mean(unbiased) == pytest.approx(0, abs=4 * np.std(unbiased) / np.sqrt(len(unbiased)))


def test_identical_sets_are_at_exactly_zero() -> None:
    rows = np.random.default_rng(0).random((30, 5))
    for kernel in KERNELS:
        assert (gram_sums(rows, rows, kernel).mmd2("biased") == 0).all()


def test_emd_and_tv_kernels_are_not_positive_definite() -> None:
    """The documented flaw; were it gone, the docstrings would have to change."""
    rng = np.random.default_rng(0)
    graphs = GraphSet.from_networkx([nx.gnp_random_graph(12, p, seed=int(rng.integers(99))) for p in np.linspace(0.1, 0.9, 60)])
    degrees = np.array([np.bincount([d for _, d in graph.degree()], minlength=12) for graph in graphs.to_networkx()], float)
    for kernel in (Kernel(distance="emd", sigma=(2,)), Kernel(distance="tv", sigma=(0.7,))):
        rows = points(pad_and_normalise(degrees, degrees)[0], kernel)
        assert np.linalg.eigvalsh(gram(squared_distances(rows, rows, kernel), kernel.sigma[0], kernel)).min() < -1e-9


def test_bad_kernels_and_protocols_are_refused() -> None:
    with pytest.raises(InputError, match="sigma and scaling must be > 0"):
        Kernel(distance="tv", sigma=(0.0,))
    with pytest.raises(InputError, match="estimator must be biased or unbiased, got 'umve'"):
        replace(PROTOCOLS["tv"], estimator="umve")
    with pytest.raises(InputError, match="protocol mine compares degree, got orbit"):
        Protocol(name="mine", kernels={"degree": Kernel(distance="tv")}, statistics=("orbit",))
