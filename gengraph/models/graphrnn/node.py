"""The node level: what has read the rows made so far, and the sampler's side of it.

Legend: B lanes, R rows of a batch in time-major order, M max_prev_node, I input size, H hidden size.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import Int64Array
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.config import GraphRNNConfig
from gengraph.models.graphrnn.gru import GRU, Stepper, run_on_device
from gengraph.models.graphrnn.kernels import rowwise
from gengraph.models.graphrnn.lstm import LSTM, LSTMStepper
from gengraph.models.graphrnn.transformer import NodeTransformer

COUNTDOWN = (4.0, 16.0, 64.0, 256.0)


def countdown(to_come: Tensor) -> Tensor:
    """What the node level is told of the number of nodes to come, int64[b]: exp(-number / scale), float64[b, 4] in [0, 1]."""
    return torch.stack([torch.exp(to_come.double() / -scale) for scale in COUNTDOWN], dim=1)


class NodeMemory(Protocol):
    """What a node-level network remembers of graphs that grow side by side; no gradients."""

    def step(self, inputs: Tensor, lanes: slice) -> Tensor:
        """The states float[b, H] before the next row of the lanes of a block, for inputs float[b, I]."""

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""


class _Cell(NamedTuple):
    layer: Callable[[int, int], nn.Module]
    stepper: Callable[[Any, int], Any]
    num_states: int  # tensors that a layer remembers


_CELLS = {
    "gru": _Cell(lambda inputs, size: GRU(inputs, size, 1), Stepper, 1),
    "lstm": _Cell(LSTM, LSTMStepper, 2),
}


class NodeRNN(nn.Module):
    """Layers of gated recurrent units or long short-term memories.

    Args:
        kind: gru or lstm.
        input_size: I.
        hidden_size: H.
        num_layers: layers.
        dropout_rate: on the inputs of every layer.
        layer_norm: whether the states of every layer are normalised before anything but the layer itself reads them.
    """

    def __init__(
        self, kind: str, input_size: int, hidden_size: int, num_layers: int, *, dropout_rate: float, layer_norm: bool
    ) -> None:
        super().__init__()
        self.hidden_size, self.cell = hidden_size, _CELLS[kind]
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(self.cell.layer(size, hidden_size) for size in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) if layer_norm else nn.Identity() for _ in sizes)
        self.dropout = nn.Dropout(dropout_rate)

    def forward(self, inputs: Tensor, batch_sizes: list[int]) -> Tensor:
        """The states float[R, H] for inputs float[R, I]; batch_sizes are the graphs that have a row t, descending."""
        if inputs.device.type != "cpu" and self.plain and not (self.training and self.dropout.p):
            layers: Any = self.layers
            weights = [weights for layer in layers for weights in layer.layers]
            starts = [inputs.new_zeros(batch_sizes[0], self.hidden_size)] * len(self.layers)
            return run_on_device(weights, inputs, batch_sizes, starts)  # together, so that layers take their steps side by side
        states = inputs
        for layer, norm in zip(self.layers, self.norms, strict=True):
            states = norm(layer(self.dropout(states), batch_sizes))
        return states

    def advance(self, inputs: Tensor, hidden: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step of gated recurrent units, with gradients.

        Args:
            inputs: float[b, I].
            hidden: float[b, H] for each layer.

        Returns:
            The states float[b, H], and the hidden states for the next step.
        """
        after = []
        for layer, norm, state in zip(self.layers, self.norms, hidden, strict=True):
            after.append(layer(self.dropout(inputs), [len(inputs)], state))
            inputs = norm(after[-1])
        return inputs, after

    def bytes_per_lane(self, limit: int) -> int:
        """What the memory of one lane takes, however large its graph."""
        return 4 * len(self.layers) * self.cell.num_states * self.hidden_size

    @property
    def rowwise(self) -> bool:
        """Whether the native library can take each lane by itself."""
        return self.plain and kernels.is_native(next(self.parameters()))

    @property
    def plain(self) -> bool:
        """Whether there is nothing but gated recurrent units, one layer on the other."""
        of_units = all(isinstance(layer, GRU) for layer in self.layers)
        return of_units and all(isinstance(norm, nn.Identity) for norm in self.norms)

    def memory(self, lanes: int, block: int | None, limit: int) -> "Hidden":
        """What so many lanes remember, in blocks, of graphs with at most `limit` nodes."""
        return Hidden(self, lanes, block)


