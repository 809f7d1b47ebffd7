"""Partial graphs side by side: which actions are open to each, and taking them, on whole arrays.

An action is three numbers (first, target, bond): an edge of the label `bond` from node `first` to node `target`, or to a new
node of the label -1 - target if that is negative; of two nodes that are there, first is the newer one, so that an edge is one
action. (ALONE, -1 - label, 0) is a new node without an edge, the first one of a graph say, and (END, 0, 0) ends the graph.

Legend: B graphs, n room for nodes, K node labels, E edge labels.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from gengraph.graphs import GraphSet, Int64Array, LabelSchema
from gengraph.models.dense import BoolArray, inside, labelled_graphs
from gengraph.models.family import Facts

ALONE, END = -1, -2
KINDS = EDGE_KIND, ALONE_KIND, END_KIND = 0, 1, 2
_NO_LIMIT = 1 << 30


def kinds_of(first: Int64Array) -> Int64Array:
    """int64[...] EDGE_KIND, ALONE_KIND or END_KIND, from the first number of actions."""
    return np.where(first >= 0, EDGE_KIND, -first)


@dataclass(frozen=True, slots=True)
class Rules:
    """What graphs may become.

    Attributes:
        largest: int64[K], the largest sum of bond orders by node label.
        orders: int64[E], the bond order by edge label.
        components: whether a node may begin another component.
    """

    largest: Int64Array
    orders: Int64Array
    components: bool

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """From the facts of a family; without valences everything fits, and without edges nothing."""
        nodes, edges = facts["kinds"]
        if not facts["has_edges"]:
            return cls(np.zeros(nodes, np.int64), np.ones(edges, np.int64), facts["components"])
        if facts["valences"] is None:
            return cls(np.full(nodes, _NO_LIMIT), np.ones(edges, np.int64), facts["components"])
        largest, orders = facts["valences"]
        return cls(np.array(largest, np.int64), np.array(orders, np.int64), facts["components"])

    def obeyed(self, graphs: GraphSet) -> BoolArray:
        """bool[G], whether graphs have no more bonds at a node than it may have, and one component where more are not drawn."""
        labels: Any = np.zeros(int(graphs.num_nodes.sum()), np.int64) if graphs.node_labels is None else graphs.node_labels
        of_edges: Any = np.zeros(len(graphs.edges), np.int64) if graphs.edge_labels is None else graphs.edge_labels
        ends = graphs.edges + graphs.node_offsets[graphs.graph_of_edge][:, None]
        total = np.bincount(ends.ravel(), np.repeat(self.orders[of_edges], 2), minlength=len(labels))
        broken = graphs.graph_of_node[total > self.largest[labels]]
        fit: BoolArray = np.bincount(broken, minlength=len(graphs)) == 0
        return fit if self.components else fit & (graphs.num_components() == 1)

    @property
    def least(self) -> int:
        """The smallest order that a bond has."""
        return int(self.orders.min())


@dataclass(slots=True)
class States:
    """Partial graphs.

    Attributes:
        rules: of all of them.
        labels: int64[B, n]; 0 where a graph has no such node.
        bonds: int8[B, n, n], symmetric: 0 for none, 1 + label.
        count: int64[B], nodes.
        given: nodes that were there at the start: no edge comes between them.
    """

    rules: Rules
    labels: Int64Array
    bonds: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    count: Int64Array
    given: int = 0

    @classmethod
    def empty(cls, rules: Rules, graphs: int, room: int) -> Self:
        """Graphs without nodes."""
        bonds = np.zeros((graphs, room, room), np.int8)
        return cls(rules, np.zeros((graphs, room), np.int64), bonds, np.zeros(graphs, np.int64))

    @classmethod
    def started(cls, rules: Rules, start: GraphSet, graphs: int) -> Self:
        """As many as asked for, each of which is one graph that is given."""
        n = int(start.num_nodes[0])
        states = cls.empty(rules, graphs, n)
        (low, high), of_edges = start.edges.T, 0 if start.edge_labels is None else start.edge_labels
        states.bonds[:, low, high] = states.bonds[:, high, low] = 1 + of_edges
        states.labels[:] = 0 if start.node_labels is None else start.node_labels
        states.count[:] = states.given = n
        return states

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: Int64Array | BoolArray) -> "States":
        """Some of them, a copy, with no more room than they need."""
        count = self.count[rows]
        n = max(1, int(count.max(initial=0)))
        return States(self.rules, self.labels[rows, :n], self.bonds[rows, :n, :n], count, self.given)

    @property
    def room(self) -> int:
        """How many nodes there is room for, n."""
        return int(self.labels.shape[1])

    def widened(self, room: int) -> "States":
        """With room for more nodes."""
        more = room - self.room
        bonds = np.pad(self.bonds, ((0, 0), (0, more), (0, more)))
        return States(self.rules, np.pad(self.labels, ((0, 0), (0, more))), bonds, self.count, self.given)

    def free(self) -> Int64Array:
        """int64[B, n], the sum of orders that each node can still take; -1 where there is none."""
        orders = np.append(0, self.rules.orders)
        taken = orders[self.bonds].sum(-1)
        free: Int64Array = np.where(inside(self.count, self.room), self.rules.largest[self.labels] - taken, -1)
        return free

    def open_kinds(self, firsts: BoolArray) -> BoolArray:
        """bool[B, 3]: an edge, a node alone, the end; a graph without nodes can get nothing but a node.

        Args:
            firsts: bool[B, n] from `open_firsts`.
        """
        begun = self.count > 0
        return np.column_stack([firsts.any(1), ~begun | self.rules.components, begun])

    def open_firsts(self, free: Int64Array) -> BoolArray:
        """bool[B, n]: nodes that can take a bond; a new node can always be its other end."""
        return free >= self.rules.least

    def open_targets(self, free: Int64Array, first: Int64Array) -> BoolArray:
        """bool[B, n + K]: what the node int64[B] `first` can be linked to: older nodes, then new ones by their label."""
        nodes, rows = np.arange(self.room), np.arange(len(self))
        older = (nodes < first[:, None]) & (self.bonds[rows, first] == 0) & (free >= self.rules.least)
        if self.given:
            older &= (nodes >= self.given) | (first >= self.given)[:, None]
        new = np.broadcast_to(self.rules.largest >= self.rules.least, (len(self), len(self.rules.largest)))
        return np.concatenate([older, new], 1)

    def open_bonds(self, free: Int64Array, first: Int64Array, target: Int64Array) -> BoolArray:
        """bool[B, E]: labels of an edge from int64[B] `first` to int64[B] `target` that both can take."""
        rows = np.arange(len(self))
        there = np.where(target >= 0, free[rows, np.maximum(target, 0)], self.rules.largest[-1 - np.minimum(target, -1)])
        return self.rules.orders <= np.minimum(free[rows, first], there)[:, None]

    def take(self, actions: Int64Array) -> None:
        """Change each graph by int64[B, 3]; there must be room. END changes nothing."""
        first, target, bond = actions.T
        grows = (first != END) & (target < 0)
        rows, newest = np.flatnonzero(grows), self.count[grows]
        self.labels[rows, newest] = -1 - target[grows]
        end = np.where(grows, self.count, target)
        self.count += grows
        linked = np.flatnonzero(first >= 0)
        first, end, bond = first[linked], end[linked], bond[linked]
        self.bonds[linked, first, end] = self.bonds[linked, end, first] = 1 + bond

    def graphs(self, schema: LabelSchema) -> GraphSet:
        """What they are, with labels if the schema has any."""
        return labelled_graphs(self.count, self.labels, self.bonds, schema)
