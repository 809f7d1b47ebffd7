"""Sampling graphs from a model: many lanes at once, a finished graph's lane is given to the next.

Every random number belongs to (seed, graph index, row, decision), so a graph depends neither on the number of lanes nor on
who samples it, up to rounding in the network's matrix products.

Legend: B lanes, M max_prev_node.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba as nb
import numpy as np
import numpy.typing as npt
import torch

from gengraph.checkpoint import Checkpoint
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn import GraphRNNModel
from gengraph.sequences.rows import CONTINUE, STOP, UInt8Array
from gengraph.shards import Shard, shard_indices, write_shard
from gengraph.streams import key_of, uniform_at

LANES = 256
_SIZE_MARGIN = 2  # a sequence is cut at so many times the largest training graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Sampled graphs, all their components kept.

    Attributes:
        graphs: one for each index asked for, in that order.
        num_cut: how many sequences were cut because they did not end by themselves.
    """

    graphs: GraphSet
    num_cut: int


def sample_graphs(
    model: GraphRNNModel,
    indices: Int64Array,
    *,
    seed: int,
    lanes: int = LANES,
    max_num_node: int | None = None,
    report: Callable[[int], None] = lambda _finished: None,
) -> Samples:
    """Sample the graphs with the given indices of the stream of a seed.

    Args:
        model: trained.
        indices: int64[G] >= 0; graph k of a seed is the same whichever others are asked for.
        seed: >= 0.
        lanes: graphs that are built at a time.
        max_num_node: nodes at which a sequence is cut; by default twice the largest training graph.
        report: called with the number of graphs that have just been finished.
    """
    limit = max_num_node or _SIZE_MARGIN * model.facts.max_num_node
    sampler = _Lanes(model, np.asarray(indices, np.int64), seed, lanes, limit)
    with torch.inference_mode():
        while sampler.busy:
            finished = sampler.advance()
            if finished:
                report(finished)
    return Samples(graphs=sampler.graphs(), num_cut=sampler.num_cut)


class _Lanes:
    """The graphs that are being built, and the edges of all that were."""

    def __init__(self, model: GraphRNNModel, indices: Int64Array, seed: int, lanes: int, max_num_node: int) -> None:
        self._model, self._indices, self._seed, self._limit = model, indices, seed, max_num_node
        self._num_nodes = np.zeros(len(indices), np.int64)
        self._edges: list[npt.NDArray[np.int64]] = []  # [.., 3]: place in indices, u, v
        self.num_cut = 0
        count = min(lanes, len(indices))
        self._next = count
        self._place = np.arange(count)  # int64[B], which of the indices a lane builds
        self._last = np.zeros(count, np.int64)  # int64[B], the newest node of each graph
        self._start = np.zeros(count, np.int64)  # int64[B], where its window starts
        self._hidden = model.initial_hidden(count)
        self._rows = torch.ones(count, model.facts.max_prev_node)

    @property
    def busy(self) -> bool:
        return len(self._place) > 0

    def graphs(self) -> GraphSet:
        edges = np.concatenate(self._edges) if self._edges else np.zeros((0, 3), np.int64)
        return GraphSet.from_flat(self._num_nodes, edges[:, 0], edges[:, 1:])

    def advance(self) -> int:
        """Make one row of every lane; returns how many graphs that finished."""
        model, bound = self._model, self._rows.shape[1]
        self._hidden = model.step(self._rows, self._hidden)
        state = self._hidden[-1]
        widths = np.minimum(self._last + 1 - self._start, bound)
        keys = self._indices[self._place]
        uniforms = torch.from_numpy(_row_uniforms(self._seed, keys, self._last * (bound + 1), int(widths.max()) + 1))
        decisions = model.decide(state, uniforms[:, 0])
        bits = torch.zeros(len(state), bound, dtype=torch.uint8)
        going = torch.nonzero(decisions == CONTINUE).squeeze(1)
        if len(going):
            drawn = model.head.sample(state[going], torch.from_numpy(widths)[going], uniforms[going, 1:])
            bits[going, : drawn.shape[1]] = drawn
        return self._grow(bits, decisions.numpy())

    def _grow(self, bits: torch.Tensor, decisions: Int64Array) -> int:
        """Add a node to every graph whose row is no end, and give the lanes of finished graphs away."""
        chosen = bits.numpy()
        ended = decisions == STOP if self._model.decides else ~chosen.any(axis=1)
        cut = ~ended & (self._last + 1 >= self._limit)
        self.num_cut += int(cut.sum())
        ended |= cut
        self._keep_edges(chosen, ~ended)
        oldest = self._last - np.where(chosen.any(axis=1), bits.shape[1] - 1 - np.argmax(chosen[:, ::-1], axis=1), -1)
        if self._model.adaptive:
            self._start = oldest
        self._num_nodes[self._place[ended]] = self._last[ended] + 1
        self._last = self._last + 1
        self._rows = bits.float()
        if ended.any():
            self._refill(ended)
        return int(ended.sum())

    def _keep_edges(self, chosen: UInt8Array, grows: npt.NDArray[np.bool_]) -> None:
        lane, distance = np.nonzero(chosen * grows[:, None])
        newest = self._last[lane]
        self._edges.append(np.column_stack([self._place[lane], newest - distance, newest + 1]))

    def _refill(self, ended: npt.NDArray[np.bool_]) -> None:
        """Start the next graphs in the lanes that ended; drop the lanes for which none is left."""
        free = np.flatnonzero(ended)
        fresh = free[: len(self._indices) - self._next]
        self._place[fresh] = np.arange(self._next, self._next + len(fresh))
        self._next += len(fresh)
        self._last[fresh] = 0
        self._start[fresh] = 0
        self._rows[fresh] = 1
        for hidden in self._hidden:
            hidden[fresh] = 0
        if len(fresh) < len(free):
            kept = np.setdiff1d(np.arange(len(ended)), free[len(fresh) :])
            self._place, self._last, self._start = self._place[kept], self._last[kept], self._start[kept]
            self._rows = self._rows[kept]
            self._hidden = [hidden[kept] for hidden in self._hidden]


@nb.njit(cache=True)
def _row_uniforms(
    seed: int, keys: npt.NDArray[np.int64], counters: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.float64]:
    """float64[B, count]: the numbers from `counters` on of the streams of (seed, graph index)."""
    uniforms = np.empty((keys.shape[0], count))
    for lane in range(keys.shape[0]):
        key = key_of(seed, keys[lane], 0)
        for j in range(count):
            uniforms[lane, j] = uniform_at(key, counters[lane] + j)
    return uniforms


class ShardWriter:
    """Samples shards and writes them; what a shard holds follows from (weights, seed, shard) alone.

    Args:
        checkpoint: of the model.
        out: the folder of the sample.
    """

    def __init__(self, checkpoint: Checkpoint, out: Path) -> None:
        self._model, self._out = checkpoint.build_model(), out

    def __call__(self, shard: Shard, report: Callable[[int], None] = lambda _finished: None) -> None:
        """Sample and write one shard."""
        samples = sample_graphs(self._model, shard_indices(shard), seed=shard.seed, report=report)
        write_shard(self._out, shard, samples.graphs, samples.num_cut)