class Hidden:
    """The hidden states of recurrent layers.

    Args:
        network: its weights are shared.
        lanes: B.
        block: lanes that take a step together; None if each is taken by itself (`NodeRNN.rowwise`).
    """

    def __init__(self, network: NodeRNN, lanes: int, block: int | None) -> None:
        layers: Any = network.layers
        self._steppers = [rowwise.Stepper(layer) if block is None else network.cell.stepper(layer, block) for layer in layers]
        self._norms = network.norms
        empty = next(network.parameters()).new_zeros(lanes, network.hidden_size)
        self._states = [[empty.clone() for _ in range(network.cell.num_states)] for _ in network.layers]

    def step(self, inputs: Tensor, lanes: slice) -> Tensor:
        """The states float[b, H] before the next row of these lanes, for inputs float[b, I]."""
        for stepper, norm, states in zip(self._steppers, self._norms, self._states, strict=True):
            inputs = norm(stepper.step(inputs, [state[lanes] for state in states]))
        return inputs

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""
        for states in self._states:
            for state in states:
                state[lanes] = 0

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._states = [[state[lanes] for state in states] for states in self._states]


def node_network(config: GraphRNNConfig) -> NodeRNN | NodeTransformer:
    """The network that a config asks for."""
    sizes = config.embedding_size, config.hidden_size, config.num_layers
    if config.node == "transformer":
        return NodeTransformer(*sizes, config.attention_heads, dropout_rate=config.dropout)
    return NodeRNN(config.node, *sizes, dropout_rate=config.dropout, layer_norm=config.layer_norm)


ReadRows = Callable[[Tensor, Tensor, Tensor], Tensor]
"""What the node level is told, float[b, I'], of rows: states float[b, H] before them, bits uint8[b, W], widths int64[b]."""


class NodeSampler:
    """The node level of graphs that grow side by side; no gradients.

    The network always runs on blocks of the same number of lanes, or on each lane by itself.

    Args:
        embed: makes of what is told of a row what the network reads.
        network: its weights are shared.
        lanes: B, a multiple of the block.
        block: lanes of a block; None if each lane is taken by itself (`NodeRNN.rowwise`).
        limit: most nodes of a graph.
        read_rows: what is told of rows; None tells their bits.
        given: float[K], read with every row of every graph; None for nothing.
    """

    def __init__(
        self,
        embed: nn.Linear,
        network: NodeRNN | NodeTransformer,
        lanes: int,
        block: int | None,
        limit: int,
        read_rows: ReadRows | None = None,
        given: Tensor | None = None,
    ) -> None:
        self._embed = rowwise.Linear(embed, rectified=True) if block is None else lambda rows: functional.relu(embed(rows))
        self._block, self._read_rows = block, read_rows
        self._given = embed.weight.new_empty(0) if given is None else given
        self._row_size = embed.in_features - len(self._given)
        self._memory: NodeMemory = network.memory(lanes, block, limit)
        self._rows = embed.weight.new_ones(lanes, embed.in_features)
        self._states = embed.weight.new_empty(lanes, network.hidden_size)

    def advance(self, to_come: Tensor | None = None, told: Tensor | None = None) -> Tensor:
        """The states float[B, H] before the next row, overwritten by the next call.

        Args:
            to_come: int64[B], where sizes are drawn first.
            told: float[B, K] of totals, where these are drawn, too; then it stands at the end of the states.
        """
        if to_come is not None:
            countdowns = countdown(to_come) if told is None else torch.cat([countdown(to_come), told], dim=1)
            self._rows[:, -countdowns.shape[1] :] = countdowns.to(self._rows)
        self._rows[:, self._row_size :] = self._given
        for lanes in self._blocks():
            self._states[lanes] = self._memory.step(self._embed(self._rows[lanes]), lanes)
        return self._states if told is None else torch.cat([self._states, told.to(self._states)], dim=1)

    def read(self, rows: Tensor, widths: Tensor) -> None:
        """Take in the rows uint8[B, W] that were made, W <= M; widths int64[B] are their candidates, 0 where none was asked."""
        if self._read_rows is None:
            self._rows.zero_()
            self._rows[:, : rows.shape[1]] = rows.to(self._rows)
            return
        rows, widths = rows.to(self._rows.device), widths.to(self._rows.device)
        for lanes in self._blocks():
            self._rows[lanes, : self._row_size] = self._read_rows(self._states[lanes], rows[lanes], widths[lanes])

    def _blocks(self) -> Iterator[slice]:
        size = self._block or len(self._rows)
        return (slice(start, start + size) for start in range(0, len(self._rows), size))

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""
        self._rows[lanes] = 1
        self._memory.reset(lanes)

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._rows, self._states = self._rows[lanes], self._states[lanes]
        self._memory.keep(lanes)
