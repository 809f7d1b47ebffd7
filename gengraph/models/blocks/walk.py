"""The decisions of a row, made or written down: the same compiled code for sampling and for likelihoods.

A node of the same block is joined to its own block first, where it has one edge at least; then, or late, when the block is
finished, the gate of every earlier block of its component is decided, oldest first, and behind an open gate one edge at least.
The first node of a new block has a gate open at least; that of a new component has no edge. What is certain by these rules is
no decision.

Legend: K decisions of a kind, C their codes, R entries of a table, F and G units of the two hidden layers, O outputs.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.blocks.codes import EDGE, GATE, describe_edge, describe_gate, inner_code, shape_code
from gengraph.models.blocks.growth import (
    BASE,
    BLOCKS,
    EDGES,
    FIRST,
    INSIDE,
    LATEST,
    LEAVES,
    MOST,
    NODES,
    OWING,
    PARENT,
    SIZE,
    Growth,
    begin_links,
    begin_row,
    choose,
    owing,
)
from gengraph.models.blocks.ordering import SAME
from gengraph.streams import State, uniform

Floats = npt.NDArray[np.float32]


class Table(NamedTuple):
    """Decisions of a kind: codes int32[K, C], outcomes uint8[K], and how many are filled, int64[1]."""

    codes: Int32Array
    outcomes: npt.NDArray[np.uint8]
    filled: Int64Array


class HeadWeights(NamedTuple):
    """A head's table float32[R, F], layers [F, G] and [G, O] with their biases, and room for F, G and O numbers."""

    table: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats
    first: Floats
    second: Floats
    numbers: Floats


class Decider(NamedTuple):
    """What decides: rows that are known, which are written down, or a network, which draws.

    Attributes:
        known: which of the two.
        gates, edges: the decisions; of one that draws, room for one.
        wanted: int32[n], r where the node r has an edge to a candidate; wanted_block: int32[n], to a block.
        gate, edge: heads that draw.
        stream: uint64[1].
        temperature: divides logits.
    """

    known: bool
    gates: Table
    edges: Table
    wanted: Int32Array
    wanted_block: Int32Array
    gate: HeadWeights
    edge: HeadWeights
    stream: State
    temperature: float


@nb.njit(cache=True)
def decide_row(graph: Growth, event: int, decider: Decider) -> None:
    """Decide the edges of the next node to its own block; it joins the graph in `growth.end_row`."""
    begin_row(graph, event)
    if event == SAME:
        _scan(graph, graph.counts[NODES], graph.counts[BLOCKS] - 1, decider)


@nb.njit(cache=True)
def decide_links(graph: Growth, r: int, decider: Decider) -> None:
    """Decide the edges of node r of the newest block to earlier blocks; it has them in `growth.end_links`."""
    begin_links(graph, r)
    own, opened = graph.counts[BLOCKS] - 1, 0
    place, ahead = r - graph.blocks[own, FIRST], np.sum(graph.blocks[graph.counts[BASE] : own, OWING])
    for b in range(graph.counts[BASE], own):
        due = own - b if place == 0 and opened == 0 else 0
        ahead -= graph.blocks[b, OWING]
        if _opens(graph, r, (b, place, opened, due, ahead), decider):
            opened += 1
            _scan(graph, r, b, decider)


@nb.njit(cache=True)
def _opens(graph: Growth, r: int, about: tuple[int, int, int, int, int], decider: Decider) -> Any:
    """Whether node r has an edge to a block, which comes first in what `describe_gate` is given about it."""
    b, due = about[0], about[3]
    if due == 1:
        return True
    table = decider.gates
    k = table.filled[0]
    describe_gate(graph.nodes[r], graph.blocks, graph.counts, about, table.codes[k])
    if not decider.known:
        return _draw(decider, decider.gate, table.codes[k])
    opens = decider.wanted_block[b] == r
    table.outcomes[k] = opens
    table.filled[0] += 1
    return opens


@nb.njit(cache=True)
def _scan(graph: Growth, r: int, b: int, decider: Decider) -> None:
    """The edges of node r to the nodes of block b, one at least."""
    nodes, blocks, counts = graph.nodes, graph.blocks, graph.counts
    codes, outcomes, filled = decider.edges
    known, wanted = decider.known, decider.wanted
    own, first, chosen = counts[BLOCKS] - 1, blocks[b, FIRST], 0
    last, side, is_first = first + blocks[b, SIZE], np.int64(b == own), np.int64(r == blocks[own, FIRST])
    past = nodes[r - 1, PARENT] if side else blocks[b, LATEST]
    inner, shape = inner_code(blocks[b, SIZE], blocks[b, EDGES]), shape_code(blocks[b, MOST], blocks[b, LEAVES])
    size, joined, ahead = blocks[b, SIZE], nodes[r, INSIDE], np.int64(own - counts[BASE] if side else blocks[b, OWING])
    for p in range(first, last):
        due = last - p if chosen == 0 else 0
        takes = due == 1
        if not side:
            ahead -= owing(nodes[p], size)
        if not takes:
            k, about = filled[0], (r, joined, side, is_first, size, inner, shape, past, ahead)
            describe_edge(nodes[p], counts, p, chosen, due, about, codes[k])
            if known:
                takes = wanted[p] == r
                outcomes[k] = takes
                filled[0] += 1
            else:
                takes = _draw(decider, decider.edge, codes[k])
        if takes:
            choose(graph, p)
            chosen += 1


@nb.njit(cache=True)
def _draw(decider: Decider, head: HeadWeights, codes: Int32Array) -> Any:
    """Draw a decision."""
    compute(head, codes)
    logit = np.float64(head.numbers[0]) / decider.temperature
    return uniform(decider.stream) * (1 + np.exp(-logit)) <= 1


@nb.njit(cache=True)
def compute(head: HeadWeights, codes: Int32Array) -> None:
    """The numbers of a head for codes int32[C], into its room."""
    first = head.first
    for f in range(first.shape[0]):
        first[f] = 0
    for c in range(codes.shape[0]):
        entry = head.table[codes[c]]
        for f in range(first.shape[0]):
            first[f] += entry[f]
    _pass(first, head.hidden, head.hidden_bias, head.second)
    _pass(head.second, head.output, head.output_bias, head.numbers)


@nb.njit(cache=True, fastmath={"contract", "reassoc", "nsz"})
def _pass(values: Floats, weight: Floats, bias: Floats, out: Floats) -> None:
    """out[O] = bias[O] + relu(values[I]) @ weight[I, O]."""
    for o in range(out.shape[0]):
        out[o] = bias[o]
    for i in range(values.shape[0]):
        if values[i] > 0:
            for o in range(out.shape[0]):
                out[o] += values[i] * weight[i, o]


def empty_table(room: int, codes: int) -> Table:
    """Room for decisions of a kind."""
    return Table(np.empty((room, codes), np.int32), np.empty(room, np.uint8), np.zeros(1, np.int64))


def no_weights() -> HeadWeights:
    """Of a head that is not asked."""
    matrix, vector = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    return HeadWeights(matrix, matrix, vector, matrix, vector, vector, vector, vector)


def drawing(gate: HeadWeights, edge: HeadWeights, temperature: float, room: int) -> Decider:
    """A decider that draws, for graphs of so many nodes; its stream is yet to be set."""
    wanted = np.zeros(room, np.int32)  # nothing is, but decisions look there
    gates, edges, stream = empty_table(1, len(GATE)), empty_table(1, len(EDGE)), np.zeros(1, np.uint64)
    return Decider(False, gates, edges, wanted, wanted, gate, edge, stream, temperature)
