"""Drawing graphs from an attachment model: one after the other, the number of nodes first.

The law is that of the likelihood, the logits of choices divided by the temperature. Computed in float64; the numbers that
decide a graph come from the stream of (seed, index, attempt), and nothing is shared between graphs.

Legend: n nodes, K candidates, C codes, F units, O outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.attachment.views import Choices, Rows, Typical, choice_codes, excess_of, number_bounds, number_codes
from gengraph.models.family import Decoding, Drawn
from gengraph.models.turns import draw_in_turn, one_by_one
from gengraph.seeded import Stream

_TOGETHER = 64  # graphs that are handed over at a time
Floats = npt.NDArray[np.float64]


class AttachmentSampler:
    """A `Sampler`.

    Args:
        model: trained, on any device.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._limit = decoding.max_num_node or 2 * model.largest
        self._temperature, self._size_law = decoding.temperature, model.size_law
        self._totals, self._number_codes = model.totals, model.number_codes
        self._typical, self._most = Typical(*model.facts["typical"]), model.most
        self._numbers, self._weights = _Head.of(model.numbers, model.never), _Head.of(model.weights)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(one_by_one(self._draw), (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(self, seed: int, index: int, attempt: int) -> tuple[int, Int32Array, bool]:
        """Number of nodes, edges, and whether the graph was cut."""
        stream = Stream(seed, index, attempt)
        uniform, tail = stream.uniforms(2)
        n = self._size_law.draw(uniform, tail)
        total = int(self._totals.draw(n, stream.uniforms(2))[0]) if self._totals else 0
        graph = _Growth.empty(min(n, self._limit), n, total)
        for place in range(1, len(graph.matrix)):
            number = self._number(graph, place, stream)
            for chosen, uniform in enumerate(stream.uniforms(number)):
                graph.choose(self._choice(graph, (place, chosen, number - chosen), uniform))
            graph.end_row(place)
        edges = np.argwhere(np.tril(graph.matrix))[:, ::-1].astype(np.int32)
        return len(graph.matrix), edges, n > self._limit

    def _number(self, graph: "_Growth", place: int, stream: Stream) -> int:
        uniform, above = stream.uniforms(2)
        row = graph.row(place, self._typical)
        least, most = 0, place
        if self._totals:
            least, most = (int(bound[0]) for bound in number_bounds(row.num_nodes, row.place, row.left))
        if least <= self._most:
            logits = self._numbers(number_codes(row)[:, : self._number_codes])[0, least : most + 1]
            number: int = least + _draw(logits, uniform)
            if number <= self._most:
                return number
        first: int = max(least, self._most + 1)
        halves = 0.5 ** np.arange(1, most - first + 2)
        return first + int(np.searchsorted(np.cumsum(halves), above * halves.sum(), side="right"))

    def _choice(self, graph: "_Growth", count: tuple[int, int, int], uniform: float) -> int:
        codes, _, node = choice_codes(graph.choice(*count))
        return int(node[_draw(self._weights(codes)[:, 0] / self._temperature, uniform)])


def _draw(logits: Floats, uniform: float) -> int:
    """The index that belongs to a number in [0, 1)."""
    total = np.cumsum(np.exp(logits - logits.max()))
    return min(int(np.searchsorted(total, uniform * total[-1], side="right")), len(logits) - 1)


@dataclass(frozen=True, slots=True)
class _Head:
    """A head's table float64[R, F], layers [F, G] and [G, O] with their biases."""

    table: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @classmethod
    def of(cls, head: Any, offset: Any = 0.0) -> "_Head":
        """The weights of a head; offset is added to its logits."""
        tensors = head.table, head.hidden.weight.t(), head.hidden.bias, head.output.weight.t(), head.output.bias + offset
        return cls(*(tensor.detach().cpu().double().numpy() for tensor in tensors))

    def __call__(self, codes: Int32Array) -> Floats:
        first = np.maximum(self.table[codes].sum(1), 0)
        second: Floats = np.maximum(first @ self.hidden + self.hidden_bias, 0)
        return second @ self.output + self.output_bias


@dataclass(slots=True)
class _Growth:
    """A graph that grows.

    Attributes:
        size, total: how many nodes and edges it is to have.
        matrix: float32[n, n].
        degree: float32[n]; own: float32[n], how many of its edges a node had when it joined.
        joined: how many older nodes each joined, after three zeros.
        touch, shared: float32[n], of the node that joins (see `Choices`).
        oldest, last: of the row before and in this row, -1 for none.
        row_nodes: chosen in this row.
    """

    size: int
    total: int
    matrix: npt.NDArray[np.float32]
    degree: npt.NDArray[np.float32]
    own: npt.NDArray[np.float32]
    joined: list[int]
    touch: npt.NDArray[np.float32]
    shared: npt.NDArray[np.float32]
    oldest: int
    row_nodes: list[int]

    @classmethod
    def empty(cls, room: int, size: int, total: int) -> "_Growth":
        """Of one node, with room for more."""
        degree, own, touch, shared = (np.zeros(room, np.float32) for _ in range(4))
        return cls(size, total, np.zeros((room, room), np.float32), degree, own, [0, 0, 0, 0], touch, shared, -1, [])

    def row(self, place: int, typical: Typical) -> Rows:
        """What is seen before a node joins."""
        missing = int(np.maximum(typical.degree - self.degree[:place], 0).sum())
        left, to_come = np.array([self.total - sum(self.joined)]), np.array([self.size - place])
        return Rows(
            num_nodes=np.array([self.size]),
            place=np.array([place]),
            missing=np.array([missing]),
            slack=typical.degree * to_come - missing,
            before=np.array([self.joined[:-4:-1]]),
            oldest=np.array([self.oldest]),
            left=left,
            excess=excess_of(left, to_come, typical),
        )

    def choice(self, place: int, chosen: int, left: int) -> Choices:
        """What is seen before an older node is chosen."""
        free = np.arange(len(self.matrix)) < place
        free[self.row_nodes] = False
        return Choices(
            num_nodes=np.array([self.size]),
            place=np.array([place]),
            chosen=np.array([chosen]),
            left=np.array([left]),
            last=np.array([self.row_nodes[-1] if self.row_nodes else -1]),
            oldest=np.array([self.oldest]),
            open=free[None],
            degree=self.degree[None],
            own=self.own[None],
            beside=self.matrix[None, place - 1],
            touch=self.touch[None],
            shared=self.shared[None],
        )

    def choose(self, node: int) -> None:
        """Choose an older node."""
        self.row_nodes.append(node)
        self.touch += self.matrix[node]
        self.shared += self.matrix[node] @ self.matrix

    def end_row(self, place: int) -> None:
        """Let the node join those that it has chosen."""
        chosen = self.row_nodes
        self.matrix[place, chosen] = self.matrix[chosen, place] = 1
        self.degree[chosen] += 1
        self.degree[place] = self.own[place] = len(chosen)
        self.joined.append(len(chosen))
        self.touch[:], self.shared[:] = 0, 0
        self.oldest, self.row_nodes = min(chosen, default=-1), []
