"""Graphlets of one large graph: those of three nodes exactly, those of four from sampled paths, with intervals.

A path of three edges is drawn uniformly [1]: its middle edge (u, v) in proportion to (d_u - 1) (d_v - 1), then another
neighbour of each end. The four nodes induce a path, a cycle, a paw, a diamond or a clique, in each of which so many paths run
through all nodes: 1, 4, 2, 6 and 12. So the share of samples of a kind estimates its number, and the claws follow from the
degrees, since the stars of three edges are known exactly.

Legend: n nodes, E edges, Q samples.

Reference:
    [1] M. Jha, C. Seshadhri and A. Pinar, "Path sampling: a fast and provable method for estimating 4-vertex subgraph counts",
        WWW 2015.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import node_triangles
from gengraph.large.cells import FloatArray
from gengraph.seeded import Stream

NAMES = ("edge", "hairpin", "triangle", "path", "claw", "cycle", "paw", "diamond", "clique")
"""Connected induced subgraphs of two, three and four nodes."""
_PATHS = np.array([1, 4, 2, 6, 12])  # through all nodes of a path, cycle, paw, diamond, clique
_KINDS = np.array([0, 2, 2, 3, 1, 3, 3, 4])  # which of these by 1 (u', v) + 2 (u, v') + 4 (u', v')
_SAMPLED = [3, 5, 6, 7, 8]  # their places in NAMES
_ORBITS = (
    (0, 2),
    (1, 2),
    (1, 1),
    (2, 3),
    (3, 2),
    (3, 2),
    (4, 3),
    (4, 1),
    (5, 4),
    (6, 1),
    (6, 2),
    (6, 1),
    (7, 2),
    (7, 2),
    (8, 4),
)
"""Of each of the 15 orbits, the graphlet and how many of its nodes are in the orbit."""


@dataclass(frozen=True, slots=True)
class Graphlets:
    """Numbers of graphlets.

    Attributes:
        counts: float64[9] in the order of NAMES; the first three are exact.
        low: float64[9], with `high` intervals that all hold together in 95 of 100 cases at least.
        high: float64[9].
    """

    counts: FloatArray
    low: FloatArray
    high: FloatArray

    def orbit_means(self, num_nodes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """float64[15] and their intervals: how often a node is in each orbit on average, as `gengraph.metrics` has it."""
        graphlet, nodes = np.array(_ORBITS).T
        value, low, high = (part[graphlet] * nodes / num_nodes for part in (self.counts, self.low, self.high))
        return value, low, high


class PathSampler:
    """Draws paths of three edges of one graph.

    O(E^1.5) time for the triangles, O(log E) a sample; O(n + E) memory.

    Args:
        graph: a set of one graph, its neighbours sorted.
        degrees: int64[n].
        triangles: int64[n], the triangles that contain each node.
    """

    def __init__(self, graph: GraphSet, degrees: Int64Array, triangles: Int64Array) -> None:
        matrix = graph.to_csr()
        self._pointers, self._neighbours = matrix.indptr, matrix.indices
        self._edges, self._degrees = graph.edges, degrees
        self._triangles = float(triangles.sum() / 3)
        self._weights = np.cumsum((degrees[graph.edges] - 1.0).prod(axis=1))
        self._num_nodes = len(degrees)

    @cached_property
    def _keys(self) -> Int64Array:
        return self._edges[:, 0].astype(np.int64) * self._num_nodes + self._edges[:, 1]

    def sample(self, count: int, stream: Stream) -> Int64Array:
        """int64[6]: how many of so many samples induce each of the five kinds; the last are no paths but triangles."""
        if not len(self._weights) or self._weights[-1] == 0:
            return np.array([0] * 5 + [count])
        edge = np.searchsorted(self._weights, stream.uniforms(count) * self._weights[-1], side="right")
        u, v = self._edges[np.minimum(edge, len(self._edges) - 1)].T
        before, behind = self._other(u, v, stream), self._other(v, u, stream)
        kind = self._joined(before, v) + 2 * self._joined(u, behind) + 4 * self._joined(before, behind)
        return np.bincount(np.where(before == behind, 5, _KINDS[kind]), minlength=6)

    def _other(self, node: npt.NDArray[np.int32], known: npt.NDArray[np.int32], stream: Stream) -> npt.NDArray[np.int32]:
        """A neighbour of each node but the known one, which the last of them stands in for."""
        first, fewer = self._pointers[node], self._degrees[node] - 1
        found = self._neighbours[first + (stream.uniforms(len(node)) * fewer).astype(np.int64)]
        return np.asarray(np.where(found == known, self._neighbours[first + fewer], found))

    def _joined(self, u: npt.NDArray[np.int32], v: npt.NDArray[np.int32]) -> Int64Array:
        key = np.minimum(u, v).astype(np.int64) * self._num_nodes + np.maximum(u, v)
        place = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.asarray(self._keys[place] == key).astype(np.int64)

    def graphlets(self, found: Int64Array, level: float = 0.95) -> Graphlets:
        """What samples int64[6] say; intervals of Clopper and Pearson, that of the claws by the worst case of the others."""
        total, chance = found.sum(), (1 - level) / 5 / 2
        paths = self._weights[-1] if len(self._weights) else 0.0
        low = np.where(found > 0, special.betaincinv(np.maximum(found, 1), total - found + 1, chance), 0.0)
        high = np.where(found < total, special.betaincinv(found + 1, np.maximum(total - found, 1), 1 - chance), 1.0)
        parts = np.stack([found / total, low, high])[:, :5] * paths / _PATHS
        d = self._degrees.astype(np.float64)
        hairpins, stars = (d * (d - 1) / 2).sum(), (d * (d - 1) * (d - 2) / 6).sum()
        claws = np.maximum(stars - parts[:, 2:] @ np.array([1.0, 2.0, 4.0]), 0)[[0, 2, 1]]
        exact = [len(self._edges), hairpins - 3 * self._triangles, self._triangles]
        value, lowest, highest = (np.array([*exact, part[0], claw, *part[1:]]) for part, claw in zip(parts, claws, strict=True))
        return Graphlets(value, lowest, highest)


def path_sampler(graph: GraphSet) -> PathSampler:
    """The sampler of a set of one graph."""
    return PathSampler(graph, graph.degrees(), node_triangles(graph))
