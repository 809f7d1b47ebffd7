"""The head of GraphRNN-C: each edge decision sees the graph that was built so far.

The logit of the bit (t + 1, p) is a multilayer perceptron of relu(U h_t + V h_p + the sum of the embeddings of p's codes):
node-level states now and when p was the newest node, and what `gengraph.models.graphrnn.candidates` says about p. Nothing
depends on the decisions but through those codes, so under teacher forcing all bits of all rows are computed at once.

Legend: R rows, S candidates of all rows, B lanes of a sampler, W widest window, M max_prev_node, H units of the node level,
F units of the first hidden layer, G of the second.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import Int64Array
from gengraph.graphs.planarity import edges_are_planar
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.candidates import (
    CODES,
    ContextTable,
    begin_row,
    choose,
    context_table,
    describe,
    end_row,
    num_codes,
    used_features,
)
from gengraph.models.graphrnn.kernels import native_context, rowwise
from gengraph.models.graphrnn.rnn_head import log_bernoulli
from gengraph.models.graphrnn.row_samplers import RowSampler, in_blocks
from gengraph.models.graphrnn.rows import RowBatch
from gengraph.models.moving import on

_MANY_VALUED = 3  # codes, the first of a candidate, have as many values as a window has places
_FEW = 64  # candidates, which are not worth the loading of compiled code
_RARE = -3.0  # edges are rare: the logit of a bit at the start
_SPREAD = 0.2  # standard deviation of the embeddings at the start


class ContextEdges(nn.Module):
    """Decides a row's edges one after the other, oldest candidate first, from the structure around each.

    Args:
        node_hidden_size: H.
        hidden_size: F; the second hidden layer has half as many units.
        max_prev_node: M.
        features: which of `gengraph.models.graphrnn.config.CONTEXT_FEATURES` are seen.
    """

    def __init__(self, node_hidden_size: int, hidden_size: int, max_prev_node: int, features: tuple[str, ...]) -> None:
        super().__init__()
        self.used = used_features(features)
        self.now = nn.Linear(node_hidden_size, hidden_size)
        self.then = nn.Linear(node_hidden_size, hidden_size, bias=False)
        self.table = nn.Parameter(_SPREAD * torch.randn(num_codes(max_prev_node), hidden_size))
        self.hidden = nn.Linear(hidden_size, max(1, hidden_size // 2))
        self.output = nn.Linear(max(1, hidden_size // 2), 1)
        nn.init.constant_(self.output.bias, _RARE)

    def forward(self, states: Tensor, batch: RowBatch) -> Tensor:
        """The log-probability float[R] of each row's bits, given the node-level states float[R, H]."""
        return self.log_prob(states, self.describe(batch))

    def describe(self, batch: RowBatch) -> ContextTable:
        """What is read of rows."""
        return context_table(batch, self.used)

    def log_prob(self, states: Tensor, table: ContextTable, *, alike: bool = False) -> Tensor:
        """As `forward`, of candidates that have been described; how rows weigh in the loss does not matter here."""
        del alike
        if kernels.is_native(states):
            return native_context.log_prob(self, states, table)
        logits = self.logits(states, table)
        bits, free = (on(array, states.device).to(states) for array in (table.bits, table.free))
        return states.new_zeros(len(states)).index_add(0, on(table.rows, states.device), log_bernoulli(logits, bits) * free)

    def logits(self, states: Tensor, table: ContextTable) -> Tensor:
        """The logits float[S] of all candidates."""
        places, now, then = (table.rows, table.candidate_rows, table.codes), self.now(states), self.then(states)
        if isinstance(table.codes, np.ndarray) and not states.is_cuda:
            sums = _Sum.apply(now, then, self.table, *places)  # type: ignore[no-untyped-call]
        else:
            sums = _sum_on_device(now, then, self.table, *(on(array, states.device) for array in places))
        logits: Tensor = self.output(functional.relu(self.hidden(functional.relu(sums)))).squeeze(1)
        return logits

    def sampler(self, lanes: int, block: int | None, limit: int, *, planar: bool = False) -> RowSampler:
        """What draws rows for so many lanes; graphs have at most `limit` nodes, and may be kept planar."""
        return ContextSampler(self, lanes, block, limit, planar=planar)


