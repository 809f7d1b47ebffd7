"""Graphs as symmetric matrices padded to the largest: what the families share that decide all pairs of nodes at once.

Legend: B graphs, n nodes of the largest of them, P = n (n - 1) / 2 pairs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array, LabelArrays, LabelSchema
from gengraph.models.family import Drawn, Facts, Family
from gengraph.models.sizes import SizeLaw, size_counts

if TYPE_CHECKING:  # families are listed without what compiles
    from gengraph.models.numbers import Numbers

BoolArray = npt.NDArray[np.bool_]

FIRST = 2
"""Where, in the numbers of a graph, those for its edges begin; the ones before are for its size."""

_MOST_TOGETHER = 4096


def check_undirected(graphs: GraphSet, family: str) -> None:
    """Whether a family that draws labels itself, and no directions, can take graphs.

    Raises:
        InputError: they are directed.
    """
    if graphs.schema.directed:
        msg = f"{family} draws no directions; symmetrise the graphs, or take graphrnn-c"
        raise InputError(msg)


class BoundedFamily(Family):
    """A family whose config has `most_nodes`.

    Attributes:
        bound_by: why it takes no larger graphs.
    """

    bound_by = "memory grows with the square of the largest"

    def select(self, graphs: GraphSet, config: Any) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, or larger than the config allows.
        """
        graphs = super().select(graphs, config)
        largest = int(graphs.num_nodes.max(initial=0))
        if largest > config.most_nodes:
            msg = (
                f"{self.model_name(config)} takes graphs of at most {config.most_nodes} nodes, got {largest}: {self.bound_by}; "
                f"set model.most_nodes = {largest}, or take graphrnn-c"
            )
            raise InputError(msg)
        return graphs


class DenseFamily(BoundedFamily):
    """A family whose facts are sizes and density."""

    def prepare(self, graphs: GraphSet, config: Any, *, seed: int) -> Facts:
        """Largest size, sizes with their counts, whether there are edges at all, and the share of pairs that are edges."""
        nodes = graphs.num_nodes.astype(float)
        pairs = float((nodes * (nodes - 1) / 2).sum())
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "sizes": size_counts(graphs.num_nodes),
            "has_edges": len(graphs.edges) > 0,
            "density": (len(graphs.edges) + 0.5) / (pairs + 1),  # neither 0 nor 1, whatever the graphs
        }


def adjacency(graphs: GraphSet, n: int | None = None) -> BoolArray:
    """bool[B, n, n], by default as large as the largest."""
    n = int(graphs.num_nodes.max(initial=0)) if n is None else n
    matrix, (low, high) = np.zeros((len(graphs), n, n), np.bool_), graphs.edges.T
    matrix[graphs.graph_of_edge, low, high] = matrix[graphs.graph_of_edge, high, low] = True
    return matrix


def inside(sizes: Int64Array, n: int) -> BoolArray:
    """bool[B, n], the nodes of each graph."""
    return np.arange(n) < sizes[:, None]


def graphs_of(sizes: Int64Array, present: BoolArray) -> GraphSet:
    """Graphs of int64[B] nodes from bool[B, n, n]; what is below the diagonal counts."""
    graph, high, low = np.nonzero(np.tril(present, -1))
    return GraphSet.from_flat(sizes, graph, np.column_stack([low, high]))


def labelled_graphs(
    sizes: Int64Array, nodes: npt.NDArray[np.integer], pairs: npt.NDArray[np.integer], schema: LabelSchema
) -> GraphSet:
    """Graphs of int64[B] nodes from int[B, n] labels of nodes and int[B, n, n]: no edge (0), or its label (from 1 on).

    What is below the diagonal counts; labels of what the schema has none for do not.
    """
    graphs = graphs_of(sizes, pairs > 0)
    low, high = graphs.edges.T
    of_nodes, of_edges = nodes[inside(sizes, nodes.shape[1])], pairs[graphs.graph_of_edge, high, low] - 1
    return graphs.labelled(LabelArrays.of(schema, of_nodes, of_edges))


def drawn_pairs(numbers: "Numbers", first: int | Int64Array, likely: npt.NDArray[np.float64], sizes: Int64Array) -> BoolArray:
    """bool[B, n, n], symmetric: an edge where the number of a pair is below float64[B, n, n] `likely`, within each graph.

    Pair (i, j), j < i, takes the number at first + i (i - 1) / 2 + j, however large the others are.
    """
    n = likely.shape[1]
    rows, columns = np.tril_indices(n, -1)
    matrix = np.zeros(likely.shape, np.bool_)
    low = numbers.uniforms(first, len(rows)) < likely[:, rows, columns]
    matrix[:, rows, columns] = low & (rows < sizes[:, None])
    return matrix | matrix.transpose(0, 2, 1)


class DenseSampler(ABC):
    """Draws graphs of like size together: sizes by their law, all else by `draw_graphs`.

    A subclass computes in float64, so that rounding does not depend on what is drawn together.

    Args:
        sizes: how many nodes a graph has.
        limit: nodes at which a graph is cut; None for none.
        cells: entries of matrices, padding included, that are drawn together.
        equal: whether only graphs of equal size are drawn together, without padding.
    """

    def __init__(self, sizes: SizeLaw, limit: int | None, *, cells: int = 1 << 16, equal: bool = False) -> None:
        self._sizes, self._limit, self._cells, self._equal = sizes, limit, cells, equal

    @abstractmethod
    def draw_graphs(self, numbers: "Numbers", sizes: Int64Array) -> GraphSet:
        """Graphs of int64[B] nodes by their numbers from FIRST on."""

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, those of like size at a time."""
        from gengraph.models.numbers import Numbers

        numbers = Numbers.of(seed, indices, attempts)
        sizes = np.array([self._sizes.draw(first, second) for first, second in numbers.uniforms(0, FIRST)], np.int64)
        cut = np.zeros(len(sizes), np.bool_) if self._limit is None else sizes > self._limit
        sizes = sizes if self._limit is None else np.minimum(sizes, self._limit)
        order, first = np.argsort(sizes, kind="stable"), 0
        while first < len(order):
            like = sizes[order[first : first + _MOST_TOGETHER]]
            like = like[like == like[0]] if self._equal else like
            count = int((like**2 * np.arange(1, len(like) + 1) <= self._cells).sum())
            places = order[first : first + max(1, count)]
            yield Drawn(places, self.draw_graphs(numbers[places], sizes[places]), cut[places])
            first += len(places)
