"""GraphSet: an immutable batch of simple graphs in flat arrays, with categorical labels and directions where they have any.

Legend: G graphs, N nodes of all graphs together, E edges of all graphs together.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.errors import InputError
from gengraph.graphs.attributes import Attributes, Directed
from gengraph.graphs.canonical import check_edges, is_canonical, narrow, order_of_edges
from gengraph.graphs.classes import Classes, joined_classes, same_classes
from gengraph.graphs.pairs import as_counts, as_pairs
from gengraph.graphs.schema import BACKWARD, BARE, BOTH, Int8Array, LabelArrays, LabelSchema, skeleton

if TYPE_CHECKING:
    import networkx as nx
    import pyarrow as pa

    from gengraph.graphs.foreign import NodeFrame

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
_BLOCK_GRAPHS = 1 << 14  # that are worked on at a time, where this bounds memory


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GraphSet:
    """A batch of simple graphs: no loops, no parallel edges, no attributes beyond categorical labels.

    Edges are undirected; those of a directed set say in `labels` which way they go, so that whatever works on edges works on
    the skeleton of a directed set.

    `graphs[i]`, a slice and an index array each give a GraphSet; iteration yields sets of one graph.

    Attributes:
        num_nodes: int32[G], nodes of each graph, >= 0.
        edge_offsets: int64[G + 1], graph g owns the rows `edge_offsets[g]:edge_offsets[g + 1]` of `edges`.
        edges: int32[E, 2], node ids local to the graph, u < v, sorted by (u, v) and unique in each graph.
        labels: of all nodes and edges, in their order; None for bare graphs.
        classes: of the graphs; None if none has one.

    Raises:
        InputError: the arrays break one of these rules. `from_flat` accepts edges in any order.
    """

    num_nodes: Int32Array
    edge_offsets: Int64Array
    edges: Int32Array
    labels: LabelArrays | None = None
    classes: Classes | None = None

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
        if self.labels is not None:
            object.__setattr__(self, "labels", self._checked(self.labels))
        if self.classes is not None and len(self.classes.codes) != len(self):
            msg = f"classes must be one for each of {len(self)} graphs, got {len(self.classes.codes)}"
            raise InputError(msg)

    def _checked(self, labels: LabelArrays) -> LabelArrays | None:
        """Labels for each node and edge, or None if they say nothing."""
        for name, array in labels.arrays().items():
            expected = int(self.node_offsets[-1]) if name == "nodes" else len(self.edges)
            if len(array) != expected:
                msg = f"labels must have one of {name} for each of {expected}, got {len(array)}"
                raise InputError(msg)
        return labels if labels.schema else None

    @classmethod
    def unchecked(
        cls,
        num_nodes: npt.ArrayLike,
        edge_offsets: npt.ArrayLike,
        edges: npt.ArrayLike,
        labels: LabelArrays | None = None,
        classes: Classes | None = None,
    ) -> Self:
        """Build from arrays that are known to obey all rules, because the code that made them cannot break them."""
        graphs = object.__new__(cls)
        object.__setattr__(graphs, "labels", labels)
        object.__setattr__(graphs, "classes", classes)
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
    def from_flat(
        cls,
        num_nodes: npt.ArrayLike,
        graph_of_edge: npt.ArrayLike,
        edges: npt.ArrayLike,
        labels: LabelArrays | None = None,
        *,
        directed: bool = False,
    ) -> Self:
        """Build from edges in any order and orientation.

        Args:
            num_nodes: int[G].
            graph_of_edge: int[E], the graph that each edge belongs to.
            edges: int[E, 2], node ids local to the graph.
            labels: of the nodes, graph after graph, and of the edges as they stand.
            directed: edges are (source, target); the two of a pair of nodes, if both are there, have the same label.

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
            labels = labels and labels.taken(slice(None), order)
        if directed:
            forward = as_pairs(edges)[:, 0] == pairs[:, 0] if order is None else as_pairs(edges)[order, 0] == pairs[:, 0]
            first, labels = skeleton(graph, pairs, forward, labels or LabelArrays(BARE))
            graph, pairs = graph[first], pairs[first]
        check_edges(nodes, graph, pairs)
        offsets = np.searchsorted(graph, np.arange(len(nodes) + 1))
        return cls(nodes, offsets.astype(np.int64), pairs.astype(np.int32), labels)

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
    def from_networkx(
        cls,
        graphs: "Iterable[nx.Graph[Any]]",
        *,
        attributes: Attributes = "error",
        node_label: str = "",
        edge_label: str = "",
        directed: Directed = "error",
    ) -> Self:
        """Build from networkx graphs; nodes of any type are numbered in iteration order, `graph.graph["class"]` is its class.

        Args:
            graphs: simple.
            attributes: error, or drop: attributes of nodes and edges are left behind. Names (id, label, name, key) and weights
                of 1 are none, as in files.
            node_label: the attribute that is the label of nodes; every node has it.
            edge_label: the same of edges.
            directed: error, or keep: a set of directed graphs.

        Raises:
            InputError: a directed graph unless they are kept, a multigraph, a graph with loops, further attributes, a node
                without its label, real numbers for labels, or something that is no graph.
        """
        from gengraph.graphs.foreign import set_from_networkx

        made, said, are_directed = set_from_networkx(graphs, attributes, node_label, edge_label, directed)
        return cls.from_flat(*made, directed=are_directed).classified(said)

    @classmethod
    def from_frame(  # noqa: PLR0913 - what frames differ in
        cls,
        edges: Any,
        *,
        graph: str | None = None,
        source: str = "source",
        target: str = "target",
        attributes: Attributes = "error",
        edge_label: str = "",
        nodes: "NodeFrame | None" = None,
        directed: bool = False,
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
            edge_label: the column that is kept as the label of edges.
            nodes: a frame of nodes with their labels, which may have nodes without edges.
            directed: each row goes from source to target.

        Raises:
            InputError: a column is missing or further ones are there, ids of several types, a row without ids, a node or edge
                without a label, or loops and parallel edges.
        """
        from gengraph.graphs.foreign import set_from_frame

        made = set_from_frame(edges, (graph, source, target), attributes, edge_label=edge_label, beside=nodes)
        return cls.from_flat(*made, directed=directed)

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
        from gengraph.graphs.matrices import flat_of_csr

        return cls.from_flat(*flat_of_csr(adjacency, attributes))

    @classmethod
    def from_edge_index(
        cls,
        edge_index: npt.ArrayLike,
        batch: npt.ArrayLike,
        labels: LabelArrays | None = None,
        *,
        directed: bool = False,
    ) -> Self:
        """Build from PyTorch-Geometric-style arrays; the inverse of `to_edge_index`.

        Args:
            edge_index: int[2, A], global node ids; each undirected edge stands in both directions.
            batch: int[N], the graph that each node belongs to, ascending.
            labels: of the N nodes, and of the A edges as they stand.
            directed: edges go from the first row to the second, and need no edge the other way.

        Raises:
            InputError: arrays of other shapes, `batch` is not ascending, an edge joins two graphs, stands in one direction
                only and the graphs are not directed, or has another label than the one the other way.
        """
        from gengraph.graphs.matrices import flat_of_edge_index

        sizes, owner, pairs, kept = flat_of_edge_index(edge_index, batch, labels, directed=directed)
        return cls.from_flat(sizes, owner, pairs, kept, directed=directed)

    @classmethod
    def from_arrow(cls, table: "pa.Table") -> Self:
        """Build from a table with columns num_nodes and edges (list of pairs), the form that `to_arrow` writes."""
        from gengraph.graphs.arrow import arrays_from_table, classes_from_table, labels_from_table

        return cls(*arrays_from_table(table), labels_from_table(table), classes_from_table(table))

    @classmethod
    def concatenate(cls, sets: "Iterable[GraphSet]") -> Self:
        """All graphs of several sets, in order.

        Raises:
            InputError: some have labels and others have none, or labels of other names.
        """
        parts = list(sets)
        if not parts:
            return cls.empty()
        counts = np.concatenate([np.diff(part.edge_offsets) for part in parts])
        return cls.unchecked(
            np.concatenate([part.num_nodes for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.edges for part in parts]),
            _joined([part for part in parts if len(part)]),
            joined_classes((part.classes, len(part)) for part in parts),
        )

    def __len__(self) -> int:
        return len(self.num_nodes)

    def __iter__(self) -> "Iterator[GraphSet]":
        nodes = None if self.labels is None else self.node_offsets
        return (self._run(i, i + 1, nodes) for i in range(len(self)))

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
        classes = self.classes and self.classes.taken(chosen)
        return GraphSet.unchecked(self.num_nodes[chosen], offsets, edges, self._labels_of(chosen), classes)

    def _labels_of(self, chosen: Int64Array) -> LabelArrays | None:
        """Labels of some graphs, in the order in which they are named."""
        if self.labels is None:
            return None
        return self.labels.taken(_rows(self.node_offsets, chosen), _rows(self.edge_offsets, chosen))

    def _run(self, start: int, stop: int, nodes: Int64Array | None = None) -> "GraphSet":
        """Graphs that stand together, without a copy of their edges."""
        offsets = self.edge_offsets[start : stop + 1]
        edges, labels = slice(offsets[0], offsets[-1]), None
        if self.labels is not None:
            nodes = self.node_offsets if nodes is None else nodes
            labels = self.labels.taken(slice(nodes[start], nodes[stop]), edges)
        classes = self.classes and self.classes.taken(slice(start, stop))
        return GraphSet.unchecked(self.num_nodes[start:stop], offsets - offsets[0], self.edges[edges], labels, classes)

    def _blocks(self) -> "Iterator[GraphSet]":
        return (self[start : start + _BLOCK_GRAPHS] for start in range(0, len(self), _BLOCK_GRAPHS))

    def __eq__(self, other: object) -> bool:
        """Same graphs with the same node numbers, labels and classes in the same order (not isomorphism)."""
        if not isinstance(other, GraphSet):
            return NotImplemented
        return (
            np.array_equal(self.num_nodes, other.num_nodes)
            and np.array_equal(self.edge_offsets, other.edge_offsets)
            and np.array_equal(self.edges, other.edges)
            and same_classes(self.classes, other.classes)
            and (
                self.labels is other.labels if self.labels is None or other.labels is None else self.labels.equals(other.labels)
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        more = (f", {self.schema}" if self.schema else "") + (f", {self.classes.num} classes" if self.classes else "")
        return f"GraphSet({len(self)} graphs, {int(self.num_nodes.sum())} nodes, {len(self.edges)} edges{more})"

    @property
    def schema(self) -> LabelSchema:
        """What the graphs say beyond nodes and undirected edges."""
        return BARE if self.labels is None else self.labels.schema

    @property
    def node_labels(self) -> Int32Array | None:
        """int32[N], in `schema.nodes`."""
        return None if self.labels is None else self.labels.nodes

    @property
    def edge_labels(self) -> Int32Array | None:
        """int32[E], in `schema.edges`."""
        return None if self.labels is None else self.labels.edges

    @property
    def directions(self) -> Int8Array | None:
        """int8[E]: 1 from u to v, 2 from v to u, 3 both; None for undirected graphs."""
        return None if self.labels is None else self.labels.directions

    def bare(self) -> "GraphSet":
        """Nodes and undirected edges alone, and the classes of the graphs."""
        return self if self.labels is None else self.labelled(None)

    def classified(self, classes: "Classes | Sequence[Any] | None") -> Self:
        """The same graphs, of these classes instead: one for each, or None for one that has none.

        Raises:
            InputError: there is not one for each graph.
        """
        said = classes if classes is None or isinstance(classes, Classes) else Classes.of(classes)
        num = len(self) if classes is None else len(classes.codes if isinstance(classes, Classes) else classes)
        if num != len(self):
            msg = f"classes must be one for each of {len(self)} graphs, got {num}"
            raise InputError(msg)
        return self.unchecked(self.num_nodes, self.edge_offsets, self.edges, self.labels, said)

    def labelled(self, labels: LabelArrays | None) -> "GraphSet":
        """The same nodes and edges with these labels instead.

        Raises:
            InputError: there is not one for each node or edge.
        """
        checked = None if labels is None else self._checked(labels)
        return GraphSet.unchecked(self.num_nodes, self.edge_offsets, self.edges, checked, self.classes)

    def relabelled(self, schema: LabelSchema) -> "GraphSet":
        """The same labels by the numbers of another schema, such as the union of two.

        Raises:
            InputError: it lacks a value or a kind of labels that is there.
        """
        if schema == self.schema:
            return self
        return self.labelled((self.labels or LabelArrays(BARE)).with_schema(schema, len(self.edges)))

    def arcs(self) -> tuple[Int64Array, Int32Array]:
        """Edges as they go: (edge int64[A], its row in `edges`; ends int32[A, 2], source and target), in the order of rows.

        An undirected edge is one arc, from u to v; one of both directions is two.
        """
        if self.directions is None:
            return np.arange(len(self.edges)), self.edges
        edge = np.repeat(np.arange(len(self.edges)), np.where(self.directions == BOTH, 2, 1))
        back = self.directions[edge] == BACKWARD
        back[1:] |= edge[1:] == edge[:-1]
        return edge, np.where(back[:, None], self.edges[edge, ::-1], self.edges[edge])

    @property
    def num_edges(self) -> Int64Array:
        """int64[G], edges of each graph."""
        return np.diff(self.edge_offsets)

    @property
    def node_offsets(self) -> Int64Array:
        """int64[G + 1], where each graph's nodes begin when all nodes are numbered through."""
        return np.concatenate([[0], np.cumsum(self.num_nodes, dtype=np.int64)])

    @property
    def graph_of_node(self) -> Int64Array:
        """int64[N], the graph that each node belongs to."""
        return np.repeat(np.arange(len(self)), self.num_nodes)

    @property
    def graph_of_edge(self) -> Int64Array:
        """int64[E], the graph that each edge belongs to."""
        return np.repeat(np.arange(len(self)), self.num_edges)

    def content_hash(self) -> str:
        """Sha256 of the arrays and of what labels mean: equal for equal sets, on every machine."""
        digest = hashlib.sha256()
        arrays: tuple[tuple[npt.NDArray[Any], str], ...]
        arrays = (self.num_nodes, "<i4"), (self.edge_offsets, "<i8"), (self.edges.reshape(-1), "<i4")
        for array, dtype in arrays:
            digest.update(np.ascontiguousarray(array, dtype).data)
        if self.labels is not None:
            digest.update(json.dumps(self.schema.to_json(), sort_keys=True).encode())
            for array in self.labels.arrays().values():
                digest.update(array.astype("<i4").data)
        return digest.hexdigest()

    def to_csr(self) -> "sparse.csr_array":
        """The block-diagonal adjacency matrix of all skeletons, int64[N, N] with ones, indices sorted; O(N + E)."""
        total = int(self.node_offsets[-1])
        pairs = self.edges + self.node_offsets[:-1][self.graph_of_edge][:, None]
        row, column = np.concatenate([pairs, pairs[:, ::-1]]).T
        matrix = sparse.csr_array((np.ones(len(row), np.int64), (row, column)), shape=(total, total))
        matrix.sort_indices()
        return matrix

    def to_edge_index(self) -> tuple[Int64Array, Int64Array]:
        """(edge_index int64[2, A] with global node ids, batch int64[N]), as PyTorch Geometric has it.

        Undirected edges stand in both directions (A = 2E), those of a directed set in their own; sorted by source and target.
        Labels of nodes are in `node_labels`, those of the edges of edge_index in `edge_index_labels()`.
        """
        source, target, _ = self._both_ways()
        batch = self.graph_of_node
        return np.stack([source, target]), batch

    def edge_index_labels(self) -> Int32Array | None:
        """int32[A], the label of each edge of `to_edge_index()`."""
        return None if self.edge_labels is None else self.edge_labels[self._both_ways()[2]]

    def _both_ways(self) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Global sources and targets, and the rows of `edges`, sorted by source and target."""
        edge, ends = self.arcs()
        pairs = ends + self.node_offsets[:-1][self.graph_of_edge[edge]][:, None]
        if self.directions is None:
            pairs, edge = np.concatenate([pairs, pairs[:, ::-1]]), np.concatenate([edge, edge])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return pairs[order, 0], pairs[order, 1], edge[order]

    def to_arrow(self) -> "pa.Table":
        """A table with one row a graph: num_nodes int32, edges list of int32 pairs, labels, class; arrays are not copied."""
        from gengraph.graphs.arrow import table_from_arrays

        return table_from_arrays(self.num_nodes, self.edge_offsets, self.edges, self.labels, self.classes)

    def to_networkx(self) -> "list[nx.Graph[int]]":
        """One networkx.Graph a graph, a DiGraph if the set is directed; nodes 0..n-1, labels as attributes, also the class."""
        from gengraph.graphs.foreign import networkx_of

        return networkx_of(self)

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
        return np.bincount(self.graph_of_node[begins], minlength=len(self))

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
        graph_of_node = self.graph_of_node
        _, first, sizes = np.unique(labels, return_index=True, return_counts=True)
        order = np.lexsort((first, -sizes, graph_of_node[first]))
        ranked = graph_of_node[first][order]
        winners = order[np.concatenate([[True], ranked[1:] != ranked[:-1]])]
        return self.induced(np.isin(labels, winners))

    def induced(self, keep: npt.NDArray[np.bool_]) -> "GraphSet":
        """The subgraphs induced on the nodes with `keep` bool[N]; kept nodes are renumbered in order."""
        graph_of_node = self.graph_of_node
        num_nodes = np.bincount(graph_of_node[keep], minlength=len(self))
        new_offsets = np.concatenate([[0], np.cumsum(num_nodes)])
        new_id = np.cumsum(keep) - 1
        graph = self.graph_of_edge
        ends = self.edges + self.node_offsets[:-1][graph][:, None]
        inside = keep[ends].all(axis=1)
        local = new_id[ends[inside]] - new_offsets[graph[inside]][:, None]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(graph[inside], minlength=len(self)))])
        labels = self.labels and self.labels.taken(keep, inside)
        return GraphSet.unchecked(num_nodes, offsets, local, labels, self.classes)


def _rows(offsets: Int64Array, chosen: Int64Array) -> Int64Array:
    """The rows `offsets[g]:offsets[g + 1]` of each chosen g, one after the other."""
    counts = np.diff(offsets)[chosen]
    begins = np.cumsum(counts) - counts
    shift: Int64Array = np.repeat(offsets[chosen] - begins, counts)
    return shift + np.arange(len(shift))


def _joined(parts: "list[GraphSet]") -> LabelArrays | None:
    """The labels of several sets, one after the other."""
    if all(part.labels is None for part in parts):
        return None
    labels = [part.labels or LabelArrays(BARE) for part in parts]
    return LabelArrays.concatenate(labels, [len(part.edges) for part in parts])
