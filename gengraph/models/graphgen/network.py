"""The network of GraphGen: a recurrent network over the steps of a code, and a head for each component of a step.

A step is (t_u, t_v, L_u, L_e, L_v). Each component has a head of its own on the state, whose softmax is over what may come
given the components before it. L_u and L_e, and L_v of a backward edge, are then certain, so that three heads are left.

Legend: B codes, S steps of the longest, K names of vertices, H hidden.
"""

import torch
from torch import Tensor, nn

from gengraph.models.graphgen.config import GraphGenConfig
from gengraph.models.graphgen.views import NUM_FEATURES

_SPREAD = 0.3  # standard deviation of the tables at the start
_COMPARED = 32  # hidden units for what tells vertices apart
_MORE = 8.0  # how much less likely degrees beyond those of the training graphs are at the start, in nats


class StepNetwork(nn.Module):
    """Reads steps, says logits.

    Args:
        config: of the model.
        names: K.
        num_labels: classes of labels; the last one, of several, is for all degrees that no training graph has.

    Attributes:
        heads: what says the logits of the classes of t_u ("source"), t_v ("target") and L_v ("label") from a state.
    """

    def __init__(self, config: GraphGenConfig, names: int, num_labels: int) -> None:
        super().__init__()
        size, dropout = config.embedding_size, config.dropout
        self.start = nn.Parameter(torch.zeros(size))
        self.tables = nn.ModuleList(nn.Embedding(rows, size) for rows in (1 + names, 2 * names, num_labels, num_labels))
        self.seen = nn.Linear(3 * names + 3, size) if config.state else None
        between = dropout if config.num_layers > 1 else 0.0
        self.cell = nn.LSTM(size, config.hidden_size, config.num_layers, batch_first=True, dropout=between)
        classes = {"source": 2 + names, "target": 1 + names, "label": num_labels}
        self.heads = nn.ModuleDict({name: _head(config, count) for name, count in classes.items()})
        if config.state:
            self.features = nn.ModuleDict({name: nn.Linear(NUM_FEATURES, _COMPARED) for name in ("source", "target")})
            self.weights = nn.ModuleDict({name: nn.Linear(config.hidden_size, _COMPARED) for name in ("source", "target")})
        with torch.no_grad():
            for table in self.tables.parameters():
                table.mul_(_SPREAD)
            if num_labels > 1:
                [*self.heads["label"].parameters()][-1][-1] -= _MORE

    def read(self, steps: Tensor, seen: Tensor | None) -> Tensor:
        """float[..., embedding_size], what the recurrent network is told.

        Args:
            steps: int64[..., 4], the classes of t_u, t_v, L_u and L_v of the last step.
            seen: float[..., 3 K + 3], where the config has it read.
        """
        told: Tensor = sum(table(column) for table, column in zip(self.tables, steps.unbind(-1), strict=True))
        return self._with(told, seen)

    def begin(self, seen: Tensor | None, count: int) -> Tensor:
        """float[B, 1, embedding_size], what it is told before the first step; seen: float[B, 1, 3 K + 3]."""
        return self._with(self.start.expand(count, 1, -1), seen)

    def states(self, told: Tensor) -> Tensor:
        """float[B, S, H], before each step."""
        states: Tensor = self.cell(told)[0]
        return states

    def compared(self, name: str, states: Tensor, features: Tensor) -> Tensor:
        """float[Q, C], what is added to logits of t_u or t_v for features float[Q, C, NUM_FEATURES], given float[Q, H]."""
        hidden = torch.relu(self.features[name](features)) * features[..., -1:]
        return torch.einsum("qcf,qf->qc", hidden, self.weights[name](states))

    def _with(self, told: Tensor, seen: Tensor | None) -> Tensor:
        return told if self.seen is None else told + self.seen(seen)


def _head(config: GraphGenConfig, classes: int) -> nn.Sequential:
    hidden = config.output_size
    layers = [nn.Dropout(config.dropout), nn.Linear(config.hidden_size, hidden), nn.ReLU(), nn.Dropout(config.dropout)]
    return nn.Sequential(*layers, nn.Linear(hidden, classes))