class _Sum(torch.autograd.Function):
    """float[S, F]: for each candidate the sum of a row of `now`, a row of `then` and CODES rows of the table."""

    @staticmethod
    def forward(ctx: Any, now: Tensor, then: Tensor, table: Tensor, *places: npt.NDArray[np.int32]) -> Tensor:
        ctx.places, ctx.shapes = places, (now.shape, then.shape, table.shape)
        sums = now.new_empty(len(places[0]), now.shape[1])
        gather = _gather if len(sums) > _FEW else _gather.py_func
        gather(*(tensor.detach().numpy() for tensor in (now, then, table)), *places, sums.numpy())
        return sums

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grads = [grad_outputs[0].new_zeros(shape) for shape in ctx.shapes]
        scatter = _scatter if len(grad_outputs[0]) > _FEW else _scatter.py_func
        scatter(*(grad.numpy() for grad in grads), *ctx.places, grad_outputs[0].contiguous().numpy())
        return (*grads, None, None, None)


def _sum_on_device(now: Tensor, then: Tensor, table: Tensor, *places: Tensor) -> Tensor:
    """What `_Sum` computes, by operations that wait for nothing.

    The codes that have few values are a product with ones: looked up, the gradients of so many candidates would be added to the
    same few rows one after the other.
    """
    rows, candidates, codes = places
    first = len(table) - num_codes(0)
    sums = now.index_select(0, rows) + then.index_select(0, candidates)
    for column in codes[:, :_MANY_VALUED].unbind(1):
        sums = sums + table.index_select(0, column)
    ones = sums.new_zeros(len(codes), num_codes(0)).scatter_(1, codes[:, _MANY_VALUED:].long() - first, 1.0)
    return torch.addmm(sums, ones, table[first:])


@nb.njit(cache=True)
def _gather(now: Any, then: Any, table: Any, rows: Any, candidates: Any, codes: Any, sums: Any) -> None:
    for s in range(sums.shape[0]):
        a, b, out = now[rows[s]], then[candidates[s]], sums[s]
        c0, c1, c2 = table[codes[s, 0]], table[codes[s, 1]], table[codes[s, 2]]
        c3, c4, c5 = table[codes[s, 3]], table[codes[s, 4]], table[codes[s, 5]]
        for f in range(sums.shape[1]):
            out[f] = ((a[f] + b[f]) + (c0[f] + c1[f])) + ((c2[f] + c3[f]) + (c4[f] + c5[f]))


@nb.njit(cache=True)
def _scatter(now: Any, then: Any, table: Any, rows: Any, candidates: Any, codes: Any, grad: Any) -> None:
    for s in range(grad.shape[0]):
        g, a, b = grad[s], now[rows[s]], then[candidates[s]]
        for f in range(grad.shape[1]):
            a[f] += g[f]
            b[f] += g[f]
        for c in range(CODES):
            entry = table[codes[s, c]]
            for f in range(grad.shape[1]):
                entry[f] += g[f]


