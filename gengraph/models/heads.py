"""The edge level: what decides, given the node-level state, to which candidates a new node connects.

`EdgeRNN` scans a row's window with a second recurrent network (GraphRNN); `IndependentEdges` decides all candidates at once
(GraphRNN-S). In both, a row that is known to connect to something has its last decision certain if nothing was chosen before.

Legend: R rows, R' scanned rows, S scan steps of all rows, B lanes of a sampler, M max_prev_node, H hidden size.

Reference:
    J. You et al. GraphRNN. ICML 2018, sections 2.3.2 and 2.3.3.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph import kernels
from gengraph.kernels import edge_rnn
from gengraph.models.gru import GRU, Stepper
from gengraph.models.row_samplers import BlockwiseSampler, RowSampler
from gengraph.sequences.rows import CONTINUE, RowBatch, scan_rows


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def log_bernoulli(logits: Tensor, bits: Tensor) -> Tensor:
    """Log p(bit), exact also where p is tiny."""
    return -functional.binary_cross_entropy_with_logits(logits, bits, reduction="none")


class EdgeRNN(nn.Module):
    """A recurrent network over a row's decisions; its first layer starts from the node-level state.

    Args:
        node_hidden_size: H of the node level.
        hidden_size: units of each layer.
        num_layers: layers.
        oldest_first: scan the window from the oldest candidate to the nearest.
        never_empty: every scanned row connects to something.
    """

    def __init__(
        self, node_hidden_size: int, hidden_size: int, num_layers: int, *, oldest_first: bool, never_empty: bool
    ) -> None:
        super().__init__()
        self.oldest_first, self.never_empty = oldest_first, never_empty
        self.start = _mlp(node_hidden_size, max(1, node_hidden_size // 2), hidden_size)
        self.embed = nn.Linear(1, hidden_size // 2)
        self.rnn = GRU(hidden_size // 2, hidden_size, num_layers)
        self.output = _mlp(hidden_size, hidden_size // 2, 1)

    def forward(self, states: Tensor, batch: RowBatch) -> Tensor:
        """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
        scan = scan_rows(batch, oldest_first=self.oldest_first, every_row=not self.never_empty)
        log_prob = states.new_zeros(len(batch.widths))
        if not len(scan.rows):  # the weights take part all the same: ranks that train together expect it
            return log_prob + 0 * sum(parameter.sum() for parameter in self.parameters())
        rows = torch.from_numpy(scan.rows).to(states.device)
        if kernels.is_native(states):
            return log_prob.index_add(0, rows, edge_rnn.log_prob(self, scan, self.start(states[rows])))
        step_sizes = scan.step_sizes.tolist()
        previous = torch.from_numpy(scan.previous).to(states).unsqueeze(1)
        hidden = self.rnn(functional.relu(self.embed(previous)), step_sizes, self.start(states[rows]))
        bits, free = (torch.from_numpy(array).to(states) for array in (scan.bits, scan.free))
        at_step = log_bernoulli(self.output(hidden).squeeze(1), bits) * free
        row_of_step = torch.cat([rows[:count] for count in step_sizes])
        return log_prob.index_add(0, row_of_step, at_step)

    def sampler(self, lanes: int, block: int, limit: int) -> RowSampler:
        """What draws rows for so many lanes, in blocks; graphs have at most `limit` nodes."""
        native = kernels.is_native(self.embed.weight)
        return BlockwiseSampler(edge_rnn.NativeSampler(self) if native else EdgeSampler(self, block), block)


