"""What a step sees, compiled: nodes, edges and codes, one step at a time, for packed batches and for the sampler.

A step sees the graph so far from `halo` nodes before its window on, and B new nodes. Messages pass along the edges of that
part of the graph and along augmented edges, in both directions, between every new node and its candidates and between the new
nodes. What a node is at the start is a sum of rows of one table, its codes: the entries of its adjacency row and, if the config
says so, its distance to the block, its distance to the window's start and, of a new node, a count of nodes.

A graph is given by `begin` and `end`, int64 by node, into neighbours int32, ascending for each node, of which the first
num_earlier come before it.
"""

from typing import Any

import numba as nb
import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.gran.config import GRANConfig

COUNT_CODES = 160  # counts below 16 each, then eight to a doubling: up to about 5 million nodes
Rules = Int64Array
"""int64[9]: B, S, halo or -1, whether rows are relative, whether positions and counts are coded, row entries, positions, and
whether the count of nodes is of those still to come."""


def packing_rules(config: GRANConfig, row_length: int, window_length: int) -> Rules:
    """The numbers that packing depends on."""
    halo = config.halo if config.messages == "window" else -1
    flags = config.row_input == "relative", config.positions, config.counts
    counts_down = config.termination == "size"
    return np.array([config.block_size, config.stride, halo, *flags, row_length, window_length, counts_down], np.int64)


def num_codes(rules: Rules) -> int:
    """Rows of the table of codes: row entries; distances to the block, to the start of the window; counts of new nodes."""
    return int(rules[6] + 2 * (rules[7] + 1) + COUNT_CODES)


@nb.njit(cache=True)
def count_step(s: int, start: int, graph: Any, rules: Rules) -> tuple[int, int, int]:
    """Nodes, directed edges and at most so many codes of a step; graph: begin, end, num_earlier of nodes, and neighbours."""
    begin, end, num_earlier, neighbours = graph
    size = rules[0]
    low = 0 if rules[2] < 0 else max(0, start - rules[2])
    edges = 2 * size * (s - start) + size * (size - 1)
    codes = size
    for j in range(low, s):
        for e in range(begin[j], end[j]):
            if low <= neighbours[e] < s:
                edges += 1
        codes += num_earlier[j] + 2
    return s - low + size, edges, codes


@nb.njit(cache=True)
def fill_step(s: int, start: int, n: int, graph: Any, rules: Rules, places: tuple[int, int, int], out: Any) -> int:
    """Write the nodes and edges of a step behind the first `places` nodes, edges, codes; return where its codes end.

    n is the number of all nodes, where their number is drawn first; else it is not read.
    """
    begin, end, _, neighbours = graph
    blocks, code_offsets, codes, edge_offsets, sources = out
    size, low = rules[0], 0 if rules[2] < 0 else max(0, start - rules[2])
    first, edge, code = places
    old = s - low
    for j in range(low, s):
        node = first + j - low
        blocks[node] = 0
        code = _fill_codes(j, s, start, graph, rules, code, codes)
        code_offsets[node + 1] = code
        for e in range(begin[j], end[j]):
            if low <= neighbours[e] < s:
                sources[edge] = first + neighbours[e] - low
                edge += 1
        if j >= start:
            for b in range(size):
                sources[edge] = first + old + b
                edge += 1
        edge_offsets[node + 1] = edge
    for b in range(size):
        node = first + old + b
        blocks[node] = b + 1
        if rules[5]:
            codes[code] = rules[6] + 2 * (rules[7] + 1) + count_code(n - s if rules[8] else s)
            code += 1
        code_offsets[node + 1] = code
        for j in range(start, s + size):
            if j != s + b:
                sources[edge] = first + j - low
                edge += 1
        edge_offsets[node + 1] = edge
    return code


@nb.njit(cache=True, inline="always")
def _fill_codes(j: int, s: int, start: int, graph: Any, rules: Rules, code: int, codes: Int32Array) -> int:
    """Write the codes of node j of the graph so far, return where they end."""
    begin, _, num_earlier, neighbours = graph
    for e in range(begin[j], begin[j] + num_earlier[j]):
        entry = j - neighbours[e] - 1 if rules[3] else neighbours[e]
        if entry < rules[6]:
            codes[code] = entry
            code += 1
    if rules[4]:
        codes[code] = rules[6] + min(s - j, rules[7])
        codes[code + 1] = rules[6] + rules[7] + 1 + (0 if j < start else min(j - start + 1, rules[7]))
        code += 2
    return code


@nb.njit(cache=True)
def mark_neighbours(j: int, start: int, s: int, graph: Any, marks: Any) -> None:
    """Mark, from the window's start on, the neighbours of node j in the graph so far; a node of the block has none there."""
    begin, end, _, neighbours = graph
    if j < s:
        for e in range(begin[j], end[j]):
            if start <= neighbours[e] < s:
                marks[neighbours[e] - start] = 1


@nb.njit(cache=True, inline="always")
def count_code(count: int) -> int:
    """The code of a count of nodes >= 0, in 0..COUNT_CODES-1."""
    if count < 16:
        return max(count, 0)
    halvings = 0
    while count >= 16 << (halvings + 1):
        halvings += 1
    return min(16 + 8 * halvings + (((count >> halvings) - 16) >> 1), COUNT_CODES - 1)
