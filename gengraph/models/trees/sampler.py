"""Drawing trees and forests, many together: vertices that wait for children get one each, wave by wave.

The law is that of the likelihood, the logits divided by the temperature. The numbers that decide a graph come from the stream
of (seed, index, attempt), and all sums are taken element by element in a fixed order, never as products of matrices, whose
rounding depends on their shapes: bit for bit the same graphs, whatever is drawn beside them.

Legend: G graphs, A vertices that wait for a child, K decisions, Q options of all of them, F hidden units, C children.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.numbers import Numbers
from gengraph.models.trees.decisions import RANKS, SIZES, Kind, Offer
from gengraph.models.trees.growth import Growth, places_among_equals
from gengraph.models.turns import draw_in_turn

_TOGETHER = 512  # graphs that are drawn together
_BLOCK = 1024  # options that are multiplied at a time, so that they stay in the cache
Floats = npt.NDArray[np.floating[Any]]


class TreesSampler:
    """A `Sampler`.

    Args:
        model: trained.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._size_law, self._limit = model.size_law, decoding.max_num_node or 2 * model.largest
        self._temperature = decoding.temperature
        self._heads = {kind: _Weights(head, model.never) for kind, head in ((RANKS, model.ranks), (SIZES, model.sizes))}

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        return draw_in_turn(self._draw, (indices, attempts), seed=seed, together=_TOGETHER)

    def _draw(
        self, seed: int, indices: Int64Array, attempts: Int64Array
    ) -> tuple[Int64Array, Int64Array, Int32Array, npt.NDArray[np.bool_]]:
        """Numbers of nodes and edges, edges, and whether each graph was cut."""
        numbers = Numbers.of(seed, indices, attempts)
        asked = np.array([self._size_law.draw(*pair) for pair in numbers.uniforms(0, 2).tolist()], np.int64)
        sizes = np.minimum(asked, self._limit)
        growth, used = Growth(sizes), np.full(len(sizes), 2)
        while len(growth):
            rank = self._choose(RANKS, growth, numbers, used)
            growth.seen["rank"] = rank
            growth.add(rank, self._choose(SIZES, growth, numbers, used))
        return sizes, *growth.edges(), asked > self._limit

    def _choose(self, kind: Kind, growth: Growth, numbers: Numbers, used: Int64Array) -> Int64Array:
        """int64[A], a value for each vertex that waits; used int64[G] numbers of each graph are spent, and counted here."""
        offer = Offer.of(kind, growth.seen)
        values, graph = offer.least.copy(), growth.graph[offer.asked]
        if not len(graph):
            return values
        weights = self._heads[kind].weights(offer, self._temperature)
        first = np.cumsum(offer.num_options) - offer.num_options
        row, place = np.repeat(np.arange(len(first)), offer.num_options), np.arange(len(weights))
        sums = np.zeros((len(first), int(offer.num_options.max())))
        sums[row, place - first[row]] = weights
        np.cumsum(sums, axis=1, out=sums)
        uniform = numbers[graph].uniforms(used[graph] + places_among_equals(graph), 1)
        taken = (sums <= uniform * sums[:, -1:]).sum(1)
        values[offer.asked] += np.minimum(taken, offer.num_options - 1)
        used += np.bincount(graph, minlength=len(used))
        return values


class _Weights:
    """A head as arrays."""

    def __init__(self, head: Any, never: Any) -> None:
        tensors = *head.tables(), head.bias, head.hidden.weight.t(), head.hidden.bias, head.output.weight[0]
        self._arrays = [tensor.detach().float().cpu().numpy().copy() for tensor in tensors]
        self._never = never.cpu().numpy()

    def weights(self, offer: Offer, temperature: float) -> Floats:
        """float64[Q], the probabilities of options, not normalised."""
        table, option_table, bias, hidden, hidden_bias, output = self._arrays
        row = np.repeat(np.arange(len(offer.codes)), offer.num_options)
        first = (_sum_rows(table, offer.codes) + bias)[row]
        first = np.maximum(first + _sum_rows(option_table, offer.options), 0)
        second = np.maximum(_product(first, hidden) + hidden_bias, 0)
        logits = _product(second, output[:, None])[:, 0].astype(np.float64) + self._never[offer.novel]
        highest = np.maximum.reduceat(logits, np.cumsum(offer.num_options) - offer.num_options)
        found: Floats = np.exp((logits - highest[row]) / temperature)
        return found


def _sum_rows(table: Floats, codes: Int32Array) -> Floats:
    """float32[K, F], for each row of int32[K, C] codes the sum of the rows of a table that they name."""
    total = table[codes[:, 0]]
    for column in codes.T[1:]:
        total += table[column]
    return total


def _product(rows: Floats, matrix: Floats) -> Floats:
    """float32[Q, F] of rows float32[Q, E] and a matrix float32[E, F]: each sum in the order of E."""
    total = np.zeros((matrix.shape[1], len(rows)), np.float32)
    for begin in range(0, len(rows), _BLOCK):
        block, part = np.ascontiguousarray(rows[begin : begin + _BLOCK].T), total[:, begin : begin + _BLOCK]
        for column, weights in zip(block, matrix, strict=True):
            part += weights[:, None] * column
    return total.T
