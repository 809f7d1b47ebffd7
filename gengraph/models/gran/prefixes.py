"""Steps of sequences, packed for the graph network (what a step sees is in `packing`).

Legend: F steps, B block size, V nodes of all steps, E directed edges of all steps, R = F B rows, P pairs (row, candidate),
C codes, Q sequences.
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.gran.config import GRANConfig
from gengraph.models.gran.packing import Rules, count_step, fill_step, mark_neighbours
from gengraph.models.gran.sequences import SequenceBatch
from gengraph.streams import key_of, uniform_at

_PURPOSE = 0x67_72_61_6E  # which of the streams of (seed, graph, epoch): orderings have another


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps of which sequences.

    Attributes:
        sequence: int64[F], ascending.
        start: int64[F], the first new node s of each.
        weight: float64[F], what its log-probability counts for.
    """

    sequence: Int64Array
    start: Int64Array
    weight: npt.NDArray[np.float64]

    def __getitem__(self, part: slice) -> "Steps":
        return Steps(self.sequence[part], self.start[part], self.weight[part])

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Packed steps.

    Attributes:
        kept: int64[F], how many of a step's new nodes exist and are kept, 0..S.
        blocks: int32[V], 0 for a node of the graph so far, b + 1 for the new node b.
        code_offsets: int64[V + 1], codes: int32[C], what each node is at the start.
        edge_offsets: int64[V + 1], sources: int32[E], from where messages come to each node.
        new: int64[R], the node of each row.
        pair_offsets: int64[R + 1], candidates: int32[P], the node of each candidate of a row.
        bits: uint8[P], whether it is a neighbour.
        beside: uint8[P], whether it is, in the graph so far, a neighbour of the row's oldest neighbour.
    """

    kept: Int64Array
    blocks: Int32Array
    code_offsets: Int64Array
    codes: Int32Array
    edge_offsets: Int64Array
    sources: Int32Array
    new: Int64Array
    pair_offsets: Int64Array
    candidates: Int32Array
    bits: npt.NDArray[np.uint8]
    beside: npt.NDArray[np.uint8]

    @property
    def step_of_node(self) -> Int64Array:
        """int64[V], the step that each node is of: its new nodes come last."""
        ends = self.new.reshape(len(self.kept), -1)[:, -1] + 1
        return np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))


def all_steps(batch: SequenceBatch, config: GRANConfig, sequences: Int64Array) -> Steps:
    """Every step of some of the sequences, ascending."""
    n = batch.num_nodes[sequences]
    counts = n // config.stride + 1 if config.termination == "stop" else -(-n // config.stride)
    sequence = np.repeat(sequences, counts)
    start = np.arange(len(sequence)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Steps(sequence, start * config.stride, np.ones(len(sequence)))


def some_steps(batch: SequenceBatch, config: GRANConfig, count: int) -> Steps:
    """`count` steps of each sequence, at a random offset and evenly spaced, and the one that ends it by a decision.

    Every other step is drawn with the same probability and weighted by its inverse, so that the weighted sum over the steps is
    an unbiased estimate of the sum over all steps of the sequence.
    """
    sequence, start, weight = _draw_steps(
        batch.num_nodes, batch.graph, batch.num_orderings, np.array(batch.key, np.int64), count, config.stride,
        config.termination == "stop",
    )  # fmt: skip
    return Steps(sequence, start, weight)


@nb.njit(cache=True)
def _draw_steps(
    num_nodes: Int64Array, graph: Int64Array, copies: int, key: Int64Array, count: int, stride: int, stops: bool
) -> tuple[Int64Array, Int64Array, npt.NDArray[np.float64]]:
    most = num_nodes.shape[0] * (count + 1)
    sequence, start, weight = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    filled = 0
    for q in range(num_nodes.shape[0]):
        n = num_nodes[q]
        total = n // stride if stops else (n + stride - 1) // stride
        drawn = min(count, total)
        offset = uniform_at(key_of(key[0] + _PURPOSE, graph[q // copies], key[1]), q % copies)
        for i in range(drawn):
            sequence[filled], weight[filled] = q, total / drawn
            start[filled] = min(np.int64((i + offset) * total / drawn), total - 1) * stride
            filled += 1
        if stops:
            sequence[filled], weight[filled], start[filled] = q, 1.0, total * stride
            filled += 1
    return sequence[:filled], start[:filled], weight[:filled]


def chunks(batch: SequenceBatch, steps: Steps, rules: Rules, most_nodes: int) -> list[Steps]:
    """The steps in parts of about so many nodes each, one step at least."""
    sizes = _count(batch.arrays, steps.sequence, steps.start, rules)[:, 0]
    part = np.cumsum(sizes) // most_nodes
    ends = [*np.flatnonzero(np.diff(part)) + 1, len(steps)]
    return [steps[first:end] for first, end in zip([0, *ends[:-1]], ends, strict=True) if end > first]


def pack(batch: SequenceBatch, steps: Steps, rules: Rules) -> Prefixes:
    """Pack steps; O(nodes + edges + pairs)."""
    size, stride = rules[:2]
    counts = _count(batch.arrays, steps.sequence, steps.start, rules)
    offsets = np.zeros((len(steps) + 1, 4), np.int64)
    np.cumsum(counts, axis=0, out=offsets[1:])
    nodes, edges, num_of_codes, pairs = offsets[-1]
    blocks = np.zeros(nodes, np.int32)
    code_offsets, codes = np.zeros(nodes + 1, np.int64), np.empty(num_of_codes, np.int32)
    edge_offsets, sources = np.zeros(nodes + 1, np.int64), np.empty(edges, np.int32)
    pair_offsets, candidates = np.zeros(len(steps) * size + 1, np.int64), np.empty(pairs, np.int32)
    bits, beside = np.zeros(pairs, np.uint8), np.zeros(pairs, np.uint8)
    out = (blocks, code_offsets, codes, edge_offsets, sources), (pair_offsets, candidates, bits, beside)
    _pack(batch.arrays, steps.sequence, steps.start, rules, offsets, out)
    new = (offsets[1:, 0, None] - size + np.arange(size)).reshape(-1)
    kept = np.clip(batch.num_nodes[steps.sequence] - steps.start, 0, stride)
    return Prefixes(kept, blocks, code_offsets, codes, edge_offsets, sources, new, pair_offsets, candidates, bits, beside)


@nb.njit(cache=True)
def _count(arrays: Any, sequence: Int64Array, start: Int64Array, rules: Rules) -> Int64Array:
    """int64[F, 4]: nodes, edges, codes and pairs of each step."""
    node_offsets, indptr, neighbours, num_earlier, window = arrays
    counts = np.empty((start.shape[0], 4), np.int64)
    for f in range(start.shape[0]):
        first, s = node_offsets[sequence[f]], start[f]
        graph = indptr[first:], indptr[first + 1 :], num_earlier[first:], neighbours
        nodes, edges, codes = count_step(s, window[first + sequence[f] + s], graph, rules)
        width = s - window[first + sequence[f] + s]
        counts[f] = nodes, edges, codes, rules[0] * width + rules[0] * (rules[0] - 1) // 2
    return counts


@nb.njit(cache=True)
def _pack(arrays: Any, sequence: Int64Array, start: Int64Array, rules: Rules, offsets: Int64Array, out: Any) -> None:
    node_offsets, indptr, neighbours, num_earlier, window = arrays
    nodes, (pair_offsets, candidates, bits, beside) = out
    size = rules[0]
    filled_codes = 0
    for f in range(start.shape[0]):
        q, s = sequence[f], start[f]
        first = node_offsets[q]
        w, n = window[first + q + s], node_offsets[q + 1] - first
        graph = indptr[first:], indptr[first + 1 :], num_earlier[first:], neighbours
        places = offsets[f, 0], offsets[f, 1], filled_codes
        filled_codes = fill_step(s, w, n, graph, rules, places, nodes)
        low = 0 if rules[2] < 0 else max(0, w - rules[2])
        pair = offsets[f, 3]
        for b in range(size):
            for j in range(w, s + b):
                candidates[pair + j - w] = offsets[f, 0] + j - low
            if b < rules[1] and s + b < n:
                for e in range(graph[0][s + b], graph[0][s + b] + graph[2][s + b]):
                    bits[pair + neighbours[e] - w] = 1
                if graph[2][s + b]:
                    mark_neighbours(neighbours[graph[0][s + b]], w, s, graph, beside[pair:])
            pair += s + b - w
            pair_offsets[f * size + b + 1] = pair
