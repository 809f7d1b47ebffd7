"""GraphRNN-S: all edges of a row at once, from the node-level state.

The head is one vector of independent Bernoullis or, to let it say "either these edges or those", a mixture of several. The rule
that a row which connects to something is not empty holds within each component, so that the mixture sums to one as they do.

Legend: R rows, K components, M max_prev_node, W widest window, B lanes of a sampler, H hidden size.

Reference:
    J. You et al. GraphRNN. ICML 2018, section 2.3.3.
    R. Liao et al. Efficient graph generation with graph recurrent attention networks. NeurIPS 2019, section 2.3 (the mixture).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.models.graphrnn.kernels import independent
from gengraph.models.graphrnn.rnn_head import in_window, log_bernoulli, mlp
from gengraph.models.graphrnn.row_samplers import BlockwiseSampler, DrawBlock, RowSampler
from gengraph.models.graphrnn.rows import CONTINUE, RowBatch, UInt8Array
from gengraph.models.moving import on


@dataclass(frozen=True, slots=True)
class CountedBits:
    """What the head reads of rows.

    Attributes:
        bits: uint8[R, M], nearest first.
        counted: bool[R, M], which of them are free: neither outside of the window nor certain.
    """

    MOVED: ClassVar = ("bits", "counted")

    bits: UInt8Array
    counted: npt.NDArray[np.bool_]


class IndependentEdges(nn.Module):
    """A mixture of independent Bernoullis from a multilayer perceptron on the node-level state.

    Args:
        node_hidden_size: H of the node level.
        hidden_size: units of the hidden layer.
        max_prev_node: M.
        num_components: K >= 1.
        oldest_first: the nearest candidate is the last decision, else the oldest is.
        never_empty: every row with bits connects to something.
    """

    def __init__(
        self,
        node_hidden_size: int,
        hidden_size: int,
        max_prev_node: int,
        num_components: int,
        *,
        oldest_first: bool,
        never_empty: bool,
    ) -> None:
        super().__init__()
        self.oldest_first, self.never_empty = oldest_first, never_empty
        self.num_components, self.max_prev_node = num_components, max_prev_node
        num_weights = num_components if num_components > 1 else 0
        self.output = mlp(node_hidden_size, hidden_size, num_components * max_prev_node + num_weights)

    def components(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The mixture for node-level states float[R, H].

        Returns:
            float[R, K], the logarithm of each component's weight; float[R, K, M], the logits of its bits, nearest first.
        """
        outputs: Tensor = self.output(states)
        size = self.num_components * self.max_prev_node
        logits = outputs[:, :size].unflatten(1, (self.num_components, self.max_prev_node))
        if self.num_components == 1:
            return outputs.new_zeros(len(outputs), 1), logits
        return functional.log_softmax(outputs[:, size:], dim=1), logits

    def forward(self, states: Tensor, batch: RowBatch) -> Tensor:
        """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
        return self.log_prob(states, self.describe(batch))

    def describe(self, batch: RowBatch) -> CountedBits:
        """What is read of rows."""
        bits, widths = batch.bits, batch.widths.astype(np.int64)
        counted = np.arange(bits.shape[1]) < widths[:, None]
        if self.never_empty:
            rows, last = np.arange(len(widths)), np.zeros_like(widths) if self.oldest_first else widths - 1
            counted &= (batch.decisions == CONTINUE)[:, None]
            counted[rows, last] &= bits.sum(1) > bits[rows, last]
        return CountedBits(bits, counted)

    def log_prob(self, states: Tensor, described: CountedBits, *, alike: bool = False) -> Tensor:
        """As `forward`, of rows that have been described; how they weigh in the loss does not matter here."""
        del alike
        bits, counted = on(described.bits, states.device).to(states), on(described.counted, states.device)
        log_weights, logits = self.components(states)
        of_bits = log_bernoulli(logits, bits[:, None].expand_as(logits)) * counted[:, None]
        return torch.logsumexp(log_weights + of_bits.sum(2), dim=1)

    def sampler(self, lanes: int, block: int | None, limit: int) -> RowSampler:
        """What draws rows for so many lanes, in blocks or each by itself; graphs have at most `limit` nodes."""
        return BlockwiseSampler(self.row_drawer(block), block)

    def row_drawer(self, block: int | None) -> DrawBlock:
        """What draws the rows of so many lanes, or, for None, of any, each by itself."""
        return independent.NativeSampler(self) if block is None else self._sample

    def _sample(self, states: Tensor, widths: Tensor, thresholds: Tensor, uniforms: Tensor) -> Tensor:
        log_weights, of_components = self.components(states)
        chosen = (log_weights.exp().cumsum(1)[:, :-1] <= uniforms[:, None]).sum(1)
        logits = of_components[torch.arange(len(states), device=states.device), chosen, : thresholds.shape[1]]
        if self.oldest_first:  # in the order of the scan, like the thresholds
            candidates = torch.arange(thresholds.shape[1], device=states.device)
            logits = logits.gather(1, (widths[:, None] - 1 - candidates).clamp(min=0))
        return in_window(logits > thresholds, widths, self.oldest_first, self.never_empty)
