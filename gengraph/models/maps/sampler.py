"""Drawing planar maps: each graph by itself, the frontier and the perceptrons in compiled code on the CPU.

The law is that of the likelihood, the logits divided by the temperature. The numbers that decide a graph come from the stream
of (seed, index, attempt), and nothing is shared between graphs: bit for bit the same graphs, however many are drawn, in
whichever order and on however many workers.
"""

from collections.abc import Iterator
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from torch import Tensor

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.maps.frontier import (
    END,
    IS_REAL,
    NEW,
    NUM_ARCS,
    NUM_LETTERS,
    NUM_OPEN,
    PREVIOUS,
    SPLIT,
    TO,
    State,
    gate,
    mark_allowed,
    new_state,
    put,
    start,
)
from gengraph.models.maps.views import NUM_CHOICE_CODES, describe, describe_choices, describe_root
from gengraph.models.numbers import keys_of
from gengraph.models.turns import draw_in_turn
from gengraph.streams import uniform_at

_TOGETHER = 256  # graphs that are handed over at a time
_U = np.uint64  # of an unsigned index compiled code does not ask whether it is negative
_LETTERS = 2  # where, in the stream of a graph, the numbers of its letters begin; those before are for its size


class MapsSampler:
    """A `Sampler`.

    Args:
        model: trained, on any device.
        decoding: temperature, and the number of nodes that no graph exceeds.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._size_law, self._limit = model.size_law, decoding.max_num_node or 2 * model.largest
        self._weights = flat_weights(model)
        self._widths, self._temperature = model.widths, np.float32(decoding.temperature)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(self._draw, (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(
        self, seed: int, indices: Int64Array, attempts: Int64Array
    ) -> tuple[Int64Array, Int64Array, Int32Array, npt.NDArray[np.bool_]]:
        """Numbers of nodes and edges, edges, and whether each graph was cut."""
        keys = keys_of(seed, indices, attempts)
        asked = np.array([self._size_law.draw(uniform_at(key, 0), uniform_at(key, 1)) for key in keys], np.int64)
        sizes = np.minimum(asked, self._limit)
        counts, edges = _draw_all(keys, sizes, self._widths, self._temperature, self._weights)
        return sizes, counts, edges, asked > self._limit


def flat_weights(model: Any) -> tuple[npt.NDArray[np.float32], ...]:
    """The weights as compiled code reads them: tables, then of each layer its matrix and its bias.

    A matrix goes by the unit that is read, but that of the letters by the letter.
    """

    def array(tensor: Tensor) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(tensor.detach().float().cpu().numpy())

    layers = model.first, model.second, model.output, model.choice_first, model.choice_output
    linear = [array(part) for layer in layers for part in (layer.weight.t(), layer.bias)]
    spare = (0, -NUM_LETTERS % 4)  # letters that are never allowed, so that `_add_dots` takes all four at a time
    linear[4] = np.pad(array(model.output.weight), (spare, (0, 0)))
    linear[5] = np.pad(linear[5] + array(model.never), spare)
    for k in (4, 5, 8):
        linear[k] = (linear[k] / model.config.calibration).astype(np.float32)
    return (array(model.table), array(model.choice_table), *linear)


@nb.njit(cache=True)
def _draw_all(
    keys: npt.NDArray[np.uint64], sizes: Int64Array, widths: tuple[int, int], temperature: Any, weights: Any
) -> tuple[Int64Array, Int32Array]:
    """The number of edges int64[G] of each graph, and the edges int32[E, 2] of all."""
    largest = sizes.max()
    state, counts = new_state(largest), np.zeros(len(sizes), np.int64)
    edges, filled = np.empty((3 * sizes.sum(), 2), np.int32), 0
    room = (
        np.empty(widths[0], np.int64), np.empty(widths[1], np.float32), np.empty(NUM_LETTERS, np.bool_),
        np.empty((largest, NUM_CHOICE_CODES), np.int64), np.empty(largest, np.int64), np.ones(largest, np.bool_),
        np.empty((2, len(weights[3])), np.float32), np.empty(len(weights[9]), np.float32),
        np.empty(len(weights[7]), np.float32), np.empty(largest, np.float32),
    )  # fmt: skip
    for g in range(len(sizes)):
        if sizes[g] > 1:
            _draw_map(state, keys[g], sizes[g], temperature, weights, room)
            counts[g] = _write_edges(state, edges[filled:])
            filled += counts[g]
    return counts, edges[:filled]


@nb.njit(cache=True)
def _draw_map(state: State, key: Any, size: int, temperature: Any, weights: Any, room: Any) -> None:
    """Draw the letters of one graph, and put their triangles."""
    codes, numbers, mask, choices, targets, every, hidden, choice_hidden, logits, choice_logits = room
    describe_root(size, codes, numbers, mask)
    read_gate(codes, numbers, weights, hidden, logits)
    start(state, draw_one(logits, mask, temperature, uniform_at(key, _LETTERS)) - PREVIOUS)
    counter = _LETTERS + 1
    while state[0][NUM_OPEN]:
        half, letter, target = gate(state), END, -1
        mark_allowed(state, half, size, mask)
        if not mask[END] or mask[NEW]:  # otherwise the only letter is E
            describe(state, half, size, codes, numbers)
            read_gate(codes, numbers, weights, hidden, logits)
            letter = draw_one(logits, mask, temperature, uniform_at(key, counter))
        if SPLIT <= letter < END:
            count = describe_choices(state, half, letter, choices, targets)
            read_choices(choices[:count], hidden[1], weights, choice_hidden, choice_logits)
            target = targets[draw_one(choice_logits, every[:count], temperature, uniform_at(key, counter + 1))]
        put(state, half, letter, target)
        counter += 2


@nb.njit(cache=True)
def _write_edges(state: State, edges: Int32Array) -> int:
    """Write the real edges of a map, return how many there are."""
    counts, arcs, filled = state[0], state[3], 0
    for arc in range(0, counts[NUM_ARCS], 2):
        if arcs[arc, IS_REAL]:
            edges[filled, 0], edges[filled, 1] = arcs[arc, TO] - 1, arcs[arc + 1, TO] - 1
            filled += 1
    return filled


@nb.njit(cache=True, fastmath=True)
def _add_rows(table: Any, codes: Int64Array, out: Any) -> None:
    """Add rows of a table to a vector, four at a time: compiled code then keeps the vector in registers for longer."""
    width, whole = _U(len(out)), len(codes) - len(codes) % 4
    for k in range(0, whole, 4):
        a, b, c, d = _U(codes[k]), _U(codes[k + 1]), _U(codes[k + 2]), _U(codes[k + 3])
        for j in range(width):
            out[j] += (table[a, j] + table[b, j]) + (table[c, j] + table[d, j])
    for k in range(whole, len(codes)):
        a = _U(codes[k])
        for j in range(width):
            out[j] += table[a, j]


@nb.njit(cache=True, fastmath=True)
def _add_product(vector: Any, matrix: Any, out: Any) -> None:
    """Add the product of a row vector and a matrix to a vector."""
    width, whole = _U(len(out)), len(vector) - len(vector) % 4
    for k in range(0, whole, 4):
        a, b, c, d = _U(k), _U(k + 1), _U(k + 2), _U(k + 3)
        p, q, r, s = vector[a], vector[b], vector[c], vector[d]
        for j in range(width):
            out[j] += (p * matrix[a, j] + q * matrix[b, j]) + (r * matrix[c, j] + s * matrix[d, j])
    for k in range(whole, len(vector)):
        a, p = _U(k), vector[k]
        for j in range(width):
            out[j] += p * matrix[a, j]


@nb.njit(cache=True, fastmath=True)
def _add_dots(vector: Any, matrix: Any, out: Any) -> None:
    """Add the products of the rows of a matrix, a multiple of four, with a vector to another: for few rows."""
    width = _U(len(vector))
    for k in range(0, len(out), 4):
        a, b, c, d = _U(k), _U(k + 1), _U(k + 2), _U(k + 3)
        p = q = r = s = np.float32(0)
        for j in range(width):
            p += vector[j] * matrix[a, j]
            q += vector[j] * matrix[b, j]
            r += vector[j] * matrix[c, j]
            s += vector[j] * matrix[d, j]
        out[a] += p
        out[b] += q
        out[c] += r
        out[d] += s


@nb.njit(cache=True, fastmath=True)
def read_gate(codes: Int64Array, numbers: Any, weights: Any, hidden: Any, logits: Any) -> None:
    """The logits float32[L] of the letters at a gate; hidden float32[2, H], the second of which choices are read off."""
    table, _, first, first_bias, second, second_bias, output, output_bias, _, _, _, _ = weights
    before, after = hidden[0], hidden[1]
    before[:] = first_bias
    _add_rows(table, codes, before)
    _add_product(numbers, first, before)
    after[:] = second_bias
    for j in range(len(before)):
        before[j] = max(before[j], np.float32(0))
    _add_product(before, second, after)
    for j in range(len(before)):
        after[j] = max(after[j], np.float32(0)) + before[j]
    logits[:] = output_bias
    _add_dots(after, output, logits)


@nb.njit(cache=True, fastmath=True)
def read_choices(choices: Int64Array, hidden: Any, weights: Any, seen: Any, logits: Any) -> None:
    """The logits of the nodes that a letter S may name; hidden: what was made of the gate."""
    _, table, _, _, _, _, _, _, first, first_bias, output, _ = weights
    of_gate = first_bias.copy()
    _add_product(hidden, first, of_gate)
    for choice in range(len(choices)):
        seen[:] = of_gate
        _add_rows(table, choices[choice], seen)
        logit = np.float32(0)
        for j in range(len(seen)):
            logit += max(seen[j], np.float32(0)) * output[j, 0]
        logits[choice] = logit


@nb.njit(cache=True)
def draw_one(logits: Any, mask: Any, temperature: Any, uniform: float) -> int:
    """An item drawn from the softmax of the logits of those that the mask allows; these logits are overwritten."""
    largest = np.float32(-np.inf)
    for k in range(len(mask)):
        if mask[k]:
            largest = max(largest, logits[k])
    total = np.float32(0)
    for k in range(len(mask)):
        if mask[k]:
            logits[k] = np.exp((logits[k] - largest) / temperature)
            total += logits[k]
    left, last = uniform * total, -1
    for k in range(len(mask)):
        if mask[k]:
            last = k
            left -= logits[k]
            if left < 0:
                break
    return last
