"""Barabasi-Albert graphs of which any part can be drawn by itself.

Reference:
    [1] V. Batagelj and U. Brandes, "Efficient generation of large random networks", Physical Review E 71 (2005).
    [2] P. Sanders and C. Schulz, "Scalable generation of scale-free graphs", Information Processing Letters 116 (2016).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from gengraph.large.cells import SHARD_EDGES, FloatArray, Keys
from gengraph.streams import stream_key, uniform_at


@dataclass(frozen=True, slots=True)
class AttachmentPlan:
    """Each node brings m edges; the end of each is that of an earlier edge, both ends of which count [1].

    Ends are places in a list: place 2 e is the node that brings edge e, and place 2 e + 1 repeats a random earlier place (2 e
    included). Which one is a function of e alone, so an end is found by going back until the place is even, two steps on
    average [2]. Ends that are the node itself, or a second time the same, are left out: a node keeps at most m edges.

    Attributes:
        num_nodes: n.
        edges_per_node: m >= 1.
        most: edges in a shard, about.
    """

    num_nodes: int
    edges_per_node: int
    most: int = SHARD_EDGES

    @property
    def _nodes_per_shard(self) -> int:
        return max(1, self.most // self.edges_per_node)

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that a shard will have, about."""
        starts = np.arange(0, self.num_nodes, self._nodes_per_shard)
        return np.diff(np.append(starts, self.num_nodes)) * float(self.edges_per_node)

    def draw(self, shard: int, seed: int) -> Keys:
        """The edges that the nodes of a shard bring."""
        first = shard * self._nodes_per_shard
        last = min(first + self._nodes_per_shard, self.num_nodes)
        return np.asarray(_attached(first, last, self.edges_per_node, stream_key(seed, "attachment")))


@njit(cache=True)
def _attached(first: int, last: int, m: int, key: np.uint64) -> Keys:
    keys = np.empty((last - first) * m, np.uint64)
    for row in range(len(keys)):
        edge = first * m + row
        place = np.int64(2 * edge + 1)
        while place % 2:
            place = np.int64(uniform_at(key, place // 2) * (2 * (place // 2) + 1))
        keys[row] = (np.uint64(place // 2 // m) << np.uint64(32)) | np.uint64(edge // m)
    return keys
