"""The order in which a graph is labelled, and what is known at each decision: compiled.

Nodes are visited depth first, from a random node and with neighbours in random order. At each node its label is decided, then
the label of each edge to a node visited before, the latest first. Of a directed set an edge's label also says its direction as
the new node sees it: out, in, both.

Legend: B graphs, N nodes, E edges, D decisions of all graphs together; K labels of nodes (1 where they have none), C classes of
edges, labels x directions (1 where they have none); F features.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array, LabelSchema
from gengraph.graphs.schema import BACKWARD, BOTH, FORWARD, LabelArrays
from gengraph.streams import below, open_stream, uniform_at

Int32Array = npt.NDArray[np.int32]
LONGEST_CYCLE = 8  # lengths that edges are told apart by: the shortest cycle through one
NUM_CYCLES = LONGEST_CYCLE - 1  # 3..8, or longer or none


@dataclass(frozen=True, slots=True)
class Classes:
    """How many labels there are to decide between.

    Attributes:
        nodes: K.
        edges: C.
        directed: C counts each label three times: out, in, both.
    """

    nodes: int
    edges: int
    directed: bool

    @classmethod
    def of(cls, schema: LabelSchema) -> "Classes":
        """Those of a schema."""
        nodes, edges = schema.num_kinds
        return cls(nodes, edges * (3 if schema.directed else 1), schema.directed)

    @property
    def num_features(self) -> int:
        """F."""
        return 3 + 4 * self.nodes + 3 * self.edges


class Decisions(NamedTuple):
    """The decisions of some graphs, graph after graph; nodes and edges are numbered through.

    Attributes:
        offsets: int64[B + 1], where those of each graph begin.
        node: int32[D], the node that is labelled, or the newer one of the edge.
        other: int32[D], the older node of the edge; of a node the one it was reached from, -1 for the first of a component.
        edge: int32[D], -1 where a node is labelled.
        told: int64[D], which decision of its graph labelled `other`; which it is itself where there is none.
        starts: int64[N + 1], where the neighbours of each node begin.
        neighbours: int32[2E].
        rows: int32[2E], the edges to them.
        cycle: int32[E], the length of the shortest cycle through the edge less 3, NUM_CYCLES - 1 for long ones and none.
    """

    offsets: Int64Array
    node: Int32Array
    other: Int32Array
    edge: Int32Array
    told: Int64Array
    starts: Int64Array
    neighbours: Int32Array
    rows: Int32Array
    cycle: Int32Array


class State(NamedTuple):
    """What has been decided.

    Attributes:
        label: int32[N], -1 where there is none yet.
        counts: float32[N, C], edges of each class at each node, as the node sees them.
        near: float32[N, K], neighbours of each label.
        left: float32[N], edges that are not decided.
    """

    label: Int32Array
    counts: npt.NDArray[np.float32]
    near: npt.NDArray[np.float32]
    left: npt.NDArray[np.float32]


def decisions_of(graphs: GraphSet, keys: npt.NDArray[np.uint64], *, with_edges: bool) -> Decisions:
    """The decisions of graphs, each in the order that its key draws.

    Args:
        graphs: B of them.
        keys: uint64[B].
        with_edges: edges have labels; else nodes alone are decided.

    Complexity: O(D log D) and the cost of the shortest cycles, at most O(E) an edge and little where there are short ones.
    """
    nodes, sizes = graphs.node_offsets, graphs.num_nodes + (graphs.num_edges if with_edges else 0)
    ends = (graphs.edges + nodes[:-1][graphs.graph_of_edge][:, None]).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    starts, neighbours, rows = _adjacency(int(nodes[-1]), ends)
    cycle = _shortest_cycles(int(nodes[-1]), ends, starts, neighbours, rows)
    node, other, edge, told = _visit_all(nodes, offsets, keys, with_edges, starts, neighbours, rows)
    return Decisions(offsets, node, other, edge, told, starts, neighbours, rows, cycle)


@nb.njit(cache=True)
def uniforms_for(keys: npt.NDArray[np.uint64], counts: Int64Array) -> npt.NDArray[np.float64]:
    """float64[sum of counts] in [0, 1): the numbers of each key in turn."""
    numbers, place = np.empty(counts.sum(), np.float64), 0
    for i in range(len(keys)):
        for counter in range(counts[i]):
            numbers[place] = uniform_at(keys[i], counter + 1)
            place += 1
    return numbers


def classes_of(graphs: GraphSet, decisions: Decisions) -> Int64Array:
    """int64[D], what was decided: the labels of labelled graphs."""
    labels = graphs.labels or LabelArrays(LabelSchema())
    of_node = np.zeros(len(decisions.starts) - 1, np.int64) if labels.nodes is None else labels.nodes
    of_edge = np.zeros(len(graphs.edges), np.int64) if labels.edges is None else labels.edges.astype(np.int64)
    if labels.directions is not None:
        seen = np.zeros(len(graphs.edges), np.int64)
        edges = decisions.edge >= 0
        rises = np.zeros(len(graphs.edges), np.bool_)
        rises[decisions.edge[edges]] = decisions.node[edges] < decisions.other[edges]
        seen[labels.directions == BOTH] = 2
        seen[labels.directions == np.where(rises, BACKWARD, FORWARD)] = 1
        of_edge = 3 * of_edge + seen
    classes = of_node.astype(np.int64)[decisions.node]
    is_edge = decisions.edge >= 0
    classes[is_edge] = of_edge[decisions.edge[is_edge]]
    return classes


def labels_of(classes: Int64Array, decisions: Decisions, schema: LabelSchema, num_edges: int) -> LabelArrays:
    """The labels that were decided; the inverse of `classes_of`."""
    is_edge = decisions.edge >= 0
    of_node = np.empty(len(decisions.starts) - 1, np.int32)
    of_node[decisions.node[~is_edge]] = classes[~is_edge]
    of_edge, directions = np.zeros(num_edges, np.int64), None
    of_edge[decisions.edge[is_edge]] = classes[is_edge]
    if schema.directed:
        rises = np.zeros(num_edges, np.bool_)
        rises[decisions.edge[is_edge]] = decisions.node[is_edge] < decisions.other[is_edge]
        of_edge, seen = np.divmod(of_edge, 3)
        out, into = np.where(rises, FORWARD, BACKWARD), np.where(rises, BACKWARD, FORWARD)
        directions = np.choose(seen, [out, into, np.full(num_edges, BOTH)]).astype(np.int8)
    return LabelArrays.of(schema, of_node, of_edge, directions)


class Known:
    """What is known of labels while they are decided.

    Args:
        decisions: of some graphs.
        classes: how many there are.
    """

    def __init__(self, decisions: Decisions, classes: Classes) -> None:
        num_nodes = len(decisions.starts) - 1
        self._decisions, self._classes = decisions, classes
        self._state = State(
            label=np.full(num_nodes, -1, np.int32),
            counts=np.zeros((num_nodes, classes.edges), np.float32),
            near=np.zeros((num_nodes, classes.nodes), np.float32),
            left=np.diff(decisions.starts).astype(np.float32),
        )
        self._first = np.zeros(len(decisions.node) + 1, np.bool_)
        self._first[decisions.offsets] = True

    def features(self, which: Int64Array, previous: Int64Array) -> npt.NDArray[np.float32]:
        """float32[len(which), F], what is known at these decisions.

        Args:
            which: int64, one of each graph at most.
            previous: int64, the classes of the decisions before them; not looked at where there is none.
        """
        rows = np.zeros((len(which), self._classes.num_features), np.float32)
        _fill_some(rows, which, previous, self._first, self._decisions, self._state)
        return rows

    def add(self, which: Int64Array, classes: Int64Array) -> None:
        """These decisions are made."""
        _take_some(which, classes, self._classes.directed, self._decisions, self._state)

    def all_features(self, classes: Int64Array) -> npt.NDArray[np.float32]:
        """float32[D, F] of all decisions, if these are taken one after the other."""
        rows = np.zeros((len(classes), self._classes.num_features), np.float32)
        _fill_all(rows, classes, self._first, self._classes.directed, self._decisions, self._state)
        return rows


@nb.njit(cache=True)
def _adjacency(num_nodes: int, ends: Any) -> Any:
    """Where the neighbours of each node begin, the neighbours, and the edges to them."""
    starts = np.zeros(num_nodes + 1, np.int64)
    for e in range(len(ends)):
        starts[ends[e, 0] + 1] += 1
        starts[ends[e, 1] + 1] += 1
    starts = np.cumsum(starts)
    place = starts[:-1].copy()
    neighbours, rows = np.empty(2 * len(ends), np.int32), np.empty(2 * len(ends), np.int32)
    for e in range(len(ends)):
        for side in range(2):
            v = ends[e, side]
            neighbours[place[v]], rows[place[v]] = ends[e, 1 - side], e
            place[v] += 1
    return starts, neighbours, rows


@nb.njit(cache=True)
def _shortest_cycles(num_nodes: int, ends: Any, starts: Any, neighbours: Any, rows: Any) -> Any:
    """Breadth first from one end of each edge, without the edge, up to the longest cycle that is told apart."""
    cycle = np.full(len(ends), NUM_CYCLES - 1, np.int32)
    distance, queue = np.full(num_nodes, -1, np.int32), np.empty(num_nodes, np.int32)
    for e in range(len(ends)):
        source, target = ends[e, 0], ends[e, 1]
        distance[source], queue[0] = 0, source
        head, tail = 0, 1
        while head < tail and distance[target] < 0:
            w = queue[head]
            head += 1
            if distance[w] >= LONGEST_CYCLE - 1:
                break
            for k in range(starts[w], starts[w + 1]):
                x = neighbours[k]
                if rows[k] != e and distance[x] < 0:
                    distance[x] = distance[w] + 1
                    queue[tail] = x
                    tail += 1
        if distance[target] > 0:
            cycle[e] = distance[target] - 2
        for k in range(tail):
            distance[queue[k]] = -1
    return cycle


@nb.njit(cache=True)
def _visit_all(node_offsets: Any, offsets: Any, keys: Any, with_edges: bool, starts: Any, neighbours: Any, rows: Any) -> Any:
    """node, other, edge and told of `Decisions`."""
    size = offsets[-1]
    node, other, edge = np.empty(size, np.int32), np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    told = np.empty(size, np.int64)
    where = np.full(node_offsets[-1], -1, np.int64)  # the decision that labels each node
    for g in range(len(keys)):
        order, parents = _visit(node_offsets[g], node_offsets[g + 1], open_stream(keys[g], 0), starts, neighbours)
        begin = place = offsets[g]
        for i in range(len(order)):
            v = order[i]
            where[v], node[place], other[place] = place, v, parents[i]
            told[place] = (place if parents[i] < 0 else where[parents[i]]) - begin
            place += 1
            if with_edges:
                place = _edges_back(v, place, begin, where, starts, neighbours, rows, node, other, edge, told)
    return node, other, edge, told


@nb.njit(cache=True)
def _edges_back(  # noqa: PLR0913, PLR0917 - arrays of compiled code
    v: int,
    place: int,
    begin: int,
    where: Any,
    starts: Any,
    neighbours: Any,
    rows: Any,
    node: Any,
    other: Any,
    edge: Any,
    told: Any,
) -> int:
    """The edges of a node to those before it, the latest first."""
    near = neighbours[starts[v] : starts[v + 1]]
    for k in np.argsort(-where[near]):
        u = near[k]
        if where[u] >= 0:
            node[place], other[place], edge[place] = v, u, rows[starts[v] + k]
            told[place] = where[u] - begin
            place += 1
    return place


@nb.njit(cache=True)
def _visit(first: int, end: int, state: Any, starts: Any, neighbours: Any) -> Any:
    """The nodes of a graph depth first, neighbours in the order of random ranks, and where each was reached from."""
    n = end - first
    by_rank = np.arange(first, end)
    for k in range(n - 1, 0, -1):
        swap = below(state, k + 1)
        by_rank[k], by_rank[swap] = by_rank[swap], by_rank[k]
    rank = np.empty(n, np.int64)
    for k in range(n):
        rank[by_rank[k] - first] = k
    order, parents, count = np.empty(n, np.int64), np.empty(n, np.int64), 0
    visited = np.zeros(n, np.bool_)
    stack = [(np.int64(-1), np.int64(-1))]
    for root in by_rank:
        stack.append((root, np.int64(-1)))
        while len(stack) > 1:
            v, parent = stack.pop()
            if visited[v - first]:
                continue
            visited[v - first] = True
            order[count], parents[count] = v, parent
            count += 1
            near = neighbours[starts[v] : starts[v + 1]]
            for u in near[np.argsort(rank[near - first])]:
                stack.append((np.int64(u), np.int64(v)))  # noqa: PERF401 - compiled
    return order, parents


@nb.njit(cache=True)
def _fill(row: Any, d: int, previous: int, first: bool, decisions: Any, state: Any) -> None:
    """The features of a decision: kind, labels, counts of classes and of labels around, what was decided just before."""
    v, u, num_labels, num_classes = decisions.node[d], decisions.other[d], state.near.shape[1], state.counts.shape[1]
    row[1], place = state.left[v], 3
    if decisions.edge[d] >= 0:
        row[0] = row[place + state.label[v]] = 1.0
    place += num_labels
    row[place : place + num_labels] = state.near[v]
    place += num_labels
    row[place : place + num_classes] = state.counts[v]
    place += num_classes
    if u >= 0:
        row[2] = state.left[u]
        row[place + state.label[u]] = 1.0
        row[place + num_labels : place + num_labels + num_classes] = state.counts[u]
    place += num_labels + num_classes
    if not first:
        row[place + previous + (num_labels if decisions.edge[d - 1] >= 0 else 0)] = 1.0


@nb.njit(cache=True)
def _take(d: int, chosen: int, directed: bool, decisions: Any, state: Any) -> None:
    v, u = decisions.node[d], decisions.other[d]
    if decisions.edge[d] < 0:
        state.label[v] = chosen
        for k in range(decisions.starts[v], decisions.starts[v + 1]):
            state.near[decisions.neighbours[k], chosen] += 1.0
        return
    seen = chosen  # as the older node sees it
    if directed and chosen % 3 < 2:
        seen = chosen + 1 - 2 * (chosen % 3)
    state.counts[v, chosen] += 1.0
    state.counts[u, seen] += 1.0
    state.left[v] -= 1.0
    state.left[u] -= 1.0


@nb.njit(cache=True)
def _fill_some(rows: Any, which: Any, previous: Any, first: Any, decisions: Any, state: Any) -> None:
    for i in range(len(which)):
        _fill(rows[i], which[i], previous[i], first[which[i]], decisions, state)


@nb.njit(cache=True)
def _take_some(which: Any, classes: Any, directed: bool, decisions: Any, state: Any) -> None:
    for i in range(len(which)):
        _take(which[i], classes[i], directed, decisions, state)


@nb.njit(cache=True)
def _fill_all(rows: Any, classes: Any, first: Any, directed: bool, decisions: Any, state: Any) -> None:
    for d in range(len(classes)):
        _fill(rows[d], d, 0 if first[d] else classes[d - 1], first[d], decisions, state)
        _take(d, classes[d], directed, decisions, state)
