"""Rows of GraphRNN-C on a CUDA device: one program takes its lanes through all candidates of their rows, in Triton.

What a candidate's codes say of the graph before the row is read from the window's matrices; which candidates were chosen, how
many, the first and the last of them stay in registers. Sums are in float32, products of matrices are not rounded (`ieee`).

Legend: L lanes of a block, B all lanes, W widest window of a step, M max_prev_node, which PLACES fills up, F units of the first
hidden layer (SIZE), which PADDED fills up, G of the second (INNER), which PADDED_INNER fills up.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from gengraph.models.graphrnn.kernels.networks import ContextLevel

_LANES = 16  # of a program, the fewest that a product takes: some thousand lanes occupy a whole device
_FEW_UNITS = 64  # whose sums find room in the registers of four warps


class Codes(NamedTuple):
    """How many values codes have, and which features they are made of (`gengraph.models.graphrnn.candidates`).

    Attributes:
        most_chosen: what counts of chosen candidates end at.
        most_adjacent: of those that are adjacent to a candidate.
        most_degree: of its neighbours.
        most_common: of common neighbours.
        used: bit i says whether the i-th feature is used.
    """

    most_chosen: int
    most_adjacent: int
    most_degree: int
    most_common: int
    used: int


class Seen(NamedTuple):
    """What is read of the graphs before their rows (`gengraph.models.graphrnn.window.Window`).

    Attributes:
        then: float[B, M, F], of the candidates' states, by slots.
        slots: int64[M], where the k-th nearest candidate stands.
        matrices: float16[B, 2, M, M], adjacency and common neighbours.
        degrees: int64[B, M].
    """

    then: Tensor
    slots: Tensor
    matrices: Tensor
    degrees: Tensor


def draw_rows(head: ContextLevel, codes: Codes, now: Tensor, seen: Seen, widths: Tensor, thresholds: Tensor) -> Tensor:
    """The bits uint8[B, W] of the next rows, nearest candidate first.

    Args:
        head: its weights are read.
        codes: of candidates.
        now: float[B, F], of the newest nodes' states.
        seen: of the graphs.
        widths: int64[B], candidates of each lane, 0 where none is to be drawn.
        thresholds: float[B, W] in the order of the scan: a bit is 1 when its logit exceeds its threshold.
    """
    (count, window), bound = thresholds.shape, len(seen.slots)
    bits = torch.zeros(thresholds.shape, dtype=torch.uint8, device=now.device)
    size, inner = head.hidden.in_features, head.hidden.out_features
    weights = head.table, head.hidden.weight, head.hidden.bias, head.output.weight, head.output.bias
    constants = {"SIZE": size, "PADDED": _filled(size), "INNER": inner, "PADDED_INNER": _filled(inner)}
    constants |= {"BOUND": bound, "PLACES": _filled(bound), "BLOCK": _LANES}
    constants |= {name.upper(): number for name, number in codes._asdict().items()}
    arrays = now.contiguous(), *seen, widths.contiguous(), thresholds.contiguous(), bits
    options = {"num_warps": 4 if size <= _FEW_UNITS else 8, "num_stages": 1, "enable_fp_fusion": True}
    with torch.cuda.device_of(now):
        draw[(-(-count // _LANES),)](*weights, *arrays, count, window, **constants, **options)
    return bits


def _filled(size: int) -> int:
    """A power of two that a product takes."""
    return max(16, 1 << (size - 1).bit_length())


@triton.jit
def _embedded(table: tl.tensor, code: tl.tensor, active: tl.tensor, SIZE: tl.constexpr, PADDED: tl.constexpr) -> tl.tensor:
    """Rows float[L, F] of the table."""
    units = tl.arange(0, PADDED)[None, :]
    return tl.load(table + code[:, None] * SIZE + units, mask=active[:, None] & (units < SIZE), other=0.0)


@triton.jit
def _counts(
    row: tl.tensor,
    common: tl.tensor,
    active: tl.tensor,
    chosen: tl.tensor,
    first: tl.tensor,
    newest: tl.tensor,
    number: tl.tensor,
    USED: tl.constexpr,
    BOUND: tl.constexpr,
    PLACES: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """What the matrices' rows of a candidate say, int32[L] each, 0 where it is not used.

    Returns:
        How many of the chosen are adjacent to it; whether the newest node is; common neighbours with the first that was chosen,
        and with the newest node.
    """
    places = tl.arange(0, PLACES)[None, :]
    adjacent, last, with_first, with_last = number * 0, number * 0, number * 0, number * 0
    if USED & 16:
        neighbours = tl.load(row[:, None] + places, mask=active[:, None] & (places < BOUND), other=0.0)
        adjacent = tl.sum(neighbours.to(tl.float32) * chosen, axis=1).to(tl.int32)
    if USED & 64:
        last = tl.load(row + newest, mask=active, other=0.0).to(tl.int32)
    if USED & 128:
        with_first = tl.load(common + first, mask=active & (number > 0), other=0.0).to(tl.int32)
    if USED & 256:
        with_last = tl.load(common + newest, mask=active, other=0.0).to(tl.int32)
    return adjacent, last, with_first, with_last


@triton.jit(do_not_specialize=["count", "window"])
def draw(
    table: tl.tensor,
    hidden_weight: tl.tensor,
    hidden_bias: tl.tensor,
    output_weight: tl.tensor,
    output_bias: tl.tensor,
    now: tl.tensor,
    then: tl.tensor,
    slots: tl.tensor,
    matrices: tl.tensor,
    degrees: tl.tensor,
    widths: tl.tensor,
    thresholds: tl.tensor,
    bits: tl.tensor,
    count: int,
    window: int,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    INNER: tl.constexpr,
    PADDED_INNER: tl.constexpr,
    BOUND: tl.constexpr,
    PLACES: tl.constexpr,
    BLOCK: tl.constexpr,
    MOST_CHOSEN: tl.constexpr,
    MOST_ADJACENT: tl.constexpr,
    MOST_DEGREE: tl.constexpr,
    MOST_COMMON: tl.constexpr,
    USED: tl.constexpr,
) -> None:
    """Draw the bits of one row a lane; the program ends with its widest row.

    Args:
        table: float[codes, F].
        hidden_weight: float[G, F].
        hidden_bias: float[G].
        output_weight: float[G].
        output_bias: float[1].
        now: as of `draw_rows`, and so on to thresholds.
        then: see there.
        slots: see there.
        matrices: see there.
        degrees: see there.
        widths: see there.
        thresholds: see there.
        bits: uint8[B, W], zero; written.
        count: B.
        window: W.
        SIZE: F.
        PADDED: a power of two >= 16 and F.
        INNER: G.
        PADDED_INNER: a power of two >= 16 and G.
        BOUND: M.
        PLACES: a power of two >= M.
        BLOCK: L.
        MOST_CHOSEN: as of `Codes`, and so on to USED.
        MOST_ADJACENT: see there.
        MOST_DEGREE: see there.
        MOST_COMMON: see there.
        USED: see there.
    """
    lanes = (tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)).to(tl.int64)
    valid = lanes < count
    width = tl.load(widths + lanes, mask=valid, other=0).to(tl.int32)
    units, inner, places = tl.arange(0, PADDED), tl.arange(0, PADDED_INNER), tl.arange(0, PLACES)[None, :]
    of_now = tl.load(now + lanes[:, None] * SIZE + units[None, :], mask=valid[:, None] & (units[None, :] < SIZE), other=0.0)
    of_inner = inner < INNER
    at = hidden_weight + inner[None, :] * SIZE + units[:, None]
    weight = tl.load(at, mask=(units[:, None] < SIZE) & of_inner[None, :], other=0.0)
    bias = tl.load(hidden_bias + inner, mask=of_inner, other=0.0)
    outer_weight, outer_bias = tl.load(output_weight + inner, mask=of_inner, other=0.0), tl.load(output_bias)
    newest = tl.load(slots)
    chosen = tl.zeros([BLOCK, PLACES], tl.float32)  # whether the candidate at a slot was
    number, gap = tl.zeros([BLOCK], tl.int32), tl.zeros([BLOCK], tl.int32)
    first = tl.zeros([BLOCK], tl.int64)  # slot of the first that was chosen
    widest = tl.max(width, axis=0)
    for back in range(widest):
        k = widest - 1 - back
        slot = tl.load(slots + k)
        active, scanned = k < width, width - 1 - k
        row = matrices + (lanes * 2 * BOUND + slot) * BOUND  # of the candidate's neighbours
        adjacent, last, with_first, with_last = _counts(
            row, row + BOUND * BOUND, active, chosen, first, newest, number, USED, BOUND, PLACES
        )
        none = tl.zeros([BLOCK], tl.int32)
        degree = tl.load(degrees + lanes * BOUND + slot, mask=active, other=0).to(tl.int32) if USED & 32 else none
        of_row = 3 * BOUND + tl.minimum(number if USED & 8 else none, MOST_CHOSEN) * (MOST_ADJACENT + 1)
        of_graph = 3 * BOUND + (MOST_CHOSEN + 1) * (MOST_ADJACENT + 1)
        of_common = of_graph + 2 * (MOST_DEGREE + 1) + tl.minimum(with_first, MOST_COMMON) * (MOST_COMMON + 1)
        state = then + (lanes * BOUND + slot)[:, None] * SIZE + units[None, :]
        hidden = of_now + tl.load(state, mask=active[:, None] & (units[None, :] < SIZE), other=0.0)
        hidden += _embedded(table, none + k if USED & 1 else none, active, SIZE, PADDED)
        hidden += _embedded(table, BOUND + (scanned if USED & 2 else none), active, SIZE, PADDED)
        hidden += _embedded(table, 2 * BOUND + (gap if USED & 4 else none), active, SIZE, PADDED)
        hidden += _embedded(table, of_row + tl.minimum(adjacent, MOST_ADJACENT), active, SIZE, PADDED)
        hidden += _embedded(table, of_graph + 2 * tl.minimum(degree, MOST_DEGREE) + last, active, SIZE, PADDED)
        hidden += _embedded(table, of_common + tl.minimum(with_last, MOST_COMMON), active, SIZE, PADDED)
        second = tl.dot(tl.maximum(hidden, 0.0), weight, input_precision="ieee") + bias[None, :]
        logit = tl.sum(tl.maximum(second, 0.0) * outer_weight[None, :], axis=1) + outer_bias
        threshold = tl.load(thresholds + lanes * window + scanned, mask=active, other=0.0)
        certain = (k == 0) & (number == 0)  # the last decision, and nothing was chosen before
        bit = active & ((logit > threshold) | certain)
        tl.store(bits + lanes * window + k, bit.to(tl.uint8), mask=active)
        first = tl.where(bit & (number == 0), slot, first)
        gap = tl.where(bit, 1, tl.where(gap > 0, gap + 1, 0))
        number += bit.to(tl.int32)
        chosen = tl.where(bit[:, None] & (places == slot), 1.0, chosen)
