"""Drawing graphs from a blocks model: one after the other, every decision by compiled code.

The law is that of the likelihood, the logits of gates and edges divided by the temperature. The numbers that decide a graph
come from the stream of (seed, index, attempt), and nothing is shared between graphs: bit for bit the same graphs, however many
are drawn, in whichever order and on however many workers.
"""

from collections.abc import Iterator
from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.blocks.codes import EDGE, EVENT, GATE, describe_event
from gengraph.models.blocks.growth import (
    ALL_NODES,
    LATE,
    NODES,
    NUM_EDGES,
    Growth,
    empty_growth,
    end_links,
    end_row,
    first_to_link,
    has_room,
    widened,
)
from gengraph.models.blocks.ordering import BLOCK, COMPONENT, SAME, STOP
from gengraph.models.blocks.walk import Decider, Floats, HeadWeights, compute, decide_links, decide_row, drawing
from gengraph.models.family import Decoding, Drawn
from gengraph.models.turns import draw_in_turn, one_by_one
from gengraph.seeded import Stream
from gengraph.streams import key_of, uniform

_TOGETHER = 64  # graphs that are handed over at a time
_NEIGHBOURS = 16  # room for the neighbours of a node, at first


class BlocksSampler:
    """A `Sampler`.

    Args:
        model: trained, on any device.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._limit = decoding.max_num_node or 2 * model.largest
        self._event, self._event_codes = head_weights(model.events, model.never), model.columns[0]
        self._size_law, self._totals, self._fixed = model.size_law, model.totals, model.told
        gate, edge = head_weights(model.gates, rows=sum(GATE)), head_weights(model.edges, rows=sum(EDGE))
        self._decider = drawing(gate, edge, float(decoding.temperature), self._limit)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(one_by_one(self._draw), (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(self, seed: int, index: int, attempt: int) -> tuple[int, Int32Array, bool]:
        """Number of nodes, edges, and whether the graph was cut."""
        self._decider.stream[0] = key_of(seed, index, attempt)
        told = self._told(seed, index, attempt)
        limit = min(self._limit, int(told[0])) if self._totals else self._limit
        edges, num_nodes, ended = _generate(limit, told, self._event_codes, self._event, self._decider)
        return num_nodes, edges, num_nodes < told[0] if self._totals else not ended

    def _told(self, seed: int, index: int, attempt: int) -> Int64Array:
        """int64[4]: nodes and edges, zeros if they are not told, rate, and whether edges between blocks are late."""
        if self._totals is None:
            return np.array([0, 0, *self._fixed])
        uniforms = Stream(seed, index, attempt).uniforms(4)
        n = self._size_law.draw(*uniforms[:2])
        return np.array([n, *self._totals.draw(n, uniforms[2:]), *self._fixed])


def head_weights(head: Any, offset: Any = 0.0, rows: int = 0) -> HeadWeights:
    """The weights of a head, for compiled code; offset is added to its numbers, and entries of zeros up to so many rows."""
    tensors = head.table, head.hidden.weight.t(), head.hidden.bias, head.output.weight.t(), head.output.bias + offset
    weights: list[Floats] = [tensor.detach().float().cpu().numpy().copy("C") for tensor in tensors]
    weights[0] = np.pad(weights[0], ((0, max(rows - len(weights[0]), 0)), (0, 0)))
    room = (np.zeros(len(weights[k]), np.float32) for k in (1, 2, 4))
    return HeadWeights(*weights, *room)


@nb.njit(cache=True)
def _generate(
    limit: int, told: Int64Array, event_codes: Int64Array, event_head: HeadWeights, decider: Decider
) -> tuple[Int32Array, int, bool]:
    """Grow one graph: its edges, its number of nodes and whether it ended by itself."""
    width = min(_NEIGHBOURS, limit)
    graph = empty_growth(np.arange(limit) * width, limit * width, told)
    codes = np.empty(len(EVENT), np.int32)
    event = np.int64(COMPONENT)
    while event != STOP and graph.counts[NODES] < limit:
        decide_row(graph, event, decider)
        graph = _roomy(graph, graph.counts[NODES])
        end_row(graph)
        for turn in range(2):
            if turn != graph.counts[LATE]:
                event = _draw_event(_event_logits(graph, codes, event_codes, event_head), uniform(decider.stream))
                continue
            for r in range(first_to_link(graph, event != SAME or graph.counts[NODES] == limit), graph.counts[NODES]):
                decide_links(graph, r, decider)
                graph = _roomy(graph, r)
                end_links(graph, r)
    return _edges(graph), graph.counts[NODES], event == STOP


@nb.njit(cache=True)
def _event_logits(graph: Growth, codes: Int32Array, columns: Int64Array, head: HeadWeights) -> Floats:
    """float32[4]; the end comes when all nodes that are told are there."""
    describe_event(graph, codes)
    compute(head, codes[columns])
    if graph.counts[NODES] < graph.counts[ALL_NODES]:
        head.numbers[STOP] = -np.inf
    return head.numbers


@nb.njit(cache=True)
def _roomy(graph: Growth, r: int) -> Growth:
    while not has_room(graph, r):
        graph = widened(graph)
    return graph


@nb.njit(cache=True)
def _draw_event(logits: Floats, number: float) -> int:
    """The event that belongs to a number in (0, 1]."""
    highest, total = max(logits[SAME], logits[BLOCK], logits[COMPONENT], logits[STOP]), 0.0
    for event in range(STOP + 1):
        total += np.exp(np.float64(logits[event] - highest))
    left = number * total
    for event in range(STOP):
        left -= np.exp(np.float64(logits[event] - highest))
        if left <= 0:
            return event
    return STOP


@nb.njit(cache=True)
def _edges(graph: Growth) -> Int32Array:
    """int32[m, 2], the older node first."""
    n = graph.counts[NODES]
    edges, filled = np.empty((graph.counts[NUM_EDGES], 2), np.int32), 0
    for i in range(n):
        for e in range(graph.begin[i], graph.end[i]):
            if graph.neighbours[e] < i:
                edges[filled, 0], edges[filled, 1] = graph.neighbours[e], i
                filled += 1
    return edges
