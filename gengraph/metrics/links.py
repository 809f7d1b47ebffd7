"""Link prediction: edges of one graph that are held out, and how well scores tell them from pairs that are no edges [1].

Legend: P pairs of nodes, as many edges as others.

References:
    [1] T. Kipf, M. Welling. Variational graph auto-encoders. NeurIPS workshop on Bayesian deep learning, 2016, section 3.
    [2] T. Fawcett. An introduction to ROC analysis. Pattern Recognition Letters 27, 2006.
    [3] M. Zhu. Recall, precision and average precision. University of Waterloo, 2004.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.seeded import Stream

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Pairs of nodes that a model has not seen.

    Attributes:
        edges: int64[P, 2], the smaller node first.
        others: int64[P, 2], likewise, no edges of the whole graph.
    """

    edges: Int64Array
    others: Int64Array


@dataclass(frozen=True, slots=True)
class LinkSplit:
    """The edges of one graph in three parts.

    Attributes:
        train: the graph, all its nodes, without the edges that are held out.
        validation: pairs to choose settings by.
        test: pairs to report. No pair is in both.
    """

    train: GraphSet
    validation: HeldOut
    test: HeldOut


def split_links(graph: GraphSet, *, seed: int = 0, validation: float = 0.05, test: float = 0.1) -> LinkSplit:
    """Hold out edges of a graph at random, and as many pairs that are no edges; O(n + m).

    Args:
        graph: one graph.
        seed: of what is drawn.
        validation: share of the edges, rounded down.
        test: likewise.

    Raises:
        InputError: not one graph, shares that leave nothing to train on, or a graph too small to hold out an edge for each part
            or too dense to have as many pairs without one.
    """
    if len(graph) != 1:
        msg = f"links are predicted in one graph, got {len(graph)} graphs; take one of them"
        raise InputError(msg)
    if min(validation, test) <= 0 or validation + test >= 1:
        msg = (
            f"shares of held-out edges must be > 0 and leave some to train on, got {validation:g} and {test:g}; take .05 and .1"
        )
        raise InputError(msg)
    edges, n = graph.edges.astype(np.int64), int(graph.num_nodes[0])
    counts = int(validation * len(edges)), int(test * len(edges))
    if min(counts) < 1:
        needed = int(np.ceil(1 / min(validation, test)))
        msg = f"links are predicted in a graph with at least {needed} edges, got {len(edges)}; take a larger graph"
        raise InputError(msg)
    if sum(counts) > n * (n - 1) // 2 - len(edges):
        msg = f"{sum(counts)} pairs without an edge must be held out, got {n * (n - 1) // 2 - len(edges)}; take a sparser graph"
        raise InputError(msg)
    stream = Stream(seed)
    order = stream.permutation(len(edges))
    others = _others(edges, n, sum(counts), stream)
    first, second = order[: counts[0]], order[counts[0] : sum(counts)]
    kept = np.sort(order[sum(counts) :])
    return LinkSplit(
        train=GraphSet.from_flat([n], np.zeros(len(kept), np.int64), edges[kept]),
        validation=HeldOut(edges[first], others[: counts[0]]),
        test=HeldOut(edges[second], others[counts[0] :]),
    )


def _others(edges: Int64Array, n: int, count: int, stream: Stream) -> Int64Array:
    """int64[count, 2], different pairs of different nodes that are no edges, all sets of them equally likely.

    Pairs are drawn again while they are edges or were drawn before; where there is hardly any room, out of all that are left.
    """
    taken = np.sort(edges[:, 0] * n + edges[:, 1])
    if 4 * (len(edges) + count) > n * (n - 1) // 2:
        low, high = np.triu_indices(n, 1)
        free = np.setdiff1d(low * n + high, taken)
        chosen = free[stream.permutation(len(free))[:count]]
    else:
        chosen = np.empty(0, np.int64)
        while len(chosen) < count:
            ends = (stream.uniforms(4 * count) * n).astype(np.int64).reshape(-1, 2)
            ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
            drawn = np.concatenate([chosen, ends[:, 0] * n + ends[:, 1]])
            _, first = np.unique(drawn, return_index=True)  # each where it came first, so that the order is that of drawing
            drawn = drawn[np.sort(first)]
            chosen = drawn[~np.isin(drawn, taken)][:count]
    return np.column_stack([chosen // n, chosen % n])


def roc_auc(edges: FloatArray, others: FloatArray) -> float:
    """Area under the ROC curve [2]: how often an edge scores higher than another pair, a tie counting half; O(P log P).

    Args:
        edges: float[P], scores.
        others: float[Q], scores.

    Returns:
        In [0, 1]; 0.5 for scores that say nothing.
    """
    _check_scores(edges, others)
    others = np.sort(others)
    below = np.searchsorted(others, edges, side="left") + np.searchsorted(others, edges, side="right")
    return float(below.mean() / 2 / len(others))


def average_precision(edges: FloatArray, others: FloatArray) -> float:
    """Average precision [3]: sum over thresholds of precision times the recall that is gained there; O(P log P).

    Pairs of equal score come in together.

    Args:
        edges: float[P], scores.
        others: float[Q], scores.

    Returns:
        In (0, 1].
    """
    _check_scores(edges, others)
    ours, theirs = np.sort(edges), np.sort(others)
    found = len(ours) - np.searchsorted(ours, edges, side="left")  # edges that score as high as each, or higher
    wrong = len(theirs) - np.searchsorted(theirs, edges, side="left")
    return float((found / (found + wrong)).mean())


def median_accuracy(edges: FloatArray, others: FloatArray) -> float:
    """Share of pairs that are told right when the better half of all is taken for edges; ties count by their share. O(P).

    Args:
        edges: float[P], scores.
        others: float[P], scores of as many pairs.
    """
    _check_scores(edges, others)
    both, half = np.concatenate([edges, others]), len(edges)
    limit = np.partition(both, len(both) - half)[len(both) - half]
    share = (half - (both > limit).sum()) / (both == limit).sum()  # of the pairs at the limit, that are taken
    return float(((edges > limit).sum() + share * (edges == limit).sum()) / half)


def _check_scores(edges: FloatArray, others: FloatArray) -> None:
    if not len(edges) or not len(others) or not (np.isfinite(edges).all() and np.isfinite(others).all()):
        msg = f"scores must be finite numbers of at least 1 edge and 1 other pair, got {len(edges)} and {len(others)} scores"
        raise InputError(msg)
