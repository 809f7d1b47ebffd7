"""Drawing graphs from a GRAN: one after the other, each step by compiled code on the CPU, wherever the weights are.

The law is that of the likelihood (see `mixture`), its edge logits divided by the temperature. The numbers that decide a graph
come from the stream of (seed, index, attempt), and nothing is shared between graphs: bit for bit the same graphs, however many
are drawn, in whichever order and on however many workers.
"""

from collections.abc import Iterator
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gengraph.graphs import Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.gran.draws import draw_step
from gengraph.models.gran.packing import Rules
from gengraph.models.turns import draw_in_turn, one_by_one
from gengraph.rewards.conditions import told_values
from gengraph.streams import key_of, uniform_at

_TOGETHER = 16  # graphs that are handed over at a time
_NEVER = -1e4  # logit of what never happens
_STEPS = 2  # where, in the stream of a graph, the numbers of its steps begin; those before are for its size
_NEIGHBOURS = 32  # room for the neighbours of a node, at first


class GRANSampler:
    """A `Sampler`.

    Args:
        model: trained, on any device.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        config, self._model = model.config, model
        self._limit = decoding.max_num_node or 2 * model.facts["max_num_node"]
        self._sized = config.termination == "size"
        told = told_values(decoding.given, model.conditions, "gran")
        self._weights = flat_weights(model, model.code(told, 1)[0] if model.code else None)
        bound = -1 if config.max_prev_node is None else config.max_prev_node
        flags = model.decides_empty, self._sized, config.alpha_pool == "mean", config.window == "adaptive"
        self._options = np.array([*flags, bound], np.int64)
        self._temperature = float(decoding.temperature)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(one_by_one(self._draw), (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(self, seed: int, index: int, attempt: int) -> tuple[int, npt.NDArray[np.int32], bool]:
        """Number of nodes, edges, and whether the graph was cut."""
        key = np.uint64(key_of(seed, index, attempt))
        size = self._model.size_law.draw(uniform_at(key, 0), uniform_at(key, 1)) if self._sized else -1
        limit = min(self._limit, size) if self._sized else self._limit
        rules, weights = self._model.rules, self._weights
        num_nodes, edges, ended = _generate(key, size, limit, rules, self._options, self._temperature, weights)
        return num_nodes, edges, not ended


def flat_weights(model: Any, code: Tensor | None = None) -> tuple[npt.NDArray[np.float32], Int64Array]:
    """The weights in the order that `draws.step_numbers` takes them, and their sizes.

    These are L, H, the width of messages and gates, K, the rows of the table, and how many numbers a pair has for being oldest.
    What is told of all graphs, a code float[D], is part of the layers' biases.
    """
    config, size = model.config, model.config.hidden_size
    edges, weights = model.edges, model.weights
    edge_bias = edges.output.bias if model.has_edges else edges.output.bias + _NEVER
    never = [torch.zeros(size * size + size + size), torch.full((1,), _NEVER if model.has_edges else -_NEVER)]
    always = [torch.zeros(size * size + size + size * (config.stride + 1) + config.stride + 1)]
    tensors: list[Tensor] = [model.table]
    for layer in model.layers:
        tensors += _layer(layer, code) * config.rounds
    tensors += [*_linears(edges.first, edges.second, edges.output)[:-1], edge_bias]
    tensors += _linears(weights.first, weights.second, weights.output)
    oldest = model.oldest
    tensors += [] if oldest is None else _linears(oldest.first, oldest.second, oldest.output)
    tensors += never if model.empty is None else _linears(*model.empty.children())
    tensors += always if model.ends is None else _linears(*model.ends.children())
    flat: npt.NDArray[np.float32] = torch.cat([tensor.detach().float().cpu().reshape(-1) for tensor in tensors]).numpy()
    parts, of_oldest = (1 + config.attention) * size, 0 if oldest is None else 1 + 2 * config.num_mixtures
    sizes = config.num_layers * config.rounds, size, parts, config.num_mixtures, len(model.table), of_oldest
    return flat, np.array(sizes, np.int64)


def _linears(*layers: nn.Module) -> list[Tensor]:
    """Weights, transposed, and biases of those that are linear."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    return [tensor for layer in linear for tensor in (layer.weight.t(), layer.bias)]


