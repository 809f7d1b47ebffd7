"""Which node of a graph is which position of the decoder: by a breadth-first order, or by max-pooling matching [1].

Nodes i, j of a graph with adjacency A and positions a, b of a decoded one with probabilities P (of nodes on the diagonal, of
edges off it) are alike by [2]

    S(ia, jb) = A_ij P_ab P_aa P_bb  (i != j, a != b),    S(ia, ia) = P_aa / (1 + |d_i - d_a|),

d_i being the degree of i and d_a the expected one of a: nodes without labels are told apart by their degrees, as in [3].

Max-pooling matching repeats x_ia <- x_ia S(ia, ia) + sum_j max_b x_jb S(ia, jb), divided by its norm. As S is a product, the
largest of a node j for a position a is found once, whatever i: a round costs n k^2 instead of n^2 k^2.

Legend: B graphs, n nodes of the largest, k positions.

References:
    [1] M. Cho, J. Sun, O. Duchenne, J. Ponce. Finding matches in a haystack: a max-pooling strategy for graph matching in the
        presence of outliers. CVPR 2014.
    [2] M. Simonovsky, N. Komodakis. GraphVAE. ICANN 2018, section 3.4.
    [3] J. You et al. GraphRNN. ICML 2018, the baseline GraphVAE.
"""

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gengraph.graphs import Int64Array
from gengraph.models.dense import BoolArray, inside

_WALKS = 4
_CELLS = 1 << 22  # numbers that a round of matching holds at once


def breadth_first(links: BoolArray, sizes: Int64Array, ties: npt.NDArray[np.float64]) -> Int64Array:
    """int64[B, n], the nodes of each graph breadth first from one of highest degree, children by descending degree.

    The next component begins at a node of highest degree among those left; padding comes last. Of nodes of one degree the one
    comes first from which more walks of 2, then of 3 and 4 steps begin, so that few ties are left to chance.

    Args:
        links: bool[B, n, n], adjacency.
        sizes: int64[B], nodes.
        ties: float64[B, n], random.
    """
    graph, n = np.arange(len(links)), links.shape[1]
    walks = [inside(sizes, n).astype(np.float64)]
    for _ in range(_WALKS):
        walks.append((links @ walks[-1][..., None])[..., 0])
    ranked = np.lexsort([ties, *(-lengths for lengths in (*walks[:0:-1], walks[0]))], axis=-1)
    by_rank = links[graph[:, None, None], ranked[:, :, None], ranked[:, None]]
    left, order, done = np.ones(by_rank.shape[:2], np.bool_), np.zeros(by_rank.shape[:2], np.int64), np.zeros_like(graph)
    for turn in range(n):
        roots = graph[done == turn]  # their search has ended
        order[roots, turn] = left[roots].argmax(1)
        left[roots, order[roots, turn]] = False
        done[roots] += 1
        found = by_rank[graph, order[:, turn]] & left
        of_graph, nodes = np.nonzero(found)
        order[of_graph, (done[:, None] + found.cumsum(1) - 1)[of_graph, nodes]] = nodes
        left &= ~found
        done += found.sum(1)
    return np.take_along_axis(ranked, order, 1)


def max_pooling(links: Tensor, within: Tensor, exists: Tensor, likely: Tensor, *, rounds: int) -> Tensor:
    """float[B, n, k], how well each node suits each position.

    Args:
        links: float[B, n, n], adjacency.
        within: bool[B, n], the nodes of each graph.
        exists: float[B, k], probabilities of nodes.
        likely: float[B, k, k], of edges given both of their nodes; the diagonal is not looked at.
        rounds: of matching.
    """
    off = 1 - torch.eye(exists.shape[1], dtype=exists.dtype, device=exists.device)
    alike = likely * exists[:, :, None] * exists[:, None] * off
    apart = (links.sum(-1)[..., None] - alike.sum(-1)[:, None]).abs()
    own = exists[:, None] / (1 + apart) * within[..., None]
    x = within[..., None].to(exists).expand_as(own)
    for _ in range(rounds):
        best = (x[:, :, None] * alike[:, None]).amax(-1)
        x = x * own + links @ best
        x = x / x.flatten(1).norm(dim=1)[:, None, None].clamp(min=torch.finfo(x.dtype).tiny)
    return x


@torch.no_grad()
def matched(links: Tensor, within: Tensor, exists: Tensor, likely: Tensor, *, rounds: int) -> Tensor:
    """int64[B, k], which node is at each position, by max-pooling and then the assignment of the largest sum.

    Positions that no node of the graph takes have the padding. Computed in float64, some graphs at a time.

    Args:
        links: float[B, k, k], adjacency, padded to as many nodes as there are positions.
        within: bool[B, k], the nodes of each graph.
        exists: float[B, k], probabilities of nodes.
        likely: float[B, k, k], of edges.
        rounds: of matching.
    """
    together = max(1, _CELLS // links.shape[1] ** 3)
    scores = [
        max_pooling(a.double(), w, e.double(), p.double(), rounds=rounds).cpu().numpy()
        for a, w, e, p in zip(*(whole.split(together) for whole in (links, within, exists, likely)), strict=True)
    ]
    nodes = [linear_sum_assignment(of_graph.T, maximize=True)[1] for of_graph in np.concatenate(scores)]
    return torch.from_numpy(np.stack(nodes)).to(links.device)
