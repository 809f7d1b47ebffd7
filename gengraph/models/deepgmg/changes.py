"""Graphs as the changes that build them: nodes under an ordering, each with its edges to earlier ones.

A change is a new node, written NODE, or an edge of the newest node, written as the number of its other end. The first change is
a node: change t leaves the graph that the decisions before change t + 1 see, and those after the last change end the graph.

Legend: B graphs, N and E nodes and edges of a graph, S = N + E changes, at most S in a batch.

Reference:
    Y. Li, O. Vinyals, C. Dyer, R. Pascanu, P. Battaglia. Learning deep generative models of graphs. 2018, section 3.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency, drawn_order
from gengraph.models.deepgmg.config import DeepGMGConfig
from gengraph.models.family import Encoder
from gengraph.seeded import Stream

NODE, END = -1, -2


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of graphs, those with most first.

    Attributes:
        graph: int64[B].
        changes: int64[B, S + 1], END after the last one of each graph.
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    changes: Int64Array
    losses_of_data: Mapping[str, int] = field(default_factory=dict)

    @property
    def lengths(self) -> Int64Array:
        """int64[B], how many changes each graph has; descending."""
        lengths: Int64Array = (self.changes != END).sum(1)
        return lengths

    @property
    def num_nodes(self) -> Int64Array:
        """int64[B]."""
        num_nodes: Int64Array = (self.changes == NODE).sum(1)
        return num_nodes


def encoder(graphs: GraphSet, config: DeepGMGConfig) -> Encoder:
    """What makes batches: orderings, of nodes and of edges, follow from (seed, epoch, index of the graph)."""
    adjacency, offsets = Adjacency.of(graphs), graphs.edge_offsets

    def encode(indices: Int64Array, *, key: tuple[int, int]) -> Batch:
        found = []
        for g in indices.tolist():
            position = np.argsort(drawn_order(adjacency, g, config.ordering, key=key))
            ends = position[graphs.edges[offsets[g] : offsets[g + 1]]]
            turns = Stream(key[0], key[1], g).uniforms(len(ends)) if config.edge_order == "random" else None
            found.append(changes_of(len(position), ends, turns))
        return stack(np.asarray(indices, np.int64), found)

    return encode


def changes_of(num_nodes: int, edges: Int64Array, turns: npt.NDArray[np.float64] | None = None) -> Int64Array:
    """int64[N + E]: nodes in the order of their numbers, the edges of each by age or by their turns.

    Args:
        num_nodes: N.
        edges: int64[E, 2].
        turns: float64[E] >= 0, which edge of a node comes first; None takes its oldest neighbour first.
    """
    low, high = np.sort(edges, axis=1).T
    low, high = np.append(np.full(num_nodes, NODE), low), np.append(np.arange(num_nodes), high)
    turns = low if turns is None else np.append(np.full(num_nodes, -1.0), turns)
    changes: Int64Array = low[np.lexsort((turns, high))]
    return changes


def stack(graph: Int64Array, changes: list[Int64Array]) -> Batch:
    """A batch of graphs int64[B] with their changes."""
    lengths = np.array([len(own) for own in changes])
    order = np.argsort(-lengths, kind="stable")
    stacked = np.full((len(changes), lengths.max(initial=0) + 1), END)
    for place, b in enumerate(order):
        stacked[place, : lengths[b]] = changes[b]
    return Batch(graph[order], stacked)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is decided after each change, known beforehand when the changes are.

    Attributes:
        count: int64[B, S], nodes of the graph.
        open: bool[B, S], whether the newest node may get another edge: there is a candidate.
        edge: bool[B, S], whether it gets one; the next change is its other end.
        within: bool[B, S], whether the graph has not ended before.
        arrival: int64[B, n, n], the change that made an edge; S or later where there is none.
    """

    count: Int64Array
    open: npt.NDArray[np.bool_]
    edge: npt.NDArray[np.bool_]
    within: npt.NDArray[np.bool_]
    arrival: Int64Array


def decisions_of(batch: Batch, config: DeepGMGConfig) -> Decisions:
    """The decisions of a batch."""
    now, after = batch.changes[:, :-1], batch.changes[:, 1:]
    count = np.cumsum(now == NODE, axis=1)
    newest, step = count - 1, np.arange(now.shape[1])
    if config.edge_order == "age":
        free = newest - 1 - np.where(now >= 0, now, -1)  # candidates after the last one
    else:
        begun = np.maximum.accumulate(np.where(now == NODE, step, 0), axis=1)
        free = newest - (step - begun)
    n = int(count.max(initial=0))
    arrival = np.full((len(now), n, n), now.shape[1])
    b, t = np.nonzero(now >= 0)
    arrival[b, newest[b, t], now[b, t]] = arrival[b, now[b, t], newest[b, t]] = t
    within = now != END
    return Decisions(count, within & (free > 0), after >= 0, within, arrival)
