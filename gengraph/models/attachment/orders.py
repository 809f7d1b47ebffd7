"""The orders in which nodes join.

| name | order |
|---|---|
| degeneracy | the reverse of taking away a node of least degree again and again: old nodes are those of the core [1] |
| cardinality | next is a node with the most neighbours so far: a clique is finished before the next begins [2] |
| bfs | breadth first from a random root, the neighbours of a node in random order |
| ring | along a ring or a line on which neighbours are near, from a random node in a random direction |

Ties are broken uniformly at random, and every component of a graph but those of degeneracy is finished before the next. The
log-probability with which an order was drawn comes with it: without it, likelihoods under different orders cannot be compared.

Rings are those of the two slowest modes of the Laplacian, whose edges are weighted by the triangles that they are in, then
again and again by how short they have become on the ring, so that long chords no longer bend it [3]. O(n^3), once a graph.

Legend: n nodes.

References:
    1. D. Matula, L. Beck. Smallest-last ordering and clustering and graph coloring algorithms. JACM 1983.
    2. R. Tarjan, M. Yannakakis. Simple linear-time algorithms to test chordality of graphs. SIAM J. Comput. 1984.
    3. J. Atkins, E. Boman, B. Hendrickson. A spectral algorithm for seriation and the consecutive ones problem. SIAM J. Comput.
       1998; reweighted as in I. Daubechies et al. Iteratively reweighted least squares minimization. CPAM 2010.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.seeded import Stream

Order = Literal["degeneracy", "cardinality", "bfs", "ring"]
ORDERS: tuple[Order, ...] = ("degeneracy", "cardinality", "bfs", "ring")
Matrix = npt.NDArray[np.float32]
"""float32[n, n], symmetric, 1 for an edge."""

_ROUNDS = 6  # of weighting edges by their length on the ring
_TRIANGLES = 1.0  # an edge counts for this much, and for its triangles


def draw_order(matrix: Matrix, order: Order, ring: Int64Array | None, stream: Stream) -> tuple[Int64Array, float]:
    """The nodes int64[n] in an order, and the log of the probability with which it is drawn; O(n^2).

    Args:
        matrix: of the graph.
        order: its kind.
        ring: of a ring order, as `rings` finds it.
        stream: of what is random.
    """
    if order == "ring":
        assert ring is not None
        return _turned(ring, stream)
    if order == "degeneracy":
        nodes, log_prob = _peeled(matrix, stream)
        return nodes[::-1], log_prob
    return _searched(matrix, stream, first_come=order == "bfs")


def _peeled(matrix: Matrix, stream: Stream) -> tuple[Int64Array, float]:
    degree, numbers = matrix.sum(0), stream.uniforms(len(matrix))
    nodes, log_prob = np.empty(len(matrix), np.int64), 0.0
    for place, number in enumerate(numbers.tolist()):
        ties = np.flatnonzero(degree == degree.min())
        node = nodes[place] = ties[int(number * len(ties))]
        log_prob -= np.log(len(ties))
        degree -= matrix[node]
        degree[node] = np.inf
    return nodes, log_prob


def _searched(matrix: Matrix, stream: Stream, *, first_come: bool) -> tuple[Int64Array, float]:
    """Next is the node with the oldest neighbour, or with the most neighbours among those that are there."""
    n = len(matrix)
    reached, numbers = np.zeros(n), stream.uniforms(n)
    nodes, log_prob = np.empty(n, np.int64), 0.0
    for place, number in enumerate(numbers.tolist()):
        ties = np.flatnonzero(reached == reached.max())
        node = nodes[place] = ties[int(number * len(ties))]
        log_prob -= np.log(len(ties))
        found = matrix[node] * (n - place) if first_come else matrix[node]
        reached = np.maximum(reached, found) if first_come else reached + found
        reached[nodes[: place + 1]] = -1
    return nodes, log_prob


def _turned(ring: Int64Array, stream: Stream) -> tuple[Int64Array, float]:
    n = len(ring)
    turns, backwards = stream.uniforms(2)
    nodes = np.roll(ring, int(turns * n))
    return (nodes[::-1] if backwards < 0.5 else nodes), -float(np.log(2 * n if n > 2 else n))


def find_ring(matrix: Matrix) -> Int64Array:
    """The nodes int64[n] along a ring, component by component."""
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(matrix, directed=False)
    parts = [np.flatnonzero(label == k) for k in range(count)]
    return np.concatenate([part[_ring_of(matrix[np.ix_(part, part)].astype(np.float64))] for part in parts])


def _ring_of(matrix: npt.NDArray[np.float64]) -> Int64Array:
    n = len(matrix)
    if n < 4:
        return np.arange(n)
    weight = matrix * (_TRIANGLES / n + matrix @ matrix)
    for _ in range(_ROUNDS):
        place = np.empty(n)
        order = _around(weight)
        place[order] = np.arange(n)
        apart = np.abs(place[:, None] - place)
        weight = matrix / (1 + np.minimum(apart, n - apart) ** 2)
    return order


def _around(weight: npt.NDArray[np.float64]) -> Int64Array:
    """Nodes int64[n] by their angle in the plane of the two slowest modes."""
    degree = weight.sum(0)
    scale = 1 / np.sqrt(np.maximum(degree, 1e-12))
    _, modes = np.linalg.eigh(np.eye(len(weight)) - scale[:, None] * weight * scale)
    x, y = (modes[:, 1:3] * scale[:, None]).T
    return np.argsort(np.arctan2(y, x), kind="stable")
