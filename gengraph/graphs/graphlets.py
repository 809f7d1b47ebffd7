"""How often each node takes part in each orbit of the connected graphs with five nodes.

Legend: N nodes and E edges of all graphs together, C connected induced subgraphs with five nodes.

Orbits 15 to 72 are numbered as in [1]; with the 15 of `gengraph.graphs.orbits` they are all orbits of graphlets with up to five
nodes. Every connected induced subgraph is listed once [2] and looked up by the ten bits of its edges.

References:
    [1] N. Przulj, Biological network comparison using graphlet degree distribution, Bioinformatics 23(2), 2007.
    [2] S. Wernicke, Efficient detection of network motifs, IEEE/ACM Trans. Comp. Biology and Bioinformatics 3(4), 2006.
"""

from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt
from numba import njit

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orbits import NUM_ORBITS

SIZE, NUM_LARGE_ORBITS = 5, 58
GRAPHLETS = {  # the edges of each connected graph with five nodes, and the orbits of nodes 0 to 4
    "01 04 12 23": (16, 17, 16, 15, 15),
    "04 13 23 34": (18, 19, 19, 21, 20),
    "04 14 24 34": (22, 22, 22, 22, 23),
    "01 02 04 12 23": (26, 25, 26, 24, 24),
    "04 12 13 23 34": (27, 29, 29, 30, 28),
    "04 14 23 24 34": (31, 31, 32, 32, 33),
    "01 04 12 23 34": (34, 34, 34, 34, 34),
    "01 13 14 23 24": (35, 38, 36, 37, 37),
    "01 12 13 14 23 24": (39, 42, 41, 40, 40),
    "01 04 14 23 24 34": (43, 43, 43, 43, 44),
    "01 13 14 23 24 34": (45, 47, 46, 48, 48),
    "02 03 04 12 13 14": (50, 50, 49, 49, 49),
    "01 03 04 12 23 34": (53, 51, 51, 53, 52),
    "03 04 13 14 23 24 34": (54, 54, 54, 55, 55),
    "04 12 13 14 23 24 34": (56, 57, 57, 57, 58),
    "01 04 12 13 14 23 34": (59, 61, 59, 60, 60),
    "02 03 04 12 13 14 24": (63, 63, 64, 62, 64),
    "01 03 04 13 14 23 24 34": (66, 66, 65, 67, 67),
    "01 03 04 12 14 23 24 34": (68, 68, 68, 68, 69),
    "01 03 04 12 13 14 23 24 34": (70, 71, 70, 71, 71),
    "01 02 03 04 12 13 14 23 24 34": (72, 72, 72, 72, 72),
}


@cache
def _orbit_table() -> npt.NDArray[np.int8]:
    """int8[1024, 5], the orbit less 15 of each node of a graph with five nodes by the bits of its edges; -1 if disconnected."""
    bit = {(i, j): 1 << (j * (j - 1) // 2 + i) for j in range(SIZE) for i in range(j)}
    table = np.full((1 << len(bit), SIZE), -1, np.int8)
    for edges, orbits in GRAPHLETS.items():
        for names in permutations(range(SIZE)):
            ends = [sorted((names[int(edge[0])], names[int(edge[1])])) for edge in edges.split()]
            table[sum(bit[u, v] for u, v in ends), list(names)] = np.array(orbits) - NUM_ORBITS
    return table


@njit(cache=True)
def _choose(depth: int, chosen: Int64Array, touched: Int64Array, frontier: Int64Array, end: int, row: Int64Array) -> int:
    """Mark the neighbours of the node chosen at a depth; those above the root that no other touches join the frontier.

    Returns:
        the new end of the frontier.
    """
    for w in row:
        if w > chosen[0] and touched[w] == 0:
            frontier[end] = w
            end += 1
        touched[w] |= 1 << depth
    return end


@njit(cache=True)
def _count(pointers: Int64Array, neighbours: Int64Array, table: npt.NDArray[np.int8]) -> Int64Array:
    """int64[N, 58]; ESU [2] without recursion: the candidates at a depth are frontier[at[depth] : end[depth]]."""
    num_nodes = len(pointers) - 1
    counts = np.zeros((num_nodes, NUM_LARGE_ORBITS), np.int64)
    touched = np.zeros(num_nodes, np.int64)  # bit k: adjacent to the node chosen at depth k
    frontier, chosen = np.empty(num_nodes + 1, np.int64), np.zeros(SIZE, np.int64)
    at, end, code = np.zeros(SIZE, np.int64), np.zeros(SIZE, np.int64), np.zeros(SIZE, np.int64)
    for root in range(num_nodes):
        chosen[0], at[1], depth = root, 0, 1
        end[1] = _choose(0, chosen, touched, frontier, 0, neighbours[pointers[root] : pointers[root + 1]])
        while depth > 0:
            if at[depth] == end[depth]:
                depth -= 1
                for w in neighbours[pointers[chosen[depth]] : pointers[chosen[depth] + 1]]:
                    touched[w] &= ~(1 << depth)
                continue
            node = frontier[at[depth]]
            at[depth] += 1
            chosen[depth] = node
            code[depth] = code[depth - 1] | (touched[node] & ((1 << depth) - 1)) << (depth * (depth - 1) // 2)
            if depth == SIZE - 1:
                for i in range(SIZE):
                    counts[chosen[i], table[code[depth], i]] += 1
                continue
            at[depth + 1] = at[depth]
            row = neighbours[pointers[node] : pointers[node + 1]]
            end[depth + 1] = _choose(depth, chosen, touched, frontier, end[depth], row)
            depth += 1
    return counts


def large_orbits(graphs: GraphSet) -> Int64Array:
    """Count the 58 orbits of connected graphlets with five nodes at every node.

    Returns:
        int64[N, 58], orbits 15 to 72, nodes of all graphs in order.

    Complexity: O(C) time, O(N + E) memory. C grows with the fourth power of the degrees.
    """
    offsets = graphs.node_offsets
    pairs = graphs.edges.astype(np.int64) + offsets[:-1][graphs.graph_of_edge][:, None]
    source, target = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.lexsort((target, source))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=int(offsets[-1])))]).astype(np.int64)
    return np.asarray(_count(pointers, np.ascontiguousarray(target[order]), _orbit_table()))
