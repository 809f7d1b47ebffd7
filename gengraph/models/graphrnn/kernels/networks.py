"""What the kernels read of the networks that they compute, which stand above this room.

Legend: H hidden size, I inputs, M max_prev_node, F units of a first hidden layer.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import nn


class Recurrent(Protocol):
    """Layers of gated recurrent units (`gengraph.models.graphrnn.gru.GRU`).

    Attributes:
        hidden_size: H.
        input_weights: float[3 H, I] of each layer.
        hidden_weights: float[3 H, H] of each layer.
        input_biases: float[3 H] of each layer.
        hidden_biases: float[3 H] of each layer.
    """

    hidden_size: int
    input_weights: nn.ParameterList
    hidden_weights: nn.ParameterList
    input_biases: nn.ParameterList
    hidden_biases: nn.ParameterList

    @property
    def num_layers(self) -> int:
        """Layers of the network."""
        ...


class EdgeLevel(Protocol):
    """A recurrent network over a row's decisions (`gengraph.models.graphrnn.rnn_head.EdgeRNN`).

    Attributes:
        start: makes of node-level states what the layers start from.
        embed: of a decision.
        output: from the last layer's state to a logit.
        oldest_first: scan the window from the oldest candidate to the nearest.
        never_empty: every scanned row connects to something.
    """

    start: nn.Sequential
    embed: nn.Linear
    output: nn.Sequential
    oldest_first: bool
    never_empty: bool

    @property
    def rnn(self) -> Recurrent:
        """The layers."""
        ...


class IndependentLevel(Protocol):
    """A mixture of independent Bernoullis (`gengraph.models.graphrnn.mlp_head.IndependentEdges`).

    Attributes:
        output: from node-level states to the numbers of the mixture.
        oldest_first: the nearest candidate is the last decision, else the oldest is.
        never_empty: every row with bits connects to something.
        num_components: >= 1.
        max_prev_node: M.
    """

    output: nn.Sequential
    oldest_first: bool
    never_empty: bool
    num_components: int
    max_prev_node: int


class ContextLevel(Protocol):
    """The head of GraphRNN-C (`gengraph.models.graphrnn.context_head.ContextEdges`).

    Attributes:
        now: of the newest node's state.
        then: of a candidate's state.
        table: float[codes, F], what is added for each code of a candidate.
        hidden: from the first hidden layer to the second.
        output: from the second hidden layer to a logit.
        used: which features of a candidate are read.
    """

    now: nn.Linear
    then: nn.Linear
    table: nn.Parameter
    hidden: nn.Linear
    output: nn.Linear
    used: npt.NDArray[np.bool_]
