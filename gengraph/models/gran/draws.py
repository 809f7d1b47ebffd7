"""Drawing one step of a graph by the law in `mixture`, compiled.

Legend: B block size, S stride, P pairs, K components, V nodes of a step.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int64Array
from gengraph.models.gran.kernels import (
    decide,
    pair_numbers,
    propagate,
    start_states,
    take,
    take_layer,
    take_linear,
)
from gengraph.models.gran.packing import Rules, count_step, fill_step, mark_neighbours
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
        weights: float32 of the network, all in one, and their sizes, as `sampler.flat_weights` orders them.

    Returns:
        bool[B, s - start + B], whether new node s + b is a neighbour of node start + j, and how many of the rows are kept.
    """
    s, start, size = place
    options, temperature = decoding
    edge_numbers, weight_numbers, oldest_numbers, empty, ends = step_numbers(place, graph, rules, weights)
    block, stride = rules[:2]
    kept = min(stride, size - s) if options[1] else _draw_end(uniform_at(key, counter[0]), ends, s)
    counter[0] += 1
    filled = np.ones(block, np.bool_)
    if options[0]:
        for b in range(kept):
            filled[b] = s + b > start and uniform_at(key, counter[0] + b) >= 1 / (1 + np.exp(-np.float64(empty[b, 0])))
    counter[0] += block
    logits = _divided(edge_numbers, temperature)
    log_weights = _pooled(weight_numbers, options[2])
    oldest = np.full(block, -1, np.int64)
    if len(oldest_numbers):
        _draw_oldest(key, counter, oldest_numbers, filled[:kept], s - start, temperature, (oldest, log_weights))
        counter[0] += block
    elif options[0]:
        _add_log_filled(logits, filled[:kept], s - start, log_weights)
    k = _draw_index(uniform_at(key, counter[0]), log_weights)
    counter[0] += 1
    rows = np.zeros((block, s - start + block), np.bool_)
    first = 0
    for b in range(kept):
        width = s - start + b
        if filled[b]:
            if oldest[b] >= 0:
                beside = np.zeros(s - start, np.bool_)
                mark_neighbours(start + oldest[b], start, s, graph, beside)
                for j in np.flatnonzero(beside):
                    logits[first + j, k] += oldest_numbers[first + j, 1 + len(log_weights) + k] / temperature
            _draw_row(key, counter, logits[first : first + width, k], options[0], oldest[b], rows[b])
        first += width
        counter[0] += width
    return rows, kept


@nb.njit(cache=True)
def step_numbers(place: tuple[int, int, int], graph: Any, rules: Rules, weights: Any) -> Any:
    """What the network says of a step: float32 edge and weight numbers [P, K], oldest numbers, empty[B], ends[S + 1].

    The oldest numbers are [P, 1 + 2 K], or [0, 0] where the mixture makes the oldest neighbour what it is.
    """
    s, start, size = place
    flat, sizes = weights
    num_layers, hidden, parts, components, num_rows, of_oldest = sizes
    at = np.zeros(1, np.int64)
    nodes, num_edges, num_codes = count_step(s, start, graph, rules)
    blocks, code_offsets = np.zeros(nodes, np.int32), np.zeros(nodes + 1, np.int64)
    edge_offsets, sources = np.zeros(nodes + 1, np.int64), np.empty(num_edges, np.int32)
    codes = np.empty(num_codes, np.int32)
    fill_step(s, start, size, graph, rules, (0, 0, 0), (blocks, code_offsets, codes, edge_offsets, sources))
    states = start_states(codes, code_offsets, nodes, take(flat, at, num_rows, hidden))
    block, outputs = rules[0], rules[1] + 1
    for _ in range(num_layers):
        states = propagate(states, blocks, edge_offsets, sources, take_layer(flat, at, hidden, parts, block))
    new = nodes - block
    edge_numbers = _of_pairs(states, new - (s - start), block, components, flat, at)
    weight_numbers = _of_pairs(states, new - (s - start), block, components, flat, at)
    oldest_numbers = np.empty((0, 0), np.float32)
    if of_oldest:
        oldest_numbers = _of_pairs(states, new - (s - start), block, of_oldest, flat, at)
    empty, pooled = np.zeros((block, 1), np.float32), np.zeros(hidden, np.float32)
    head = take_linear(flat, at, hidden, hidden), take_linear(flat, at, hidden, 1)
    for b in range(block):
        decide(states[new + b], head, empty[b])
        for h in range(hidden):
            pooled[h] += states[new + b, h] / np.float32(block)
    ends = np.zeros(outputs, np.float32)
    decide(pooled, (take_linear(flat, at, hidden, hidden), take_linear(flat, at, hidden, outputs)), ends)
    return edge_numbers, weight_numbers, oldest_numbers, empty, ends


