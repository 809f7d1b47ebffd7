"""GraphRNN and GraphRNN-S: a node-level recurrent network over adjacency rows, and a head that decides a row's edges.

Before row t the node level has read rows 0..t-1 (ones at the start). With `stop = decision` its state chooses between
continue, new component and stop; with `stop = zero_row` the row itself says it, by being empty.

Legend: B graphs, R rows of the batch in time-major order, M max_prev_node, H hidden size.

Reference:
    J. You, R. Ying, X. Ren, W. Hamilton, J. Leskovec. GraphRNN: Generating Realistic Graphs with Deep Auto-regressive
    Models. ICML 2018.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.config import Config
from gengraph.graphs import Int64Array
from gengraph.models.context import ContextEdges
from gengraph.models.gru import GRU, Stepper
from gengraph.models.heads import EdgeRNN, IndependentEdges
from gengraph.sequences.rows import CONTINUE, NEW_COMPONENT, STOP, RowBatch

_NEVER = -30.0  # what the training graphs never do: about e^-30, so that a graph that does it still has a likelihood
_RARE = -5.0  # at the start, stops and new components have about e^-5 of the probability


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFacts:
    """What a model takes from its training graphs.

    Attributes:
        max_prev_node: M, previous nodes that a row keeps.
        max_num_node: nodes of the largest training graph.
        several_components: whether a node may have no earlier neighbour: a training graph is disconnected, or the ordering or a
            small max_prev_node leaves one without; if not, new components have about e^-30.
        has_edges: whether a training graph has an edge; if none has, rows with edges have about e^-30.
    """

    max_prev_node: int
    max_num_node: int
    several_components: bool
    has_edges: bool = True

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class GraphRNNModel(nn.Module):
    """The network; `forward` is the exact log-likelihood of row sequences.

    Args:
        config: sizes, head, stop rule, window and scan.
        facts: what is taken from the training graphs.
    """

    def __init__(self, config: Config, facts: DataFacts) -> None:
        super().__init__()
        model, self.facts = config.model, facts
        self.adaptive = config.sequence.window == "adaptive"
        self.decides = model.stop == "decision"
        self.embed = nn.Linear(facts.max_prev_node, model.embedding_size)
        self.rnn = GRU(model.embedding_size, model.hidden_size, model.num_layers)
        self.oldest_first = config.sequence.scan == "oldest_first"
        scan = {"oldest_first": self.oldest_first, "never_empty": self.decides}
        self.head: EdgeRNN | IndependentEdges | ContextEdges
        if model.head == "rnn":
            self.head = EdgeRNN(model.hidden_size, model.edge_hidden_size, model.edge_num_layers, **scan)
        elif model.head == "context":
            self.head = ContextEdges(model.hidden_size, model.context_size, facts.max_prev_node, model.context)
        else:
            self.head = IndependentEdges(model.hidden_size, model.embedding_size, facts.max_prev_node, **scan)
        if self.decides:
            self.decision = nn.Linear(model.hidden_size, 3)
            with torch.no_grad():
                self.decision.bias.copy_(torch.tensor([0.0, _RARE, _RARE]))

    def forward(self, batch: RowBatch) -> Tensor:
        """The log-likelihood float[B] of each graph's rows under its ordering, in nats; order of `batch.graph`."""
        device = self.embed.weight.device
        states = self._node_states(batch, device)
        log_prob: Tensor = self.head(states, batch)
        if self.decides:
            decisions = torch.from_numpy(batch.decisions).to(device).long().unsqueeze(1)
            log_prob = log_prob + self.decision_log_probs(states).gather(1, decisions).squeeze(1)
        rank = np.arange(len(batch.widths)) - np.repeat(batch.step_offsets[:-1], batch.batch_sizes)
        return log_prob.new_zeros(len(batch.graph)).index_add(0, torch.from_numpy(rank).to(device), log_prob)

    def _node_states(self, batch: RowBatch, device: torch.device) -> Tensor:
        """The node-level state float[R, H] before each row."""
        sizes = batch.batch_sizes.tolist()
        rows = torch.from_numpy(batch.bits).to(device).split(sizes)
        before = [row[:count] for row, count in zip(rows, sizes[1:], strict=False)]
        ones = rows[0].new_ones(sizes[0], self.facts.max_prev_node)
        inputs = torch.cat([ones, *before]).to(self.embed.weight.dtype)
        states: Tensor = self.rnn(functional.relu(self.embed(inputs)), sizes)
        return states

    def decision_log_probs(self, states: Tensor) -> Tensor:
        """Log-probabilities float[R, 3] of CONTINUE, NEW_COMPONENT and STOP; what training graphs never do has e^-30."""
        logits = self.decision(states)
        never = [CONTINUE] * (not self.facts.has_edges) + [NEW_COMPONENT] * (not self.facts.several_components)
        logits = logits.index_fill(1, torch.tensor(never, dtype=torch.int64, device=logits.device), _NEVER)
        return functional.log_softmax(logits, dim=1)

    def decide(self, states: Tensor, uniforms: Tensor) -> Tensor:
        """Draw int64[B] decisions for float[B, H] states from float[B] uniforms, by the inverse of the distribution."""
        if not self.decides:
            return torch.full((len(states),), CONTINUE, device=states.device)
        stop, new = self.decision_log_probs(states).exp()[:, [STOP, NEW_COMPONENT]].t()
        return torch.where(uniforms < stop, STOP, torch.where(uniforms < stop + new, NEW_COMPONENT, CONTINUE))

    def node_sampler(self, lanes: int, block: int) -> "NodeSampler":
        """The node level of so many lanes, in blocks."""
        return NodeSampler(self, lanes, block)


class NodeSampler:
    """The node level of graphs that grow side by side; no gradients.

    The network always runs on blocks of the same number of lanes.

    Args:
        model: its weights are shared.
        lanes: B, a multiple of the block.
        block: lanes of a block.
    """

    def __init__(self, model: GraphRNNModel, lanes: int, block: int) -> None:
        self._embed, self._stepper, self._block = model.embed, Stepper(model.rnn, block), block
        weight = model.embed.weight
        self._hidden = [weight.new_zeros(lanes, model.rnn.hidden_size) for _ in range(model.rnn.num_layers)]
        self._rows = weight.new_ones(lanes, model.facts.max_prev_node)

    def advance(self) -> Tensor:
        """The states float[B, H] before the next row, overwritten by the next call."""
        for start in range(0, len(self._rows), self._block):
            block = slice(start, start + self._block)
            embedded = functional.relu(self._embed(self._rows[block]))
            self._stepper.step(embedded, [hidden[block] for hidden in self._hidden])
        return self._hidden[-1]

    def read(self, rows: Tensor) -> None:
        """Take in the rows uint8[B, W] that were made, W <= M."""
        self._rows.zero_()
        self._rows[:, : rows.shape[1]] = rows.to(self._rows)

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""
        self._rows[lanes] = 1
        for hidden in self._hidden:
            hidden[lanes] = 0

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._rows = self._rows[lanes]
        self._hidden = [hidden[lanes] for hidden in self._hidden]
