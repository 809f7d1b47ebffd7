"""Graphs as sequences: a fresh order of the nodes, then how many older ones each joins, and which, in random order.

Legend: B graphs of a batch, R rows (nodes), P choices (edges), K candidates, n nodes of a graph, C codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.models.attachment.orders import Matrix, Order, draw_order, find_ring
from gengraph.models.attachment.views import Choices, Rows, Typical, choice_codes, excess_of, number_codes
from gengraph.seeded import Stream


@dataclass(frozen=True, slots=True)
class Sequence:
    """A graph as it grows.

    Attributes:
        matrix: float32[n, n] of the graph, its nodes in the order in which they join.
        place: int64[P], the newer node of each edge, ascending.
        target: int64[P], the older one.
        log_order: log of the probability with which order and choices were drawn.
    """

    matrix: Matrix
    place: Int64Array
    target: Int64Array
    log_order: float

    @property
    def joined(self) -> Int64Array:
        """int64[n], how many older nodes each joins."""
        return np.bincount(self.place, minlength=len(self.matrix))


@dataclass(frozen=True, slots=True)
class SequenceBatch:
    """Graphs of a batch under one order each.

    Attributes:
        graph: int64[B], the index in the graph set of each graph.
        sizes: int64[B], nodes.
        joined: int64[R], how many older nodes each node joins.
        place: int64[R], how many there are.
        left: int64[R], how many edges are to come.
        rows: int32[R, C], the codes of these decisions.
        candidates: int32[K, C], the codes of the candidates of all choices.
        choice, node: int64[K], the choice and the node that each is; choices are numbered through the batch.
        taken: int64[P], the node that is chosen.
        num_choices: int64[B].
        log_order: float64[B], the log of the probability with which each order was drawn.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    joined: Int64Array
    place: Int64Array
    left: Int64Array
    rows: Int32Array
    candidates: Int32Array
    choice: Int64Array
    node: Int64Array
    taken: Int64Array
    num_choices: Int64Array
    log_order: npt.NDArray[np.float64]
    losses_of_data: Mapping[str, int] = field(default_factory=dict)

    def names(self) -> list[bytes]:
        """A name of each sequence: its size, how many each node joins, and which."""
        rows = np.split(self.joined, np.cumsum(self.sizes)[:-1])
        taken = np.split(self.taken, np.cumsum(self.num_choices)[:-1])
        return [np.concatenate([[len(own)], own, nodes]).tobytes() for own, nodes in zip(rows, taken, strict=True)]


class Coder:
    """Makes batches of graphs, each under the order that belongs to (seed, graph, epoch).

    Args:
        graphs: each with a node.
        order: in which nodes join.
        typical: what decisions compare a graph with.
    """

    def __init__(self, graphs: GraphSet, order: Order, typical: Typical) -> None:
        self._graphs, self._order, self._typical = graphs, order, typical
        self._rings: dict[int, Int64Array] = {}

    def __call__(self, indices: Int64Array, *, key: tuple[int, int]) -> SequenceBatch:
        """A batch of graphs, for key = (seed, epoch)."""
        return encode(np.asarray(indices, np.int64), [self.sequence(int(g), key) for g in indices], self._typical)

    def sequence(self, g: int, key: tuple[int, int]) -> Sequence:
        """Graph g in an order of its own; O(n^2)."""
        first, after = self._graphs.edge_offsets[g : g + 2]
        low, high = self._graphs.edges[first:after].T
        matrix = np.zeros((self._graphs.num_nodes[g],) * 2, np.float32)
        matrix[low, high] = matrix[high, low] = 1
        if self._order == "ring" and g not in self._rings:
            self._rings[g] = find_ring(matrix)
        stream = Stream(key[0], g, key[1])
        nodes, log_order = draw_order(matrix, self._order, self._rings.get(g), stream)
        matrix = matrix[np.ix_(nodes, nodes)]
        place, target = np.nonzero(np.tril(matrix))
        mixed = np.lexsort((stream.uniforms(len(place)), place))
        log_order -= float(gammaln(np.bincount(place) + 1.0).sum())
        return Sequence(matrix, place, target[mixed], log_order)


