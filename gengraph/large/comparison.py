"""How far apart two large graphs are in degrees, clustering, graphlets and spectrum, and how far chance alone takes them.

Legend: n nodes, Q sampled paths, R random vectors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import node_triangles
from gengraph.large.cells import FloatArray
from gengraph.large.density import POINTS, cumulative_spectrum, spectral_moments
from gengraph.large.graphlets import NAMES, Graphlets, PathSampler
from gengraph.seeded import Stream

SAMPLES = 1_000_000
VECTORS = 8
STATISTICS = ("degree", "clustering", "orbit", "spectrum")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What is known of one large graph.

    Attributes:
        degrees: int64[n], exact.
        clustering: float64[n], exact; 0 for a node with fewer than two neighbours.
        graphlets: from all samples.
        halves: from each half of them.
        spectra: float64[R, X], the cumulative spectrum from each random vector.
    """

    degrees: Int64Array
    clustering: FloatArray
    graphlets: Graphlets
    halves: tuple[Graphlets, Graphlets]
    spectra: FloatArray

    def summary(self) -> dict[str, Any]:
        """For people, JSON-ready."""
        n, g = len(self.degrees), self.graphlets
        parts = zip(NAMES, g.counts.tolist(), g.low.tolist(), g.high.tolist(), strict=True)
        return {
            "nodes": n,
            "edges": int(self.degrees.sum()) // 2,
            "mean_degree": float(self.degrees.mean()),
            "largest_degree": int(self.degrees.max()),
            "mean_clustering": float(self.clustering.mean()),
            "graphlets": {name: {"count": count, "interval": [low, high]} for name, count, low, high in parts},
        }


def measure(graph: GraphSet, *, samples: int = SAMPLES, vectors: int = VECTORS, seed: int = 0) -> Measured:
    """Measure one large graph; O(E^1.5 + Q log E + 128 R (n + E)) time, O(n + E) memory.

    Args:
        graph: a set of one graph with at least one node.
        samples: Q >= 2, paths that graphlets are estimated from.
        vectors: R >= 2, random vectors that the spectrum is estimated from.
        seed: of both.

    Raises:
        InputError: not one graph, no nodes, or too few samples or vectors.
    """
    for name, value in (("samples", samples), ("vectors", vectors)):
        if value < 2:
            msg = f"{name} must be >= 2, got {value}: the floor comes from halves of them"
            raise InputError(msg)
    if len(graph) != 1 or not graph.num_nodes[0]:
        size = f"{len(graph)} graphs with {int(graph.num_nodes.sum())} nodes"
        msg = f"large graphs are compared one with one, each with at least one node, got {size}"
        raise InputError(msg)
    degrees, triangles = graph.degrees(), node_triangles(graph)
    sampler = PathSampler(graph, degrees, triangles)
    found = [sampler.sample(count, Stream(seed, half)) for half, count in enumerate((samples // 2, samples - samples // 2))]
    return Measured(
        degrees=degrees,
        clustering=2 * triangles / np.maximum(degrees * (degrees - 1), 1),
        graphlets=sampler.graphlets(found[0] + found[1]),
        halves=(sampler.graphlets(found[0]), sampler.graphlets(found[1])),
        spectra=cumulative_spectrum(spectral_moments(graph, vectors, seed=seed)),
    )


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance of two graphs, and its floor: the same between two halves of what was measured of the first one.

    Attributes:
        distance: >= 0.
        floor: >= 0.
    """

    distance: float
    floor: float


def distances(first: Measured, second: Measured, *, seed: int = 0) -> dict[str, Distance]:
    """The distances by name, STATISTICS.

    - degree: of Wasserstein between the degrees of the nodes, in mean degrees of the first graph; halves of its nodes.
    - clustering: of Wasserstein between the local clustering coefficients; halves of the nodes.
    - orbit: mean over the nine graphlets of |log((x + 1) / n) - log((y + 1) / m)| for x among n nodes and y among m; halves of
      the samples. Numbers of graphlets are what mean orbit counts are made of.
    - spectrum: of Wasserstein between the smoothed spectra, in eigenvalues (0..2); halves of the random vectors.

    Args:
        first: the real graph.
        second: one like it.
        seed: of the halves of nodes.

    Raises:
        InputError: the first graph has no edges, and the second has.
    """
    if second.degrees.any() and not first.degrees.any():
        msg = "degrees are compared in mean degrees of the first graph, and it has no edges; give one with at least one edge"
        raise InputError(msg)
    order = Stream(seed, 2).permutation(len(first.degrees))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    mean, n, half = max(float(first.degrees.mean()), 1e-300), len(first.degrees), len(first.spectra) // 2

    def of_nodes(values: Callable[[Measured], npt.NDArray[Any]], unit: float) -> Distance:
        parts = [values(first)[nodes] for nodes in halves]
        floor = wasserstein(*parts) if len(parts[0]) else 0.0
        return Distance(wasserstein(values(first), values(second)) / unit, floor / unit)

    return {
        "degree": of_nodes(lambda graph: graph.degrees, mean),
        "clustering": of_nodes(lambda graph: graph.clustering, 1.0),
        "orbit": Distance(
            _between_graphlets(first.graphlets, n, second.graphlets, len(second.degrees)),
            _between_graphlets(first.halves[0], n, first.halves[1], n),
        ),
        "spectrum": Distance(
            _between_spectra(first.spectra, second.spectra), _between_spectra(first.spectra[:half], first.spectra[half:])
        ),
    }


def wasserstein(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """The area between the cumulative distributions of two samples, numbers of any kind; O(k log k)."""
    values = np.sort(np.concatenate([first, second]))
    shares = [np.searchsorted(np.sort(part), values[:-1], side="right") / len(part) for part in (first, second)]
    return float(np.abs(shares[0] - shares[1]) @ np.diff(values))


def _between_graphlets(first: Graphlets, n: int, second: Graphlets, m: int) -> float:
    return float(np.abs(np.log((first.counts + 1) / n) - np.log((second.counts + 1) / m)).mean())


def _between_spectra(first: FloatArray, second: FloatArray) -> float:
    return float(np.abs(first.mean(axis=0) - second.mean(axis=0)).sum() * (POINTS[1] - POINTS[0]))
