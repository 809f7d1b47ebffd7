"""Block models with degrees: the rates at which blocks have as many edges between them as they should.

Legend: B blocks, P pairs of blocks, K classes of weights in a block.
"""

import numpy as np

from gengraph.graphs import Int64Array
from gengraph.large.cells import Cells, FloatArray

_CLASSES = 16
_NEWTON_STEPS = 12
_TOGETHER = 4096  # pairs of blocks that are solved at a time
_SMALL = 0.01  # the largest rate of two nodes at which an edge is as likely as its rate
_FULL = 0.99  # the largest share of its pairs of nodes that a cell has on average


def block_cells(offsets: Int64Array, firsts: Int64Array, pairs: Int64Array, edges: FloatArray) -> Cells:
    """Cells of pairs of blocks in which edges(u, v) has the rate rate_rs w_u w_v, with given expected numbers of edges.

    The expected number is the sum of 1 - exp(-rate w_u w_v) over the pairs of nodes u != v, taken over K = 16 classes of nodes
    of about equal weight a block; it is made to agree by Newton's method, which comes from below and never leaps over. Where
    more edges are asked for than 99% of the pairs, these it is.

    Args:
        offsets: int64[n + 1], node u has the weight `offsets[u + 1] - offsets[u]`; weights fall or stay within a block.
        firsts: int64[B + 1], the first node of each block.
        pairs: int64[P, 2], blocks r <= s; a pair with itself is a triangle.
        edges: float64[P] >= 0.
    """
    stubs, same = offsets[firsts], pairs[:, 0] == pairs[:, 1]
    bounds = np.column_stack([stubs[pairs[:, 0]], stubs[pairs[:, 0] + 1], stubs[pairs[:, 1]], stubs[pairs[:, 1] + 1]])
    area = (bounds[:, 1] - bounds[:, 0]).astype(float) * (bounds[:, 3] - bounds[:, 2])
    rates = edges / np.maximum(area, 1)
    heaviest = np.append(np.diff(offsets), 0)[firsts[:-1]][pairs].prod(axis=1)
    near = np.flatnonzero(same | (rates * heaviest > _SMALL))  # elsewhere 1 - exp(-x) is x to half a percent
    counts, weights = _classes(offsets, firsts)
    for start in range(0, len(near), _TOGETHER):
        chosen = near[start : start + _TOGETHER]
        rates[chosen] = _solved(counts, weights, pairs[chosen], edges[chosen])
    return Cells(bounds, rates * area / np.where(same, 2, 1))


def _classes(offsets: Int64Array, firsts: Int64Array) -> tuple[FloatArray, FloatArray]:
    """float64[B, K] twice: how many nodes each class of a block has, and their mean weight."""
    share = np.arange(_CLASSES + 1) / _CLASSES
    start, stop = offsets[firsts[:-1]], offsets[firsts[1:]]
    at = np.searchsorted(offsets, (start[:, None] + share * (stop - start)[:, None]).astype(np.int64))
    at[:, 0] = firsts[:-1]  # not the nodes without a weight at the end of the block before
    counts = np.diff(at, axis=1).astype(float)
    return counts, np.diff(offsets[at], axis=1) / np.maximum(counts, 1)


def _solved(counts: FloatArray, weights: FloatArray, pairs: Int64Array, edges: FloatArray) -> FloatArray:
    """float64[P], the rates."""
    r, s = pairs.T
    same = (r == s)[:, None]
    many = counts[r][:, :, None] * counts[s][:, None, :]  # [P, K, K]
    many[same[:, 0]] /= 2
    products = weights[r][:, :, None] * weights[s][:, None, :]
    loops = np.where(same, counts[r], 0) / 2
    squares = weights[r] ** 2
    possible = (many * (products > 0)).sum((1, 2)) - (loops * (squares > 0)).sum(1)
    wanted = np.minimum(edges, _FULL * possible)
    rate = np.zeros(len(pairs))
    for _ in range(_NEWTON_STEPS):
        none, no_loop = np.exp(-rate[:, None, None] * products), np.exp(-rate[:, None] * squares)
        expected = (many * (1 - none)).sum((1, 2)) - (loops * (1 - no_loop)).sum(1)
        slope = (many * products * none).sum((1, 2)) - (loops * squares * no_loop).sum(1)
        rate += np.maximum(wanted - expected, 0) / np.maximum(slope, 1e-300) * (slope > 0)
    return rate
