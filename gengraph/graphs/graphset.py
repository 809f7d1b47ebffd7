"""GraphSet: an immutable batch of simple undirected graphs in flat arrays.

Legend: G graphs, N nodes of all graphs together, E edges of all graphs together.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.errors import InputError

if TYPE_CHECKING:
    import networkx as nx
    import pyarrow as pa

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GraphSet:
    """A batch of simple undirected graphs: no loops, no parallel edges, no attributes.

    `graphs[i]`, a slice and an index array each give a GraphSet; iteration yields sets of one graph.

    Attributes:
        num_nodes: int32[G], nodes of each graph, >= 0.
        edge_offsets: int64[G + 1], graph g owns the rows `edge_offsets[g]:edge_offsets[g + 1]` of `edges`.
        edges: int32[E, 2], node ids local to the graph, u < v, sorted by (u, v) and unique in each graph.

    Raises:
        InputError: the arrays break one of these rules. `from_flat` accepts edges in any order.
    """

    num_nodes: Int32Array
    edge_offsets: Int64Array
    edges: Int32Array

    def __post_init__(self) -> None:
        for name, dtype, shape in (
            ("num_nodes", np.int32, (-1,)),
            ("edge_offsets", np.int64, (-1,)),
            ("edges", np.int32, (-1, 2)),
        ):
            array = np.ascontiguousarray(getattr(self, name), dtype=dtype).reshape(shape).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        offsets = self.edge_offsets
        if len(offsets) != len(self) + 1 or offsets[0] != 0 or offsets[-1] != len(self.edges) or (np.diff(offsets) < 0).any():
            msg = (
                f"edge_offsets must rise from 0 to the number of edges ({len(self.edges)}) in {len(self) + 1} steps, "
                f"got {len(offsets)} values"
            )
            raise InputError(msg)
        if (self.num_nodes < 0).any():
            msg = f"num_nodes must be >= 0, got {int(self.num_nodes.min())}"
            raise InputError(msg)
        if not _is_canonical(self.num_nodes, self.edge_offsets, self.edges):
            _check_edges(self.num_nodes, self.graph_of_edge, self.edges)

    @classmethod
    def unchecked(cls, num_nodes: npt.ArrayLike, edge_offsets: npt.ArrayLike, edges: npt.ArrayLike) -> Self:
        """Build from arrays that are known to obey all rules, because the code that made them cannot break them."""
        graphs = object.__new__(cls)
        for name, array in (
            ("num_nodes", np.asarray(num_nodes, np.int32).view()),
            ("edge_offsets", np.asarray(edge_offsets, np.int64).view()),
            ("edges", np.asarray(edges, np.int32).view()),
        ):
            array.flags.writeable = False
            object.__setattr__(graphs, name, array)
        return graphs

    @classmethod
    def empty(cls) -> Self:
        """A set of no graphs."""
        return cls(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros((0, 2), np.int32))

    @classmethod
    def from_flat(cls, num_nodes: npt.ArrayLike, graph_of_edge: npt.ArrayLike, edges: npt.ArrayLike) -> Self:
        """Build from edges in any order and orientation.

        Args:
            num_nodes: int[G].
            graph_of_edge: int[E], the graph that each edge belongs to.
            edges: int[E, 2], node ids local to the graph.

        Raises:
            InputError: a loop, a parallel edge or a node id outside its graph; the message names and counts them.
        """
        nodes = np.asarray(num_nodes, dtype=np.int32).reshape(-1)
        graph = np.asarray(graph_of_edge, dtype=np.int64).reshape(-1)
        pairs = np.sort(np.asarray(edges, dtype=np.int64).reshape(-1, 2), axis=1)
        if len(graph) and (graph.min() < 0 or graph.max() >= len(nodes)):
            msg = f"graph_of_edge must lie in 0..{len(nodes) - 1}, got {int(graph.min())}..{int(graph.max())}"
            raise InputError(msg)
        width = max(int(nodes.max(initial=0)), int(pairs.max(initial=0)) + 1)
        key = (graph * width + pairs[:, 0]) * width + pairs[:, 1]
        if (np.diff(key) < 0).any():
            order = np.argsort(key, kind="stable")
            graph, pairs = graph[order], pairs[order]
        _check_edges(nodes, graph, pairs)
        offsets = np.searchsorted(graph, np.arange(len(nodes) + 1))
        return cls(nodes, offsets.astype(np.int64), pairs.astype(np.int32))

    @classmethod
    def from_edge_lists(cls, num_nodes: Sequence[int], edge_lists: Iterable[npt.ArrayLike]) -> Self:
        """Build from one array-like of pairs a graph; complexity O(E log E)."""
        parts = [np.asarray(edges, dtype=np.int64).reshape(-1, 2) for edges in edge_lists]
        graph = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return cls.from_flat(num_nodes, graph, np.concatenate(parts) if parts else np.zeros((0, 2), np.int64))

    @classmethod
    def from_networkx(cls, graphs: "Iterable[nx.Graph[Any]]") -> Self:
        """Build from networkx graphs; nodes of any type are numbered in iteration order, attributes are left behind.

        Raises:
            InputError: a directed graph or a multigraph, or a graph with loops.
        """
        sizes: list[int] = []
        lists: list[list[tuple[int, int]]] = []
        for number, graph in enumerate(graphs):
            if graph.is_directed() or graph.is_multigraph():
                kind = "directed" if graph.is_directed() else "a multigraph"
                msg = f"graphs must be simple and undirected, graph {number} is {kind}; convert it with networkx.Graph(graph)"
                raise InputError(msg)
            index = {node: i for i, node in enumerate(graph)}
            sizes.append(len(index))
            lists.append([(index[u], index[v]) for u, v in graph.edges()])
        return cls.from_edge_lists(sizes, lists)

    @classmethod
    def from_csr(cls, adjacency: "sparse.csr_array | sparse.csr_matrix") -> Self:
        """Build one graph from a square symmetric adjacency matrix; non-zero entries are edges.

        Raises:
            InputError: a matrix that is not symmetric (a directed graph) or has a non-zero diagonal (loops).
        """
        matrix = sparse.csr_array(adjacency, dtype=bool)
        if (matrix != matrix.T).nnz:
            msg = "the adjacency matrix must be symmetric (an undirected graph); use matrix + matrix.T"
            raise InputError(msg)
        upper = sparse.triu(matrix).tocoo()
        return cls.from_flat([matrix.shape[0]], np.zeros(upper.nnz, np.int64), np.column_stack([upper.row, upper.col]))

    @classmethod
    def from_edge_index(cls, edge_index: npt.ArrayLike, batch: npt.ArrayLike) -> Self:
        """Build from PyTorch-Geometric-style arrays.

        Args:
            edge_index: int[2, 2E], global node ids, each edge in both directions.
            batch: int[N], the graph that each node belongs to, ascending.

        Raises:
            InputError: `batch` is not ascending, an edge joins two graphs or stands in one direction only.
        """
        graph_of_node = np.asarray(batch, dtype=np.int64).reshape(-1)
        if (np.diff(graph_of_node) < 0).any():
            msg = "batch must be ascending: the nodes of a graph stand together"
            raise InputError(msg)
        source, target = np.asarray(edge_index, dtype=np.int64).reshape(2, -1)
        num_nodes = np.bincount(graph_of_node, minlength=0)
        offsets = np.concatenate([[0], np.cumsum(num_nodes)])
        total = int(offsets[-1])
        if len(source) and (min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= total):
            msg = f"edge_index must lie in 0..{total - 1}, got a node outside"
            raise InputError(msg)
        if (graph_of_node[source] != graph_of_node[target]).any():
            msg = "an edge of edge_index joins nodes of two graphs"
            raise InputError(msg)
        return cls.from_both_directions(num_nodes, source, target)

    @classmethod
    def from_both_directions(cls, num_nodes: npt.ArrayLike, source: Int64Array, target: Int64Array) -> Self:
        """Build from global node ids in which every edge must stand in both directions (PyG, TU collections).

        Raises:
            InputError: some edge stands in one direction only: the graphs are directed.
        """
        nodes = np.asarray(num_nodes, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(nodes)])
        total = int(offsets[-1])
        forward, backward = np.sort(source * total + target), np.sort(target * total + source)
        if not np.array_equal(forward, backward):
            lonely = len(np.setdiff1d(forward, backward))
            msg = f"graphs must be undirected: {lonely} of {len(source)} edges have no edge the other way; add the missing ones"
            raise InputError(msg)
        keep = source <= target
        graph = np.searchsorted(offsets, source[keep], side="right") - 1
        local = np.column_stack([source[keep], target[keep]]) - offsets[graph][:, None]
        return cls.from_flat(nodes, graph, local)

    @classmethod
    def from_arrow(cls, table: "pa.Table") -> Self:
        """Build from a table with columns num_nodes and edges (list of pairs), the form that `to_arrow` writes."""
        from gengraph.graphs.arrow import arrays_from_table

        return cls(*arrays_from_table(table))

    @classmethod
    def concatenate(cls, sets: "Iterable[GraphSet]") -> Self:
        """All graphs of several sets, in order."""
        parts = list(sets)
        if not parts:
            return cls.empty()
        counts = np.concatenate([np.diff(part.edge_offsets) for part in parts])
        return cls(
            np.concatenate([part.num_nodes for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.edges for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.num_nodes)

    def __iter__(self) -> "Iterator[GraphSet]":
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: "int | slice | npt.ArrayLike") -> "GraphSet":
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                msg = f"graph index must lie in 0..{len(self) - 1}, got {index}"
                raise IndexError(msg)
            chosen = np.array([index % len(self)])
        else:
            where = index if isinstance(index, slice) else np.asarray(index)
            chosen = np.arange(len(self))[where if isinstance(where, slice) or len(where) else slice(0)]
        counts = np.diff(self.edge_offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = np.arange(offsets[-1]) + np.repeat(self.edge_offsets[chosen] - offsets[:-1], counts)
        return GraphSet(self.num_nodes[chosen], offsets, self.edges[rows])

    def __eq__(self, other: object) -> bool:
        """Same graphs with the same node numbers in the same order (not isomorphism)."""
        if not isinstance(other, GraphSet):
            return NotImplemented
        return (
            np.array_equal(self.num_nodes, other.num_nodes)
            and np.array_equal(self.edge_offsets, other.edge_offsets)
            and np.array_equal(self.edges, other.edges)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"GraphSet({len(self)} graphs, {int(self.num_nodes.sum())} nodes, {len(self.edges)} edges)"

    @property
    def num_edges(self) -> Int64Array:
        """int64[G], edges of each graph."""
        return np.diff(self.edge_offsets)

    @property
    def node_offsets(self) -> Int64Array:
        """int64[G + 1], where each graph's nodes begin when all nodes are numbered through."""
        return np.concatenate([[0], np.cumsum(self.num_nodes, dtype=np.int64)])

    @property
    def graph_of_edge(self) -> Int64Array:
        """int64[E], the graph that each edge belongs to."""
        return np.repeat(np.arange(len(self)), self.num_edges)

    def content_hash(self) -> str:
        """Sha256 of the arrays: equal for equal sets, on every machine."""
        digest = hashlib.sha256()
        for array in (self.num_nodes.astype("<i4"), self.edge_offsets.astype("<i8"), self.edges.astype("<i4")):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def to_csr(self) -> "sparse.csr_array":
        """The block-diagonal adjacency matrix of all graphs, int64[N, N] with ones, indices sorted; O(N + E)."""
        total = int(self.node_offsets[-1])
        pairs = self.edges + self.node_offsets[:-1][self.graph_of_edge][:, None]
        row, column = np.concatenate([pairs, pairs[:, ::-1]]).T
        matrix = sparse.csr_array((np.ones(len(row), np.int64), (row, column)), shape=(total, total))
        matrix.sort_indices()
        return matrix

    def to_edge_index(self) -> tuple[Int64Array, Int64Array]:
        """(edge_index int64[2, 2E] with global node ids and both directions, batch int64[N]), as PyTorch Geometric has it."""
        coordinates = self.to_csr().tocoo()
        batch = np.repeat(np.arange(len(self)), self.num_nodes)
        return np.stack([coordinates.row, coordinates.col]).astype(np.int64), batch

    def to_arrow(self) -> "pa.Table":
        """A table with one row a graph: num_nodes int32, edges list of int32 pairs; the edges are not copied."""
        from gengraph.graphs.arrow import table_from_arrays

        return table_from_arrays(self.num_nodes, self.edge_offsets, self.edges)

    def to_networkx(self) -> "list[nx.Graph[int]]":
        """One networkx.Graph a graph, nodes 0..n-1."""
        import networkx as nx

        graphs = []
        for g, n in enumerate(self.num_nodes):
            graph: nx.Graph[int] = nx.empty_graph(int(n))
            graph.add_edges_from(self.edges[self.edge_offsets[g] : self.edge_offsets[g + 1]].tolist())
            graphs.append(graph)
        return graphs

    def degrees(self) -> Int64Array:
        """int64[N], the neighbours of each node, all graphs in turn."""
        ends = self.edges + self.node_offsets[:-1][self.graph_of_edge][:, None]
        return np.bincount(ends.reshape(-1), minlength=int(self.node_offsets[-1]))

    def component_labels(self) -> Int64Array:
        """int64[N], a number for each connected component; components of all graphs are numbered through."""
        _, labels = sparse.csgraph.connected_components(self.to_csr(), directed=False)
        return np.asarray(labels, dtype=np.int64)

    def num_components(self) -> Int64Array:
        """int64[G], connected components of each graph; an isolated node is one, the graph without nodes has none."""
        graph_of_node = np.repeat(np.arange(len(self)), self.num_nodes)
        _, first = np.unique(self.component_labels(), return_index=True)
        return np.bincount(graph_of_node[first], minlength=len(self))

    def largest_components(self) -> "GraphSet":
        """The largest connected component of each graph (the one with the lowest node at a tie), nodes renumbered in order."""
        labels = self.component_labels()
        if not len(labels):
            return self
        graph_of_node = np.repeat(np.arange(len(self)), self.num_nodes)
        _, first, sizes = np.unique(labels, return_index=True, return_counts=True)
        order = np.lexsort((first, -sizes, graph_of_node[first]))
        ranked = graph_of_node[first][order]
        winners = order[np.concatenate([[True], ranked[1:] != ranked[:-1]])]
        return self.induced(np.isin(labels, winners))

    def induced(self, keep: npt.NDArray[np.bool_]) -> "GraphSet":
        """The subgraphs induced on the nodes with `keep` bool[N]; kept nodes are renumbered in order."""
        graph_of_node = np.repeat(np.arange(len(self)), self.num_nodes)
        num_nodes = np.bincount(graph_of_node[keep], minlength=len(self))
        new_offsets = np.concatenate([[0], np.cumsum(num_nodes)])
        new_id = np.cumsum(keep) - 1
        graph = self.graph_of_edge
        ends = self.edges + self.node_offsets[:-1][graph][:, None]
        inside = keep[ends].all(axis=1)
        local = new_id[ends[inside]] - new_offsets[graph[inside]][:, None]
        return GraphSet.from_flat(num_nodes, graph[inside], local)


