"""The edge level: what decides, given the node-level state, to which candidates a new node connects.

`EdgeRNN` scans a row's window with a second recurrent network (GraphRNN). In all heads, a row that is known to connect to
something has its last decision certain if nothing was chosen before.

Legend: R rows, R' scanned rows, S scan steps of all rows, B lanes of a sampler, W widest window, H hidden size.

Reference:
    J. You et al. GraphRNN. ICML 2018, section 2.3.2.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.gru import GRU, Stepper
from gengraph.models.graphrnn.kernels import edge_rnn, rowwise
from gengraph.models.graphrnn.row_samplers import BlockwiseSampler, DrawBlock, RowSampler
from gengraph.models.graphrnn.rows import RowBatch, Scan, scan_rows
from gengraph.models.moving import on


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """A multilayer perceptron with one hidden layer."""
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
        every_layer: whether all layers start from the node-level state; otherwise all but the first start at zero.
        oldest_first: scan the window from the oldest candidate to the nearest.
        never_empty: every scanned row connects to something.
    """

    def __init__(
        self,
        node_hidden_size: int,
        hidden_size: int,
        num_layers: int,
        *,
        every_layer: bool,
        oldest_first: bool,
        never_empty: bool,
    ) -> None:
        super().__init__()
        self.oldest_first, self.never_empty, self.every_layer = oldest_first, never_empty, every_layer
        num_starts = num_layers if every_layer else 1
        self.start = mlp(node_hidden_size, max(1, node_hidden_size // 2), num_starts * hidden_size)
        self.embed = nn.Linear(1, hidden_size // 2)
        self.rnn = GRU(hidden_size // 2, hidden_size, num_layers)
        self.output = mlp(hidden_size, hidden_size // 2, 1)

    def forward(self, states: Tensor, batch: RowBatch) -> Tensor:
        """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
        return self.log_prob(states, self.describe(batch))

    def describe(self, batch: RowBatch) -> Scan:
        """What is read of rows."""
        return scan_rows(batch, oldest_first=self.oldest_first, every_row=not self.never_empty)

    def log_prob(self, states: Tensor, scan: Scan, *, alike: bool = False) -> Tensor:
        """As `forward`, of rows that have been described; `alike` says that all of them will weigh alike in the loss."""
        log_prob = states.new_zeros(len(states))
        if not len(scan.rows):  # the weights take part all the same: ranks that train together expect it
            return log_prob + 0 * sum(parameter.sum() for parameter in self.parameters())
        rows = on(scan.rows, states.device)
        start = self.start(states.index_select(0, rows))
        if kernels.is_native(states):
            return log_prob.index_add(0, rows, edge_rnn.log_prob(self, scan, start))
        if programs := kernels.triton_edge_level(states, self.rnn.hidden_size):
            return log_prob.index_add(0, rows, programs.log_prob(self, scan, start, alike=alike))
        step_sizes = scan.step_sizes.tolist()
        bits, free, previous = (on(array, states.device).to(states) for array in (scan.bits, scan.free, scan.previous))
        hidden = self.rnn(functional.relu(self.embed(previous.unsqueeze(1))), step_sizes, start)
        at_step = log_bernoulli(self.output(hidden).squeeze(1), bits) * free
        row_of_step = torch.cat([rows[:count] for count in step_sizes])
        return log_prob.index_add(0, row_of_step, at_step)

    def first_step(self, states: Tensor) -> Tensor:
        """The last layer's state float[R, H'] after its first step, before any decision; H' units of the edge level."""
        start_of_row = functional.relu(self.embed(states.new_ones(len(states), 1)))
        first: Tensor = self.rnn(start_of_row, [len(states)], self.start(states))
        return first

    def read(self, states: Tensor, batch: RowBatch) -> tuple[Tensor, Tensor]:
        """As `forward`, with one step more in every row, which reads the last decision.

        Returns:
            float[R], log-probabilities; float[R, H'], the last layer's state at the end, zero for rows that are not scanned.
        """
        scan = self.describe(batch)
        log_prob = states.new_zeros(len(batch.widths)) + 0 * sum(parameter.sum() for parameter in self.parameters())
        at_end = states.new_zeros(len(batch.widths), self.rnn.hidden_size)
        if not len(scan.rows):
            return log_prob, at_end
        rows, goes_on = torch.from_numpy(scan.rows).to(states.device), scan.step_sizes.tolist()
        bits, free = (torch.from_numpy(array).to(states) for array in (scan.bits, scan.free))
        inputs = torch.cat([bits.new_ones(len(rows)), bits]).unsqueeze(1)
        sizes = [len(rows), *goes_on]
        steps = self.rnn(functional.relu(self.embed(inputs)), sizes, self.start(states[rows])).split(sizes)
        deciding = torch.cat([step[:count] for step, count in zip(steps, goes_on, strict=False)])
        ended = torch.cat([step[count:] for step, count in zip(steps, [*goes_on, 0], strict=True)][::-1])
        at_step = log_bernoulli(self.output(deciding).squeeze(1), bits) * free
        row_of_step = torch.cat([rows[:count] for count in goes_on])
        return log_prob.index_add(0, row_of_step, at_step), at_end.index_copy(0, rows, ended)

    def sampler(self, lanes: int, block: int | None, limit: int) -> RowSampler:
        """What draws rows for so many lanes, in blocks or each by itself; graphs have at most `limit` nodes."""
        return BlockwiseSampler(self.row_drawer(block), block)

    def row_drawer(self, block: int | None) -> DrawBlock:
        """What draws the rows of so many lanes, or, for None, of any, each by itself."""
        if block is None:
            return edge_rnn.NativeSampler(self, rowwise.perceptron(self.start))
        if programs := kernels.triton_edge_level(self.embed.weight, self.rnn.hidden_size):
            drawer: DrawBlock = programs.TritonSampler(self)
            return drawer
        return edge_rnn.NativeSampler(self, self.start) if kernels.is_native(self.embed.weight) else EdgeSampler(self, block)


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

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor, _uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane.

        Args:
            states: float[B, H].
            widths: int64[B], candidates of each lane, 0 where none is to be drawn.
            thresholds: float[B, W], one for each scan step: a bit is 1 when its logit exceeds it. W is the largest width.

        Returns:
            uint8[B, W], bit k standing for the k-th nearest candidate.
        """
        head = self._head
        self._begin(states)
        drawn = torch.empty(thresholds.shape[1], len(states), dtype=torch.bool, device=states.device)
        for j, threshold in enumerate(thresholds.t().contiguous()):
            logits = head.output(self._stepper.choose(self._table, self._previous, self._hidden)).squeeze(1)
            self._previous.copy_(torch.gt(logits, threshold, out=drawn[j]))
        return in_window(drawn.t(), widths, head.oldest_first, head.never_empty)

    def read(self, states: Tensor, rows: Tensor, widths: Tensor) -> Tensor:
        """What `EdgeRNN.read` has at the end of rows that were drawn.

        Args:
            states: float[B, H], of the node level before the rows.
            rows: uint8[B, W], bit k standing for the k-th nearest candidate.
            widths: int64[B], candidates of each row, 0 where none was scanned.

        Returns:
            float[B, H'].
        """
        self._begin(states)
        if self._head.oldest_first:
            candidates = torch.arange(rows.shape[1], device=rows.device)
            rows = rows.gather(1, (widths[:, None] - 1 - candidates).clamp(min=0))
        at_end = torch.zeros_like(self._hidden[-1])
        for j in range(rows.shape[1] + 1):
            hidden = self._stepper.choose(self._table, self._previous, self._hidden)
            at_end = torch.where(((widths == j) & (widths > 0))[:, None], hidden, at_end)
            if j < rows.shape[1]:
                self._previous.copy_(rows[:, j])
        return at_end

    def _begin(self, states: Tensor) -> None:
        """Stand before the first decision of rows with these node-level states."""
        for hidden in self._hidden:
            hidden.zero_()
        starts = self._head.start(states).split(self._head.rnn.hidden_size, dim=1)
        for hidden, start in zip(self._hidden, starts, strict=False):
            hidden.copy_(start)
        self._previous.fill_(1)


def in_window(drawn: Tensor, widths: Tensor, oldest_first: bool, never_empty: bool) -> Tensor:
    """Scan decisions bool[B, W] as bits uint8[B, W], nearest candidate first; what lies outside the window is 0."""
    candidates = torch.arange(drawn.shape[1], device=drawn.device)
    inside = candidates < widths[:, None]
    if never_empty:  # the last decision is certain if nothing was chosen before
        last = candidates == widths[:, None] - 1
        drawn = drawn | (last & ~(drawn & inside & ~last).any(1, keepdim=True))
    if oldest_first:
        drawn = drawn.gather(1, (widths[:, None] - 1 - candidates).clamp(min=0))
    return (drawn & inside).to(torch.uint8)
