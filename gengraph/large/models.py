"""The models of one large graph by name: what is taken from the graph, and the plan of a graph of any size like it.

Legend: n nodes of the graph, N of the new one, E edges.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gengraph.baselines.kronecker_classes import num_levels
from gengraph.baselines.kronecker_moments import chance_counts, fit_by_moments, subgraph_counts
from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.large.attachment import AttachmentPlan
from gengraph.large.cells import CellPlan, FloatArray, Keys
from gengraph.large.communities import best_communities, edges_of_communities
from gengraph.large.kronecker import KroneckerPlan
from gengraph.large.matching import MatchingPlan
from gengraph.large.rates import block_cells
from gengraph.large.stubs import Stubs
from gengraph.seeded import Stream

_MOST_NODES = 2**31 - 1
_MOST_LEVELS = 30


class Plan(Protocol):
    """A new graph in shards, each a function of its number and the seed; no pair of nodes is in two of them."""

    @property
    def num_nodes(self) -> int:
        """Of the new graph."""
        ...

    @property
    def expected(self) -> FloatArray:
        """float64[S], edges that each shard will have, about."""
        ...

    def draw(self, shard: int, seed: int) -> Keys:
        """The edges of a shard in any order, with loops and repetitions, which are to be left out."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of one graph.

    Attributes:
        plan: of the new graph.
        parameters: for people, JSON-ready.
    """

    plan: Plan
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LargeModel:
    """A model as it is listed.

    Attributes:
        fit: makes the plan of a graph like one graph, with so many nodes, from a seed.
        summary: for people.
    """

    fit: Callable[[GraphSet, int, int], Fitted]
    summary: str


def fit_large(model: str, graph: GraphSet, *, num_nodes: int | None = None, seed: int = 0) -> Fitted:
    """Fit a model to one graph, in time linear in its edges (but for the triangles that kronecker counts).

    Args:
        model: a name of LARGE_MODELS.
        graph: a set of one graph with at least one edge; labels are left aside.
        num_nodes: of the new graph; by default as many. Degrees stay, edges grow with the nodes.
        seed: of anything random in the plan.

    Raises:
        InputError: there is no such model; not one graph; no edges; a number of nodes that cannot be.
    """
    if model not in LARGE_MODELS:
        msg = f"unknown model of large graphs {model!r}; choose from {', '.join(LARGE_MODELS)}"
        raise InputError(msg)
    if len(graph) != 1:
        msg = f"a model of large graphs is fitted to one graph, got {len(graph)}; choose one of them, or a model of many"
        raise InputError(msg)
    if not len(graph.edges):
        msg = "a graph without edges has nothing to learn from; give one with at least one edge"
        raise InputError(msg)
    wanted = int(graph.num_nodes[0]) if num_nodes is None else num_nodes
    if not 2 <= wanted <= _MOST_NODES:
        msg = f"num_nodes must lie in 2..{_MOST_NODES}, got {wanted}"
        raise InputError(msg)
    return LARGE_MODELS[model].fit(graph.bare(), wanted, seed)


def _fit_er(graph: GraphSet, num_nodes: int, _seed: int) -> Fitted:
    """G(n, p) of the same mean degree."""
    n = int(graph.num_nodes[0])
    pairs = num_nodes * (num_nodes - 1) / 2
    p = min(2 * len(graph.edges) / n / (num_nodes - 1), 1.0)
    stubs = Stubs.of(np.ones(num_nodes, np.int8))
    cells = block_cells(stubs.offsets, np.array([0, num_nodes]), np.zeros((1, 2), np.int64), np.array([p * pairs]))
    return Fitted(CellPlan.of(num_nodes, stubs, cells), {"p": p})


def _fit_chung_lu(graph: GraphSet, num_nodes: int, _seed: int) -> Fitted:
    return _in_communities(graph, np.zeros(int(graph.num_nodes[0]), np.int64), num_nodes, 0)


def _fit_dcsbm(graph: GraphSet, num_nodes: int, seed: int) -> Fitted:
    return _in_communities(graph, best_communities(graph), num_nodes, seed)


def _in_communities(graph: GraphSet, communities: Int64Array, num_nodes: int, seed: int) -> Fitted:
    """Nodes by community and falling degree; their weights are the degrees.

    A larger graph has copies of the communities, if there are several: a pair of communities that had edges is for each copy
    of the first a pair with one copy of the second, all moved on by the same random number. Sizes and numbers of edges are
    multiplied by what copies alone do not make up for.
    """
    n = len(communities)
    copies = max(1, round(num_nodes / n)) if communities.any() else 1
    sizes = np.tile(np.bincount(communities), copies)
    new_sizes = _proportional(sizes, num_nodes)
    order = np.lexsort((-graph.degrees(), communities))
    starts = np.concatenate([[0], np.cumsum(np.bincount(communities))])[:-1]
    weights = graph.degrees()[order][_resampled(np.tile(starts, copies), sizes, new_sizes)]
    pairs, edges = edges_of_communities(graph, communities)
    pairs = lifted(pairs, len(starts), copies, seed)
    expected = np.tile(edges.astype(np.float64), copies) * (num_nodes / n / copies)
    stubs = Stubs.of(weights)
    firsts = np.concatenate([[0], np.cumsum(new_sizes)])
    cells = block_cells(stubs.offsets, firsts, pairs, expected)
    about = {"communities": len(starts), "copies": copies, "pairs_of_communities": len(edges)}
    return Fitted(CellPlan.of(num_nodes, stubs, cells), about)


def lifted(pairs: Int64Array, num_blocks: int, copies: int, seed: int) -> Int64Array:
    """int64[P copies, 2]: copy i of a pair r < s joins copy i of r with copy i + shift of s; a community stays with itself."""
    shift = (Stream(seed, 1).uniforms(len(pairs)) * copies).astype(np.int64) * (pairs[:, 0] < pairs[:, 1])
    copy = np.arange(copies)[:, None]
    first, second = pairs[:, 0] + copy * num_blocks, pairs[:, 1] + (copy + shift) % copies * num_blocks
    return np.sort(np.stack([first.ravel(), second.ravel()], axis=1), axis=1)


def _proportional(sizes: Int64Array, total: int) -> Int64Array:
    """int64[B], whole numbers in proportion to sizes, with a given sum."""
    ends = np.round(np.cumsum(sizes) * (total / sizes.sum())).astype(np.int64)
    return np.asarray(np.diff(ends, prepend=0))


def _resampled(starts: Int64Array, sizes: Int64Array, new_sizes: Int64Array) -> Int64Array:
    """int64[N]: for each new node of a block a former one at the same share of the way through the block."""
    within = np.arange(new_sizes.sum()) - np.repeat(np.cumsum(new_sizes) - new_sizes, new_sizes)
    share = (within + 0.5) * np.repeat(sizes / np.maximum(new_sizes, 1), new_sizes)
    return np.asarray(np.repeat(starts, new_sizes) + share.astype(np.int64))


def _fit_configuration(graph: GraphSet, num_nodes: int, _seed: int) -> Fitted:
    falling = np.sort(graph.degrees())[::-1]
    zero, size = np.zeros(1, np.int64), np.array([len(falling)])
    degrees = falling[_resampled(zero, size, np.array([num_nodes]))]
    odd = int(degrees.sum() % 2)
    degrees[0] += odd
    return Fitted(MatchingPlan.of(degrees), {"largest_degree": int(degrees[0]), "one_more_for_an_even_sum": bool(odd)})


def _fit_kronecker(graph: GraphSet, num_nodes: int, _seed: int) -> Fitted:
    """By moments; the new graph has s^k >= N nodes, isolated ones among them."""
    counts = subgraph_counts(graph)[0].astype(float)
    own = num_levels(int(graph.num_nodes[0]), 2)
    initiator = fit_by_moments(counts, np.maximum(counts, chance_counts(counts[0], 2**own)), own)
    levels = num_levels(num_nodes, 2)
    if levels > _MOST_LEVELS:
        msg = f"kronecker has at most 2^{_MOST_LEVELS} nodes, num_nodes = {num_nodes} needs 2^{levels}; ask for fewer"
        raise InputError(msg)
    return Fitted(KroneckerPlan.of(initiator, levels), {"initiator": initiator.tolist(), "levels": levels})


def _fit_ba(graph: GraphSet, num_nodes: int, _seed: int) -> Fitted:
    m = max(1, math.floor(len(graph.edges) / int(graph.num_nodes[0]) + 0.5))
    return Fitted(AttachmentPlan(num_nodes, m), {"m": m})


LARGE_MODELS = {
    "er": LargeModel(_fit_er, "every pair with the same probability; the mean degree"),
    "chung-lu": LargeModel(_fit_chung_lu, "independent edges; the degrees in expectation"),
    "configuration": LargeModel(_fit_configuration, "random matching; exactly the degrees"),
    "dcsbm": LargeModel(_fit_dcsbm, "independent edges; degrees and links between communities"),
    "kronecker": LargeModel(_fit_kronecker, "self-similar; edges, hairpins, tripins, triangles"),
    "ba": LargeModel(_fit_ba, "preferential attachment; the mean degree"),
}
