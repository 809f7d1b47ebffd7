"""Sums of embeddings with gradients, compiled: torch's own take rows one by one.

Legend: K decisions, C codes, R entries, F columns.
"""

from typing import Any

import numba as nb
import torch
from torch import Tensor

from gengraph.graphs import Int32Array


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
