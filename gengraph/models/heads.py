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

from gengraph.models.gru import GRU
from gengraph.sequences.rows import CONTINUE, RowBatch, scan_rows


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _log_bernoulli(logits: Tensor, bits: Tensor) -> Tensor:
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
        if not len(scan.rows):
            return log_prob
        rows = torch.from_numpy(scan.rows).to(states.device)
        step_sizes = scan.step_sizes.tolist()
        previous = torch.from_numpy(scan.previous).to(states).unsqueeze(1)
        hidden = self.rnn(functional.relu(self.embed(previous)), step_sizes, self.start(states[rows]))
        bits, free = (torch.from_numpy(array).to(states) for array in (scan.bits, scan.free))
        at_step = _log_bernoulli(self.output(hidden).squeeze(1), bits) * free
        row_of_step = torch.cat([rows[:count] for count in step_sizes])
        return log_prob.index_add(0, row_of_step, at_step)

    def sample(self, states: Tensor, widths: Tensor, uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane.

        Args:
            states: float[B, H].
            widths: int64[B], candidates of each lane, >= 1.
            uniforms: float[B, W] in [0, 1), one for each scan step; W is at least the largest width.

        Returns:
            uint8[B, W], bit k standing for the k-th nearest candidate.
        """
        bits = torch.zeros(uniforms.shape, dtype=torch.uint8, device=states.device)
        order = torch.argsort(widths, descending=True, stable=True)
        widths, uniforms = widths[order], uniforms[order]
        hidden = [self.start(states[order])]
        hidden += [torch.zeros_like(hidden[0]) for _ in range(self.rnn.num_layers - 1)]
        embeddings = functional.relu(self.embed(states.new_tensor([[0.0], [1.0]])))  # of a bit 0 and a bit 1
        previous = torch.ones_like(widths)
        any_chosen = torch.zeros_like(widths, dtype=torch.bool)
        for j, count in enumerate(_at_least(widths)):
            hidden = self.rnn.step(embeddings[previous[:count]], [state[:count] for state in hidden])
            probability = torch.sigmoid(self.output(hidden[-1]).squeeze(1))
            chosen = uniforms[:count, j] < probability
            width = widths[:count]
            if self.never_empty:
                chosen |= (width == j + 1) & ~any_chosen[:count]
            any_chosen[:count] |= chosen
            place = width - 1 - j if self.oldest_first else torch.full_like(width, j)
            bits[order[:count], place] = chosen.to(torch.uint8)
            previous = chosen.long()
        return bits


def _at_least(widths: Tensor) -> list[int]:
    """For each scan step j, how many of the widths (descending) exceed j."""
    counts = torch.bincount(widths)
    remaining: list[int] = (len(widths) - torch.cumsum(counts, 0))[:-1].tolist()
    return remaining


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
        return (_log_bernoulli(self.output(states), bits) * counted).sum(1)

    def sample(self, states: Tensor, widths: Tensor, uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane; arguments and result as in EdgeRNN.sample."""
        candidates = torch.arange(uniforms.shape[1], device=states.device)
        place = candidates.expand_as(uniforms)
        if self.oldest_first:  # the uniform of scan step j belongs to the candidate that is scanned then
            place = (widths[:, None] - 1 - place).clamp(min=0)
        probabilities = torch.sigmoid(self.output(states))[:, : uniforms.shape[1]]
        chosen = (uniforms.gather(1, place) < probabilities) & (candidates < widths[:, None])
        if self.never_empty:
            chosen[torch.arange(len(widths), device=states.device), self._last(widths)] |= ~chosen.any(1)
        return chosen.to(torch.uint8)

    def _last(self, widths: Tensor) -> Tensor:
        """The bit that is decided last in each row."""
        return torch.zeros_like(widths) if self.oldest_first else widths - 1