@nb.njit(cache=True)
def _of_pairs(states: Any, first_candidate: int, block: int, components: int, flat: Any, at: Any) -> Any:
    """What the next head of the weights says of the pairs of a step."""
    hidden = states.shape[1]
    head = (
        take_linear(flat, at, hidden, hidden),
        take_linear(flat, at, hidden, hidden),
        take_linear(flat, at, hidden, components),
    )
    return pair_numbers(states, first_candidate, states.shape[0] - block, block, head)


@nb.njit(cache=True)
def _draw_end(number: float, ends: Any, s: int) -> Any:
    """How many nodes a step keeps; a graph has one at least."""
    logits = np.empty(ends.shape[0])
    for c in range(ends.shape[0]):
        logits[c] = ends[c] if s or c else -np.inf
    return _draw_index(number, logits)


@nb.njit(cache=True)
def _draw_index(number: float, logits: npt.NDArray[np.float64]) -> Any:
    """The index that belongs to a number in [0, 1), the last one first."""
    highest, total = -np.inf, 0.0
    for logit in logits:
        highest = max(highest, logit)
    for logit in logits:
        total += np.exp(logit - highest)
    left = number * total
    for k in range(logits.shape[0] - 1, 0, -1):
        left -= np.exp(logits[k] - highest)
        if left < 0:
            return k
    return 0


@nb.njit(cache=True)
def _divided(numbers: Any, temperature: float) -> npt.NDArray[np.float64]:
    """float64[P, K]: the logits of edges."""
    logits = np.empty(numbers.shape)
    for p in range(numbers.shape[0]):
        for k in range(numbers.shape[1]):
            logits[p, k] = numbers[p, k] / temperature
    return logits


@nb.njit(cache=True)
def _pooled(numbers: Any, mean: bool) -> npt.NDArray[np.float64]:
    """float64[K]: the logits of the mixture's weights."""
    pooled = np.zeros(numbers.shape[1])
    for k in range(numbers.shape[1]):
        for p in range(numbers.shape[0]):
            pooled[k] += numbers[p, k]
        if mean:
            pooled[k] /= max(1, numbers.shape[0])
    return pooled


@nb.njit(cache=True)
def _log_nothing(logits: npt.NDArray[np.float64]) -> float:
    """The log-probability that no edge is drawn."""
    total = 0.0
    for logit in logits:
        total -= max(logit, 0.0) + np.log1p(np.exp(-abs(logit)))
    return total


@nb.njit(cache=True)
def _add_log_filled(logits: npt.NDArray[np.float64], filled: Any, width: int, total: Any) -> None:
    """Add to total[K] the log-probability, under each component, that every row that is to be filled gets an edge."""
    for k in range(logits.shape[1]):
        first = 0
        for b in range(filled.shape[0]):
            if filled[b]:
                total[k] += np.log(max(-np.expm1(_log_nothing(logits[first : first + width + b, k])), 1e-300))
            first += width + b


@nb.njit(cache=True)
def _draw_oldest(key: Any, counter: Int64Array, numbers: Any, filled: Any, width: int, temperature: float, out: Any) -> None:
    """Draw the oldest neighbour of every row that is to be filled; add what it says to the logits of the weights."""
    oldest, log_weights = out
    first = 0
    for b in range(filled.shape[0]):
        if filled[b]:
            own = numbers[first : first + width + b]
            oldest[b] = _draw_index(uniform_at(key, counter[0] + b), _divided(own[:, :1], temperature)[:, 0])
            for k in range(log_weights.shape[0]):
                log_weights[k] += own[oldest[b], 1 + k]
        first += width + b


@nb.njit(cache=True)
def _draw_row(key: Any, counter: Int64Array, logits: npt.NDArray[np.float64], conditioned: bool, oldest: int, row: Any) -> None:
    """Draw a row's edges, oldest candidate first; conditioned on one edge at least, by the chain rule.

    If the oldest neighbour is given (it is not -1), draw those after it.
    """
    if oldest >= 0:
        row[oldest] = True
    nothing = _log_nothing(logits)  # of the candidates from j on
    some = oldest >= 0 or not conditioned
    for j in range(oldest + 1, logits.shape[0]):
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
