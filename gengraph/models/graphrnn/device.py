"""Whole graphs on a device: lanes whose state stays there from the first node to the last.

All lanes take a step at a time: the same operations on tensors of the same shapes, none of which waits for the device. A CUDA
device records them once (a CUDA graph) and repeats them by one call. After some steps the host looks at the lanes, takes the
graphs that have ended and begins others in their place; a lane that has ended before computes what is ignored.

Random numbers are made on the device (`gengraph.models.graphrnn.device_streams`), those of the same attempts as everywhere.
The number of lanes hangs on the model alone, so that products round alike whatever else is being sampled.

Legend: B lanes, W widest window of a step, M max_prev_node, N nodes at which a graph is cut, E lanes that have ended.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Drawn
from gengraph.models.graphrnn.device_streams import threshold_at, uniform_at
from gengraph.models.graphrnn.rows import CONTINUE, STOP
from gengraph.models.graphrnn.rules import WHOLE_ROWS, GrowingModel, Rules, drawn_size
from gengraph.models.graphrnn.window import Window, WindowTally
from gengraph.models.numbers import Numbers

DEVICE_LANES = 8192
_MOST_BYTES = 2**33  # of what lanes remember; what needs more has half as many lanes, or a quarter, ...
_MOST_SEARCHED = 2**30  # bits that are searched for edges at once: torch takes fewer than 2**31
_STEPS = 32  # between two looks at the lanes, fewer where graphs are small
_LOOKS = 8  # while the largest training graph grows, at least
_NOBODY = -1


class DeviceLanes:
    """Grows attempts like `gengraph.models.graphrnn.lanes.Lanes`, with the same numbers.

    Args:
        model: trained; `recordable`.
        asked: int64[G] and int64[G], the index of each graph asked for, and which attempt at it.
        rules: how attempts are drawn; without planarity.
        lanes: B, or half of it and so on, if memory is short.

    Attributes:
        num_ended: attempts that have ended since they were last taken.
    """

    def __init__(self, model: GrowingModel, asked: tuple[Int64Array, Int64Array], rules: Rules, lanes: int) -> None:
        self._model, self._rules, (self._indices, self._attempts) = model, rules, asked
        self._bound, self._device = model.max_prev_node, model.embed.weight.device
        while lanes > 1 and lanes * (model.bytes_on_device() + rules.limit * self._bound) > _MOST_BYTES:
            lanes //= 2
        window = Window(lanes, self._bound, self._device) if model.sees_window or model.totals else None
        self._window = window
        self._tally = WindowTally(model.totals, lanes, self._device) if model.totals else None
        self._nodes = model.node_sampler(lanes, lanes, rules.limit, rules.given)
        self._decide, self._draw = model.decider(lanes), model.row_drawer(lanes, window)
        # of each lane: its stream, the newest node, where its window starts, the last node where the size is drawn first
        self._key, self._last, self._start, self._end = torch.zeros(4, lanes, dtype=torch.int64, device=self._device)
        self._grows, self._cut = torch.zeros(2, lanes, dtype=torch.bool, device=self._device)
        self._rows = torch.zeros(lanes, rules.limit, self._bound, dtype=torch.uint8, device=self._device)
        self._lanes = torch.arange(lanes, device=self._device)
        self._place, self._begun = np.full(lanes, _NOBODY), 0  # the graph of each lane; how many graphs have had one
        self._widest = 0  # candidates of the next row
        self._steps = max(1, min(_STEPS, model.largest // _LOOKS))
        self._recorded: dict[int, Recorded] = {}
        self._ended: list[Drawn] = []
        self.num_ended = 0

    @property
    def busy(self) -> bool:
        """Whether an attempt grows or waits."""
        return self._begun < len(self._indices) or bool((self._place != _NOBODY).any())

    def take(self) -> Drawn:
        """The attempts, one at least, that have ended since they were last taken."""
        ended, self._ended, self.num_ended = self._ended, [], 0
        place, cut = (np.concatenate([getattr(drawn, name) for drawn in ended]) for name in ("place", "cut"))
        return Drawn(place, GraphSet.concatenate([drawn.graphs for drawn in ended]), cut)

    def advance(self) -> None:
        """Make some rows of every attempt, after idle lanes were given to those that wait."""
        self._fill(np.flatnonzero(self._place == _NOBODY)[: len(self._indices) - self._begun])
        width = self._wide_enough(self._widest + self._steps - 1)  # a row widens a window by one candidate at most
        recorded = self._recorded.setdefault(width, Recorded(self._device))
        for _ in range(self._steps):
            recorded(partial(self.step, width))
        self._look()

    def _wide_enough(self, candidates: int) -> int:
        """M, or a half, a quarter, ... of it: the least that so many candidates go into. Each width is recorded by itself."""
        width = self._bound
        while width > 1 and -(-width // 2) >= candidates:
            width = -(-width // 2)
        return width

    def step(self, width: int) -> None:
        """Make one row of every lane; no operation hangs on values, or has the host wait.

        Args:
            width: W, which no window exceeds.
        """
        model, rules, keys, last = self._model, self._rules, self._key[:, None], self._last[:, None]
        candidates = torch.arange(width, device=self._device)
        decision = self._last * (self._bound + 1)  # where the stream has it
        widths = (self._last + 1 - self._start).clamp(max=width) * self._grows
        to_come = (self._end - self._last).clamp(min=0)
        told = self._tally.told(self._end + 1, to_come) if self._tally else None
        states = self._nodes.advance(to_come if model.sizes else None, told)
        decisions = self._decide(states, uniform_at(self._key, decision))
        if model.sizes:
            decisions = decisions.masked_fill(self._last >= self._end, STOP)
        widths *= decisions == CONTINUE
        thresholds = threshold_at(keys, decision[:, None] + 1 + candidates, rules.temperature)
        of_rows = uniform_at(keys, last + WHOLE_ROWS)[:, 0]
        bits = self._draw(states, widths, thresholds.to(states), of_rows.to(states))
        ends = (decisions == STOP if model.decides else bits.amax(1) == 0) & self._grows & rules.ends
        cut = (self._last + 1 >= rules.limit) & self._grows & ~ends
        self._cut |= cut
        self._grows &= ~(ends | cut)
        self._add_nodes(bits, widths)

    def _add_nodes(self, bits: Tensor, widths: Tensor) -> None:
        """Add a node to every lane that still grows, with its bits uint8[B, W] of so many candidates int64[B]."""
        self._rows[self._lanes, self._last] = functional.pad(bits, (0, self._bound - bits.shape[1]))
        if self._window:
            brought = self._window.read(bits)
            if self._tally:
                self._tally.add(brought)
        if self._model.adaptive:
            furthest = (bits * torch.arange(1, bits.shape[1] + 1, device=self._device)).amax(1)  # 0 where there is none
            self._start += (self._last + 1 - furthest - self._start) * self._grows
        self._last += self._grows
        self._nodes.read(bits, widths)

    def _fill(self, free: Int64Array) -> None:
        """Begin waiting attempts in free lanes."""
        if not len(free):
            return
        places = self._begun + np.arange(len(free))
        self._place[free], self._begun = places, self._begun + len(free)
        self._widest = max(self._widest, 1)
        keys = Numbers.of(self._rules.seed, self._indices[places], self._attempts[places]).keys
        lanes = torch.from_numpy(free).to(self._device)
        self._key[lanes] = torch.from_numpy(keys.view(np.int64)).to(self._device)
        self._last[lanes] = self._start[lanes] = 0
        self._grows[lanes], self._cut[lanes] = True, False
        if self._model.sizes:
            sizes = np.array([drawn_size(self._model.sizes, key) for key in keys])
            self._end[lanes] = torch.from_numpy(sizes - 1).to(self._device)
            if self._tally:
                self._tally.reset(lanes, sizes, list(keys))
        if self._window:
            self._window.reset(lanes)
        self._nodes.reset(free)

    def _look(self) -> None:
        """Wait for the device, and take what has ended."""
        grows, cut, last, start = torch.stack([self._grows, self._cut, self._last, self._start]).cpu().numpy()
        self._widest = min(int(((last + 1 - start) * grows).max()), self._bound)
        ended = np.flatnonzero((self._place != _NOBODY) & (grows == 0))
        if len(ended):
            num_parts = 1 + len(ended) * int(last[ended].max()) * self._bound // _MOST_SEARCHED
            for part in np.array_split(ended, min(num_parts, len(ended))):
                self._ended.append(Drawn(self._place[part], self._graphs(part, last[part]), cut[part] == 1))
            self.num_ended += len(ended)
            self._place[ended] = _NOBODY

    def _graphs(self, lanes: Int64Array, last: Int64Array) -> GraphSet:
        """The graphs in lanes int64[E], whose last nodes are int64[E]; their edges are sorted on the device."""
        size = self._rules.limit
        of_lanes, ends = (torch.from_numpy(array).to(self._device) for array in (lanes, last))
        rows = self._rows[of_lanes, : int(last.max())]
        made = torch.arange(rows.shape[1], device=self._device) < ends[:, None]
        graph, row, k = (rows.bool() & made[:, :, None]).nonzero().unbind(1)
        edges: Any = (((graph * size + row - k) * size) + row + 1).sort().values.cpu().numpy()
        pairs = np.stack([edges // size % size, edges % size], axis=1)
        return GraphSet.from_flat(last + 1, edges // size**2, pairs)


class Recorded:
    """A step that a CUDA device records when it is taken for the second time, and repeats from then on.

    Where it cannot be recorded, and on other devices, it is called each time.

    Args:
        device: where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._calls = device, 0
        self._record: torch.cuda.CUDAGraph | None = None

    def __call__(self, step: Callable[[], None]) -> None:
        """Take the step, the same operations in the same memory at each call."""
        if self._calls == 1 and self._device.type == "cuda":
            self._try_to_record(step)
        self._calls += 1
        if self._record is None:
            step()
        else:
            self._record.replay()

    def _try_to_record(self, step: Callable[[], None]) -> None:
        """Record it without taking it; what is compiled and allocated at the first call is there by now."""
        try:
            record = torch.cuda.CUDAGraph()
            with torch.cuda.device(self._device), torch.cuda.graph(record, capture_error_mode="thread_local"):
                step()
        except RuntimeError as error:
            warnings.warn(f"steps on the CUDA device are not recorded, which is slower: {error}", stacklevel=2)
        else:
            self._record = record
