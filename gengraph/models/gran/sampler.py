"""Drawing graphs from a GRAN: one after the other, each step by compiled code on the CPU, wherever the weights are.

The law is that of the likelihood (see `mixture`), its edge logits divided by the temperature. The numbers that decide a graph
come from the stream of (seed, index, attempt), and nothing is shared between graphs: bit for bit the same graphs, however many
are drawn, in whichever order and on however many workers.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.gran.draws import draw_step
from gengraph.models.gran.packing import Rules
from gengraph.streams import key_of, uniform_at

if TYPE_CHECKING:
    from gengraph.models.gran.network import GRANModel, PairHead, Propagation

_TOGETHER = 16  # graphs that are handed over at a time
_STEPS = 2  # where, in the stream of a graph, the numbers of its steps begin; those before are for its size
_NEIGHBOURS = 32  # room for the neighbours of a node, at first


class GRANSampler:
    """A `Sampler`.

    Args:
        model: trained, on any device.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: "GRANModel", decoding: Decoding) -> None:
        config, self._model = model.config, model
        self._limit = decoding.max_num_node or 2 * model.facts["max_num_node"]
        self._sized = config.termination == "size"
        self._layers = layer_weights([layer for layer in model.layers for _ in range(config.rounds)])  # type: ignore[misc]
        self._heads = _head_weights(model.edges), _head_weights(model.weights)
        never = _constant(config.hidden_size, 1)
        self._decisions = (
            never if model.empty is None else _decision_weights(model.empty),
            _constant(config.hidden_size, config.stride + 1) if model.ends is None else _decision_weights(model.ends),
        )
        bound = -1 if config.max_prev_node is None else config.max_prev_node
        flags = model.decides_empty, self._sized, config.alpha_pool == "mean", config.window == "adaptive"
        self._options = np.array([*flags, bound], np.int64)
        self._temperature = np.float32(decoding.temperature)
        self._table = _array(model.table)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        for first in range(0, len(indices), _TOGETHER):
            places = np.arange(first, min(first + _TOGETHER, len(indices)))
            drawn = [self._draw(seed, int(indices[place]), int(attempts[place])) for place in places]
            num_nodes, edges, cut = zip(*drawn, strict=True)
            graph_of_edge = np.repeat(np.arange(len(drawn)), [len(own) for own in edges])
            yield Drawn(places, GraphSet.from_flat(num_nodes, graph_of_edge, np.concatenate(edges)), np.array(cut, np.bool_))

    def _draw(self, seed: int, index: int, attempt: int) -> tuple[int, npt.NDArray[np.int32], bool]:
        """Number of nodes, edges, and whether the graph was cut."""
        key = np.uint64(key_of(seed, index, attempt))
        size = self._model.size_law.draw(uniform_at(key, 0), uniform_at(key, 1)) if self._sized else -1
        limit = min(self._limit, size) if self._sized else self._limit
        weights = self._table, self._layers, self._heads, self._decisions
        num_nodes, edges, ended = _generate(key, size, limit, self._model.rules, self._options, self._temperature, weights)
        return num_nodes, edges, not ended


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = np.ascontiguousarray(tensor.detach().float().cpu().numpy())
    return array


def _linear(layer: nn.Linear) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    return _array(layer.weight.t()), _array(layer.bias)


def layer_weights(layers: "list[Propagation]") -> tuple[npt.NDArray[np.float32], ...]:
    """The weights of L layers, float32[L, ...] each: of one layer in the order that `propagate` reads them, the cell's last."""
    of_layers = []
    for layer in layers:
        seconds = [layer.message] if layer.gate is None else [layer.message, layer.gate]
        weights, biases = zip(*(_linear(second) for second in seconds), strict=True)
        cell = layer.cell
        of_cell = _array(cell.weight_ih.t()), _array(cell.bias_ih), _array(cell.weight_hh.t()), _array(cell.bias_hh)
        blocks = _array(layer.target_block), _array(layer.source_block)
        of_layers.append((*_linear(layer.first), *blocks, np.stack(weights), np.stack(biases), *of_cell))
    return tuple(np.stack(arrays) for arrays in zip(*of_layers, strict=True))


def _head_weights(head: "PairHead") -> tuple[Any, ...]:
    return (*_linear(head.first), *_linear(head.second), *_linear(head.output))


def _decision_weights(head: nn.Module) -> tuple[Any, ...]:
    first, _, output = head.children()
    assert isinstance(first, nn.Linear)
    assert isinstance(output, nn.Linear)
    return (*_linear(first), *_linear(output))


def _constant(hidden_size: int, outputs: int) -> tuple[Any, ...]:
    """A decision that is not read, or certain: what never happens has probability zero."""
    zeros = np.zeros((hidden_size, 1), np.float32), np.zeros(1, np.float32)
    return (*zeros, np.zeros((1, outputs), np.float32), np.full(outputs, -1e4, np.float32))


@nb.njit(cache=True)
def _generate(
    key: Any, size: int, limit: int, rules: Rules, options: Int64Array, temperature: Any, weights: Any
) -> tuple[Any, npt.NDArray[np.int32], bool]:
    """Grow one graph: its number of nodes, its edges and whether it ended by itself."""
    stride = rules[1]
    room = np.full((limit, _NEIGHBOURS), -1, np.int32)
    degree, num_earlier = np.zeros(limit, np.int64), np.zeros(limit, np.int32)
    counter = np.full(1, _STEPS, np.int64)
    s, start = np.int64(0), np.int64(0)  # not literals, which would be compiled for by themselves
    while True:
        begin = np.arange(limit) * room.shape[1]
        graph = begin, begin + degree, num_earlier, room.reshape(-1)
        rows, kept = draw_step(key, counter, (s, start, size), graph, rules, (options, temperature), weights)
        new = np.int64(min(kept, limit - s))
        while _needs_room(degree, rows, s, room.shape[1]):
            wider = np.full((limit, 2 * room.shape[1]), -1, np.int32)
            wider[:, : room.shape[1]] = room
            room = wider
        _add(rows, start, s, new, (room, degree, num_earlier))
        s += new
        if new < kept:
            return s, _edges(s, room, num_earlier), False
        if kept < stride or s == size:
            return s, _edges(s, room, num_earlier), True
        start = _next_window(s, start, options, room, num_earlier)


@nb.njit(cache=True)
def _needs_room(degree: Int64Array, rows: Any, s: int, room: int) -> Any:
    most = 0
    for j in range(s):
        most = max(most, degree[j])
    return most + rows.shape[0] > room or (rows.shape[1] > 0 and rows.sum() + rows.shape[0] > room)


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
    edges = np.empty((num_earlier[:n].sum(), 2), np.int32)
    filled = 0
    for i in range(n):
        for e in range(num_earlier[i]):
            edges[filled, 0], edges[filled, 1] = room[i, e], i
            filled += 1
    return edges
