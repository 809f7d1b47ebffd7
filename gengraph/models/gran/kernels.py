"""The graph network and its heads for one step at a time, compiled: what the sampler computes.

Every graph is computed by itself and in one order, so that its numbers do not depend on what is drawn beside it. The arithmetic
is that of `network`, up to rounding: the hyperbolic tangent is a rational function with an error of a few units in the last
place [1].

Legend: V nodes of a step, B block size, W candidates of the first new node, H hidden, K components.

Reference:
    1. Eigen, src/Core/MathFunctionsImpl.h, generic_fast_tanh_float.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_FAST = {"contract", "reassoc", "nsz", "arcp"}
_NUMERATOR = np.array(
    [
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    ],
    np.float32,
)
_DENOMINATOR = np.array([4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06], np.float32)
_A0, _A1, _A2, _A3, _A4, _A5, _A6 = _NUMERATOR
_B0, _B1, _B2, _B3 = _DENOMINATOR
_FURTHEST = np.float32(7.9)  # beyond, float32 cannot tell the tangent from one
_HALF, _ONE, _ZERO = np.float32(0.5), np.float32(1), np.float32(0)


@nb.njit(cache=True, inline="always")
def _tanh(x: Any) -> Any:
    x = min(max(x, -_FURTHEST), _FURTHEST)
    square = x * x
    top = _A6
    top = top * square + _A5
    top = top * square + _A4
    top = top * square + _A3
    top = top * square + _A2
    top = top * square + _A1
    top = top * square + _A0
    below = _B3
    below = below * square + _B2
    below = below * square + _B1
    below = below * square + _B0
    return x * top / below


@nb.njit(cache=True, inline="always")
def _sigmoid(x: Any) -> Any:
    return _HALF * _tanh(_HALF * x) + _HALF


@nb.njit(cache=True, fastmath=_FAST)
def affine(values: Floats, weight: Floats, bias: Floats, out: Floats) -> None:
    """out[O] = bias[O] + values[I] @ weight[I, O], all float32; four rows of the weight at a time."""
    for o in range(out.shape[0]):
        out[o] = bias[o]
    count = values.shape[0]
    for i in range(0, count - 3, 4):
        v0, v1, v2, v3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        for o in range(out.shape[0]):
            out[o] += v0 * weight[i, o] + v1 * weight[i + 1, o] + v2 * weight[i + 2, o] + v3 * weight[i + 3, o]
    for i in range(count - count % 4, count):
        for o in range(out.shape[0]):
            out[o] += values[i] * weight[i, o]


@nb.njit(cache=True, fastmath=_FAST)
def affine_positive(values: Floats, places: Any, weight: Floats, bias: Floats, out: Floats) -> None:
    """As `affine`, of the positive values alone; places: int64[I], room for where they are."""
    count = 0
    for i in range(values.shape[0]):
        places[count] = i
        count += values[i] > _ZERO
    for o in range(out.shape[0]):
        out[o] = bias[o]
    for first in range(0, count - 3, 4):
        a, b, c, d = places[first], places[first + 1], places[first + 2], places[first + 3]
        for o in range(out.shape[0]):
            out[o] += values[a] * weight[a, o] + values[b] * weight[b, o] + values[c] * weight[c, o] + values[d] * weight[d, o]
    for rest in range(count - count % 4, count):
        a = places[rest]
        for o in range(out.shape[0]):
            out[o] += values[a] * weight[a, o]


@nb.njit(cache=True, fastmath=_FAST)
def start_states(codes: Any, code_offsets: Any, nodes: int, table: Floats) -> Floats:
    """float32[V, H]: the sum of the embeddings of each node's codes."""
    states = np.zeros((nodes, table.shape[1]), np.float32)
    for node in range(nodes):
        for c in range(code_offsets[node], code_offsets[node + 1]):
            row = table[codes[c]]
            for h in range(row.shape[0]):
                states[node, h] += row[h]
    return states


@nb.njit(cache=True, fastmath=_FAST)
def propagate(states: Floats, blocks: Any, edge_offsets: Any, sources: Any, layer: Any) -> Floats:
    """float32[V, H]: the states after one round of messages; layer: views of the weights, as `take_layer` makes them."""
    first, first_bias, blocks_of, message, gate_weight, message_bias, cell = layer
    nodes, size = states.shape
    parts = first.shape[1]
    gated, num_blocks = parts > size, blocks_of.shape[0] // 2
    nothing = np.zeros(parts, np.float32)
    targets, others = np.empty((nodes, parts), np.float32), np.empty((nodes, parts), np.float32)
    positive = np.empty(size, np.int64)
    for node in range(nodes):
        affine(states[node], first, nothing, others[node])
        for h in range(parts):
            targets[node, h] = others[node, h] + blocks_of[blocks[node], h] + first_bias[h]
            others[node, h] += blocks_of[num_blocks + blocks[node], h]
    pair, heard = np.empty(parts, np.float32), np.empty(size, np.float32)
    sent, gate = np.empty(size, np.float32), np.empty(size, np.float32)
    after = np.empty_like(states)
    for node in range(nodes):
        for h in range(size):
            heard[h] = _ZERO
        for e in range(edge_offsets[node], edge_offsets[node + 1]):
            other = others[sources[e]]
            for h in range(parts):
                pair[h] = max(targets[node, h] - other[h], _ZERO)
            affine_positive(pair[:size], positive, message, message_bias[:size], sent)
            if gated:
                affine_positive(pair[size:], positive, gate_weight, message_bias[size:], gate)
                for h in range(size):
                    heard[h] += sent[h] * _sigmoid(gate[h])
            else:
                for h in range(size):
                    heard[h] += sent[h]
        _update(states[node], heard, cell, after[node])
    return after


