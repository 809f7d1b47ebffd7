"""Breadth-first trees of many roots at once, each over a graph of its own.

A state is a node in a tree; a branch is a state with a neighbour of it in its tree, so that each edge of a tree is two: down
from the parent, and up to it. The branches of a state stand together, that to its parent first. Of several possible parents a
node has the one with the smallest number.

Legend: T trees, S states, Q states that are looked at, M branches of theirs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Links:
    """The edges of a graph set in both directions, its nodes numbered one graph after the other.

    Attributes:
        first_node: int64[G + 1], where the nodes of each graph begin.
        first_link: int64[V + 1], where the links of each node begin.
        high: int64[2 E], the neighbours of each node, ascending.
    """

    first_node: Int64Array
    first_link: Int64Array
    high: Int64Array

    @classmethod
    def of(cls, graphs: GraphSet) -> "Links":
        """The links of graphs."""
        first_node = _offsets(graphs.num_nodes)
        edges = graphs.edges + first_node[graphs.graph_of_edge, None]
        low, high = np.concatenate([edges, edges[:, ::-1]]).T
        return cls(first_node, _offsets(np.bincount(low, minlength=first_node[-1])), high[np.lexsort((high, low))])

    def degree(self, graph: int) -> Int64Array:
        """int64[n], of the nodes of a graph."""
        return np.diff(self.first_link[self.first_node[graph] : self.first_node[graph + 1] + 1])


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches of int64[Q] states, those of each after the other.

    Attributes:
        first: int64[Q + 1], where those of each state begin.
        of: int64[M], which of the states each leads from.
        target: int64[M], the state that it leads to.
        up: bool[M], whether that is the parent.
    """

    first: Int64Array
    of: Int64Array
    target: Int64Array
    up: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees, the states of each being all nodes of its graph, in their order.

    Attributes:
        links: of all graphs.
        first: int64[T + 1], where the states of each tree begin.
        root: int64[T], the state of each root.
        node: int64[S], the number among all nodes of the graph set.
        parent: int64[S], the state of its parent; -1 for a root and for what it does not reach.
        depth: int64[S], steps from the root; -1 for what it does not reach.
    """

    links: Links
    first: Int64Array
    root: Int64Array
    node: Int64Array
    parent: Int64Array
    depth: Int64Array

    @classmethod
    def of(cls, links: Links, graph: Int64Array, root: Int64Array) -> "Trees":
        """The trees of int64[T] roots, numbered within their graphs int64[T]; O(links + nodes) a tree."""
        first = _offsets(np.diff(links.first_node)[graph])
        node, _ = _ranges(links.first_node, graph)
        state, parent, depth = first[:-1] + root, np.full(len(node), -1), np.full(len(node), -1)
        trees = cls(links, first, state, node, parent, depth)
        level = 0
        while len(state):
            depth[state], level = level, level + 1
            near, of = trees._near(state)
            new = depth[near] < 0
            near, of = near[new][::-1], state[of[new]][::-1]  # so that the smallest parent is written last
            parent[near] = of
            state = np.unique(near)
        return trees

    def deepest(self) -> Int64Array:
        """int64[T], branches of the longest walk: down to the deepest node, and back."""
        return np.maximum.reduceat(self.depth, self.first[:-1]) + 1 if len(self.root) else self.root

    def branches(self, states: Int64Array) -> Branches:
        """The branches of int64[Q] states."""
        near, of = self._near(states)
        up = near == self.parent[states][of]
        kept = up | (self.parent[near] == states[of])
        return Branches(_offsets(np.bincount(of[kept], minlength=len(states))), of[kept], near[kept], up[kept])

    def log_reached(self, vectors: FloatArray) -> FloatArray:
        """Log G float64[S]: that a walk from the root ends at a state [1], equation 7; -inf for roots and beyond reach.

        Args:
            vectors: float64[V, k], of the generator.

        Reference:
            1. H. Wang et al. GraphGAN: graph representation learning with generative adversarial nets. AAAI 2018.
        """
        passed, ended = np.full(len(self.node), -np.inf), np.full(len(self.node), -np.inf)
        passed[self.root] = 0
        states = self.root
        while len(states):
            found = self.branches(states)
            ends = self.node[states[found.of]], self.node[found.target]
            logits = np.einsum("mk,mk->m", vectors[ends[0]], vectors[ends[1]])
            log_prob = logits - np.logaddexp.reduceat(logits, found.first[:-1])[found.of]
            along = passed[states][found.of] + log_prob
            ended[states[found.of[found.up]]] = along[found.up]
            states = found.target[~found.up]
            passed[states] = along[~found.up]
        return ended

    def _near(self, states: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The states of the neighbours of int64[Q] states in their graphs, and which of the states each is a neighbour of."""
        node = self.node[states]
        link, of = _ranges(self.links.first_link, node)
        return (states - node)[of] + self.links.high[link], of


def _offsets(counts: npt.ArrayLike) -> Int64Array:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))])


def _ranges(first: Int64Array, which: Int64Array) -> tuple[Int64Array, Int64Array]:
    """first[w] .. first[w + 1] - 1 for each of `which` one after the other, and its place there."""
    counts = np.diff(first)[which]
    place = np.repeat(np.arange(len(which)), counts)
    return np.arange(len(place)) + (first[which] - _offsets(counts)[:-1])[place], place