class EdgeSampler:
    """Draws rows from an EdgeRNN, always for the same number of lanes.

    Args:
        head: the network; its weights are shared.
        lanes: B.
    """

    def __init__(self, head: EdgeRNN, lanes: int) -> None:
        self._head, self._stepper = head, Stepper(head.rnn, lanes)
        weight = head.embed.weight
        embeddings = functional.relu(head.embed(weight.new_tensor([[0.0], [1.0]])))  # of a bit 0 and a bit 1
        self._table = self._stepper.first_gates(embeddings)
        self._hidden = [weight.new_empty(lanes, head.rnn.hidden_size) for _ in range(head.rnn.num_layers)]
        self._previous = torch.empty(lanes, dtype=torch.int64, device=weight.device)

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor) -> Tensor:
        """Draw the bits of one row a lane.

        Args:
            states: float[B, H].
            widths: int64[B], candidates of each lane, 0 where none is to be drawn.
            thresholds: float[B, W], one for each scan step: a bit is 1 when its logit exceeds it. W is the largest width.

        Returns:
            uint8[B, W], bit k standing for the k-th nearest candidate.
        """
        head = self._head
        for hidden in self._hidden[1:]:
            hidden.zero_()
        self._hidden[0].copy_(head.start(states))
        self._previous.fill_(1)
        drawn = torch.empty(thresholds.shape[1], len(states), dtype=torch.bool, device=states.device)
        for j, threshold in enumerate(thresholds.t().contiguous()):
            logits = head.output(self._stepper.choose(self._table, self._previous, self._hidden)).squeeze(1)
            self._previous.copy_(torch.gt(logits, threshold, out=drawn[j]))
        return _in_window(drawn.t(), widths, head.oldest_first, head.never_empty)


def _in_window(drawn: Tensor, widths: Tensor, oldest_first: bool, never_empty: bool) -> Tensor:
    """Scan decisions bool[B, W] as bits uint8[B, W], nearest candidate first; what lies outside the window is 0."""
    candidates = torch.arange(drawn.shape[1], device=drawn.device)
    inside = candidates < widths[:, None]
    if never_empty:  # the last decision is certain if nothing was chosen before
        last = candidates == widths[:, None] - 1
        drawn = drawn | (last & ~(drawn & inside & ~last).any(1, keepdim=True))
    if oldest_first:
        drawn = drawn.gather(1, (widths[:, None] - 1 - candidates).clamp(min=0))
    return (drawn & inside).to(torch.uint8)


class IndependentEdges(nn.Module):
    """Independent Bernoullis from a multilayer perceptron on the node-level state.

    Args:
        node_hidden_size: H of the node level.
        hidden_size: units of the hidden layer.
        max_prev_node: M.
        oldest_first: the nearest candidate is the last decision, else the oldest is.
        never_empty: every row with bits connects to something.
    """

    def __init__(
        self, node_hidden_size: int, hidden_size: int, max_prev_node: int, *, oldest_first: bool, never_empty: bool
    ) -> None:
        super().__init__()
        self.oldest_first, self.never_empty = oldest_first, never_empty
        self.output = _mlp(node_hidden_size, hidden_size, max_prev_node)

    def forward(self, states: Tensor, batch: RowBatch) -> Tensor:
        """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
        widths = torch.from_numpy(batch.widths).to(states.device)
        bits = torch.from_numpy(batch.bits).to(states)
        counted = torch.arange(bits.shape[1], device=states.device) < widths[:, None]
        if self.never_empty:
            continues = torch.from_numpy(batch.decisions == CONTINUE).to(states.device)
            rows, last = torch.arange(len(widths), device=states.device), self._last(widths)
            counted &= continues[:, None]
            counted[rows, last] &= bits.sum(1) > bits[rows, last]
        return (log_bernoulli(self.output(states), bits) * counted).sum(1)

    def sampler(self, lanes: int, block: int, limit: int) -> RowSampler:
        """What draws rows for so many lanes, in blocks; graphs have at most `limit` nodes."""
        return BlockwiseSampler(self._sample, block)

    def _sample(self, states: Tensor, widths: Tensor, thresholds: Tensor) -> Tensor:
        logits = self.output(states)[:, : thresholds.shape[1]]
        if self.oldest_first:  # in the order of the scan, like the thresholds
            candidates = torch.arange(thresholds.shape[1], device=states.device)
            logits = logits.gather(1, (widths[:, None] - 1 - candidates).clamp(min=0))
        return _in_window(logits > thresholds, widths, self.oldest_first, self.never_empty)

    def _last(self, widths: Tensor) -> Tensor:
        """The bit that is decided last in each row."""
        return torch.zeros_like(widths) if self.oldest_first else widths - 1
