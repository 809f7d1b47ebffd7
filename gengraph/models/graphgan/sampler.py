"""Graphs drawn from a GraphGAN: a training graph, and as many edges by the generator's law of its pairs of nodes.

    p(i, j) ~ (deg_i G(j | i) + deg_j G(i | j))^s

is that of an edge: its root is drawn with probability proportional to its degree, its other end by the generator, and s is the
sharpness over the temperature. With G(j | i) = 1 / deg_i on the neighbours of i it is uniform on the edges. As many different
edges are drawn as the training graph has, one after the other without putting back: those with the largest log p plus Gumbel
noise [1].

Legend: n nodes, P pairs of nodes that paths join.

Reference:
    1. W. Kool, H. van Hoof, M. Welling. Stochastic beams and where to find them: the Gumbel-top-k trick for sampling sequences
       without replacement. ICML 2019.
"""

from collections.abc import Iterator

import numpy as np

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.graphgan.trees import FloatArray, Links, Trees
from gengraph.models.turns import draw_in_turn, one_by_one
from gengraph.seeded import Stream

_STATES = 1 << 18  # of trees that are looked at together
_KEPT = 1 << 24  # pairs whose law is kept
_TOGETHER = 256


def pair_law(links: Links, graph: int, vectors: FloatArray) -> tuple[Int32Array, FloatArray]:
    """Pairs int32[P, 2] of a training graph, the smaller node first, and log (deg_i G(j | i) + deg_j G(i | j)) float64[P].

    Args:
        links: of all training graphs.
        graph: number of the training graph.
        vectors: float64[V, k], of the generator.
    """
    degree = links.degree(graph)
    log_prob = log_links(links, graph, np.arange(len(degree)), vectors)
    both = np.logaddexp(log_prob, log_prob.T)
    pairs = np.argwhere(np.triu(np.isfinite(both), 1)).astype(np.int32)
    return pairs, both[pairs[:, 0], pairs[:, 1]]


def log_links(links: Links, graph: int, roots: Int64Array, vectors: FloatArray) -> FloatArray:
    """Log (deg_i G(j | i)) float64[R, n] for int64[R] roots i of a training graph; O(n + m) a root.

    Args:
        links: of all training graphs.
        graph: number of the training graph.
        roots: numbered within it.
        vectors: float64[V, k], of the generator.
    """
    degree = links.degree(graph)
    log_prob, some = np.full((len(roots), len(degree)), -np.inf), max(1, _STATES // len(degree))
    for begin in range(0, len(roots), some):
        own = roots[begin : begin + some]
        own = own[degree[own] > 0]
        reached = Trees.of(links, np.full(len(own), graph), own).log_reached(vectors).reshape(len(own), len(degree))
        log_prob[begin : begin + some][degree[roots[begin : begin + some]] > 0] = reached + np.log(degree[own])[:, None]
    return log_prob


class GraphGANSampler:
    """Draws graphs one after the other, each from the stream of (seed, index, attempt).

    Args:
        graphs: the training graphs.
        links: theirs.
        vectors: float64[V, k], of the generator.
        sharpness: power of the law of pairs.
        decoding: its temperature divides log p; of larger graphs than its max_num_node the first nodes are kept.
    """

    def __init__(self, graphs: GraphSet, links: Links, vectors: FloatArray, sharpness: float, decoding: Decoding) -> None:
        self._graphs, self._links, self._vectors = graphs, links, vectors
        self._power, self._limit = sharpness / decoding.temperature, decoding.max_num_node
        self._laws: dict[int, tuple[Int32Array, FloatArray]] = {}

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(one_by_one(self._draw), (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(self, seed: int, index: int, attempt: int) -> tuple[int, Int32Array, bool]:
        stream = Stream(seed, index, attempt)
        graph = stream.integer(len(self._graphs))
        size, count = int(self._graphs.num_nodes[graph]), int(np.diff(self._graphs.edge_offsets)[graph])
        pairs, law = self._law(graph)
        keys = self._power * law - np.log(-np.log(stream.uniforms(len(law)) + 2.0**-54))
        edges = pairs[np.argsort(-keys, kind="stable")[:count]]
        limit = size if self._limit is None else self._limit
        return min(size, limit), edges[edges[:, 1] < limit], size > limit

    def _law(self, graph: int) -> tuple[Int32Array, FloatArray]:
        law = self._laws.get(graph)
        if law is None:
            law = pair_law(self._links, graph, self._vectors)
            if sum(len(kept) for _, kept in self._laws.values()) + len(law[1]) > _KEPT:
                self._laws.clear()
            self._laws[graph] = law
        return law
