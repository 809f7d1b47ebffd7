"""Graphs as the actions that grow them, from a random node along random edges that touch what has grown (You et al., 2018).

Legend: B graphs, n nodes of the largest of them, S actions at most, T actions of all together, K node labels, E edge labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import BoolArray, inside
from gengraph.models.gcpn.states import ALONE, EDGE_KIND, END, Rules, States, kinds_of
from gengraph.models.numbers import Numbers


@dataclass(frozen=True, slots=True)
class Batch:
    """Actions, each with the partial graph that it was taken in and what was open then; those of one turn stand together.

    Attributes:
        graph: int64[B].
        actions: int64[B, S, 3], filled up with END.
        owner: int64[T], which of the B graphs an action is of.
        taken: int64[T, 3].
        states: T partial graphs.
        kinds: bool[T, 3].
        linking: int64[T'], which of the T are edges; firsts bool[T', n], targets bool[T', n + K] and bonds bool[T', E] are what
            was open to these.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    actions: Int64Array
    owner: Int64Array
    taken: Int64Array
    states: States
    kinds: BoolArray
    linking: Int64Array
    firsts: BoolArray
    targets: BoolArray
    bonds: BoolArray
    losses_of_data: Mapping[str, int] = field(default_factory=dict)

    @property
    def num_nodes(self) -> int:
        """Of all the graphs."""
        return int(((self.taken[:, 0] != END) & (self.taken[:, 1] < 0)).sum())


def batch_of(rules: Rules, graph: Int64Array, actions: Int64Array, start: GraphSet | None = None) -> Batch:
    """int64[B] graphs by the actions that grow them, from a graph if one is given, int64[B, S, 3], the last one of each END."""
    more = int(((actions[:, :, 0] != END) & (actions[:, :, 1] < 0)).sum(1).max(initial=0))
    states = States.empty(rules, len(graph), 0) if start is None else States.started(rules, start, len(graph))
    states = states.widened(max(1, states.room + more))
    owners, labels, bonds, counts = [], [], [], []
    rows = np.arange(len(graph))
    for turn in range(actions.shape[1]):
        owners.append(rows)
        labels.append(states.labels[rows])
        bonds.append(states.bonds[rows])
        counts.append(states.count[rows])
        states.take(actions[:, turn])
        rows = rows[actions[rows, turn, 0] != END]
    owner, turns = np.concatenate(owners), np.repeat(np.arange(actions.shape[1]), [len(own) for own in owners])
    seen = States(rules, np.concatenate(labels), np.concatenate(bonds), np.concatenate(counts), states.given)
    return _masked(graph, actions, owner, actions[owner, turns], seen)


def _masked(graph: Int64Array, actions: Int64Array, owner: Int64Array, taken: Int64Array, seen: States) -> Batch:
    free = seen.free()
    firsts = seen.open_firsts(free)
    linking = np.flatnonzero(kinds_of(taken[:, 0]) == EDGE_KIND)
    those = States(seen.rules, seen.labels[linking], seen.bonds[linking], seen.count[linking], seen.given)
    first, target = taken[linking, 0], taken[linking, 1]
    return Batch(
        graph=graph,
        actions=actions,
        owner=owner,
        taken=taken,
        states=seen,
        kinds=seen.open_kinds(firsts),
        linking=linking,
        firsts=firsts[linking],
        targets=those.open_targets(free[linking], first),
        bonds=those.open_bonds(free[linking], first, target),
    )


def growth(graphs: GraphSet, numbers: Numbers) -> Int64Array:
    """int64[B, S, 3], the actions of a random growth of each graph, with END after the last.

    An edge is drawn uniformly among those of the grown nodes that are not there yet. Where there is none, a node is drawn
    uniformly among those that have not grown.
    """
    sizes, (edges, real) = graphs.num_nodes.astype(np.int64), _padded_edges(graphs)
    labels = _padded_labels(graphs, sizes)
    position, open_nodes = np.full(labels.shape, -1), inside(sizes, labels.shape[1])
    rows, count, turns = np.arange(len(graphs)), np.zeros(len(graphs), np.int64), list[Int64Array]()
    while True:
        grown = position >= 0
        touching = real & (grown[rows[:, None], edges[..., 0]] | grown[rows[:, None], edges[..., 1]])
        links, alone = touching.any(1), (open_nodes & ~grown).any(1)
        uniforms = numbers.uniforms(len(turns), 1)[:, 0]
        edge, node = _drawn(touching, uniforms), _drawn(open_nodes & ~grown, uniforms)
        begins = ~links & alone
        ends = edges[rows, edge, :2]
        places = position[rows[:, None], ends]
        low, high = places.min(1), places.max(1)
        fresh = np.where(links, ends[rows, places.argmin(1)], node)  # the end that has not grown, if there is one
        grows = begins | (links & (low < 0))
        new = -1 - labels[rows, fresh]
        turn = np.column_stack(
            [
                np.where(links, high, np.where(begins, ALONE, END)),
                np.where(grows, new, np.where(links, low, 0)),
                np.where(links, edges[rows, edge, 2], 0),
            ]
        )
        turns.append(turn)
        if not (links | begins).any():
            return np.stack(turns, 1)
        position[rows[grows], fresh[grows]] = count[grows]
        count += grows
        real[rows[links], edge[links]] = False


def _drawn(which: BoolArray, uniforms: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Int64Array:
    """int64[B], one of those in bool[B, M], uniformly; anything where there is none."""
    ranks = np.cumsum(which, 1)
    chosen: Int64Array = (ranks > (uniforms * ranks[:, -1])[:, None].astype(np.int64)).argmax(1)
    return chosen


def _padded_edges(graphs: GraphSet) -> tuple[Int64Array, BoolArray]:
    """int64[B, M, 3], ends and labels, and bool[B, M], where there is an edge; M >= 1."""
    counts = graphs.num_edges
    real = inside(counts, max(1, int(counts.max(initial=0))))
    edges = np.zeros((*real.shape, 3), np.int64)
    edges[real, :2] = graphs.edges
    if graphs.edge_labels is not None:
        edges[real, 2] = graphs.edge_labels
    return edges, real


def _padded_labels(graphs: GraphSet, sizes: Int64Array) -> Int64Array:
    """int64[B, n]."""
    there = inside(sizes, int(sizes.max(initial=1)))
    labels = np.zeros(there.shape, np.int64)
    if graphs.node_labels is not None:
        labels[there] = graphs.node_labels
    return labels
