"""How many edges, or whatever else is counted, a graph of a given size has: drawn before anything of it is.

The law of totals c given the size n is a mixture over training graphs i of about that size,

    p(c | n) = mean over i of the product over kinds j of N(c_j; c_ij + b_j (n - n_i), w^2 c_ij),

the k nearest in size, k the square root of their number, and all that have n nodes. N is a normal law rounded to whole numbers
from 0 to the most that n nodes can have, b_j the slope of the line through all training graphs. The width w is the one under
which each training graph is likeliest given the others [1]: 0 where the size fixes the totals, as in trees, about 1 where they
are sums of many chances. A little of the probability goes to all totals alike, so that each has some.

Legend: G training graphs, B graphs of a batch, k those near in size, J kinds of counts: edges, triangles, paths of two edges.

References:
    1. C. Habbema, J. Hermans, K. van den Broek. A stepwise discriminant analysis program using density estimation. COMPSTAT
       1974 (the width of a kernel by the likelihood of what is left out).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array

FloatArray = npt.NDArray[np.float64]

_WIDTHS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
_SHARP = 1e-3  # standard deviation of a law that is one whole number
_ALIKE = 0.01  # weight, in training graphs, of all totals alike
_LEAST_A_NODE = 1e-2
_MOST_LEFT_OUT = 128  # graphs by which a width is chosen


@dataclass(frozen=True, slots=True)
class TotalsLaw:
    """How much of each kind a graph of a given size has.

    Attributes:
        nodes: int64[G] ascending, the sizes of the training graphs.
        counts: float64[G, J], what they have.
        slopes: float64[J], how much more graphs have for each node more.
        width: w >= 0.
    """

    nodes: Int64Array
    counts: FloatArray
    slopes: FloatArray
    width: float

    @classmethod
    def of(cls, table: list[list[int]]) -> "TotalsLaw":
        """The law of training graphs, at least one: [nodes, a count of each kind] of each, ascending."""
        rows = np.array(table, np.int64)
        nodes, counts = rows[:, 0], rows[:, 1:].astype(np.float64)
        slopes = _slopes(nodes, counts)
        return max((cls(nodes, counts, slopes, width) for width in _WIDTHS), key=cls._left_out)

    @property
    def a_node(self) -> FloatArray:
        """float64[J], counts a node of the average training graph, > 0."""
        a_node: FloatArray = np.maximum((self.counts / self.nodes[:, None]).mean(axis=0), _LEAST_A_NODE)
        return a_node

    def log_prob(self, num_nodes: Int64Array, totals: Int64Array) -> FloatArray:
        """Log p float64[B] of totals int64[B, J] given the sizes int64[B]."""
        return np.array([self._log_prob(int(n), row) for n, row in zip(num_nodes, totals, strict=True)])

    def draw(self, num_nodes: int, uniforms: FloatArray) -> Int64Array:
        """The totals int64[J] that belong to 1 + J numbers in [0, 1), by the inverse of each distribution."""
        from scipy.special import ndtri

        most = _most(num_nodes, len(self.slopes))
        near = self._near(num_nodes)
        place = uniforms[0] * (1 + self._alike)
        if place >= 1:
            return (uniforms[1:] * (most + 1)).astype(np.int64)
        centre, spread = (values[int(place * len(near))] for values in self._kernels(num_nodes, near, most))
        low, high = _below(-0.5, centre, spread), _below(most + 0.5, centre, spread)
        drawn = np.rint(centre + spread * ndtri(low + uniforms[1:] * (high - low)))
        totals: Int64Array = np.clip(drawn, 0, most).astype(np.int64)
        return totals

    @property
    def _alike(self) -> float:
        return _ALIKE / len(self.nodes)

    def _log_prob(self, num_nodes: int, totals: npt.ArrayLike, without: int = -1) -> float:
        most, near = _most(num_nodes, len(self.slopes)), self._near(num_nodes)
        near, counts = near[near != without], np.asarray(totals, np.float64)
        centre, spread = self._kernels(num_nodes, near, most)
        inside = _below(most + 0.5, centre, spread) - _below(-0.5, centre, spread)
        each = (_below(counts + 0.5, centre, spread) - _below(counts - 0.5, centre, spread)) / inside  # [k, J]
        share = each.prod(axis=1).mean() if len(near) else 0.0
        return float(np.log(share + self._alike / np.prod(most + 1)) - np.log1p(self._alike))

    def _left_out(self) -> float:
        """Log-likelihood of training graphs under the law of the others."""
        measured = np.linspace(0, len(self.nodes) - 1, min(len(self.nodes), _MOST_LEFT_OUT)).astype(np.int64).tolist()
        return sum(self._log_prob(int(self.nodes[g]), self.counts[g], g) for g in measured)

    def _near(self, num_nodes: int) -> Int64Array:
        """int64[k], the training graphs of about a size."""
        first = min(int(np.searchsorted(self.nodes, num_nodes)), len(self.nodes) - 1)
        last = max(int(np.searchsorted(self.nodes, num_nodes + 1)), first + 1)
        reach, middle = math.isqrt(len(self.nodes)), (first + last) // 2
        return np.arange(len(self.nodes))[max(0, min(first, middle - reach // 2)) : max(last, middle + (reach + 1) // 2)]

    def _kernels(self, num_nodes: int, near: Int64Array, most: FloatArray) -> tuple[FloatArray, FloatArray]:
        """float64[k, J] each: centres and standard deviations of the normal laws of which that of a size is made."""
        moved = self.slopes * (num_nodes - self.nodes[near])[:, None]
        centres: FloatArray = np.clip(self.counts[near] + moved, 0, most)
        return centres, np.maximum(self.width * np.sqrt(centres), _SHARP)


def edge_totals(graphs: GraphSet) -> list[list[int]]:
    """[nodes, edges] of each graph, ascending; JSON-ready."""
    return sorted([int(n), int(m)] for n, m in zip(graphs.num_nodes, graphs.num_edges, strict=True))


def _slopes(nodes: Int64Array, counts: FloatArray) -> FloatArray:
    """float64[J], of the least squares lines; through the origin where all graphs have one size."""
    apart = nodes - nodes.mean() if nodes[0] < nodes[-1] else nodes.astype(np.float64)
    slopes: FloatArray = apart @ counts / (apart @ apart)
    return slopes


def _most(num_nodes: int, kinds: int) -> FloatArray:
    """float64[J], the most edges, triangles and paths of two edges that so many nodes can have."""
    triples = math.comb(num_nodes, 3)
    return np.array([math.comb(num_nodes, 2), triples, 3 * triples], np.float64)[:kinds]


def _below(bound: FloatArray | float, centre: FloatArray, spread: FloatArray) -> FloatArray:
    """The probability that a normal law has below a bound."""
    from scipy.special import ndtr

    share: FloatArray = ndtr((bound - centre) / spread)
    return share
