"""The head of GraphRNN-C in one native call: the log-likelihood of rows with its gradients, and draws.

Legend: R rows, S candidates of all rows, F units of the first hidden layer, P parameters; B lanes, W thresholds of a row.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.models.graphrnn.kernels.library import Copies, native_library, num_threads
from gengraph.models.graphrnn.kernels.networks import ContextLevel

if TYPE_CHECKING:
    from gengraph.models.graphrnn.candidates import ContextTable

AnyArray = npt.NDArray[Any]


def log_prob(head: ContextLevel, states: Tensor, table: "ContextTable") -> Tensor:
    """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
    arrays = table.rows, table.candidate_rows, table.codes, table.bits, table.free
    packed = tuple(torch.from_numpy(array) for array in arrays)
    inputs = head.now(states), head.then(states), _flat_parameters(head)
    result: Tensor = _LogProb.apply(*inputs, _sizes(head), packed)  # type: ignore[no-untyped-call]
    return result


def _sizes(head: ContextLevel) -> tuple[int, int]:
    """Units of the first and of the second hidden layer."""
    return head.now.out_features, head.hidden.out_features


def _flat_parameters(head: ContextLevel) -> Tensor:
    """The weights float[P] in the order that the native library wants (`ContextLayout` in native/context.h)."""
    weights = head.table, *head.hidden.parameters(), *head.output.parameters()
    return torch.cat([weight.flatten() for weight in weights])


class _LogProb(torch.autograd.Function):
    """Log-probabilities float[R] from U h float[R, F], V h float[R, F] and parameters float[P].

    The gradients of their sum are made along with them, while a block of candidates is in the cache. If the rows turn out to
    have different weights in the loss, a second call makes the gradients for these.
    """

    @staticmethod
    def forward(
        ctx: Any, now: Tensor, then: Tensor, parameters: Tensor, sizes: tuple[int, int], packed: tuple[Tensor, ...]
    ) -> Tensor:
        ctx.sizes, ctx.packed = sizes, packed
        inputs = tuple(tensor.contiguous() for tensor in (now, then, parameters))
        result, gradients = _call(sizes, packed, inputs, gradients=any(ctx.needs_input_grad))
        ctx.save_for_backward(*inputs, *gradients)
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs, gradients = ctx.saved_tensors[:3], ctx.saved_tensors[3:]
        if bool((grad == grad[0]).all()):
            return *(gradient * grad[0] for gradient in gradients), None, None
        return *_call(ctx.sizes, ctx.packed, inputs, grad.contiguous())[1], None, None


def _call(
    sizes: tuple[int, int],
    packed: tuple[Tensor, ...],
    inputs: tuple[Tensor, ...],
    weight: Tensor | None = None,
    *,
    gradients: bool = True,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Log-probabilities float[R] and the gradients of the inputs (empty if not wanted)."""
    empty = inputs[0].new_empty(0)
    result = inputs[0].new_empty(len(inputs[0]))
    made = tuple(torch.empty_like(tensor) if gradients else empty for tensor in inputs)
    weights = empty if weight is None else weight
    native_library().call("context_log_prob", *sizes, num_threads(), *packed, *inputs, weights, result, *made)
    return result, made


class NativeSampler:
    """Draws rows from ContextEdges; a row's bits do not depend on which others are drawn with it.

    Args:
        head: its weights are copied.
    """

    def __init__(self, head: ContextLevel) -> None:
        self._sizes = _sizes(head)
        self._head = Copies(torch.from_numpy(head.used.astype(np.uint8)), _flat_parameters(head))

    def __call__(
        self,
        states: tuple[AnyArray, AnyArray],
        asked: tuple[AnyArray, AnyArray, AnyArray],
        memory: AnyArray,
        graphs: tuple[AnyArray, ...],
    ) -> npt.NDArray[np.uint8]:
        """Draw a row of every lane, and add it to the lane's graph.

        Args:
            states: U h and V h, float32[B, F] each.
            asked: widths int64[B], thresholds float32[B, W] in the order of the scan, newest nodes int64[B].
            memory: float32[B, M, F], V h of the last nodes; updated.
            graphs: as `gengraph.models.graphrnn.candidates` has them, a row of each array a lane, and half-edges int64[B];
                updated.

        Returns:
            uint8[B, W], bit k standing for the k-th nearest candidate.
        """
        widths, thresholds, newest = asked
        bits = np.empty(thresholds.shape, np.uint8)
        arrays = map(torch.from_numpy, (*states, widths, newest, thresholds, memory, *graphs, bits))
        numbers = *self._sizes, num_threads()
        native_library().call("context_sample", *numbers, *self._head.arrays, *arrays)
        return bits
