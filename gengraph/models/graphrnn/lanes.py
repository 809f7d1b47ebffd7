"""The lanes of a sampler: attempts at graphs that grow side by side, row by row.

An attempt's bits are a matter of (seed, graph index, attempt) alone, whatever else is being sampled. The native library takes
each lane by itself. Matrix products of torch round differently in other shapes: there the network always runs on blocks of the
same number of lanes, in one thread, and idle lanes are computed and ignored.

Legend: B lanes (a multiple of the unit), W widest window of a step, A attempts.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import torch

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.graphrnn.device import DEVICE_LANES, DeviceLanes
from gengraph.models.graphrnn.kernels.library import one_torch_thread
from gengraph.models.graphrnn.rows import CONTINUE, STOP
from gengraph.models.graphrnn.rules import WHOLE_ROWS, GrowingModel, Rules, drawn_size
from gengraph.models.graphrnn.totals import Tally
from gengraph.streams import key_of, uniform_at

LANES = 1024
BLOCK = 256  # lanes that one call of the network computes: fewer cost nearly as much, more gain little
BLOCK_ON_GPU = 4096
_UNIT = 16  # lanes without blocks come and go in so many
_WORTH_COPYING = 7 / 8  # lanes are dropped when no more than this share of them is left
_MOST_BYTES = 2**30  # of what the node level remembers; what needs more has fewer lanes, one block at least
_NOBODY = -1
_SIZE_MARGIN = 2  # a sequence is cut at so many times the largest training graph
_YIELDED_TOGETHER = 256


class LanesSampler:
    """Draws graphs from a model in lanes (`gengraph.models.family.Sampler`).

    Args:
        model: trained, on the CPU or a GPU.
        decoding: how graphs are drawn; the model is capable of it.
        lanes: attempts that grow at a time, rounded up on a CPU; None takes what suits the device.
        on_device: whether whole graphs grow on the device (`gengraph.models.graphrnn.device`); None leaves it to device and
            model: not on a CPU, where the native library computes fewer lanes, and no attention, and nothing that is planar.
    """

    def __init__(
        self, model: GrowingModel, decoding: Decoding, lanes: int | None = None, *, on_device: bool | None = None
    ) -> None:
        self._model, self._decoding = model, decoding
        if on_device is None:
            on_device = model.embed.weight.is_cuda and model.recordable and decoding.constraint != "planar"
        self._grow: type[Lanes | DeviceLanes] = DeviceLanes if on_device else Lanes
        self._lanes = lanes or (DEVICE_LANES if on_device else LANES)
        self._ends = decoding.stop == "model"
        self._limit = decoding.max_num_node or (_SIZE_MARGIN * model.largest if self._ends else model.largest)

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """One graph for each pair of index and attempt, as many at a time as have ended."""
        rules = Rules(
            seed=seed,
            limit=self._limit,
            ends=self._ends,
            temperature=self._decoding.temperature,
            planar=self._decoding.constraint == "planar",
            given=self._decoding.given,
        )
        with torch.inference_mode(), one_torch_thread():
            lanes = self._grow(self._model, (indices, attempts), rules, self._lanes)
        while lanes.busy or lanes.num_ended:
            with torch.inference_mode(), one_torch_thread():
                while lanes.busy and lanes.num_ended < _YIELDED_TOGETHER:
                    lanes.advance()
            drawn = lanes.take()
            if self._ends:
                yield drawn
            else:  # the 2018 code deletes nodes that nothing connects to
                graphs = drawn.graphs.induced(np.diff(drawn.graphs.to_csr().indptr) > 0)
                yield Drawn(drawn.place, graphs, np.zeros_like(drawn.cut))


class Lanes:
    """Grows attempts; a lane whose attempt has ended takes the next of the queue at once.

    Args:
        model: trained, on any device.
        asked: int64[G] and int64[G], the index of each graph asked for, and which attempt at it.
        rules: how attempts are drawn.
        lanes: attempts that grow at a time, rounded up to whole units: blocks, or a few lanes; fewer if the node level would
            need too much memory.

    Attributes:
        queue: places of the graphs that wait for a lane; all of them at the start.
        num_ended: attempts that have ended since they were last taken.
    """

    def __init__(self, model: GrowingModel, asked: tuple[Int64Array, Int64Array], rules: Rules, lanes: int) -> None:
        self._model, self._rules = model, rules
        self._indices, self._attempts = asked
        block = None if model.rowwise else BLOCK_ON_GPU if model.embed.weight.is_cuda else BLOCK
        self._unit = block or _UNIT
        self.queue = deque(range(len(self._indices)))
        units = -(-min(lanes, len(self._indices)) // self._unit)
        bytes_a_unit = self._unit * model.bytes_per_lane(rules.limit)
        count = min(units, max(1, _MOST_BYTES // bytes_a_unit)) * self._unit
        self._nodes = model.node_sampler(count, block, rules.limit, rules.given)
        self._decide = model.decider(block)
        self._draw_rows = model.row_sampler(count, block, rules.limit, planar=rules.planar)
        self._place = np.full(count, _NOBODY)  # int64[B], the graph of each lane
        self._number = np.zeros(count, np.int64)  # int64[B], which attempt at it
        self._last = np.zeros(count, np.int64)  # int64[B], the newest node
        self._end = np.zeros(count, np.int64)  # int64[B], the last node, where the size is drawn first
        self._start = np.zeros(count, np.int64)  # int64[B], where its window starts
        self._tally = Tally(model.totals, count, model.max_prev_node, rules.limit) if model.totals else None
        self._num_edges = np.zeros(count, np.int64)
        self._edges = np.empty((count, 64, 2), np.int32)
        self._ended: list[tuple[npt.NDArray[Any], ...]] = []
        self.num_ended = 0

    @property
    def busy(self) -> bool:
        """Whether an attempt grows or waits."""
        return bool(self.queue) or bool((self._place != _NOBODY).any())

    def take(self) -> Drawn:
        """The attempts, one at least, that have ended since they were last taken."""
        place, cut, last, num_edges, edges = map(np.concatenate, zip(*self._ended, strict=True))
        self._ended, self.num_ended = [], 0
        graphs = GraphSet.from_flat(last + 1, np.repeat(np.arange(len(place)), num_edges), edges)
        return Drawn(place, graphs, cut)

    def advance(self) -> None:
        """Make one row of every attempt, after idle lanes were filled from the queue."""
        self._fill(np.flatnonzero(self._place == _NOBODY))
        bound = self._model.max_prev_node
        active = self._place != _NOBODY
        widths = np.where(active, np.minimum(self._last + 1 - self._start, bound), 0)
        keys = np.where(active, self._indices[self._place], 0)
        streams = keys, self._number, self._last * (bound + 1), self._last
        uniforms, of_rows, thresholds = _draw(self._rules.seed, streams, widths, int(widths.max()), self._rules.temperature)
        to_come = np.maximum(self._end - self._last, 0)
        told = self._tally.told(self._end + 1, to_come) if self._tally else None
        states = self._nodes.advance(torch.from_numpy(to_come) if self._model.sizes else None, told)
        decisions = self._decide(states, torch.from_numpy(uniforms)).cpu().numpy()
        if self._model.sizes:
            decisions = np.where(self._last >= self._end, STOP, decisions)
        continues = np.where(decisions == CONTINUE, widths, 0)
        bits = self._draw_rows.draw(states, continues, thresholds, self._last, of_rows)
        if not self._rules.ends:
            ended = np.zeros_like(active)
        elif self._model.decides:
            ended = decisions == STOP
        else:
            ended = ~bits.any(axis=1)
        at_limit = self._last + 1 >= self._rules.limit
        cut = at_limit & ~ended
        ended = active & (ended | at_limit)
        self._grow(bits, continues, active & ~ended)
        if ended.any():
            self._retire(np.flatnonzero(ended), cut)

    def _grow(self, bits: npt.NDArray[np.uint8], widths: Int64Array, grows: npt.NDArray[np.bool_]) -> None:
        """Add a node to every attempt that grows."""
        if self._num_edges.max() + bits.shape[1] > self._edges.shape[1]:
            more = np.empty_like(self._edges, shape=(len(bits), 2 * self._edges.shape[1] + bits.shape[1], 2))
            more[:, : self._edges.shape[1]] = self._edges
            self._edges = more
        if self._tally:
            self._tally.read(bits, grows, self._last)
        _add_nodes(bits, grows, self._last, self._start, self._num_edges, self._edges, self._model.adaptive)
        self._nodes.read(torch.from_numpy(bits), torch.from_numpy(widths))

    def _retire(self, lanes: Int64Array, cut: npt.NDArray[np.bool_]) -> None:
        """Note what the lanes have grown, and free them."""
        counts = self._num_edges[lanes]
        edges = self._edges[lanes, : counts.max()][np.arange(counts.max()) < counts[:, None]]
        self._ended.append((self._place[lanes], cut[lanes], self._last[lanes], counts, edges))
        self.num_ended += len(lanes)
        self._place[lanes] = _NOBODY
        if not self.queue:
            self._shrink()

    def _fill(self, free: Int64Array) -> None:
        """Start waiting attempts in free lanes."""
        lanes = free[: len(self.queue)]
        if not len(lanes):
            return
        self._place[lanes] = places = np.array([self.queue.popleft() for _ in lanes], np.int64)
        self._number[lanes] = self._attempts[places]
        self._last[lanes] = self._start[lanes] = self._num_edges[lanes] = 0
        if self._model.sizes:
            keys = [self._key(*attempt) for attempt in zip(self._indices[places], self._number[lanes], strict=True)]
            self._end[lanes] = [drawn_size(self._model.sizes, key) - 1 for key in keys]
            if self._tally:
                self._tally.reset(lanes, self._end[lanes] + 1, keys)
        self._nodes.reset(lanes)
        self._draw_rows.reset(lanes)

    def _key(self, index: int, attempt: int) -> np.uint64:
        """The stream of an attempt."""
        return np.uint64(key_of(self._rules.seed, index, attempt))

    def _shrink(self) -> None:
        """Drop units for which no attempt is left."""
        kept = np.flatnonzero(self._place != _NOBODY)
        count = max(1, -(-len(kept) // self._unit)) * self._unit
        if count > len(self._place) * _WORTH_COPYING:
            return
        kept = np.concatenate([kept, np.flatnonzero(self._place == _NOBODY)[: count - len(kept)]])
        self._place, self._number, self._last = self._place[kept], self._number[kept], self._last[kept]
        self._end = self._end[kept]
        self._start, self._num_edges, self._edges = self._start[kept], self._num_edges[kept], self._edges[kept]
        if self._tally:
            self._tally.keep(kept)
        self._nodes.keep(kept)
        self._draw_rows.keep(kept)


@nb.njit(cache=True)
def _draw(
    seed: int, streams: Any, widths: npt.NDArray[np.int64], widest: int, temperature: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Uniform numbers float64[B] for each lane's decision and for its row as a whole, thresholds float32[B, W] for its edges.

    A logit exceeds T log(u / (1 - u)) with the probability that its sigmoid at temperature T has. Decision t stands in the
    lane's stream at t (M + 1), before the edges of row t; the numbers for whole rows stand where no edge comes.
    """
    keys, numbers, counters, newest = streams
    uniforms, of_rows = np.zeros(keys.shape[0]), np.zeros(keys.shape[0])
    thresholds = np.zeros((keys.shape[0], widest), np.float32)
    for lane in range(keys.shape[0]):
        if widths[lane]:
            key = key_of(seed, keys[lane], numbers[lane])
            uniforms[lane] = uniform_at(key, counters[lane])
            of_rows[lane] = uniform_at(key, WHOLE_ROWS + newest[lane])
            for j in range(widths[lane]):
                uniform = uniform_at(key, counters[lane] + 1 + j)
                thresholds[lane, j] = temperature * (np.log(uniform) - np.log1p(-uniform)) if uniform > 0 else -np.inf
    return uniforms, of_rows, thresholds


@nb.njit(cache=True)
def _add_nodes(
    bits: npt.NDArray[np.uint8],
    grows: npt.NDArray[np.bool_],
    last: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    num_edges: npt.NDArray[np.int64],
    edges: npt.NDArray[np.int32],
    adaptive: bool,
) -> None:
    for lane in range(bits.shape[0]):
        if grows[lane]:
            oldest = last[lane] + 1
            for k in range(bits.shape[1] - 1, -1, -1):
                if bits[lane, k]:
                    oldest = min(oldest, last[lane] - k)
                    edges[lane, num_edges[lane], 0] = last[lane] - k
                    edges[lane, num_edges[lane], 1] = last[lane] + 1
                    num_edges[lane] += 1
            if adaptive:
                start[lane] = oldest
            last[lane] += 1