def _layer(layer: Any, code: Tensor | None) -> list[Tensor]:
    """Of one layer of the graph network."""
    seconds = [layer.message] if layer.gate is None else [layer.message, layer.gate]
    cell = layer.cell
    return [
        layer.first.weight.t(),
        layer.first.bias if code is None else layer.first.bias + layer.told(code),
        layer.target_block,
        layer.source_block,
        *(second.weight.t() for second in seconds),
        *(second.bias for second in seconds),
        cell.weight_ih.t(),
        cell.bias_ih,
        cell.weight_hh.t(),
        cell.bias_hh,
    ]


@nb.njit(cache=True)
def _generate(
    key: Any, size: int, limit: int, rules: Rules, options: Int64Array, temperature: Any, weights: Any
) -> tuple[Any, npt.NDArray[np.int32], bool]:
    """Grow one graph: its number of nodes, its edges and whether it ended by itself."""
    stride = rules[1]
    room = np.empty((limit, _NEIGHBOURS), np.int32)
    degree, num_earlier = np.zeros(limit, np.int64), np.zeros(limit, np.int32)
    counter, begin, end = np.zeros(1, np.int64), np.zeros(limit, np.int64), np.zeros(limit, np.int64)
    counter[0] = _STEPS
    s, start = np.int64(0), np.int64(0)  # not literals, which would be compiled for by themselves
    while True:
        for i in range(s):
            begin[i], end[i] = i * room.shape[1], i * room.shape[1] + degree[i]
        graph = begin, end, num_earlier, room.reshape(-1)
        rows, kept = draw_step(key, counter, (s, start, size), graph, rules, (options, temperature), weights)
        new = np.int64(min(kept, limit - s))
        while _needs_room(degree, rows, s, room.shape[1]):
            room = _widened(room)
        _add(rows, start, s, new, (room, degree, num_earlier))
        s += new
        if new < kept:
            return s, _edges(s, room, num_earlier), False
        if kept < stride or s == size:
            return s, _edges(s, room, num_earlier), True
        start = _next_window(s, start, options, room, num_earlier)


@nb.njit(cache=True)
def _widened(room: Any) -> Any:
    wider = np.empty((room.shape[0], 2 * room.shape[1]), np.int32)
    for i in range(room.shape[0]):
        for e in range(room.shape[1]):
            wider[i, e] = room[i, e]
    return wider


@nb.njit(cache=True)
def _needs_room(degree: Int64Array, rows: Any, s: int, room: int) -> Any:
    most, new = 0, 0
    for j in range(s):
        most = max(most, degree[j])
    for b in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            new += rows[b, j]
    return max(most, new) + rows.shape[0] > room


@nb.njit(cache=True)
def _add(rows: Any, start: int, s: int, new: int, out: Any) -> None:
    """Add new nodes with their edges."""
    room, degree, num_earlier = out
    for b in range(new):
        i = s + b
        for j in range(start, i):
            if rows[b, j - start]:
                room[i, degree[i]] = j
                degree[i] += 1
        num_earlier[i] = degree[i]
        for e in range(degree[i]):
            j = room[i, e]
            room[j, degree[j]] = i
            degree[j] += 1


@nb.njit(cache=True)
def _next_window(s: int, start: int, options: Int64Array, room: Any, num_earlier: Any) -> int:
    """Where the window of the step at s > 0 starts, as `sequences` has it."""
    following = 0
    if options[3]:
        following = max(start, room[s - 1, 0] if num_earlier[s - 1] else s - 1)
    return max(following, s - options[4]) if options[4] >= 0 else following


@nb.njit(cache=True)
def _edges(n: int, room: Any, num_earlier: Any) -> npt.NDArray[np.int32]:
    filled = 0
    for i in range(n):
        filled += num_earlier[i]
    edges = np.empty((filled, 2), np.int32)
    filled = 0
    for i in range(n):
        for e in range(num_earlier[i]):
            edges[filled, 0], edges[filled, 1] = room[i, e], i
            filled += 1
    return edges
