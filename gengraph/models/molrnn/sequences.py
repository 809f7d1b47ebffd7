"""Labelled graphs along orders of their nodes, as the decisions that build them.

A graph begins with a node of some label. Each decision then does one of four things:

- append: a new node of a label, with an edge of a label to an earlier node;
- connect: an edge of a label from the newest node to an earlier one;
- begin: a new node of a label without an edge, where a graph has several components;
- end.

A node takes its earlier neighbours from the latest to the earliest, the first by `append`. So an ordered graph is one sequence
of decisions, and what the newest node may be connected to are the nodes before the last one that it was given an edge to.

Legend: G graphs, B sequences (G k, those of a graph side by side), n nodes of the largest, S decisions of all sequences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency, drawn_order
from gengraph.models.dense import BoolArray, inside
from gengraph.models.family import Encoder
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.seeded import Stream

NONE = -1
_NEVER = 2**30  # later than all decisions
_NEXT_ORDER = 2**44  # epochs between the streams of a graph's orders, more than there are of training, validation and bounds


@dataclass(frozen=True, slots=True)
class Sequences:
    """A batch: graphs, and the decisions that build them.

    A decision appends if it has a node label and a target, begins if it has a node label alone, connects if it has a target
    alone, and ends if it has neither.

    Attributes:
        graph: int64[G].
        sizes: int64[B], nodes.
        nodes: int64[B, n], their labels in the order of the sequence; 0 where there is no node.
        edges: int64[B, n, n], 1 + the label of each edge, symmetric; 0 where there is none.
        arrival: int64[B, n, n], the number of the decision that makes the edge.
        log_order: float64[B], log of the probability with which the order was drawn; 0 where it was given.
        owner: int64[S], the sequence of a decision; ascending.
        time: int64[S], its number in that sequence.
        count: int64[S], nodes before it.
        floor: int64[S], the newest of them may be connected to the nodes below it.
        target: int64[S], the earlier end of the new edge, or NONE.
        label: int64[S], of the new node, or NONE.
        bond: int64[S], the label of the new edge, or NONE.
        given: nodes that each sequence was started with, which nobody decided on.
        told: float64[G, D], what a model with D conditions is told of each graph (`gengraph.rewards.conditions`); None tells
            nothing.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    sizes: Int64Array
    nodes: Int64Array
    edges: Int64Array
    arrival: Int64Array
    log_order: npt.NDArray[np.float64]
    owner: Int64Array
    time: Int64Array
    count: Int64Array
    floor: Int64Array
    target: Int64Array
    label: Int64Array
    bond: Int64Array
    given: int = 0
    told: npt.NDArray[np.float64] | None = None
    losses_of_data: Mapping[str, int] = field(default_factory=dict)

    @property
    def decided(self) -> BoolArray:
        """bool[S], which are about nodes that were not given."""
        connects = (self.label == NONE) & (self.target != NONE)
        decided: BoolArray = self.count - connects >= self.given
        return decided

    def after(self, given: int) -> "Sequences":
        """The same of graphs whose first nodes were given: what comes next connects none of these."""
        after = replace(self, given=given)
        decided = after.decided
        first = decided & ~np.append(False, decided[:-1] & (self.owner[1:] == self.owner[:-1]))
        return replace(after, floor=np.where(first, 0, self.floor))


def encoder(graphs: GraphSet, config: MolRNNConfig) -> Encoder:
    """What makes batches of labelled graphs: orders follow from (seed, epoch, index of the graph)."""
    adjacency = Adjacency.of(graphs)

    def encode(indices: Int64Array, *, key: tuple[int, int]) -> Sequences:
        indices = np.asarray(indices, np.int64)
        repeated = np.repeat(indices, config.orders)
        orders = [
            _order(adjacency, g, config.canonical, (key[0], key[1] + place * _NEXT_ORDER))
            for g in indices.tolist()
            for place in range(config.orders)
        ]
        log_order = np.zeros(len(orders))
        if config.orders > 1:
            log_order[:] = [
                log_prob_of_order(adjacency, g, order, config.canonical)
                for g, order in zip(repeated.tolist(), orders, strict=True)
            ]
        return sequences_of(graphs[repeated], orders, graph=indices, log_order=log_order)

    return encode


def _order(adjacency: Adjacency, graph: int, canonical: float, key: tuple[int, int]) -> Int64Array:
    if Stream(*key, graph).uniforms(1)[0] < canonical:
        return canonical_order(adjacency, graph)
    return drawn_order(adjacency, graph, "dfs", key=key).astype(np.int64)


