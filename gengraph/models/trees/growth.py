"""Trees and forests that grow together, from their roots downwards, child by child.

Legend: G graphs, A vertices that wait for a child, C children that are born together.
"""

import numpy as np

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.trees.decisions import VERTEX
from gengraph.models.trees.rooted import CENTRE, EDGE, FOREST, NODE


class Growth:
    """Graphs under construction.

    Args:
        sizes: int64[G], nodes of each, >= 1.

    Attributes:
        seen: int64[A] by name, what the decisions of the next child of each waiting vertex see.
        graph: int64[A], whose vertices they are.
    """

    def __init__(self, sizes: Int64Array) -> None:
        count = len(sizes)
        self._num_nodes, self._born = np.zeros(count, np.int64), 0
        self._edges: list[tuple[Int64Array, Int64Array, Int64Array]] = []
        self._given = np.empty((0, 4), np.int64)  # children whose parents wait for more: parent's name, rank, size, how many
        self.seen = {name: np.zeros(0, np.int64) for name in (*VERTEX, "left", "position", "last rank", "last slack", "run")}
        self.graph = self._node = self._name = np.zeros(0, np.int64)
        roots = dict.fromkeys(VERTEX, np.zeros(count, np.int64)) | {"role": np.full(count, FOREST), "size": sizes}
        self._wait(roots, np.arange(count), np.full(count, -1))

    def __len__(self) -> int:
        return len(self.graph)

    def add(self, rank: Int64Array, size: Int64Array) -> None:
        """Give each waiting vertex a child of a rank and a size, or as many single nodes as it has left."""
        seen, slack = self.seen, size - rank - 1
        copies = np.where(rank == 0, seen["left"], 1)
        alike = (rank == seen["last rank"]) & (slack == seen["last slack"])
        self._given = np.concatenate([self._given, np.column_stack([self._name, rank, size, copies])])
        seen |= {
            "left": seen["left"] - size * copies,
            "position": seen["position"] + copies,
            "last rank": rank,
            "last slack": slack,
            "run": np.where(alike, seen["run"] + 1, 1),
        }
        self._finish(seen["left"] == 0)

    def edges(self) -> tuple[Int64Array, Int32Array]:
        """The number of edges int64[G] of each graph, and the edges int32[E, 2] of all, graph by graph."""
        graph, one, other = (np.concatenate(column) for column in zip(*self._edges, strict=True))
        order = np.argsort(graph, kind="stable")
        counts = np.bincount(graph, minlength=len(self._num_nodes))
        return counts, np.column_stack([one, other])[order].astype(np.int32)

    def _finish(self, done: np.ndarray) -> None:
        """Let vertices that have all their children go, and these wait in their place."""
        finished = {name: self.seen[name][done] for name in (*VERTEX, "position")}
        graph, node, name = self.graph[done], self._node[done], self._name[done]
        self.seen = {key: values[~done] for key, values in self.seen.items()}
        self.graph, self._node, self._name = self.graph[~done], self._node[~done], self._name[~done]
        ours = np.isin(self._given[:, 0], name)
        given, self._given = self._given[ours], self._given[~ours]
        given = given[np.argsort(given[:, 0], kind="stable")]
        given = np.repeat(given, given[:, 3], axis=0)
        parent = np.searchsorted(name, given[:, 0])
        above = {key: values[parent] for key, values in finished.items()}
        born = _children(above, given[:, 1], given[:, 2])
        self._wait(born, graph[parent], self._number(born["role"], above["role"], graph[parent], node[parent]))

    def _number(self, role: Int64Array, above: Int64Array, graph: Int64Array, parent: Int64Array) -> Int64Array:
        """int64[C] numbers of nodes that are born, -1 for central edges; writes the edges to their parents down."""
        node, real = np.full(len(role), -1), (role == NODE) | (role == CENTRE)
        node[real] = self._num_nodes[graph[real]] + places_among_equals(graph[real])
        self._num_nodes += np.bincount(graph[real], minlength=len(self._num_nodes))
        below = parent >= 0
        self._edges.append((graph[below], parent[below], node[below]))
        ends = np.flatnonzero(above == EDGE)  # the two of each stand side by side
        self._edges.append((graph[ends[::2]], node[ends[::2]], node[ends[1::2]]))
        return node

    def _wait(self, born: dict[str, Int64Array], graph: Int64Array, node: Int64Array) -> None:
        """Let those that will have children wait."""
        left = born["size"] - (node >= 0)
        waiting = np.flatnonzero(left)
        count = len(waiting)
        none, zero = np.full(count, -1), np.zeros(count, np.int64)
        begin = {"left": left[waiting], "position": zero, "last rank": none, "last slack": none, "run": zero}
        begin |= {name: born[name][waiting] for name in VERTEX}
        self.seen = {name: np.concatenate([self.seen[name], values]) for name, values in begin.items()}
        self.graph, self._node = np.append(self.graph, graph[waiting]), np.append(self._node, node[waiting])
        self._name = np.append(self._name, self._born + np.arange(count))
        self._born += count


def _children(above: dict[str, Int64Array], rank: Int64Array, size: Int64Array) -> dict[str, Int64Array]:
    """What decisions see of vertices that are born, by what they see of the parents, int64[C] each."""
    of_forest, node = above["role"] == FOREST, (above["role"] == NODE) | (above["role"] == CENTRE)
    highest = above["height"] - node
    return {
        "role": np.where(of_forest, np.where(rank % 2, EDGE, CENTRE), NODE),
        "height": np.where(of_forest, rank // 2, rank),
        "size": size,
        "depth": np.where(node, above["depth"] + 1, 0),
        "siblings": above["position"],
        "lag": np.where(of_forest, 0, highest - rank),
    }


def places_among_equals(values: Int64Array) -> Int64Array:
    """int64[A], how many equal values stand before each."""
    order = np.argsort(values, kind="stable")
    place, sorted_values = np.arange(len(values)), values[order]
    first = np.maximum.accumulate(np.where(np.diff(sorted_values, prepend=-1) != 0, place, 0))
    found = np.empty_like(place)
    found[order] = place - first
    return found
