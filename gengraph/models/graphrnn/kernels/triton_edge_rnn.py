"""The edge-level network on a CUDA device: the likelihood of rows with its gradients, and draws, by the programs in Triton.

For gradients, the states of a part of the rows are kept in scratch memory until their way back, which follows at once; the
gradients of the weights, products over whole parts, are torch's. With TRITON_INTERPRET=1 in the environment before Triton is
imported, it interprets the programs on the CPU: slow, for tests.

Legend: R rows by descending width, C rows of a part, T steps, S steps of all rows together, K layers, H hidden size, E units of
the output's hidden layer, P parameters.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gengraph.graphs import Int64Array
from gengraph.models.graphrnn.kernels import triton_programs
from gengraph.models.graphrnn.kernels.edge_rnn import LogProb, flat_parameters, sizes_of
from gengraph.models.graphrnn.kernels.networks import EdgeLevel
from gengraph.models.moving import on

if TYPE_CHECKING:
    from gengraph.models.graphrnn.rows import Scan

_MOST_BYTES = 2**29  # of the scratch memory


class _Scan(NamedTuple):
    """What the programs read of a scan, on the device: widths int32[R], offsets int64[T + 1], codes uint8[S]."""

    step_sizes: Int64Array
    widths: Tensor
    offsets: Tensor
    codes: Tensor


class _Network(NamedTuple):
    """The sizes of an edge-level network."""

    hidden: int
    layers: int
    inner: int

    @property
    def block(self) -> int:
        """Rows of a program: few, so that some thousand rows occupy a whole device; a state takes 4 registers of a thread."""
        return max(16, 512 // self._padded)

    @property
    def _padded(self) -> int:
        return max(16, 1 << (max(self.hidden, self.inner) - 1).bit_length())

    @property
    def options(self) -> dict[str, Any]:
        """Of every program. One stage: weights come from the cache, so that copying them ahead would only take memory."""
        constants = {"LAYERS": self.layers, "SIZE": self.hidden, "PADDED": self._padded, "INNER": self.inner}
        return constants | {"BLOCK": self.block, "num_warps": 4, "num_stages": 1, "enable_fp_fusion": True}

    def programs(self, count: int) -> tuple[int]:
        """How many programs so many rows take."""
        return (-(-count // self.block),)

    def parts(self, step_sizes: Int64Array, rows: int) -> Iterator[tuple[int, int, int]]:
        """First row, C and T of parts of the rows that need little scratch memory."""
        first = 0
        while first < rows:
            steps = int((step_sizes > first).sum())  # of the first row, the widest
            bytes_a_row = 4 * (steps + 1) * (5 * self.layers * self.hidden + self.hidden + 2 * self.inner + 2)
            count = max(1, _MOST_BYTES // bytes_a_row // self.block) * self.block
            yield first, min(count, rows - first), steps
            first += count

    def views(self, flat: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]], tuple[Tensor, ...]]:
        """Parameters float[P], or their gradients, taken apart.

        Returns:
            The table [2, 3H]; weight [3H, H] and bias [3H] of the first layer's recurrence, the second's input, the second's
            recurrence and so on; weight [E, H] and bias [E] of the output's hidden layer, weight [E] and bias [1] of the
            output.
        """
        size, inner = self.hidden, self.inner
        products = [3 * size * size, 3 * size] * (2 * self.layers - 1)
        table, *rest = flat.split([6 * size, *products, inner * size, inner, inner, 1])
        pairs = [(weight.view(3 * size, size), bias) for weight, bias in zip(rest[:-4:2], rest[1:-4:2], strict=True)]
        return table.view(2, 3 * size), pairs, (rest[-4].view(inner, size), *rest[-3:])


def log_prob(head: EdgeLevel, scan: "Scan", start: Tensor, *, alike: bool = False) -> Tensor:
    """The log-probability float[R] of the scanned rows; start float[R, layers x H]: of the first or of all layers.

    The scan may have been moved to the device. `alike` says that all rows will weigh alike in the loss.
    """
    network = _Network(*sizes_of(head))
    widths, offsets, bits, previous, free = (
        on(array, start.device) for array in (scan.widths, scan.offsets, scan.bits, scan.previous, scan.free)
    )
    call = partial(_call, network, _Scan(scan.step_sizes, widths, offsets, bits + 2 * previous + 4 * free))
    inputs = _of_all_layers(start, network), flat_parameters(head)
    result: Tensor = LogProb.apply(*inputs, call, alike)  # type: ignore[no-untyped-call]
    return result


def _of_all_layers(start: Tensor, network: _Network) -> Tensor:
    """What all layers start from, float[R, K H], zero where nothing is given."""
    return functional.pad(start, (0, network.layers * network.hidden - start.shape[1])).contiguous()


def _call(
    network: _Network, scan: _Scan, start: Tensor, parameters: Tensor, weight: Tensor | None = None, *, gradients: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities float[R] and the gradients of start and parameters (empty if not wanted)."""
    result, weights = start.new_empty(len(start)), torch.ones_like(start[:, 0]) if weight is None else weight
    inputs = parameters, start, scan.widths, scan.offsets, scan.codes, weights, result
    with torch.cuda.device_of(start):
        if not gradients:
            empty = start.new_empty(0)
            kept, rows = (empty, empty, empty), (0, len(start), 0)
            triton_programs.forward[network.programs(len(start))](*inputs, *kept, *rows, KEEP=False, **network.options)
            return result, empty, empty
        grad_start, grad_parameters = torch.empty_like(start), torch.zeros_like(parameters)
        for rows in network.parts(scan.step_sizes, len(start)):
            _add_gradients(network, inputs, rows, grad_start, grad_parameters)
    return result, grad_start, grad_parameters