def _is_canonical(num_nodes: Int32Array, offsets: Int64Array, edges: Int32Array) -> bool:
    """Whether edges are inside their graph, u < v, sorted and unique in each graph; the fast way to say yes."""
    if not len(edges):
        return True
    u, v = edges[:, 0], edges[:, 1]
    largest = np.maximum.reduceat(v, offsets[:-1][np.diff(offsets) > 0])
    if u.min() < 0 or (u >= v).any() or (largest >= num_nodes[np.diff(offsets) > 0]).any():
        return False
    key = u.astype(np.int64)
    key <<= 32
    key |= v
    rising = key[1:] > key[:-1]
    rising[offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(edges))] - 1] = True
    return bool(rising.all())


def _check_edges(num_nodes: npt.NDArray[Any], graph: Int64Array, edges: npt.NDArray[Any]) -> None:
    """Raise InputError unless edges are canonical: inside their graph, u < v, sorted by (graph, u, v), unique."""
    if not len(edges):
        return
    u, v = edges[:, 0], edges[:, 1]
    outside = (u < 0) | (v >= num_nodes[graph])
    same_graph = graph[1:] == graph[:-1]
    repeated = same_graph & (u[1:] == u[:-1]) & (v[1:] == v[:-1])
    for what, bad, advice in (
        ("an edge to a node outside 0..n-1", outside, "number the nodes of each graph 0..n-1"),
        ("a self-loop", u == v, "remove the loops"),
        ("a parallel edge", np.concatenate([[False], repeated]), "keep one edge a pair of nodes"),
    ):
        if bad.any():
            first = int(np.argmax(bad))
            msg = (
                f"graphs must be simple and undirected: graph {int(graph[first])} has {what} "
                f"({int(u[first])}, {int(v[first])}), and {int(bad.sum()) - 1} more edges are of this kind; {advice}"
            )
            raise InputError(msg)
    if (u > v).any() or (same_graph & ((u[1:] < u[:-1]) | ((u[1:] == u[:-1]) & (v[1:] < v[:-1])))).any():
        msg = "edges must have u < v and be sorted by (u, v) in each graph; GraphSet.from_flat sorts them"
        raise InputError(msg)
