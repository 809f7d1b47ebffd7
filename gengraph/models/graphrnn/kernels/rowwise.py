"""Layers of a sampler, each row by itself: what it becomes depends neither on the other rows nor on the number of threads.

Weights are copied when a layer is made. No gradients.

Legend: B rows, I inputs, O outputs, H hidden size.
"""

from collections.abc import Callable

from torch import Tensor, nn

from gengraph.models.graphrnn.kernels.library import Copies, native_library, num_threads
from gengraph.models.graphrnn.kernels.networks import Recurrent

_WIDEST = 16  # numbers of the widest vector: rows of weights are filled up to whole vectors


class Linear:
    """float[B, O] of inputs float[B, I].

    Args:
        layer: its weights are copied.
        rectified: whether negative outputs become 0.
    """

    def __init__(self, layer: nn.Linear, *, rectified: bool = False) -> None:
        self._size = layer.out_features
        self._numbers = layer.in_features, layer.out_features, int(rectified)
        bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
        self._weights = Copies(_packed(layer.weight, 1), bias)

    def __call__(self, inputs: Tensor) -> Tensor:
        """The outputs."""
        outputs = inputs.new_empty(inputs.shape[0], self._size)
        numbers = *self._numbers, num_threads()
        native_library().call("linear", *numbers, inputs.contiguous(), *self._weights.arrays, outputs)
        return outputs


def perceptron(network: nn.Sequential) -> Callable[[Tensor], Tensor]:
    """A multilayer perceptron with one hidden layer (`gengraph.models.graphrnn.rnn_head.mlp`)."""
    first, _, last = network
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    hidden, output = Linear(first, rectified=True), Linear(last)
    return lambda inputs: output(hidden(inputs))


class Stepper:
    """A GRU one step at a time, for any number of rows.

    Args:
        gru: its weights are copied.
    """

    def __init__(self, gru: Recurrent) -> None:
        self._layers = []
        parts = gru.input_weights, gru.hidden_weights, gru.input_biases, gru.hidden_biases
        for weight, hidden_weight, *biases in zip(*parts, strict=True):
            copies = Copies(_packed(weight, 3), _packed(hidden_weight, 3), *biases)
            self._layers.append((weight.shape[1], copies))

    def step(self, inputs: Tensor, hidden: list[Tensor]) -> Tensor:
        """One step of every layer: inputs float[B, I]; hidden float[B, H] a layer is overwritten, the last is returned."""
        for (num_inputs, weights), states in zip(self._layers, hidden, strict=True):
            numbers = num_inputs, states.shape[1], num_threads()
            native_library().call("gru_step", *numbers, inputs.contiguous(), *weights.arrays, states)
            inputs = states
        return inputs


def _packed(weight: Tensor, groups: int) -> Tensor:
    """Weights float[groups x O, I] in the order that the native library wants."""
    outputs, inputs = weight.shape
    size = outputs // groups
    packed = weight.new_empty(inputs * groups * -(-size // _WIDEST) * _WIDEST)
    native_library().call("pack", inputs, groups, size, weight.detach().contiguous(), packed)
    return packed
