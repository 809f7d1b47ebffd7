"""One layer of gated recurrent units over packed sequences: native, and in float64.

Arguments of a layer: gates float[S, 3H], the input's share; initial float[B, H]; weight float[3H, H]; bias float[3H];
batch_sizes, how many sequences have each step. It returns the states float[S, H].

Legend: B sequences by descending length, S steps of all sequences together, H hidden size; packed tensors are time-major.
"""

from typing import Any

import torch
from torch import Tensor

from gengraph.models.graphrnn.kernels.library import integers, native_library, num_threads


class NativeLayer(torch.autograd.Function):
    """A layer computed by the native library, float32 on the CPU."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, initial: Tensor, weight: Tensor, bias: Tensor, batch_sizes: list[int]) -> Tensor:
        """The states; what the backward pass needs is kept if there will be one."""
        size, sizes = initial.shape[1], integers(batch_sizes)
        gates, initial, weight, bias = (tensor.contiguous() for tensor in (gates, initial, weight, bias))
        states = gates.new_empty(len(gates), size)
        saved = gates.new_empty(len(gates) if any(ctx.needs_input_grad) else 0, 4 * size)
        native_library().call("gru_forward", size, num_threads(), sizes, gates, initial, weight, bias, states, saved)
        ctx.save_for_backward(initial, weight, states, saved)
        ctx.batch_sizes = sizes
        return states

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        """The gradients of gates, initial, weight and bias."""
        initial, weight, states, saved = ctx.saved_tensors
        size = initial.shape[1]
        grad_gates = states.new_empty(len(states), 3 * size)
        previous, grad_new, grad_initial = torch.empty_like(states), torch.empty_like(states), torch.empty_like(initial)
        native_library().call(
            "gru_backward",
            size,
            num_threads(),
            ctx.batch_sizes,
            initial,
            weight,
            states,
            saved,
            grad_states.contiguous(),
            previous,
            grad_gates,
            grad_new,
            grad_initial,
        )
        shares = grad_gates[:, : 2 * size], grad_new  # of the recurrent gates
        grad_weight = torch.cat([share.t() @ previous for share in shares])
        return grad_gates, grad_initial, grad_weight, torch.cat([share.sum(0) for share in shares]), None


def reference_layer(gates: Tensor, initial: Tensor, weight: Tensor, bias: Tensor, batch_sizes: list[int]) -> Tensor:
    """A layer in float64 by elementary operations: slow, and what the others are tested against."""
    state, weight, bias = initial.double(), weight.double(), bias.double()
    states = []
    for gate, count in zip(gates.double().split(batch_sizes), batch_sizes, strict=True):
        state = state[:count]
        reset, update, new = gate.chunk(3, dim=1)
        recurrent_reset, recurrent_update, recurrent_new = (state @ weight.t() + bias).chunk(3, dim=1)
        reset, update = torch.sigmoid(reset + recurrent_reset), torch.sigmoid(update + recurrent_update)
        new = torch.tanh(new + reset * recurrent_new)
        state = (1 - update) * new + update * state
        states.append(state)
    return torch.cat(states).to(gates.dtype)
