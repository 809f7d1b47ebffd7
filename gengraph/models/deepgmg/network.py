"""The graph network of DeepGMG and its heads.

A round of messages and the representation of a graph are

    a_v = sum over neighbours u of f_e(h_u, h_v),    h_v' = GRU(a_v, h_v),    h_G = sum over v of sigmoid(g(h_v)) * f(h_v)

with f_e, g and f linear, and weights of its own for each round. A new node starts at tanh of a linear map of a second
representation.

Legend: B graphs, n nodes of the largest, H hidden, V nodes of packed graphs, Q packed graphs.

Reference:
    Y. Li, O. Vinyals, C. Dyer, R. Pascanu, P. Battaglia. Learning deep generative models of graphs. 2018, section 3.2.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.graphs import Int64Array


class Round(nn.Module):
    """One round of messages.

    Args:
        hidden_size: H.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.source = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.target = nn.Linear(hidden_size, 2 * hidden_size)
        self.cell = nn.GRUCell(2 * hidden_size, hidden_size)

    def forward(self, states: Tensor, present: Tensor, degrees: Tensor) -> Tensor:
        """States float[B, n, H] after messages along the edges float[B, n, n]; degrees float[B, n, 1]."""
        sums = present @ self.source(states) + degrees * self.target(states)
        after: Tensor = self.cell(sums.flatten(0, 1), states.flatten(0, 1))
        return after.view_as(states)


class Readout(nn.Module):
    """The representation of a graph: twice as wide as a node's state.

    Args:
        hidden_size: H.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.parts = nn.Linear(hidden_size, 4 * hidden_size)

    def forward(self, states: Tensor, graph: Tensor, count: int) -> Tensor:
        """float[Q, 2 H] from packed nodes.

        Args:
            states: float[V, H].
            graph: int64[V], which graph each is of.
            count: Q.
        """
        gate, value = self.parts(states).chunk(2, dim=1)
        gated = torch.sigmoid(gate) * value
        sums: Tensor = gated.new_zeros(count, gated.shape[1]).index_add(0, graph, gated)
        return sums


class DeepGMGNetwork(nn.Module):
    """Messages and heads.

    Args:
        hidden_size: H.
        rounds: T.
        odds: at the start, of a further node and of a further edge, > 0.
        shift: added to the logits of a further edge.
    """

    def __init__(self, hidden_size: int, rounds: int, odds: tuple[float, float], shift: float = 0.0) -> None:
        super().__init__()
        self.shift = shift
        self.rounds = nn.ModuleList(Round(hidden_size) for _ in range(rounds))
        self.readout, self.first_readout = Readout(hidden_size), Readout(hidden_size)
        self.start = nn.Linear(2 * hidden_size, hidden_size)
        self.node = _head(2 * hidden_size, hidden_size, odds[0])
        self.edge = _head(3 * hidden_size, hidden_size, odds[1])
        self.choice_of, self.choice_by = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, hidden_size, bias=False)
        self.choice = nn.Linear(hidden_size, 1, bias=False)  # a bias would change nothing: the choice is a softmax

    def propagate(self, states: Tensor, present: Tensor) -> Tensor:
        """States float[B, n, H] after T rounds along the edges float[B, n, n]."""
        degrees = present.sum(2, keepdim=True)
        for one in self.rounds:
            states = one(states, present, degrees)
        return states

    def new_nodes(self, states: Tensor, graph: Tensor, count: int) -> Tensor:
        """The state float[Q, H] at which a node of each graph starts, from its packed nodes so far."""
        started: Tensor = torch.tanh(self.start(self.first_readout(states, graph, count)))
        return started

    def node_logits(self, graphs: Tensor) -> Tensor:
        """float[Q], of a further node, from representations float[Q, 2 H]."""
        logits: Tensor = self.node(graphs)[:, 0]
        return logits

    def edge_logits(self, graphs: Tensor, newest: Tensor) -> Tensor:
        """float[Q], of a further edge, from representations float[Q, 2 H] and the newest node's states float[Q, H]."""
        logits: Tensor = self.edge(torch.cat([graphs, newest], 1))[:, 0] + self.shift
        return logits

    def choice_logits(self, states: Tensor, graph: Tensor, newest: Tensor) -> Tensor:
        """float[V], of each packed node being the other end; the newest node's states are float[Q, H]."""
        pairs = self.choice_of(states) + self.choice_by(newest)[graph]
        logits: Tensor = self.choice(torch.relu(pairs))[:, 0]
        return logits


def _head(inputs: int, hidden_size: int, odds: float) -> nn.Sequential:
    output = nn.Linear(hidden_size, 1)
    nn.init.constant_(output.bias, math.log(odds))
    return nn.Sequential(nn.Linear(inputs, hidden_size), nn.ReLU(), output)


def packed(first: Int64Array, count: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The rows first, first + 1, ... of each of Q graphs, int64[V], and which graph each is of, int64[V]."""
    graph = np.repeat(np.arange(len(count)), count)
    return (first - np.cumsum(count) + count)[graph] + np.arange(len(graph)), graph
