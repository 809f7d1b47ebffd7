"""Drawing one step of a graph by the law in `mixture`, compiled.

Legend: B block size, S stride, P pairs, K components, V nodes of a step.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.models.gran.kernels import decide, pair_numbers, propagate, start_states
from gengraph.models.gran.packing import Rules, count_step, fill_step
from gengraph.streams import uniform_at


@nb.njit(cache=True)
def draw_step(
    key: Any, counter: Int64Array, place: tuple[int, int, int], graph: Any, rules: Rules, decoding: Any, weights: Any
) -> tuple[npt.NDArray[np.bool_], int]:
    """Draw the rows of one step.

    Args:
        key: of the graph's stream.
        counter: int64[1], where the stream stands; advanced.
        place: the step s, the start of its window, and the number of all nodes or -1.
        graph: the graph so far, as `count_step` reads it.
        rules: of packing.
        decoding: options (whether empty rows are decided, whether sizes are given, whether weights are pooled by their mean,
            whether the window is adaptive, its bound or -1) and the temperature.
        weights: of the network.

    Returns:
        bool[B, s - start + B], whether new node s + b is a neighbour of node start + j, and how many of the rows are kept.
    """
    s, start, size = place
    options, temperature = decoding
    edge_numbers, weight_numbers, empty, ends = step_numbers(place, graph, rules, weights)
    block, stride = rules[:2]
    kept = min(stride, size - s) if options[1] else _draw_end(uniform_at(key, counter[0]), ends, s)
    counter[0] += 1
    filled = np.ones(block, np.bool_)
    if options[0]:
        for b in range(kept):
            filled[b] = s + b > start and uniform_at(key, counter[0] + b) >= 1 / (1 + np.exp(-np.float64(empty[b])))
    counter[0] += block
    logits = edge_numbers.astype(np.float64) / temperature
    log_weights = _pooled(weight_numbers, options[2])
    if options[0]:
        log_weights += _log_filled(logits, filled[:kept], s - start)
    k = _draw_index(uniform_at(key, counter[0]), log_weights)
    counter[0] += 1
    rows = np.zeros((block, s - start + block), np.bool_)
    first = 0
    for b in range(kept):
        width = s - start + b
        if filled[b]:
            _draw_row(key, counter, logits[first : first + width, k], options[0], rows[b])
        first += width
        counter[0] += width
    return rows, kept


@nb.njit(cache=True)
def step_numbers(place: tuple[int, int, int], graph: Any, rules: Rules, weights: Any) -> Any:
    """What the network says of a step: edge numbers float32[P, K], weight numbers float32[P, K], empty[B], ends[S + 1]."""
    s, start, size = place
    table, layers, heads, decisions = weights
    nodes, num_edges, num_codes = count_step(s, start, graph, rules)
    blocks, code_offsets = np.zeros(nodes, np.int32), np.zeros(nodes + 1, np.int64)
    edge_offsets, sources = np.zeros(nodes + 1, np.int64), np.empty(num_edges, np.int32)
    codes = np.empty(num_codes, np.int32)
    fill_step(s, start, size, graph, rules, (0, 0, 0), (blocks, code_offsets, codes, edge_offsets, sources))
    states = start_states(codes, code_offsets, nodes, table)
    first, first_bias, targets, others, messages, biases, inputs, input_bias, hidden, hidden_bias = layers
    for i in range(first.shape[0]):
        cell = inputs[i], input_bias[i], hidden[i], hidden_bias[i]
        layer = first[i], first_bias[i], targets[i], others[i], messages[i], biases[i], cell
        states = propagate(states, blocks, edge_offsets, sources, layer)
    block = rules[0]
    new = nodes - block
    first_candidate = new - (s - start)
    edge_numbers = pair_numbers(states, first_candidate, new, block, heads[0])
    weight_numbers = pair_numbers(states, first_candidate, new, block, heads[1])
    empty, one = np.zeros(block, np.float32), np.zeros(1, np.float32)
    pooled = np.zeros(states.shape[1], np.float32)
    for b in range(block):
        decide(states[new + b], decisions[0], one)
        empty[b] = one[0]
        pooled += states[new + b] / np.float32(block)
    ends = np.zeros(rules[1] + 1, np.float32)
    decide(pooled, decisions[1], ends)
    return edge_numbers, weight_numbers, empty, ends


@nb.njit(cache=True)
def _draw_end(number: float, ends: Any, s: int) -> Any:
    """How many nodes a step keeps; a graph has one at least."""
    logits = ends.astype(np.float64)
    if s == 0:
        logits[0] = -np.inf
    return _draw_index(number, logits)


@nb.njit(cache=True)
def _draw_index(number: float, logits: npt.NDArray[np.float64]) -> int:
    """The index that belongs to a number in [0, 1), the last one first."""
    weights = np.exp(logits - logits.max())
    left = number * weights.sum()
    for k in range(weights.shape[0] - 1, 0, -1):
        left -= weights[k]
        if left < 0:
            return k
    return 0


@nb.njit(cache=True)
def _pooled(numbers: Any, mean: bool) -> npt.NDArray[np.float64]:
    """float64[K]: the logits of the mixture's weights."""
    pooled = np.zeros(numbers.shape[1])
    for p in range(numbers.shape[0]):
        for k in range(numbers.shape[1]):
            pooled[k] += numbers[p, k]
    return pooled / max(1, numbers.shape[0]) if mean else pooled


@nb.njit(cache=True)
def _log_nothing(logits: npt.NDArray[np.float64]) -> float:
    """The log-probability that no edge is drawn."""
    total = 0.0
    for logit in logits:
        total -= max(logit, 0.0) + np.log1p(np.exp(-abs(logit)))
    return total


@nb.njit(cache=True)
def _log_filled(logits: npt.NDArray[np.float64], filled: Any, width: int) -> npt.NDArray[np.float64]:
    """float64[K]: of each component, the log-probability that every row that is to be filled gets an edge."""
    total = np.zeros(logits.shape[1])
    for k in range(logits.shape[1]):
        first = 0
        for b in range(filled.shape[0]):
            if filled[b]:
                total[k] += np.log(max(-np.expm1(_log_nothing(logits[first : first + width + b, k])), 1e-300))
            first += width + b
    return total


@nb.njit(cache=True)
def _draw_row(key: Any, counter: Int64Array, logits: npt.NDArray[np.float64], conditioned: bool, row: Any) -> None:
    """Draw a row's edges, oldest candidate first; conditioned on one edge at least, by the chain rule."""
    nothing = _log_nothing(logits)  # of the candidates from j on
    some = not conditioned
    for j in range(logits.shape[0]):
        number = uniform_at(key, counter[0] + j)
        probability = 1 / (1 + np.exp(-logits[j]))
        if not some:
            if j == logits.shape[0] - 1:
                row[j] = True
                return
            probability /= max(-np.expm1(nothing), probability)
            nothing -= _log_nothing(logits[j : j + 1])
        row[j] = number < probability
        some = some or row[j]
