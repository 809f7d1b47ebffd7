"""Forests as decisions, all of a set at once, and batches of them.

A forest has one sequence of decisions: roots and the order of children are fixed (`rooted`), up to the order of children that
are alike in rank and size. What hangs below these is drawn independently and by the same law, so that the probability of a
forest is that of its decisions times the number of orders.

Legend: B forests of a batch, M children, K decisions of a kind, Q options of all of them, C codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gengraph.graphs import GraphSet, Int32Array, Int64Array
from gengraph.models.trees.decisions import RANKS, SIZES, Kind, Offer, Seen, ranges
from gengraph.models.trees.rooted import CENTRE, EDGE, NODE, Rooted, log_orders


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of a kind, those of a forest together.

    Attributes:
        offsets: int64[B + 1], where those of each forest begin.
        codes: int32[K, C].
        num_options: int64[K].
        options: int32[Q, C], the codes of the options of all.
        novel: int8[Q], see `Offer`.
        taken: int64[K], which of its options each decision took.
    """

    offsets: Int64Array
    codes: Int32Array
    num_options: Int64Array
    options: Int32Array
    novel: npt.NDArray[np.int8]
    taken: Int64Array

    @classmethod
    def of(cls, kind: Kind, seen: Seen, values: Int64Array, graph: Int64Array, num_graphs: int) -> "Decisions":
        """Of int64[M] values that were chosen, in graphs int64[M], ascending."""
        offer = Offer.of(kind, seen)
        return cls(
            offsets=np.searchsorted(graph[offer.asked], np.arange(num_graphs + 1)),
            codes=offer.codes,
            num_options=offer.num_options,
            options=offer.options,
            novel=offer.novel,
            taken=(values - offer.least)[offer.asked],
        )

    def __getitem__(self, graphs: Int64Array) -> "Decisions":
        """Those of some of the forests."""
        counts = np.diff(self.offsets)[graphs]
        chosen = ranges(self.offsets[graphs], counts)
        first = np.cumsum(self.num_options) - self.num_options
        options = ranges(first[chosen], self.num_options[chosen])
        return Decisions(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            codes=self.codes[chosen],
            num_options=self.num_options[chosen],
            options=self.options[options],
            novel=self.novel[options],
            taken=self.taken[chosen],
        )


@dataclass(frozen=True, slots=True)
class TreeBatch:
    """A `Batch`.

    Attributes:
        graph: int64[B].
        num_nodes: int64[B].
        ranks, sizes: the decisions.
        log_orders: float64[B], log of the number of orders in which each can be written.
        shape: int64[B], the same for isomorphic forests.
        num_cut: int64[B], edges that were cut before because they close a cycle.
    """

    graph: Int64Array
    num_nodes: Int64Array
    ranks: Decisions
    sizes: Decisions
    log_orders: npt.NDArray[np.float64]
    shape: Int64Array
    num_cut: Int64Array

    @classmethod
    def of(cls, forests: GraphSet, num_cut: Int64Array) -> "TreeBatch":
        """All of a set, in its order."""
        rooted, count = Rooted.of(forests), len(forests)
        children = rooted.children()
        shape, seen = rooted.shapes(), see_children(rooted, children)
        graph = rooted.graph[children]
        by_graph = np.argsort(graph, kind="stable")
        seen, children, graph = {name: values[by_graph] for name, values in seen.items()}, children[by_graph], graph[by_graph]
        return cls(
            graph=np.arange(count),
            num_nodes=forests.num_nodes.astype(np.int64),
            ranks=Decisions.of(RANKS, seen, rooted.rank[children], graph, count),
            sizes=Decisions.of(SIZES, seen, rooted.size[children], graph, count),
            log_orders=log_orders(rooted, children, shape),
            shape=shape[len(shape) - count :],
            num_cut=num_cut,
        )

    def __getitem__(self, graphs: Int64Array) -> "TreeBatch":
        """Some of the forests."""
        return TreeBatch(*(getattr(self, name)[graphs] for name in self.__slots__))

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Edges that were cut."""
        return {"cut_edges": int(self.num_cut.sum())}


def see_children(rooted: Rooted, children: Int64Array) -> dict[str, Int64Array]:
    """What the decisions of children see (see `Seen`), int64[M] by name; in the order of `Rooted.children`."""
    parent, rank, size = rooted.parent[children], rooted.rank[children], rooted.size[children]
    place, first = np.arange(len(children)), np.diff(parent, prepend=-1) != 0
    start = np.maximum.accumulate(np.where(first, place, 0))
    changed = first | (np.diff(rank, prepend=-1) != 0) | (np.diff(size, prepend=-1) != 0)
    begun = np.maximum.accumulate(np.where(changed, place, 0))  # where the run that each belongs to begins
    given = np.cumsum(size) - size
    role, height = rooted.role, rooted.height
    above = rooted.parent[parent]  # of forests -1, which are the last vertex
    siblings = np.bincount(parent, minlength=len(role))[above]
    highest = height[above] - (role[above] != EDGE)
    return {
        "role": role[parent],
        "height": height[parent],
        "size": rooted.size[parent],
        "depth": rooted.depth[parent],
        "siblings": np.where(above < 0, 0, siblings),
        "lag": np.where(role[parent] == NODE, highest - height[parent], 0),
        "left": rooted.size[parent] - ((role[parent] == NODE) | (role[parent] == CENTRE)) - (given - given[start]),
        "position": place - start,
        "last rank": np.where(first, -1, np.roll(rank, 1)),
        "last slack": np.where(first, -1, np.roll(size - rank - 1, 1)),
        "run": np.where(first, 0, place - np.roll(begun, 1)),
        "rank": rank,
    }


def spanning_forests(graphs: GraphSet) -> tuple[GraphSet, Int64Array]:
    """Graphs without the edges that close a cycle with those before them; and int64[G], how many these are."""
    number, total = np.arange(1, len(graphs.edges) + 1), int(graphs.node_offsets[-1])
    ends = graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]
    weights = sparse.csr_array((number, (ends[:, 0], ends[:, 1])), shape=(total, total))
    kept = np.sort(sparse.csgraph.minimum_spanning_tree(weights).data.astype(np.int64)) - 1
    forests = GraphSet.from_flat(graphs.num_nodes, graphs.graph_of_edge[kept], graphs.edges[kept])
    return forests, graphs.num_edges - forests.num_edges
