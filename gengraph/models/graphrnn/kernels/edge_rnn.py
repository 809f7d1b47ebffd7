"""The edge-level network in one native call: the log-likelihood of rows with its gradients, and draws.

Legend: R rows by descending width, T steps, S steps of all rows together, H hidden size, P parameters.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from gengraph.models.graphrnn.kernels.library import Copies, integers, native_library, num_threads
from gengraph.models.graphrnn.kernels.networks import EdgeLevel

if TYPE_CHECKING:
    from gengraph.models.graphrnn.rows import Scan


def log_prob(head: EdgeLevel, scan: "Scan", start: Tensor) -> Tensor:
    """The log-probability float[R] of the scanned rows; start float[R, layers x H]: of the first or of all layers."""
    packed = (integers(scan.step_sizes), *(torch.from_numpy(array) for array in (scan.bits, scan.previous, scan.free)))
    call = partial(_call, sizes_of(head), packed)
    result: Tensor = LogProb.apply(start, flat_parameters(head), call)  # type: ignore[no-untyped-call]
    return result


def sizes_of(head: EdgeLevel) -> tuple[int, int, int]:
    """Hidden size, layers, units of the output's hidden layer."""
    return head.rnn.hidden_size, head.rnn.num_layers, len(next(head.output.parameters()))


def flat_parameters(head: EdgeLevel) -> Tensor:
    """The weights float[P] in the order that the native library wants (`Layout` in native/edge_rnn.h).

    The first layer's input is a bit, so that its gates are one of two rows.
    """
    rnn = head.rnn
    weight = head.embed.weight
    embeddings = functional.relu(head.embed(torch.arange(2, dtype=weight.dtype, device=weight.device)[:, None]))
    parts = [torch.addmm(rnn.input_biases[0], embeddings, rnn.input_weights[0].t())]
    for layer in range(rnn.num_layers):
        if layer:
            parts += [rnn.input_weights[layer], rnn.input_biases[layer]]
        parts += [rnn.hidden_weights[layer], rnn.hidden_biases[layer]]
    parts += head.output.parameters()
    return torch.cat([part.flatten() for part in parts])


class LogProb(torch.autograd.Function):
    """Log-probabilities float[R] from start float[R, layers x H] and parameters float[P], by a kernel's `_call`.

    The gradients of their sum are made along with them, while a block of rows is in the cache. If the rows turn out to have
    different weights in the loss, a second call makes the gradients for these. Where the rows are known to weigh `alike` they
    are not compared, which would have the host wait for a device.
    """

    @staticmethod
    def forward(
        ctx: Any,
        start: Tensor,
        parameters: Tensor,
        call: "Callable[..., tuple[Tensor, Tensor, Tensor]]",
        alike: bool = False,
    ) -> Tensor:
        """The log-probabilities; the gradients of their sum are kept if there will be a way back."""
        ctx.call, ctx.alike = call, alike
        start, parameters = start.contiguous(), parameters.contiguous()
        result, *gradients = call(start, parameters, gradients=any(ctx.needs_input_grad))
        ctx.save_for_backward(start, parameters, *gradients)
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """The gradients of start and parameters."""
        start, parameters, grad_start, grad_parameters = ctx.saved_tensors
        if ctx.alike or bool((grad == grad[0]).all()):
            return grad_start * grad[0], grad_parameters * grad[0], None, None
        _, *gradients = ctx.call(start, parameters, grad.contiguous())
        return gradients[0], gradients[1], None, None


def _call(
    sizes: tuple[int, int, int],
    packed: tuple[Tensor, ...],
    start: Tensor,
    parameters: Tensor,
    weight: Tensor | None = None,
    *,
    gradients: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities float[R] and the gradients of start and parameters (empty if not wanted)."""
    empty = start.new_empty(0)
    result = start.new_empty(len(start))
    grad_start, grad_parameters = (torch.empty_like(x) if gradients else empty for x in (start, parameters))
    tensors = (*packed, start, parameters, empty if weight is None else weight, result, grad_start, grad_parameters)
    native_library().call("edge_log_prob", *sizes, num_threads(), *tensors)
    return result, grad_start, grad_parameters


class NativeSampler:
    """Draws rows from an EdgeRNN; a row's bits do not depend on which others are drawn with it.

    Args:
        head: the network; its weights are copied.
        start: makes of node-level states what its layers start from.
    """

    def __init__(self, head: EdgeLevel, start: Callable[[Tensor], Tensor]) -> None:
        self._head, self._start = head, start
        self._sizes = sizes_of(head)
        self._parameters = Copies(flat_parameters(head))

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor, _uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane: arguments and result as of EdgeSampler."""
        head = self._head
        bits = torch.empty(thresholds.shape, dtype=torch.uint8)
        numbers, flags = (*self._sizes, num_threads()), (int(head.never_empty), int(head.oldest_first))
        arrays = widths.contiguous(), self._start(states).contiguous()
        drawn = thresholds.contiguous(), *flags, bits
        native_library().call("edge_sample", *numbers, *arrays, *self._parameters.arrays, *drawn)
        return bits