class ContextSampler:
    """Draws rows lane by lane; remembers the graphs, and V h of the last M nodes of each.

    A lane's numbers depend on no other lane: U h and V h are computed in blocks of one shape, or row by row, and the rest one
    candidate at a time.

    Args:
        head: its weights are shared.
        lanes: B, a multiple of the block.
        block: lanes of a block; None if each lane is taken by itself.
        limit: most nodes of a graph.
        planar: take no edge with which the graph could not be drawn without crossings, whatever the model says. A new node can
            always have one edge, so a row that continues is never empty.
    """

    def __init__(self, head: ContextEdges, lanes: int, block: int | None, limit: int, *, planar: bool) -> None:
        self._used, self._planar = head.used, planar
        self._native = native_context.NativeSampler(head) if block is None and not planar else None
        linears = head.now, head.then
        self._linears = [in_blocks(rowwise.Linear(linear) if block is None else linear, block) for linear in linears]
        kind = head.now.weight.detach().cpu().numpy().dtype
        bound = (len(head.table) - num_codes(0)) // 3
        weights = head.table, head.hidden.weight.t(), head.hidden.bias, head.output.weight[0], head.output.bias
        self._weights = tuple(np.ascontiguousarray(weight.detach().cpu().numpy()) for weight in weights)
        self._then = np.zeros((lanes, bound, head.then.out_features), kind)
        self._first = np.full((lanes, limit + 1), -1, np.int32)
        self._degree = np.zeros((lanes, limit + 1), np.int32)
        self._following, self._target = (np.empty((lanes, 256), np.int32) for _ in range(2))
        self._filled = np.zeros(lanes, np.int64)

    def draw(
        self,
        states: Tensor,
        widths: Int64Array,
        thresholds: npt.NDArray[np.float32],
        newest: Int64Array,
        uniforms: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.uint8]:
        """The bits uint8[B, W], as RowSampler has it."""
        self._make_room(2 * int(widths.max(initial=0)))
        now, then = (linear(states).cpu().numpy() for linear in self._linears)
        graphs = self._first, self._degree, self._following, self._target, self._filled
        asked = widths, thresholds, newest
        if self._native:
            return self._native((now, then), asked, self._then, graphs)
        bits = np.zeros(thresholds.shape, np.uint8)
        _draw_rows(now, then, asked, (self._used, self._planar, self._weights), self._then, graphs, bits)
        return bits

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""
        self._first[lanes] = -1
        self._degree[lanes] = 0
        self._filled[lanes] = 0

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._then, self._first, self._degree = self._then[lanes], self._first[lanes], self._degree[lanes]
        self._following, self._target, self._filled = self._following[lanes], self._target[lanes], self._filled[lanes]

    def _make_room(self, more: int) -> None:
        """Room for so many half-edges more in each lane."""
        length = self._following.shape[1]
        if self._filled.max() + more > length:
            self._following, self._target = (
                np.concatenate([array, np.empty((len(array), length + more), np.int32)], axis=1)
                for array in (self._following, self._target)
            )


@nb.njit(cache=True)
def _draw_rows(now: Any, then: Any, asked: Any, head: Any, memory: Any, graphs: Any, bits: Any) -> None:
    used, planar, weights = head
    widths, thresholds, newest = asked
    first, degree, following, target, filled = graphs
    bound = memory.shape[1]
    scratch, progress, codes = np.empty((4, bound), np.int32), np.empty(2, np.int64), np.empty(CODES, np.int32)
    for lane in range(now.shape[0]):
        t, width = newest[lane], widths[lane]
        memory[lane, t % bound] = then[lane]
        if width == 0:
            continue
        graph = first[lane], degree[lane], following[lane], target[lane]
        window = t, width, scratch, progress
        begin_row(graph, window)
        for i in range(width):
            if i == width - 1 and progress[0] == 0:
                chosen = True
            else:
                describe(graph, window, i, used, codes)
                chosen = _logit(now[lane], memory[lane, (t + 1 - width + i) % bound], codes, weights) > thresholds[lane, i]
                if chosen and planar and progress[0]:
                    chosen = _stays_planar(target[lane, : filled[lane]], t, bits[lane, :width], width - 1 - i)
            if chosen:
                bits[lane, width - 1 - i] = 1
                choose(graph, window, i)
        filled[lane] = end_row(graph, t, bits[lane, :width], filled[lane])


@nb.njit(cache=True)
def _stays_planar(ends: Any, newest: int, chosen: Any, k: int) -> bool:
    """Whether the edge of node newest + 1 to the k-th nearest can be added; half-edges stand in pairs, one for each end."""
    edges = np.empty((len(ends) // 2 + chosen.sum() + 1, 2), np.int64)
    edges[: len(ends) // 2, 0], edges[: len(ends) // 2, 1] = ends[::2], ends[1::2]
    place = len(ends) // 2
    for other in range(len(chosen)):
        if chosen[other] or other == k:
            edges[place, 0], edges[place, 1] = newest - other, newest + 1
            place += 1
    return bool(edges_are_planar(newest + 2, edges))


@nb.njit(cache=True)
def _logit(now: Any, then: Any, codes: Any, weights: Any) -> Any:
    """The logit of one candidate."""
    table, hidden_weight, hidden_bias, output_weight, output_bias = weights
    hidden = hidden_bias.copy()
    for f in range(now.shape[0]):
        value = now[f] + then[f]
        for c in range(CODES):
            value += table[codes[c], f]
        if value > 0:
            row = hidden_weight[f]
            for g in range(hidden.shape[0]):
                hidden[g] += value * row[g]
    logit = output_bias[0]
    for g in range(hidden.shape[0]):
        if hidden[g] > 0:
            logit += hidden[g] * output_weight[g]
    return logit
