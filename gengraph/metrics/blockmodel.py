"""Stochastic block models: find the blocks of a graph, and tell whether they look as they should.

An approximation of its own, in place of the Bayesian inference that published tables use [2]: blocks come from a spectral
embedding, then nodes move to the block that makes the graph likeliest, then the number of blocks is chosen by the integrated
classification likelihood [1]. Small or faint blocks (a few nodes, densities within a factor of about two) are missed.

Legend: n nodes of one graph, k blocks.

References:
    [1] J. Daudin, F. Picard and S. Robin, A mixture model for random graphs, Statistics and Computing 18, 2008.
    [2] K. Martinkus et al., SPECTRE, ICML 2022 (the validity test that `looks_like` follows).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.special import chdtrc

from gengraph.graphs import GraphSet, Int64Array
from gengraph.metrics.statistics import FloatArray

MAX_SWEEPS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """The blocks found in a graph.

    Attributes:
        labels: int64[n], the block of each node.
        sizes: int64[k], nodes of each block, >= 1.
        densities: float64[k, k] in [0, 1], share of the pairs between (or within) blocks that are edges; 0 without pairs.
    """

    labels: Int64Array
    sizes: Int64Array
    densities: FloatArray


def find_blocks(graph: GraphSet, *, max_blocks: int, seed: int = 0) -> Blocks:
    """Fit a stochastic block model to a set of one graph with n >= 1 nodes.

    Args:
        graph: a set of one graph.
        max_blocks: the largest k that is tried, >= 1.
        seed: of the starting points of the clustering; five of them are tried for each k.

    Complexity: O(n^3 + k n^2) time and 8 n^2 bytes for each k up to max_blocks.
    """
    adjacency = graph.to_csr().toarray().astype(np.float64)
    degrees = np.maximum(adjacency.sum(axis=1), 1)
    scaled = adjacency / np.sqrt(np.outer(degrees, degrees))
    k = min(max_blocks, len(adjacency))
    embedding = eigh(scaled, subset_by_index=[len(adjacency) - k, len(adjacency) - 1])[1][:, ::-1]
    rng = np.random.default_rng(seed)
    best: tuple[float, Int64Array] = (-np.inf, np.zeros(len(adjacency), np.int64))
    for count in range(1, k + 1):
        starts = [_cluster(embedding[:, :count], count, rng) for _ in range(1 if count == 1 else 5)]
        for start in {labels.tobytes(): labels for labels in starts}.values():
            labels = _likeliest(adjacency, start)
            score = _score(adjacency, labels)
            if score > best[0]:
                best = score, labels
    member = np.eye(int(best[1].max()) + 1)[best[1]]
    sizes, edges, pairs = _counts(adjacency @ member, member)
    return Blocks(labels=best[1], sizes=sizes, densities=edges / np.maximum(pairs, 1))


def looks_like(graphs: GraphSet, *, blocks: range, sizes: range, p_intra: float, p_inter: float) -> npt.NDArray[np.bool_]:
    """Whether graphs look like stochastic block models with given parameters.

    The number and the sizes of the blocks must be in range, and the mean p-value of Wald statistics of the densities above
    0.9, as in [2]. Flaw, also of the original: the statistic does not grow with the number of pairs, so that only large
    deviations count (about 0.06 for p_intra = 0.3).

    Args:
        graphs: any set.
        blocks: allowed numbers of blocks.
        sizes: allowed numbers of nodes in a block.
        p_intra: probability of an edge inside a block.
        p_inter: probability of an edge between blocks.

    Returns:
        bool[G]; False for a graph without nodes.
    """
    result = np.zeros(len(graphs), bool)
    for g in np.flatnonzero(graphs.num_nodes):
        found = find_blocks(graphs[int(g)], max_blocks=blocks.stop)
        expected = np.where(np.eye(len(found.sizes), dtype=bool), p_intra, p_inter)
        statistic = (found.densities - expected) ** 2 / (found.densities * (1 - found.densities) + 1e-6)
        p_values = chdtrc(1, statistic[np.triu_indices(len(found.sizes))])
        in_range = len(found.sizes) in blocks and all(int(size) in sizes for size in found.sizes)
        result[g] = in_range and p_values.mean() > 0.9
    return result


def has_two_communities(graphs: GraphSet) -> npt.NDArray[np.bool_]:
    """Whether graphs fall into two clear communities.

    The best fit must have two blocks, each with a third of the nodes or more and a density of 0.2 or more inside, and a fifth
    of that or less between them. The limits are our own: they pass the two-community graphs of GraphRNN, whose densities are
    0.3 to 0.7, and fail random graphs, grids and most proteins, which can also be cut in two.

    Returns:
        bool[G]; False for a graph without nodes.
    """
    result = np.zeros(len(graphs), bool)
    for g in np.flatnonzero(graphs.num_nodes):
        found = find_blocks(graphs[int(g)], max_blocks=4)
        if len(found.sizes) == 2:
            balanced = found.sizes.min() * 3 >= found.sizes.sum()
            inside = np.diag(found.densities).min()
            result[g] = balanced and inside >= max(0.2, 5 * found.densities[0, 1])
    return result


def _cluster(points: FloatArray, count: int, rng: np.random.Generator) -> Int64Array:
    """Lloyd's algorithm from starting points that are drawn far from one another; int64[n] labels."""
    centres = points[rng.integers(len(points), size=1)]
    for _ in range(count - 1):
        gap = np.square(points[:, None] - centres).sum(axis=2).min(axis=1) + 1e-12
        centres = np.vstack([centres, points[rng.choice(len(points), p=gap / gap.sum())]])
    labels = np.zeros(len(points), np.int64)
    for _ in range(MAX_SWEEPS):
        distances = np.square(points[:, None] - centres).sum(axis=2)
        labels, before = distances.argmin(axis=1), labels
        if np.array_equal(labels, before):
            break
        centres = np.stack([points[labels == c].mean(axis=0) if (labels == c).any() else centres[c] for c in range(count)])
    return labels