def canonical_order(adjacency: Adjacency, graph: int) -> Int64Array:
    """int64[n], the nodes of a graph depth first, from those with the smallest numbers on."""
    first, after = adjacency.node_offsets[graph : graph + 2]
    begins, neighbours = adjacency.indptr[first : after + 1].tolist(), adjacency.neighbours
    found: dict[int, None] = {}
    stack = [*range(len(begins) - 2, -1, -1)]
    while stack:
        node = stack.pop()
        if node not in found:
            found[node] = None
            stack.extend(neighbours[begins[node] : begins[node + 1]][::-1].tolist())
    return np.fromiter(found, np.int64, len(found))


def log_prob_of_order(adjacency: Adjacency, graph: int, order: Int64Array, canonical: float) -> float:
    """Log of the probability with which an order of a graph is drawn, by the numbers of `canonical_order` or at random.

    At random each node is one of the neighbours, not placed yet, of the latest node that has any; the first of a component is
    any node not placed yet.
    """
    first, count = adjacency.node_offsets[graph], len(order)
    position = np.empty(count, np.int64)
    position[order] = np.arange(count)
    choices = 1.0
    for place, node in enumerate(order.tolist()):
        own = position[adjacency.neighbours[slice(*adjacency.indptr[first + node : first + node + 2])]]
        before = own[own < place]
        if len(before):
            parent = first + order[before.max()]
            own = position[adjacency.neighbours[slice(*adjacency.indptr[parent : parent + 2])]]
            choices *= (own >= place).sum()
        else:
            choices *= count - place
    same = canonical > 0 and np.array_equal(order, canonical_order(adjacency, graph))
    return float(np.log(canonical * same + (1 - canonical) / choices))


def sequences_of(
    graphs: GraphSet,
    orders: list[Int64Array] | None = None,
    *,
    graph: Int64Array | None = None,
    log_order: npt.NDArray[np.float64] | None = None,
    ended: BoolArray | None = None,
) -> Sequences:
    """The decisions that build graphs.

    Args:
        graphs: B, with labels or without.
        orders: the nodes of each in its order; None takes them as they are numbered.
        graph: int64[G], by default 0, 1, ...
        log_order: float64[B], by default 0.
        ended: bool[B], whether a graph ends by a decision, as it does unless it was cut.
    """
    sizes, count = graphs.num_nodes.astype(np.int64), len(graphs)
    n, first = int(sizes.max(initial=0)), graphs.node_offsets[:-1]
    within, position = inside(sizes, n), np.concatenate([np.arange(size) for size in sizes] or [np.zeros(0, np.int64)])
    for begin, order in zip(first.tolist(), orders or [], strict=False):
        position[begin + order] = np.arange(len(order))
    nodes, edges = np.zeros((count, n), np.int64), np.zeros((count, n, n), np.int64)
    if graphs.node_labels is not None:
        nodes[np.repeat(np.arange(count), sizes), position] = graphs.node_labels
    of_edge = graphs.graph_of_edge
    low, high = np.sort(position[graphs.edges + first[of_edge, None]], axis=1).T
    edges[of_edge, low, high] = edges[of_edge, high, low] = 1 if graphs.edge_labels is None else 1 + graphs.edge_labels

    alone = within & (np.arange(n) > 0)
    alone[of_edge, high] = False
    lone_graph, lone = np.nonzero(alone)
    ends = np.flatnonzero(np.ones(count, bool) if ended is None else ended)
    owner, newest = np.concatenate([of_edge, lone_graph, ends]), np.concatenate([high, lone, sizes[ends]])
    target = np.concatenate([low, np.full(len(lone) + len(ends), NONE)])
    order = np.lexsort((-target, newest, owner))
    owner, newest, target = owner[order], newest[order], target[order]

    fresh = np.ones(len(owner), bool)  # the first decision about its newest node
    fresh[1:] = (owner[1:] != owner[:-1]) | (newest[1:] != newest[:-1])
    time = np.arange(len(owner)) - np.searchsorted(owner, owner)
    bond = np.where(target == NONE, 0, edges[owner, np.minimum(newest, n - 1), target]) - 1
    arrival = np.full(edges.shape, _NEVER)
    made = target != NONE
    arrival[owner[made], newest[made], target[made]] = arrival[owner[made], target[made], newest[made]] = time[made]
    return Sequences(
        graph=np.arange(count) if graph is None else graph,
        sizes=sizes,
        nodes=nodes,
        edges=edges,
        arrival=arrival,
        log_order=np.zeros(count) if log_order is None else log_order,
        owner=owner,
        time=time,
        count=np.where(fresh, newest, newest + 1),
        floor=np.where(time > 0, np.maximum(np.append(0, target[:-1]), 0), 0)[: len(owner)],
        target=target,
        label=np.where(fresh & (newest < sizes[owner]), nodes[owner, np.minimum(newest, n - 1)], NONE),
        bond=bond,
    )