@nb.njit(cache=True, fastmath=_FAST)
def _update(state: Floats, heard: Floats, cell: Any, after: Floats) -> None:
    """A GRU cell."""
    input_weight, input_bias, hidden_weight, hidden_bias = cell
    size = state.shape[0]
    inputs, hidden = np.empty(3 * size, np.float32), np.empty(3 * size, np.float32)
    affine(heard, input_weight, input_bias, inputs)
    affine(state, hidden_weight, hidden_bias, hidden)
    for h in range(size):
        reset = _sigmoid(inputs[h] + hidden[h])
        keep = _sigmoid(inputs[size + h] + hidden[size + h])
        new = _tanh(inputs[2 * size + h] + reset * hidden[2 * size + h])
        after[h] = (_ONE - keep) * new + keep * state[h]


@nb.njit(cache=True, fastmath=_FAST)
def pair_numbers(states: Floats, first_candidate: int, new: int, size: int, head: Any) -> Floats:
    """float32[P, K]: what a head says of the pairs of a step, row by row.

    Args:
        states: float32[V, H].
        first_candidate: the node at which the window starts.
        new: the first new node.
        size: B.
        head: weights and biases of three layers.
    """
    (first, first_bias), (second, second_bias), (output, output_bias) = head
    hidden = states.shape[1]
    width = new - first_candidate
    numbers = np.empty((size * width + size * (size - 1) // 2, output.shape[1]), np.float32)
    here, nothing = np.empty((states.shape[0], hidden), np.float32), np.zeros(hidden, np.float32)
    positive = np.empty(hidden, np.int64)
    for node in range(first_candidate, states.shape[0]):
        affine(states[node], first, nothing, here[node])
    pair, deep = np.empty(hidden, np.float32), np.empty(hidden, np.float32)
    p = 0
    for b in range(size):
        for node in range(first_candidate, new + b):
            for h in range(hidden):
                pair[h] = max(here[new + b, h] + first_bias[h] - here[node, h], _ZERO)
            affine_positive(pair, positive, second, second_bias, deep)
            for h in range(hidden):
                deep[h] = max(deep[h], _ZERO)
            affine_positive(deep, positive, output, output_bias, numbers[p])
            p += 1
    return numbers


@nb.njit(cache=True, fastmath=_FAST)
def decide(state: Floats, head: Any, out: Floats) -> None:
    """out[O]: the numbers of a decision from a state float32[H]."""
    (first, first_bias), (output, output_bias) = head
    hidden, positive = np.empty(first.shape[1], np.float32), np.empty(first.shape[1], np.int64)
    affine(state, first, first_bias, hidden)
    for h in range(hidden.shape[0]):
        hidden[h] = max(hidden[h], _ZERO)
    affine_positive(hidden, positive, output, output_bias, out)


@nb.njit(cache=True)
def take(weights: Floats, place: Any, rows: int, columns: int) -> Floats:
    """The next float32[rows, columns] of the weights; place: int64[1], advanced."""
    first = place[0]
    place[0] += rows * columns
    return weights[first : first + rows * columns].reshape(rows, columns)


@nb.njit(cache=True)
def take_linear(weights: Floats, place: Any, inputs: int, outputs: int) -> tuple[Floats, Floats]:
    """The next weight float32[I, O] and bias float32[O]."""
    return take(weights, place, inputs, outputs), take(weights, place, 1, outputs)[0]


@nb.njit(cache=True)
def take_layer(weights: Floats, place: Any, size: int, parts: int, block: int) -> Any:
    """What `propagate` reads of a layer."""
    first, first_bias = take_linear(weights, place, size, parts)
    blocks_of = take(weights, place, 2 * (block + 1), parts)
    message = take(weights, place, size, size)
    gate = take(weights, place, parts - size, size)
    message_bias = take(weights, place, 1, parts)[0]
    inputs, input_bias = take_linear(weights, place, size, 3 * size)
    hidden, hidden_bias = take_linear(weights, place, size, 3 * size)
    return first, first_bias, blocks_of, message, gate, message_bias, (inputs, input_bias, hidden, hidden_bias)