def _add_gradients(
    network: _Network, inputs: tuple[Tensor, ...], rows: tuple[int, int, int], grad_start: Tensor, grad_parameters: Tensor
) -> None:
    """The log-probabilities and gradients of a part of the rows: first, C, T."""
    (_, count, steps), (parameters, _, widths, *_) = rows, inputs
    states = parameters.new_zeros(network.layers, steps + 1, count, network.hidden)
    previous, grad_logits = (parameters.new_zeros(steps, count) for _ in range(2))
    grid, options = network.programs(count), network.options
    triton_programs.forward[grid](*inputs, states, previous, grad_logits, *rows, KEEP=True, **options)
    _, _, output = network.views(parameters)
    grad_table, grad_products, grad_output = network.views(grad_parameters)
    grad_top = _back_through_output(output, states[-1, 1:].flatten(0, 1), grad_logits.flatten(), grad_output)
    grad_gates = parameters.new_zeros(network.layers, steps, count, 4 * network.hidden)
    triton_programs.backward[grid](parameters, widths, states, previous, grad_top, grad_gates, grad_start, *rows, **options)
    _add_weight_gradients(states, previous, grad_gates, grad_table, grad_products)


def _back_through_output(output: tuple[Tensor, ...], states: Tensor, grad_logits: Tensor, grads: tuple[Tensor, ...]) -> Tensor:
    """The gradients of the last layer's states float[T C, H] from those of the logits; adds those of the weights to `grads`."""
    inner_weight, inner_bias, outer_weight, _ = output
    hidden = functional.relu(torch.addmm(inner_bias, states, inner_weight.t()))
    grad_hidden = grad_logits[:, None] * outer_weight * (hidden > 0)
    shares = grad_hidden.t() @ states, grad_hidden.sum(0), grad_logits @ hidden, grad_logits.sum()
    for grad, share in zip(grads, shares, strict=True):
        grad.add_(share)
    return grad_hidden @ inner_weight


def _add_weight_gradients(
    states: Tensor, previous: Tensor, grad_gates: Tensor, grad_table: Tensor, grad_products: list[tuple[Tensor, Tensor]]
) -> None:
    """Add the gradients of table, weights and biases: products over all steps of a part."""
    size = states.shape[3]
    for layer, gates in enumerate(grad_gates.flatten(1, 2)):
        of_recurrence, of_input = gates[:, : 3 * size], gates[:, size:]  # new, reset, update; reset, update, new
        weight, bias = grad_products[2 * layer]
        weight += (of_recurrence.t() @ states[layer, :-1].flatten(0, 1)).roll(-size, 0)
        bias += of_recurrence.sum(0).roll(-size)
        if layer:
            weight, bias = grad_products[2 * layer - 1]
            weight += of_input.t() @ states[layer - 1, 1:].flatten(0, 1)
            bias += of_input.sum(0)
        else:
            of_ones = previous.flatten() @ of_input
            grad_table[0] += of_input.sum(0) - of_ones
            grad_table[1] += of_ones


class TritonSampler:
    """Draws rows from an EdgeRNN, all in one launch; a row's bits do not depend on which others are drawn with it.

    Args:
        head: the network; its weights are copied.
    """

    def __init__(self, head: EdgeLevel) -> None:
        self._head, self._network = head, _Network(*sizes_of(head))
        self._parameters = flat_parameters(head).detach()

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor, _uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane: arguments and result as of EdgeSampler."""
        head, network, (count, window) = self._head, self._network, thresholds.shape
        start = _of_all_layers(head.start(states), network)
        bits = torch.zeros(thresholds.shape, dtype=torch.uint8, device=states.device)
        arrays = self._parameters, start, widths.contiguous(), thresholds.contiguous(), bits
        flags = {"NEVER_EMPTY": head.never_empty, "OLDEST_FIRST": head.oldest_first}
        with torch.cuda.device_of(states):
            triton_programs.draw[network.programs(count)](*arrays, count, window, **flags, **network.options)
        return bits