def encode(graph: Int64Array, sequences: list[Sequence], typical: Typical) -> SequenceBatch:
    """Write sequences down; O(n m) of n nodes and m edges each."""
    rows, candidates, choices, nodes, num_choices = [], [], [], [], [len(found.place) for found in sequences]
    seen = [rows_of(found, typical) for found in sequences]
    for number, found in enumerate(sequences):
        rows.append(number_codes(seen[number]))
        codes, choice, node = choice_codes(choices_of(found))
        candidates.append(codes)
        choices.append(choice + sum(num_choices[:number]))
        nodes.append(node)
    sizes = np.array([len(found.matrix) for found in sequences], np.int64)
    return SequenceBatch(
        graph=graph,
        sizes=sizes,
        joined=np.concatenate([found.joined for found in sequences]),
        place=np.concatenate([own.place for own in seen]),
        left=np.concatenate([own.left for own in seen]),
        rows=np.concatenate(rows),
        candidates=np.concatenate(candidates),
        choice=np.concatenate(choices),
        node=np.concatenate(nodes),
        taken=np.concatenate([found.target for found in sequences]),
        num_choices=np.array(num_choices, np.int64),
        log_order=np.array([found.log_order for found in sequences]),
    )


def _oldest(sequence: Sequence) -> Int64Array:
    """int64[n], of each node the oldest that the node before joined, -1 for none."""
    lower = np.tril(sequence.matrix)
    return np.append(-1, np.where(lower.any(1), lower.argmax(1), -1)[:-1])


def rows_of(sequence: Sequence, typical: Typical) -> Rows:
    """What is seen before each node joins."""
    n, joined = len(sequence.matrix), sequence.joined
    degree = _degrees(sequence.matrix)
    lacking = np.where(np.tri(n, k=-1) > 0, np.maximum(typical.degree - degree, 0), 0).sum(1).astype(np.int64)
    place, left = np.arange(n), joined.sum() - np.cumsum(joined) + joined
    past = np.concatenate([np.zeros(3, np.int64), joined])
    return Rows(
        num_nodes=np.full(n, n),
        place=place,
        missing=lacking,
        slack=typical.degree * (n - place) - lacking,
        before=np.stack([past[2:-1], past[1:-2], past[:-3]], axis=1),
        oldest=_oldest(sequence),
        left=left,
        excess=excess_of(left, n - place, typical),
    )


def _degrees(matrix: Matrix) -> Matrix:
    """float32[n, n]: the degree of each node (column) before another (row) joins; of older nodes alone."""
    lower = np.tril(matrix)
    degrees: Matrix = lower.sum(1) + np.cumsum(lower, axis=0) - lower
    return degrees


def choices_of(sequence: Sequence) -> Choices:
    """What is seen before each choice."""
    matrix, place, target = sequence.matrix, sequence.place, sequence.target
    n, num_choices, joined = len(matrix), len(place), sequence.joined
    chosen = np.arange(num_choices) - (np.cumsum(joined) - joined)[place]
    older = np.arange(n) < place[:, None]
    so_far = _chosen(target, chosen, n)
    touch: Matrix = so_far @ matrix * older
    return Choices(
        num_nodes=np.full(num_choices, n),
        place=place,
        chosen=chosen,
        left=joined[place] - chosen,
        last=np.where(chosen > 0, np.append(-1, target)[:-1], -1),
        oldest=_oldest(sequence)[place],
        open=older & (so_far == 0),
        degree=_degrees(matrix)[place],
        own=np.broadcast_to(np.tril(matrix).sum(1), (num_choices, n)),
        beside=matrix[place - 1],
        touch=touch,
        shared=np.asarray(touch @ matrix, np.float32),
    )


def _chosen(target: Int64Array, chosen: Int64Array, n: int) -> Matrix:
    """float32[P, n], 1 for what the node that joins has chosen before."""
    one_hot = np.zeros((len(target) + 1, n), np.float32)
    one_hot[np.arange(len(target)) + 1, target] = 1
    so_far: Matrix = np.cumsum(one_hot, axis=0)
    before: Matrix = so_far[:-1] - so_far[np.arange(len(target)) - chosen]
    return before
