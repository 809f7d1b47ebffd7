"""A gated recurrent unit over packed sequences, with a backward pass that is linear in the length.

`torch.nn.GRU` on a PackedSequence is quadratic in the length on a CPU, and on padded tensors it computes the padding; here
each layer is one autograd node whose loop makes few, small calls.

Legend: B sequences sorted by descending length, T steps of the longest, S steps of all sequences together, I input size,
H hidden size. Packed tensors are time-major: step 0 of every sequence, then step 1 of those that have one.

Reference:
    K. Cho et al. Learning phrase representations using RNN encoder-decoder for statistical machine translation. EMNLP 2014.
    The gates are those of torch.nn.GRU: r, z, n = sigmoid, sigmoid, tanh and h' = (1 - z) n + z h.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from gengraph.models.graphrnn import kernels

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of a layer: input weight float[3H, I], recurrent weight float[3H, H], input bias float[3H], recurrent bias float[3H]."""


class GRU(nn.Module):
    """Layers of gated recurrent units; weights Xavier uniform, biases zero.

    Args:
        input_size: I.
        hidden_size: H.
        num_layers: layers, >= 1.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.input_weights = nn.ParameterList(_xavier(3 * hidden_size, size) for size in sizes)
        self.hidden_weights = nn.ParameterList(_xavier(3 * hidden_size, hidden_size) for _ in sizes)
        self.input_biases = nn.ParameterList(nn.Parameter(torch.zeros(3 * hidden_size)) for _ in sizes)
        self.hidden_biases = nn.ParameterList(nn.Parameter(torch.zeros(3 * hidden_size)) for _ in sizes)

    @property
    def num_layers(self) -> int:
        """Layers of the network."""
        return len(self.hidden_weights)

    def forward(self, inputs: Tensor, batch_sizes: list[int], initial: Tensor | None = None) -> Tensor:
        """Run over packed sequences.

        Args:
            inputs: float[S, I].
            batch_sizes: sequences that have a step t, descending; they sum to S.
            initial: float[B, H], the first layer's hidden state at the start, the other layers start at zero; or of all
                layers side by side, float[B, layers x H].

        Returns:
            float[S, H], the last layer's states.
        """
        states = inputs
        run = kernels.gru_layer(inputs)
        starts = [] if initial is None else list(initial.split(self.hidden_size, dim=1))
        starts += [inputs.new_zeros(batch_sizes[0], self.hidden_size)] * (self.num_layers - len(starts))
        if run is None and inputs.device.type != "cpu" and len(batch_sizes) > 1:
            return run_on_device(self.layers, inputs, batch_sizes, starts)
        run = run or _Layer.apply
        for layer, (input_weight, weight, input_bias, bias) in enumerate(self.layers):
            gates = torch.addmm(input_bias, states, input_weight.t())
            states = run(gates, starts[layer].contiguous(), weight, bias, batch_sizes)
        return states

    @property
    def layers(self) -> list[Weights]:
        """The weights of each layer."""
        parts = self.input_weights, self.hidden_weights, self.input_biases, self.hidden_biases
        return list(zip(*parts, strict=True))


def run_on_device(layers: list[Weights], inputs: Tensor, batch_sizes: list[int], starts: list[Tensor]) -> Tensor:
    """`GRU.forward` by torch's own layers, which on a CUDA device are cuDNN's: all steps of all layers in one call.

    Args:
        layers: of each the weights.
        inputs: float[S, I].
        batch_sizes: sequences that have a step t, descending.
        starts: float[B, H] for each layer.
    """
    weights = [weight for layer in layers for weight in layer]
    sizes, dropout, with_biases, both_ways = torch.tensor(batch_sizes), 0.0, True, False
    with warnings.catch_warnings():  # the weights do not lie as cuDNN has them: it copies them, microseconds in a call
        warnings.filterwarnings("ignore", message="RNN module weights")
        states: Tensor = torch.gru(
            inputs, sizes, torch.stack(starts), weights, with_biases, len(layers), dropout, torch.is_grad_enabled(), both_ways
        )[0]
    return states


def _xavier(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, columns)))


class Stepper:
    """A GRU one step at a time, in buffers that are used again; no gradients.

    Every call does the same operations on tensors of the same shapes, so that a lane's numbers cannot depend on how many
    of the lanes are in use.

    Args:
        gru: the network; its weights are shared.
        lanes: B, sequences that take a step together.
    """

    def __init__(self, gru: GRU, lanes: int) -> None:
        size = gru.hidden_size
        # tanh(x) = 2 sigmoid(2x) - 1, and torch's sigmoid is six times as fast as its tanh on a CPU: n's share is doubled.
        scale = gru.input_biases[0].new_ones(3 * size)
        scale[2 * size :] = 2
        self._minus_one = -scale[:1]
        self._layers = []
        for layer in range(gru.num_layers):
            weights = gru.input_weights[layer], gru.hidden_weights[layer]
            biases = gru.input_biases[layer], gru.hidden_biases[layer]
            self._layers.append(
                (*((w * scale[:, None]).detach().t() for w in weights), *((b * scale).detach() for b in biases))
            )
        self._gates, self._recurrent = (gru.input_biases[0].detach().new_empty(lanes, 3 * size) for _ in range(2))
        self._reset_update, self._new = self._gates.new_empty(lanes, 2 * size), self._gates.new_empty(lanes, size)
        self._parts = (
            self._gates[:, : 2 * size],
            self._gates[:, 2 * size :],
            self._recurrent[:, : 2 * size],
            self._recurrent[:, 2 * size :],
            self._reset_update[:, :size],
            self._reset_update[:, size:],
        )

    def first_gates(self, inputs: Tensor) -> Tensor:
        """The input's share of the first layer's gates, float[.., 3H] for float[.., I]."""
        weight, _, bias, _ = self._layers[0]
        return torch.addmm(bias, inputs, weight)

    def choose(self, table: Tensor, index: Tensor, hidden: list[Tensor]) -> Tensor:
        """One step whose inputs are rows of a table that `first_gates` made: index int64[B]; otherwise as `step`."""
        torch.index_select(table, 0, index, out=self._gates)
        return self._update(hidden)

    def step(self, inputs: Tensor, hidden: list[Tensor]) -> Tensor:
        """One step of every layer: inputs float[B, I]; hidden float[B, H] a layer is overwritten, the last is returned."""
        weight, _, bias, _ = self._layers[0]
        torch.addmm(bias, inputs, weight, out=self._gates)
        return self._update(hidden)

    def _update(self, hidden: list[Tensor]) -> Tensor:
        gate_ru, gate_n, rec_ru, rec_n, reset, update = self._parts
        for layer, (weight_in, weight, bias_in, bias) in enumerate(self._layers):
            state = hidden[layer]
            if layer:
                torch.addmm(bias_in, hidden[layer - 1], weight_in, out=self._gates)
            torch.addmm(bias, state, weight, out=self._recurrent)
            torch.add(gate_ru, rec_ru, out=self._reset_update).sigmoid_()
            torch.addcmul(gate_n, reset, rec_n, out=self._new).sigmoid_()
            torch.add(self._minus_one, self._new, alpha=2, out=self._new)
            torch.lerp(self._new, state, update, out=state)
        return hidden[-1]


class _Layer(torch.autograd.Function):
    """One layer: gates float[S, 3H], initial float[B, H], weight float[3H, H], bias float[3H] -> states float[S, H]."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, initial: Tensor, weight: Tensor, bias: Tensor, batch_sizes: list[int]) -> Tensor:
        size = initial.shape[1]
        recurrent = torch.empty_like(gates)
        reset_update = gates.new_empty(gates.shape[0], 2 * size)
        new = gates.new_empty(gates.shape[0], size)
        states = torch.empty_like(new)
        steps = zip(
            batch_sizes,
            recurrent.split(batch_sizes),
            recurrent[:, : 2 * size].split(batch_sizes),
            recurrent[:, 2 * size :].split(batch_sizes),
            gates[:, : 2 * size].split(batch_sizes),
            gates[:, 2 * size :].split(batch_sizes),
            reset_update.split(batch_sizes),
            reset_update[:, :size].split(batch_sizes),
            reset_update[:, size:].split(batch_sizes),
            new.split(batch_sizes),
            states.split(batch_sizes),
            strict=True,
        )
        transposed, state = weight.t(), initial
        for count, rec, rec_ru, rec_n, gate_ru, gate_n, ru, reset, update, n, out in steps:
            previous = state[:count]
            torch.addmm(bias, previous, transposed, out=rec)
            torch.add(gate_ru, rec_ru, out=ru).sigmoid_()
            torch.addcmul(gate_n, reset, rec_n, out=n).tanh_()
            state = torch.lerp(n, previous, update, out=out)
        ctx.save_for_backward(initial, weight, reset_update, new, recurrent[:, 2 * size :], states)
        ctx.batch_sizes = batch_sizes
        return states

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (grad_states,) = grad_outputs
        initial, weight, reset_update, new, recurrent_new, states = ctx.saved_tensors
        batch_sizes, size = ctx.batch_sizes, initial.shape[1]
        reset, update = reset_update.split(size, dim=1)
        pairs = zip(states.split(batch_sizes), batch_sizes[1:], strict=False)
        previous = torch.cat([initial, *(state[:count] for state, count in pairs)])
        # Every gate's gradient is the state's gradient times a factor that is known beforehand.
        through_new = (1 - update) * (1 - new * new)
        factors = torch.stack(
            [
                through_new * recurrent_new * reset * (1 - reset),
                (previous - new) * update * (1 - update),
                through_new * reset,
            ],
            dim=1,
        )  # [S, 3, H]
        grad_state = grad_states.clone()  # becomes the whole gradient of each state
        grad_gates = torch.empty_like(factors)
        grad_before = grad_state.new_zeros(0, size)
        steps = zip(
            grad_state.split(batch_sizes),
            factors.split(batch_sizes),
            grad_gates.split(batch_sizes),
            grad_gates.view(-1, 3 * size).split(batch_sizes),
            update.split(batch_sizes),
            strict=True,
        )
        for grad, factor, out, flat, keep in reversed(list(steps)):
            grad[: grad_before.shape[0]] += grad_before
            torch.mul(grad.unsqueeze(1), factor, out=out)
            grad_before = torch.addmm(grad * keep, flat, weight)
        grad_recurrent = grad_gates.view(-1, 3 * size)
        grad_input = torch.cat([grad_recurrent[:, : 2 * size], grad_state * through_new], dim=1)
        return grad_input, grad_before, grad_recurrent.t() @ previous, grad_recurrent.sum(0), None
