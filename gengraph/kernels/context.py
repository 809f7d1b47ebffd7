"""The head of GraphRNN-C in one native call: the log-likelihood of rows with its gradients.

Legend: R rows, S candidates of all rows, F units of the first hidden layer, P parameters.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gengraph.kernels.library import native_library

if TYPE_CHECKING:
    from gengraph.models.context import ContextEdges
    from gengraph.sequences.context import ContextTable


def log_prob(head: "ContextEdges", states: Tensor, table: "ContextTable") -> Tensor:
    """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
    arrays = table.rows, table.candidate_rows, table.codes, table.bits, table.free
    packed = tuple(torch.from_numpy(array) for array in arrays)
    weights = head.table, *head.hidden.parameters(), *head.output.parameters()  # `Layout` in native/context.cpp
    parameters = torch.cat([weight.flatten() for weight in weights])
    sizes = head.now.out_features, head.hidden.out_features
    result: Tensor = _LogProb.apply(head.now(states), head.then(states), parameters, sizes, packed)  # type: ignore[no-untyped-call]
    return result


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
    native_library().call("context_log_prob", *sizes, torch.get_num_threads(), *packed, *inputs, weights, result, *made)
    return result, made
