"""The law of a step: a mixture of vectors of independent Bernoullis, and the decisions around it.

With rows i of a step that exist and are kept, candidates j, mixture weights a_k and edge probabilities t_kij,

    p(rows) = sum over k of a_k prod over (i, j) of t_kij^x_ij (1 - t_kij)^(1 - x_ij)

as in [1]; with a stride below the block size the rows that are not kept are summed out, which leaves them away. Where empty
rows are a decision, each row with candidates is first decided to be empty or not, and the mixture is that of the rows that are
not, conditioned on each having an edge:

    p(rows | which are empty) = sum_k a_k prod_ij t^x (1 - t)^(1 - x)  /  sum_k a_k prod_i (1 - prod_j (1 - t_kij)).

Where the oldest neighbour has a law of its own, a row that is not empty draws it first, by a softmax over all its candidates,
and the mixture is that of the candidates after it. Each row's oldest neighbour o(i) adds to the logits of the weights, and to
those of the edges that close a triangle with it:

    p(rows | which are empty) = prod_i softmax(c_i)_o(i)  sum_k a_k(o) prod_i prod_(j > o(i)) t(o)^x (1 - t(o))^(1 - x).

Legend: F steps, R = F B rows, P pairs, K components, S stride.

Reference:
    1. R. Liao et al. Efficient Graph Generation with Graph Recurrent Attention Networks. NeurIPS 2019, equations 4 and 5.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gengraph.models.gran.prefixes import Prefixes
from gengraph.models.gran.sums import on_device, segment_logsumexp, segment_sum

_SURE = -1e-12  # the least that log(1 - p) of a row's emptiness is taken to differ from zero


@dataclass(frozen=True, slots=True)
class StepLogits:
    """What the network says of steps.

    Attributes:
        edges: float[P, K], logits of t.
        weights: float[F, K], logits of a, pooled over the pairs of a step.
        oldest: float[P, 1 + 2 K], logits c of being a row's oldest neighbour, what that adds to the weights, and what being
            beside the oldest neighbour adds to the edges; or None where the mixture decides about the oldest too.
        empty: float[R], logits of a row being empty, or None where the mixture decides that.
        ends: float[F, S + 1], logits of how many new nodes there are, S meaning that the graph goes on; None where the size
            is drawn first.
    """

    edges: Tensor
    weights: Tensor
    oldest: Tensor | None
    empty: Tensor | None
    ends: Tensor | None


def step_log_prob(logits: StepLogits, prefixes: Prefixes, starts: Tensor) -> Tensor:
    """Log p float[F] of each step.

    Args:
        logits: of the network.
        prefixes: the steps.
        starts: int64[F], the first new node of each, on the device: a graph does not end before its first node.
    """
    kept = on_device(prefixes.kept, logits.weights)
    if logits.empty is None:
        log_prob = _mixture_log_prob(logits, prefixes, kept)
    else:
        filled, log_prob = _decisions(logits.empty, prefixes, kept)
        law = _filled_log_prob if logits.oldest is None else _oldest_first_log_prob
        log_prob = log_prob + law(logits, prefixes, filled)
    if logits.ends is None:
        return log_prob
    nothing_yet = functional.pad((starts == 0)[:, None], (0, logits.ends.shape[1] - 1))
    ends = functional.log_softmax(logits.ends.masked_fill(nothing_yet, -torch.inf), dim=1)
    return log_prob + ends.gather(1, kept[:, None])[:, 0]


def _mixture_log_prob(logits: StepLogits, prefixes: Prefixes, kept: Tensor) -> Tensor:
    """Log p float[F] of the rows that exist and are kept, under the mixture."""
    rows, _ = _row_log_probs(logits, prefixes)
    exists = torch.arange(rows.shape[1], device=kept.device) < kept[:, None]
    log_weights = functional.log_softmax(logits.weights, dim=1)
    return torch.logsumexp(log_weights + torch.where(exists[:, :, None], rows, 0.0).sum(1), dim=1)


def _decisions(empty: Tensor, prefixes: Prefixes, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows have an edge, bool[F, B], and log p float[F] of that."""
    shape = len(kept), len(prefixes.new) // len(kept)
    exists = torch.arange(shape[1], device=kept.device) < kept[:, None]
    decided = exists & on_device(np.diff(prefixes.pair_offsets) > 0, kept).view(shape)
    ends = np.concatenate([[0], np.cumsum(prefixes.bits, dtype=np.int64)])[prefixes.pair_offsets]
    some = on_device(np.diff(ends) > 0, kept).view(shape)
    log_prob = functional.logsigmoid(torch.where(some, -1.0, 1.0) * empty.view(shape))
    return decided & some, torch.where(decided, log_prob, 0.0).sum(1)


def _filled_log_prob(logits: StepLogits, prefixes: Prefixes, filled: Tensor) -> Tensor:
    """Log p float[F] of the rows that have an edge, under the mixture conditioned on that."""
    rows, no_edge = _row_log_probs(logits, prefixes)
    log_weights = functional.log_softmax(logits.weights, dim=1)
    some_edge = torch.log(-torch.expm1(no_edge.clamp(max=_SURE)))
    numerator = torch.logsumexp(log_weights + torch.where(filled[:, :, None], rows, 0.0).sum(1), dim=1)
    return numerator - torch.logsumexp(log_weights + torch.where(filled[:, :, None], some_edge, 0.0).sum(1), dim=1)


def _row_log_probs(logits: StepLogits, prefixes: Prefixes) -> tuple[Tensor, Tensor]:
    """Log-probabilities float[F, B, K] of each row, and of its having no edge, under each component."""
    num_steps, components = logits.weights.shape
    bits = on_device(prefixes.bits, logits.edges).to(logits.edges)[:, None]
    nothing = -functional.softplus(logits.edges)  # log(1 - t)
    sums = segment_sum(torch.cat([logits.edges * bits + nothing, nothing], dim=1), prefixes.pair_offsets)
    rows, no_edge = sums.view(num_steps, -1, 2, components).unbind(2)
    return rows, no_edge


def _oldest_first_log_prob(logits: StepLogits, prefixes: Prefixes, filled: Tensor) -> Tensor:
    """Log p float[F] of the rows that have an edge: the oldest of each, then the mixture of the candidates after it."""
    assert logits.oldest is not None
    of_rows, of_steps = prefixes.pair_offsets, prefixes.pair_offsets[:: filled.shape[1]]
    total = np.concatenate([[0], np.cumsum(prefixes.bits, dtype=np.int64)])
    before = total[:-1] - np.repeat(total[of_rows[:-1]], np.diff(of_rows))  # edges of the row before each candidate
    bits, after, is_oldest, beside = (
        on_device(marks, logits.edges).to(logits.edges)[:, None]
        for marks in (prefixes.bits, before > 0, (before == 0) & (prefixes.bits > 0), prefixes.beside)
    )
    components = logits.weights.shape[1]
    being, adding, closing = logits.oldest.split([1, components, components], dim=1)
    chosen = segment_sum(torch.cat([being, adding], dim=1) * is_oldest, of_steps)
    whole = segment_logsumexp(being[:, 0], of_rows).view(filled.shape)
    log_weights = functional.log_softmax(logits.weights + chosen[:, 1:], dim=1)
    edges = logits.edges + closing * beside
    rest = segment_sum((edges * bits - functional.softplus(edges)) * after, of_steps)
    return chosen[:, 0] - torch.where(filled, whole, 0.0).sum(1) + torch.logsumexp(log_weights + rest, dim=1)
