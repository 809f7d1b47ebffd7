"""Graphs as decisions: a fresh order of the nodes, then events, gates and edges, one after the other.

Legend: B graphs of a batch, N their nodes, K decisions of a kind, C codes of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks.codes import EDGE, EVENT, GATE, describe_event
from gengraph.models.blocks.growth import BLOCK_OF, LATE, Growth, empty_growth, end_links, end_row, first_to_link
from gengraph.models.blocks.ordering import COMPONENT, SAME, STOP, draw_order
from gengraph.models.blocks.walk import Decider, Table, decide_links, decide_row, empty_table, no_weights
from gengraph.streams import key_of


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of a kind, graph by graph: codes int32[K, C], outcomes uint8[K], offsets int64[B + 1]."""

    codes: Int32Array
    outcomes: npt.NDArray[np.uint8]
    offsets: Int64Array


@dataclass(frozen=True, slots=True)
class DecisionBatch:
    """Graphs of a batch under one order each.

    Attributes:
        graph: int64[B], the index in the graph set of each graph.
        events: what comes after each node, STOP at last.
        gates: whether there is an edge to an earlier block.
        edges: whether there is one to a node.
        totals: int64[B, 2], nodes and edges.
        log_order: float64[B], the log of the probability with which each order was drawn.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    events: Decisions
    gates: Decisions
    edges: Decisions
    totals: Int64Array
    log_order: npt.NDArray[np.float64]
    losses_of_data: Mapping[str, int] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[Decisions, Decisions, Decisions]:
        """Events, gates, edges."""
        return self.events, self.gates, self.edges

    def names(self) -> list[bytes]:
        """A name of each sequence: the outcomes of its decisions, which say all of it."""
        return [b"".join(_name(kind, b) for kind in self.kinds) for b in range(len(self.graph))]


def _name(kind: Decisions, b: int) -> bytes:
    first, after = kind.offsets[b : b + 2]
    return int(after - first).to_bytes(8, "little") + kind.outcomes[first:after].tobytes()


def encode_graphs(
    adjacency: Adjacency, pieces: Int32Array, graph: Int64Array, *, breadth: bool, told: tuple[int, int], key: tuple[int, int]
) -> DecisionBatch:
    """Encode graphs under freshly drawn orders; O(decisions + the neighbours of chosen candidates) each.

    Args:
        adjacency: of the whole graph set; every graph has a node.
        pieces: int32, of each node of the set.
        graph: int64[B], which graphs.
        breadth: whether the nodes of a piece come in the order in which they were reached.
        told: 64 times the edges a node of training graphs, and whether edges between blocks are decided late.
        key: (seed, epoch): with the graph's index it names the random stream.
    """
    sizes = np.diff(adjacency.node_offsets)[graph]
    total = int(sizes.sum())
    orders = np.empty(total, np.int32), np.empty(total, np.uint8)
    log_order, room = np.zeros(len(graph)), np.zeros(2, np.int64)
    names = np.array(key, np.int64)
    _draw_orders(names, graph, adjacency.arrays, pieces, breadth, (*orders, log_order, room))
    events = empty_table(total, len(EVENT))
    gates, edges = empty_table(int(room[0]) + 1, len(GATE)), empty_table(int(room[1]) + 1, len(EDGE))
    offsets = np.zeros((3, len(graph) + 1), np.int64)
    _encode(graph, adjacency.arrays, (*orders, *told), (events, gates, edges), no_weights(), offsets)
    tables = zip((events, gates, edges), offsets, strict=True)
    kinds = [Decisions(table.codes[: own[-1]], table.outcomes[: own[-1]], own) for table, own in tables]
    ends = np.diff(adjacency.indptr[adjacency.node_offsets])[graph]
    totals = np.stack([sizes, ends // 2], axis=1)
    return DecisionBatch(graph, kinds[0], kinds[1], kinds[2], totals, log_order)


@nb.njit(cache=True)
def _draw_orders(key: Int64Array, graph: Int64Array, adjacency: Any, pieces: Int32Array, breadth: bool, out: Any) -> None:
    """Draw an order of each graph, and count room for its gates and edges."""
    node_offsets, indptr, neighbours = adjacency
    orders, events, log_order, room = out
    state, filled = np.empty(1, np.uint64), 0
    for b in range(graph.shape[0]):
        first, after = node_offsets[graph[b]], node_offsets[graph[b] + 1]
        own, piece = indptr[first : after + 1], pieces[first:after]
        order, event = orders[filled : filled + after - first], events[filled : filled + after - first]
        state[0] = key_of(key[0], graph[b], key[1])
        log_order[b] = draw_order(own, neighbours, piece, breadth, state, (order, event))
        filled += after - first
        _count_room(own, neighbours, (order, event, piece), room)


@nb.njit(cache=True)
def _count_room(indptr: Int64Array, neighbours: Int32Array, sequence: Any, room: Int64Array) -> None:
    """Add how many gates and edges a graph has at most."""
    order, events, piece = sequence
    n = order.shape[0]
    size, seen = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    blocks = 0
    for t in range(n):
        node = order[t]
        if events[t] != SAME:
            blocks = blocks + 1 if events[t] != COMPONENT else 1
        room[0] += blocks - 1
        for e in range(indptr[node], indptr[node + 1]):
            b = piece[neighbours[e]]
            if seen[b] != t:
                seen[b] = t
                room[1] += size[b]
        size[piece[node]] += 1


@nb.njit(cache=True)
def _encode(graph: Int64Array, adjacency: Any, orders: Any, tables: Any, nobody: Any, offsets: Int64Array) -> None:
    node_offsets, indptr, neighbours = adjacency
    order, events, rate, late = orders
    filled = 0
    for b in range(graph.shape[0]):
        first, after = node_offsets[graph[b]], node_offsets[graph[b] + 1]
        n = after - first
        own = indptr[first : after + 1]
        told = np.array([n, (own[n] - own[0]) // 2, rate, late])
        sequence = order[filled : filled + n], events[filled : filled + n], told
        encode_graph(own, neighbours, sequence, tables, nobody)
        filled += n
        for kind in range(3):
            offsets[kind, b + 1] = tables[kind].filled[0]


@nb.njit(cache=True)
def encode_graph(
    indptr: Int64Array, neighbours: Int32Array, sequence: Any, tables: tuple[Table, Table, Table], nobody: Any
) -> None:
    """Write all decisions of a graph down.

    Args:
        indptr: int64[n + 1] into neighbours, of its nodes.
        neighbours: int32 of the whole set.
        sequence: its nodes in their order int32[n], the events uint8[n] that they come by, and what is told, int64[4].
        tables: of events, gates and edges, filled.
        nobody: a head that is not asked.
    """
    order, events, told = sequence
    n = order.shape[0]
    position, begin = np.empty(n, np.int32), np.zeros(n, np.int64)
    for t in range(n):
        position[order[t]] = t
        if t:
            begin[t] = begin[t - 1] + indptr[order[t - 1] + 1] - indptr[order[t - 1]]
    growth = empty_growth(begin, indptr[n] - indptr[0], told)
    wanted, wanted_block = np.zeros(n, np.int32), np.zeros(n, np.int32)
    decider = Decider(True, tables[1], tables[2], wanted, wanted_block, nobody, nobody, np.zeros(1, np.uint64), 1.0)
    known = indptr, neighbours, order, position
    for t in range(n):
        _want(growth, t, known, decider)
        decide_row(growth, np.int64(events[t]), decider)
        end_row(growth)
        after = np.int64(events[t + 1]) if t + 1 < n else STOP
        for turn in range(2):
            if turn != growth.counts[LATE]:
                _write_event(growth, after, tables[0])
                continue
            for r in range(first_to_link(growth, after != SAME), t + 1):
                _want(growth, r, known, decider)
                decide_links(growth, r, decider)
                end_links(growth, r)


@nb.njit(cache=True)
def _write_event(growth: Growth, event: int, table: Table) -> None:
    k = table.filled[0]
    describe_event(growth, table.codes[k])
    table.outcomes[k] = event
    table.filled[0] += 1


@nb.njit(cache=True)
def _want(growth: Growth, r: int, known: Any, decider: Decider) -> None:
    """Mark older nodes and blocks that node r has an edge to."""
    indptr, neighbours, order, position = known
    for e in range(indptr[order[r]], indptr[order[r] + 1]):
        p = position[neighbours[e]]
        if p < r:
            decider.wanted[p], decider.wanted_block[growth.nodes[p, BLOCK_OF]] = r, r
