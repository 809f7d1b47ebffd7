"""Gathers and segment sums with gradients: compiled on the CPU, where torch's take rows one by one, torch's own on a GPU.

A segment i of flat data is what stands at offsets[i]..offsets[i + 1].

Legend: V segments, E entries, H columns.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Indices = npt.NDArray[Any]


def on_device(array: npt.NDArray[Any], like: Tensor) -> Tensor:
    """An array of integers as a tensor where another tensor is."""
    return torch.from_numpy(array).to(like.device)


def sum_rows(table: Tensor, rows: Indices, offsets: Indices) -> Tensor:
    """float[V, H]: for each segment the sum of the table's rows int32[E] that it names."""
    if table.is_cuda:
        bags = on_device(offsets[:-1], table)
        return functional.embedding_bag(on_device(rows, table).long(), table, bags, mode="sum")
    return _SumRows.apply(table, rows, offsets)  # type: ignore[no-untyped-call, no-any-return]


def differences(targets: Tensor, others: Tensor, rows: Indices, offsets: Indices) -> Tensor:
    """float[E, H]: relu(targets[i] - others[rows[e]]) for each entry e of segment i.

    Args:
        targets: float[V, H].
        others: float[V', H].
        rows: int32[E], of `others`.
        offsets: int64[V + 1].
    """
    if targets.is_cuda:
        lengths = on_device(np.diff(offsets), targets)
        repeated = torch.repeat_interleave(targets, lengths, dim=0, output_size=len(rows))
        return functional.relu(repeated - others[on_device(rows, targets).long()])
    return _Differences.apply(targets, others, rows, offsets)  # type: ignore[no-untyped-call, no-any-return]


def segment_sum(values: Tensor, offsets: Indices) -> Tensor:
    """float[V, H]: the sum of each segment of float[E, H]; 0 of an empty one."""
    if values.is_cuda:
        segment = on_device(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), values)
        return values.new_zeros(len(offsets) - 1, values.shape[1]).index_add(0, segment, values)
    return _SegmentSum.apply(values, offsets)  # type: ignore[no-untyped-call, no-any-return]


def segment_logsumexp(values: Tensor, offsets: Indices) -> Tensor:
    """float[V]: log sum exp of each segment of float[E]; that of an empty one is of no use, but finite."""
    segment = on_device(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), values)
    highest = values.new_zeros(len(offsets) - 1).scatter_reduce(0, segment, values.detach(), "amax", include_self=False)
    total = segment_sum(torch.exp(values - highest[segment])[:, None], offsets)[:, 0]
    return highest + torch.log(torch.where(on_device(np.diff(offsets) > 0, values), total, 1.0))


class _SumRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Indices, offsets: Indices) -> Tensor:
        ctx.places, ctx.num_rows = (rows, offsets), len(table)
        sums = table.new_zeros(len(offsets) - 1, table.shape[1])
        _add_rows(table.detach().numpy(), rows, offsets, sums.numpy())
        return sums

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad = grad_outputs[0].contiguous()
        table = grad.new_zeros(ctx.num_rows, grad.shape[1])
        _scatter_rows(grad.numpy(), *ctx.places, table.numpy())
        return table, None, None


class _Differences(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, targets: Tensor, others: Tensor, rows: Indices, offsets: Indices) -> Tensor:
        ctx.places, ctx.num_others = (rows, offsets), len(others)
        found = targets.new_empty(len(rows), targets.shape[1])
        _subtract(targets.detach().contiguous().numpy(), others.detach().contiguous().numpy(), rows, offsets, found.numpy())
        ctx.save_for_backward(found)
        return found

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (found,) = ctx.saved_tensors
        grad = grad_outputs[0].contiguous()
        targets = grad.new_zeros(len(ctx.places[1]) - 1, grad.shape[1])
        others = grad.new_zeros(ctx.num_others, grad.shape[1])
        _subtract_backward(grad.numpy(), found.numpy(), *ctx.places, (targets.numpy(), others.numpy()))
        return targets, others, None, None


class _SegmentSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, offsets: Indices) -> Tensor:
        ctx.offsets = offsets
        sums = values.new_zeros(len(offsets) - 1, values.shape[1])
        _sum_segments(values.detach().contiguous().numpy(), offsets, sums.numpy())
        return sums

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad = grad_outputs[0].contiguous()
        values = grad.new_empty(int(ctx.offsets[-1]), grad.shape[1])
        _repeat_segments(grad.numpy(), ctx.offsets, values.numpy())
        return values, None


@nb.njit(cache=True)
def _add_rows(table: Any, rows: Indices, offsets: Indices, sums: Any) -> None:
    for i in range(sums.shape[0]):
        total = sums[i]
        for e in range(offsets[i], offsets[i + 1]):
            row = table[rows[e]]
            for h in range(len(total)):
                total[h] += row[h]


@nb.njit(cache=True)
def _scatter_rows(grad: Any, rows: Indices, offsets: Indices, table: Any) -> None:
    for i in range(grad.shape[0]):
        own = grad[i]
        for e in range(offsets[i], offsets[i + 1]):
            row = table[rows[e]]
            for h in range(len(own)):
                row[h] += own[h]


@nb.njit(cache=True)
def _subtract(targets: Any, others: Any, rows: Indices, offsets: Indices, found: Any) -> None:
    zero = targets.dtype.type(0)
    for i in range(targets.shape[0]):
        target = targets[i]
        for e in range(offsets[i], offsets[i + 1]):
            other, written = others[rows[e]], found[e]
            for h in range(len(target)):
                written[h] = max(target[h] - other[h], zero)


@nb.njit(cache=True)
def _subtract_backward(grad: Any, found: Any, rows: Indices, offsets: Indices, out: Any) -> None:
    targets, others = out
    zero = grad.dtype.type(0)
    for i in range(targets.shape[0]):
        target = targets[i]
        for e in range(offsets[i], offsets[i + 1]):
            own, kept, other = grad[e], found[e], others[rows[e]]
            for h in range(len(target)):
                flow = own[h] if kept[h] > 0 else zero
                target[h] += flow
                other[h] -= flow


@nb.njit(cache=True)
def _sum_segments(values: Any, offsets: Indices, sums: Any) -> None:
    for i in range(sums.shape[0]):
        total = sums[i]
        for e in range(offsets[i], offsets[i + 1]):
            value = values[e]
            for h in range(len(total)):
                total[h] += value[h]


@nb.njit(cache=True)
def _repeat_segments(grad: Any, offsets: Indices, values: Any) -> None:
    for i in range(grad.shape[0]):
        own = grad[i]
        for e in range(offsets[i], offsets[i + 1]):
            value = values[e]
            for h in range(len(own)):
                value[h] = own[h]
