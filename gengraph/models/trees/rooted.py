"""Forests as rooted trees: every component at its centre, and one virtual vertex above all of them.

The centre of a tree, the middle of its longest paths, is a node or an edge; a virtual vertex stands in the middle of such an
edge, and so every component has one root [1]. Children stand in descending order of their rank, then of their size. The rank
is the height of what hangs below a vertex; of a component it is its diameter, which is even where the centre is a node and odd
where it is an edge.

Legend: N nodes, V vertices (nodes and virtual ones), G forests.

Reference:
    1. C. Jordan. Sur les assemblages de lignes. Journal fuer die reine und angewandte Mathematik, 1869.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array

NODE, CENTRE, EDGE, FOREST = range(4)
"""What a vertex is: a node below another vertex, the central node of a component, its central edge, or a whole forest."""


@dataclass(frozen=True, slots=True)
class Rooted:
    """The vertices of some forests: first all nodes, then the central edges, then the forests.

    Attributes:
        role: int64[V], NODE, CENTRE, EDGE or FOREST.
        parent: int64[V], -1 for forests.
        rank: int64[V], height of what is below a node, diameter of a component; 0 for forests.
        size: int64[V], nodes at or below a vertex.
        depth: int64[V], edges between a node and the centre; 0 for virtual vertices.
        graph: int64[V], the forest of each.
    """

    role: Int64Array
    parent: Int64Array
    rank: Int64Array
    size: Int64Array
    depth: Int64Array
    graph: Int64Array

    @property
    def height(self) -> Int64Array:
        """int64[V], edges from a vertex to the farthest node below it; of a central edge those from one of its ends."""
        return np.where((self.role == CENTRE) | (self.role == EDGE), self.rank // 2, self.rank)

    @classmethod
    def of(cls, graphs: GraphSet) -> "Rooted":
        """The vertices of forests; O(N) but for a sort, and a round of whole arrays for each level."""
        num_nodes, num_graphs = int(graphs.num_nodes.sum()), len(graphs)
        parent, height, size, ends = _peel(graphs)
        forest = num_nodes + len(ends) + np.arange(num_graphs)
        graph = graphs.graph_of_node
        parent[ends] = num_nodes + np.arange(len(ends))[:, None]
        role = np.where(parent == -1, CENTRE, NODE)
        rank = np.where(parent == -1, 2 * height, height)
        parent[parent == -1] = forest[graph[parent == -1]]
        of_edge = graph[ends[:, 0]]
        return cls(
            role=np.concatenate([role, np.full(len(ends), EDGE), np.full(num_graphs, FOREST)]),
            parent=np.concatenate([parent, forest[of_edge], np.full(num_graphs, -1)]),
            rank=np.concatenate([rank, 2 * height[ends[:, 0]] + 1, np.zeros(num_graphs, np.int64)]),
            size=np.concatenate([size, size[ends].sum(1), graphs.num_nodes.astype(np.int64)]),
            depth=np.concatenate([_depths(parent, height), np.zeros(len(ends) + num_graphs, np.int64)]),
            graph=np.concatenate([graph, of_edge, np.arange(num_graphs)]),
        )

    def children(self) -> Int64Array:
        """int64[V - G], all vertices that have a parent: those of a parent together, in descending order of rank and size."""
        order = np.lexsort((-self.size, -self.rank, self.parent))
        return order[self.parent[order] >= 0]

    def shapes(self) -> Int64Array:
        """int64[V], equal for vertices of which the same hangs, up to isomorphism [2]; O(V log V).

        Reference:
            2. A. Aho, J. Hopcroft, J. Ullman. The design and analysis of computer algorithms. 1974, section 3.2.
        """
        known: dict[tuple[int, ...], int] = {}
        shape, below = [0] * len(self.role), [list[int]() for _ in self.role]
        for vertex in np.lexsort((self.height, self.role)).tolist():
            key = (int(self.role[vertex] == EDGE), *sorted(below[vertex]))
            shape[vertex] = known.setdefault(key, len(known))
            if self.parent[vertex] >= 0:
                below[self.parent[vertex]].append(shape[vertex])
        return np.array(shape, np.int64)


def _peel(graphs: GraphSet) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """Take leaves away, all at a time: what is left of a tree in the end is its centre.

    Returns:
        int64[N] parents, -1 for centres; int64[N] heights and sizes of what is below; int64[C, 2] ends of the central edges.
    """
    edges = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    degree, num_nodes = graphs.degrees().astype(np.int64), int(graphs.num_nodes.sum())
    others = np.zeros(num_nodes, np.int64)  # the sum of the neighbours that are left: of a leaf it is the one
    np.add.at(others, edges[:, 0], edges[:, 1])
    np.add.at(others, edges[:, 1], edges[:, 0])
    parent, height, size = np.full(num_nodes, -1), np.zeros(num_nodes, np.int64), np.ones(num_nodes, np.int64)
    leaves, central = np.flatnonzero(degree == 1), [np.empty((0, 2), np.int64)]
    while len(leaves):
        last = degree[others[leaves]] == 1  # an edge that is left alone
        pairs = np.column_stack([leaves[last], others[leaves[last]]])
        central.append(pairs[pairs[:, 0] < pairs[:, 1]])
        leaves = leaves[~last]
        above = others[leaves]
        parent[leaves] = above
        height[above] = height[leaves] + 1
        np.add.at(size, above, size[leaves])
        np.subtract.at(others, above, leaves)
        np.subtract.at(degree, above, 1)
        above = np.unique(above)
        leaves = above[degree[above] == 1]
    return parent, height, size, np.concatenate(central)


def _depths(parent: Int64Array, height: Int64Array) -> Int64Array:
    """int64[N], edges up to the centre; parents of centres are no nodes."""
    depth = np.zeros(len(parent), np.int64)
    order = np.argsort(-height, kind="stable")
    levels = np.split(order, np.flatnonzero(np.diff(height[order])) + 1)
    for level in levels:
        below = level[parent[level] < len(parent)]
        depth[below] = depth[parent[below]] + 1
    return depth


def log_orders(rooted: Rooted, children: Int64Array, shape: Int64Array) -> npt.NDArray[np.float64]:
    """float64[G], log of in how many ways each forest can be written: children alike in rank and size stand in any order."""
    from scipy.special import gammaln

    order = children[np.lexsort((shape[children], -rooted.size[children], -rooted.rank[children], rooted.parent[children]))]
    alike = np.column_stack([rooted.parent[order], rooted.rank[order], rooted.size[order], shape[order]])
    changes = np.diff(alike, axis=0, prepend=-2) != 0
    total = np.zeros(int(rooted.graph.max(initial=-1)) + 1)
    for width, sign in ((3, 1.0), (4, -1.0)):
        first = np.flatnonzero(changes[:, :width].any(axis=1))
        runs = np.diff(first, append=len(order))
        np.add.at(total, rooted.graph[order[first]], sign * gammaln(runs + 1))
    return total