def _counts(links: FloatArray, member: FloatArray) -> tuple[Int64Array, FloatArray, FloatArray]:
    """Block sizes [k], edges [k, k] and pairs [k, k] of nodes within and between blocks.

    Args:
        links: float64[n, k], how many neighbours a node has in each block.
        member: float64[n, k], 1 for the block of a node.
    """
    sizes = member.sum(axis=0)
    edges, pairs = member.T @ links, np.outer(sizes, sizes)
    np.fill_diagonal(edges, np.diag(edges) / 2)
    np.fill_diagonal(pairs, sizes * (sizes - 1) / 2)
    return sizes.astype(np.int64), edges, pairs


def _likeliest(adjacency: FloatArray, labels: Int64Array) -> Int64Array:
    """Move all nodes to their likeliest blocks until none moves, at most MAX_SWEEPS times; empty blocks vanish."""
    before: Int64Array | None = None
    for sweep in range(MAX_SWEEPS):
        labels = _without_gaps(labels)
        moved = _moved(adjacency, labels)
        if np.array_equal(moved, labels):
            break
        if before is not None and np.array_equal(moved, before):  # nodes go to and fro: where are they at the last sweep?
            return labels if (MAX_SWEEPS - 1 - sweep) % 2 else moved
        before, labels = labels, moved
    return _without_gaps(labels)


def _moved(adjacency: FloatArray, labels: Int64Array) -> Int64Array:
    """The likeliest block of each node beside all others as they are."""
    member = np.eye(int(labels.max()) + 1)[labels]
    links = adjacency @ member
    sizes, edges, pairs = _counts(links, member)
    density = np.clip(edges / np.maximum(pairs, 1), 1e-6, 1 - 1e-6)
    gaps = sizes - member - links
    return np.asarray((links @ np.log(density) + gaps @ np.log(1 - density)).argmax(axis=1))


def _without_gaps(labels: Int64Array) -> Int64Array:
    """The blocks that have nodes numbered from 0, in their order."""
    if np.bincount(labels).all():
        return labels
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _score(adjacency: FloatArray, labels: Int64Array) -> float:
    """The integrated classification likelihood [1]."""
    n = len(labels)
    member = np.eye(int(labels.max()) + 1)[labels]
    sizes, edges, pairs = _counts(adjacency @ member, member)
    k = len(sizes)
    upper = np.triu_indices(k)
    density = np.clip(edges / np.maximum(pairs, 1), 1e-12, 1 - 1e-12)
    likelihood = (edges * np.log(density) + (pairs - edges) * np.log(1 - density))[upper].sum()
    assignment = (sizes * np.log(sizes / n)).sum()
    penalty = k * (k + 1) / 4 * np.log(max(n * (n - 1) / 2, 1)) + (k - 1) / 2 * np.log(n)
    return float(likelihood + assignment - penalty)
