"""The law of a step: a mixture of vectors of independent Bernoullis, and the decisions around it.

With rows i of a step that exist and are kept, candidates j, mixture weights a_k and edge probabilities t_kij,

    p(rows) = sum over k of a_k prod over (i, j) of t_kij^x_ij (1 - t_kij)^(1 - x_ij)

as in [1]; with a stride below the block size the rows that are not kept are summed out, which leaves them away. Where empty
rows are a decision, each row with candidates is first decided to be empty or not, and the mixture is that of the rows that are
not, conditioned on each having an edge:

    p(rows | which are empty) = sum_k a_k prod_ij t^x (1 - t)^(1 - x)  /  sum_k a_k prod_i (1 - prod_j (1 - t_kij)).

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
from gengraph.models.gran.sums import on_device, segment_sum

_SURE = -1e-12  # the least that log(1 - p) of a row's emptiness is taken to differ from zero


@dataclass(frozen=True, slots=True)
class StepLogits:
    """What the network says of steps.

    Attributes:
        edges: float[P, K], logits of t.
        weights: float[F, K], logits of a, pooled over the pairs of a step.
        empty: float[R], logits of a row being empty, or None where the mixture decides that.
        ends: float[F, S + 1], logits of how many new nodes there are, S meaning that the graph goes on; None where the size
            is drawn first.
    """

    edges: Tensor
    weights: Tensor
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
    log_prob = _rows_log_prob(logits, prefixes, kept)
    if logits.ends is None:
        return log_prob
    nothing_yet = functional.pad((starts == 0)[:, None], (0, logits.ends.shape[1] - 1))
    ends = functional.log_softmax(logits.ends.masked_fill(nothing_yet, -torch.inf), dim=1)
    return log_prob + ends.gather(1, kept[:, None])[:, 0]


def _rows_log_prob(logits: StepLogits, prefixes: Prefixes, kept: Tensor) -> Tensor:
    num_steps, components = logits.weights.shape
    bits = on_device(prefixes.bits, logits.edges).to(logits.edges)[:, None]
    nothing = -functional.softplus(logits.edges)  # log(1 - t)
    sums = segment_sum(torch.cat([logits.edges * bits + nothing, nothing], dim=1), prefixes.pair_offsets)
    size = len(prefixes.new) // num_steps
    rows, no_edge = sums.view(num_steps, size, 2, components).unbind(2)  # float[F, B, K]
    widths = np.diff(prefixes.pair_offsets).reshape(num_steps, size)
    exists = torch.arange(size, device=kept.device) < kept[:, None]  # bool[F, B]
    log_weights = functional.log_softmax(logits.weights, dim=1)
    if logits.empty is None:
        rows = torch.where(exists[:, :, None], rows, 0.0)
        return torch.logsumexp(log_weights + rows.sum(1), dim=1)
    decided = exists & on_device(widths > 0, kept)
    degree = segment_sum(bits, prefixes.pair_offsets).view(num_steps, size)
    filled = (decided & (degree > 0))[:, :, None]
    some_edge = torch.log(-torch.expm1(no_edge.clamp(max=_SURE)))
    numerator = torch.logsumexp(log_weights + torch.where(filled, rows, 0.0).sum(1), dim=1)
    denominator = torch.logsumexp(log_weights + torch.where(filled, some_edge, 0.0).sum(1), dim=1)
    signs = torch.where(degree > 0, -1.0, 1.0)
    decisions = functional.logsigmoid(signs * logits.empty.view(num_steps, size))
    return numerator - denominator + torch.where(decided, decisions, 0.0).sum(1)
