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
from gengraph.graphs.attributes import Attributes, check_attributes
from gengraph.graphs.canonical import check_edges, is_canonical, narrow, order_of_edges, sorted_pairs
from gengraph.graphs.pairs import as_counts, as_edge_index, as_pairs

if TYPE_CHECKING:
    import networkx as nx
    import pyarrow as pa

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
_BLOCK_GRAPHS = 1 << 14  # that are worked on at a time, where this bounds memory


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
        for name, dtype, read in (
            ("num_nodes", np.int32, as_counts),
            ("edge_offsets", np.int64, as_counts),
            ("edges", np.int32, as_pairs),
        ):
            given = getattr(self, name)
            plain = isinstance(given, np.ndarray) and given.dtype == dtype and given.ndim == (2 if name == "edges" else 1)
            if not plain or (name == "edges" and given.shape[1] != 2):
                given = narrow(read(given, name), dtype, name)
            array = np.ascontiguousarray(given).view()
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
        if not is_canonical(self.num_nodes, self.edge_offsets, self.edges):
            check_edges(self.num_nodes, self.graph_of_edge, self.edges)

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
            InputError: arrays of other shapes or with fractions; a loop, a parallel edge or a node id outside its graph: the
                message names and counts them.
        """
        nodes = narrow(as_counts(num_nodes, "num_nodes"), np.int32, "num_nodes")
        graph = as_counts(graph_of_edge, "graph_of_edge")
        pairs = np.sort(as_pairs(edges), axis=1)
        if len(graph) != len(pairs):
            msg = f"graph_of_edge must say the graph of each of {len(pairs)} edges, got {len(graph)} values"
            raise InputError(msg)
        if len(graph) and (graph.min() < 0 or graph.max() >= len(nodes)):
            msg = f"graph_of_edge must lie in 0..{len(nodes) - 1}, got {int(graph.min())}..{int(graph.max())}"
            raise InputError(msg)
        order = order_of_edges(graph, pairs[:, 0], pairs[:, 1], width=int(nodes.max(initial=0)), num_graphs=len(nodes))
        if order is not None:
            graph, pairs = graph[order], pairs[order]
        check_edges(nodes, graph, pairs)
        offsets = np.searchsorted(graph, np.arange(len(nodes) + 1))
        return cls(nodes, offsets.astype(np.int64), pairs.astype(np.int32))

    @classmethod
    def from_edge_lists(cls, num_nodes: Sequence[int], edge_lists: Iterable[npt.ArrayLike]) -> Self:
        """Build from one array-like of pairs a graph; complexity O(E log E).

        Raises:
            InputError: not one for each graph, something other than pairs of whole numbers, or what `from_flat` refuses.
        """
        parts = [as_pairs(edges, f"the edges of graph {g}") for g, edges in enumerate(edge_lists)]
        if len(parts) != len(num_nodes):
            msg = f"there must be a list of edges for each of {len(num_nodes)} graphs, got {len(parts)}; a list may be empty"
            raise InputError(msg)
        graph = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return cls.from_flat(num_nodes, graph, np.concatenate(parts) if parts else np.zeros((0, 2), np.int64))

    @classmethod
    def from_networkx(cls, graphs: "Iterable[nx.Graph[Any]]", *, attributes: Attributes = "error") -> Self:
        """Build from networkx graphs; nodes of any type are numbered in iteration order.

        Args:
            graphs: simple and undirected.
            attributes: error, or drop: attributes of nodes and edges are left behind. Names (id, label, name, key) and weights
                of 1 are none, as in files.

        Raises:
            InputError: a directed graph, a multigraph, a graph with loops, attributes, or something that is no graph.
        """
        from gengraph.graphs.foreign import lists_from_networkx

        return cls.from_edge_lists(*lists_from_networkx(graphs, attributes))

    @classmethod
    def from_frame(
        cls,
        edges: Any,
        *,
        graph: str | None = None,
        source: str = "source",
        target: str = "target",
        attributes: Attributes = "error",
    ) -> Self:
        """Build from a frame of pandas or polars with a row an edge.

        Nodes are numbered from 0 in each graph: in ascending order if all ids of the frame are whole numbers, else in the order
        in which they appear; graphs likewise. A row in which one end is missing is a node without (further) edges.

        Args:
            edges: the frame, or a mapping of columns.
            graph: the column that sets several graphs apart; None for one graph.
            source: the column of one end of each edge.
            target: the column of the other.
            attributes: error, or drop: further columns are left behind. A column `weight` that is always 1 is none.

        Raises:
            InputError: a column is missing or further ones are there, ids of several types, a row without ids, or loops and
                parallel edges.
        """
        from gengraph.graphs.foreign import columns_of_frame
        from gengraph.graphs.labels import numbered

        labelled = numbered(*columns_of_frame(edges, graph, source, target, attributes))
        if labelled.spellings:
            msg = f"{labelled.spellings} ids are written in several ways ({labelled.example}); make numbers of the columns"
            raise InputError(msg)
        owner = np.repeat(np.arange(len(labelled.num_nodes)), np.diff(labelled.edge_offsets))
        return cls.from_flat(labelled.num_nodes, owner, labelled.edges)

    @classmethod
    def from_csr(cls, adjacency: "sparse.csr_array | sparse.csr_matrix", *, attributes: Attributes = "error") -> Self:
        """Build one graph from a square symmetric adjacency matrix; entries other than 0 are edges, stored zeros are none.

        Args:
            adjacency: any matrix that scipy.sparse.csr_array takes.
            attributes: error, or drop: entries other than 1 are weights, which are left behind.

        Raises:
            InputError: a matrix that is not square or not symmetric (a directed graph), has weights, a non-zero diagonal
                (loops) or an entry twice.
        """
        check_attributes(attributes)
        matrix = sparse.coo_array(adjacency)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            msg = f"an adjacency matrix must be square, got shape {matrix.shape}"
            raise InputError(msg)
        there = np.flatnonzero(matrix.data)
        weights = int((matrix.data[there] != 1).sum())
        if weights and attributes == "error":
            msg = f"an adjacency matrix must hold ones, got {weights} other weights; pass matrix != 0, or attributes='drop'"
            raise InputError(msg)
        row, column = matrix.row[there].astype(np.int64), matrix.col[there].astype(np.int64)
        upper = row <= column
        if not np.array_equal(sorted_pairs(row[upper], column[upper]), sorted_pairs(column[row >= column], row[row >= column])):
            msg = "the adjacency matrix must be symmetric (an undirected graph); use matrix + matrix.T"
            raise InputError(msg)
        pairs = np.column_stack([row[upper], column[upper]])
        return cls.from_flat([matrix.shape[0]], np.zeros(len(pairs), np.int64), pairs)

    @classmethod
    def from_edge_index(cls, edge_index: npt.ArrayLike, batch: npt.ArrayLike) -> Self:
        """Build from PyTorch-Geometric-style arrays.

        Args:
            edge_index: int[2, 2E], global node ids, each edge in both directions.
            batch: int[N], the graph that each node belongs to, ascending.

        Raises:
            InputError: arrays of other shapes, `batch` is not ascending, an edge joins two graphs or stands in one direction
                only.
        """
        graph_of_node = as_counts(batch, "batch")
        if (np.diff(graph_of_node) < 0).any() or graph_of_node.min(initial=0) < 0:
            msg = "batch must be ascending from 0: the nodes of a graph stand together"
            raise InputError(msg)
        source, target = as_edge_index(edge_index)
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
        return cls.unchecked(
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
            return self._run(int(index) % len(self), int(index) % len(self) + 1)
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._run(start, max(start, stop))
            chosen = np.arange(start, stop, step)
        else:
            where = np.asarray(index)
            chosen = np.arange(len(self))[where if len(where) else slice(0)]
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.edge_offsets)[chosen])])
        edges = np.empty((int(offsets[-1]), 2), np.int32)
        for start in range(0, len(chosen), _BLOCK_GRAPHS):
            block = slice(start, start + _BLOCK_GRAPHS)
            first, last = offsets[block][0], offsets[: start + _BLOCK_GRAPHS + 1][-1]
            shift = np.repeat(self.edge_offsets[chosen[block]] - offsets[:-1][block], np.diff(offsets)[block])
            np.take(self.edges, np.arange(first, last) + shift, axis=0, out=edges[first:last])
        return GraphSet.unchecked(self.num_nodes[chosen], offsets, edges)

    def _run(self, start: int, stop: int) -> "GraphSet":
        """Graphs that stand together, without a copy of their edges."""
        offsets = self.edge_offsets[start : stop + 1]
        return GraphSet.unchecked(self.num_nodes[start:stop], offsets - offsets[0], self.edges[offsets[0] : offsets[-1]])

    def _blocks(self) -> "Iterator[GraphSet]":
        return (self[start : start + _BLOCK_GRAPHS] for start in range(0, len(self), _BLOCK_GRAPHS))

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
        arrays: tuple[tuple[npt.NDArray[Any], str], ...]
        arrays = (self.num_nodes, "<i4"), (self.edge_offsets, "<i8"), (self.edges.reshape(-1), "<i4")
        for array, dtype in arrays:
            digest.update(np.ascontiguousarray(array, dtype).data)
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
        degrees = np.empty(int(self.node_offsets[-1]), np.int64)
        node = 0
        for part in self._blocks():
            offsets = part.node_offsets
            ends = part.edges + offsets[:-1][part.graph_of_edge][:, None]
            degrees[node : node + offsets[-1]] = np.bincount(ends.reshape(-1), minlength=int(offsets[-1]))
            node += int(offsets[-1])
        return degrees

    def component_labels(self) -> Int64Array:
        """int64[N], a number for each connected component; components of all graphs are numbered through."""
        labels = np.empty(int(self.node_offsets[-1]), np.int64)
        node = label = 0
        for part in self._blocks():
            count, own = part._components()
            labels[node : node + len(own)] = own
            labels[node : node + len(own)] += label
            node, label = node + len(own), label + count
        return labels

    def num_components(self) -> Int64Array:
        """int64[G], connected components of each graph; an isolated node is one, the graph without nodes has none."""
        return np.concatenate([part._num_components() for part in self._blocks()] or [np.zeros(0, np.int64)])

    def _num_components(self) -> Int64Array:
        labels = self._components()[1]
        begins = np.diff(np.maximum.accumulate(labels), prepend=-1) > 0
        return np.bincount(np.repeat(np.arange(len(self)), self.num_nodes)[begins], minlength=len(self))

    def _components(self) -> tuple[int, npt.NDArray[np.int32]]:
        """How many connected components there are, and int32[N], which one each node is of, in the order of first nodes."""
        offsets = self.node_offsets
        first = offsets[:-1][self.graph_of_edge]
        pointers = np.concatenate([[0], np.cumsum(np.bincount(self.edges[:, 0] + first, minlength=int(offsets[-1])))])
        upper = (np.ones(len(self.edges), np.int8), self.edges[:, 1] + first, pointers)
        matrix = sparse.csr_array(upper, shape=(int(offsets[-1]),) * 2)
        count, labels = sparse.csgraph.connected_components(matrix, directed=False)
        return int(count), labels

    def largest_components(self) -> "GraphSet":
        """The largest connected component of each graph (the one with the lowest node at a tie), nodes renumbered in order."""
        if (self.num_components() <= 1).all():
            return self
        labels = self.component_labels()
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
