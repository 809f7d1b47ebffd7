"""Perceptrons over sums of embeddings: heads that decide by a few small numbers about a graph, each an entry of a table.

The sums and their gradients are compiled: torch's own take rows one by one.

Legend: K decisions, C codes of one, R entries of a table, F and G units of the hidden layers, O outputs.
"""

from typing import Any

import numba as nb
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import Int32Array

_SPREAD = 0.2  # standard deviation of the embeddings at the start
_STEPS = 0.05, 0.2  # the same of the steps between the entries of the first and the second count


class Head(nn.Module):
    """A perceptron over a sum of embeddings.

    Args:
        sizes: how many entries each code has.
        hidden_size: F; G is half of it.
        outputs: O.
        dropout: of the first hidden layer.
        counts: so many of the first codes are counts whose entries are sums of steps: one never seen is like the largest seen.
    """

    def __init__(self, sizes: tuple[int, ...], hidden_size: int, outputs: int, dropout: float, counts: int = 0) -> None:
        super().__init__()
        self.free = nn.Parameter(_SPREAD * torch.randn(sum(sizes[counts:]), hidden_size))
        counted = zip(_STEPS, sizes[:counts], strict=False)
        self.steps = nn.ParameterList(spread * torch.randn(size, hidden_size) for spread, size in counted)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(hidden_size, hidden_size // 2)
        self.output = nn.Linear(hidden_size // 2, outputs)

    @property
    def table(self) -> Tensor:
        """The embeddings float[R, F]."""
        return torch.cat([*(steps.cumsum(0) for steps in self.steps), self.free]) if len(self.steps) else self.free

    def forward(self, codes: Int32Array) -> Tensor:
        """The logits float[K, O] of decisions with codes int32[K, C]."""
        first = functional.relu(sum_rows(self.table, codes))
        numbers: Tensor = self.output(functional.relu(self.hidden(self.dropout(first))))
        return numbers


def sum_rows(table: Tensor, codes: Int32Array) -> Tensor:
    """float[K, F]: for each decision the sum of the entries of table float[R, F] that its codes int32[K, C] name."""
    return _SumRows.apply(table, codes)  # type: ignore[no-untyped-call, no-any-return]


class _SumRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, codes: Int32Array) -> Tensor:
        ctx.codes, ctx.num_rows = codes, len(table)
        sums = table.new_empty(len(codes), table.shape[1])
        _gather(table.detach().contiguous().numpy(), codes, sums.numpy())
        return sums

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad = grad_outputs[0].contiguous()
        table = grad.new_zeros(ctx.num_rows, grad.shape[1])
        _scatter(grad.numpy(), ctx.codes, table.numpy())
        return table, None


@nb.njit(cache=True)
def _gather(table: Any, codes: Int32Array, sums: Any) -> None:
    for k in range(sums.shape[0]):
        total, first = sums[k], table[codes[k, 0]]
        for f in range(total.shape[0]):
            total[f] = first[f]
        for c in range(1, codes.shape[1]):
            entry = table[codes[k, c]]
            for f in range(total.shape[0]):
                total[f] += entry[f]


@nb.njit(cache=True)
def _scatter(grad: Any, codes: Int32Array, table: Any) -> None:
    for k in range(grad.shape[0]):
        own = grad[k]
        for c in range(codes.shape[1]):
            entry = table[codes[k, c]]
            for f in range(own.shape[0]):
                entry[f] += own[f]
