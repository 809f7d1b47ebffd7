"""Drawing graphs from a GraphGen: codes that grow side by side, a step of all at a time.

The law is that of the likelihood, the logits of t_v and L_v divided by the temperature. The numbers that decide a graph come
from the stream of (seed, index, attempt), and the network runs in float64, so that rounding does not depend on what is drawn
together.

Legend: B codes that grow, C items to choose between.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Drawn
from gengraph.models.graphgen.codes import END, ROOT
from gengraph.models.graphgen.growth import Growth
from gengraph.models.graphgen.views import COMPLETE, NEW, NOT, ROOTED
from gengraph.models.numbers import Numbers

_NUMBERS = 4  # that a step may take: for t_u, t_v, L_v, and for how far a degree is beyond those of training
_CELLS = 1 << 25  # of the adjacency matrices of graphs that are drawn together
_MOST_TOGETHER = 1024


class GraphGenSampler:
    """A `Sampler`.

    Args:
        model: a `GraphGenModel`, on any device.
        decoding: temperature, and the number of nodes at which a graph is cut.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._model = copy.deepcopy(model).double().eval()
        self._limit = decoding.max_num_node or 2 * model.largest
        self._temperature = decoding.temperature

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, some at a time."""
        together = min(_MOST_TOGETHER, max(1, _CELLS // self._limit**2))
        for places, numbers in Numbers.of(seed, indices, attempts).parts(together):
            yield Drawn(places, *self._draw(numbers))

    @torch.inference_mode()
    def _draw(self, numbers: Numbers) -> tuple[GraphSet, npt.NDArray[np.bool_]]:
        """Graphs and whether each was cut."""
        lanes = _Lanes(self._model, len(numbers), self._limit, self._temperature)
        step = 0
        while len(lanes.place):
            lanes.advance(numbers[lanes.place].uniforms(_NUMBERS * step, _NUMBERS))
            step += 1
        return lanes.graphs(), lanes.cut


class _Lanes:
    """Codes that grow.

    Attributes:
        place: int64[B], which graph each is of.
        cut: bool, of all graphs, whether each was cut.
    """

    def __init__(self, model: Any, count: int, limit: int, temperature: float) -> None:
        self._model, self._limit, self._temperature = model, limit, temperature
        self.place, self.cut = np.arange(count), np.zeros(count, np.bool_)
        self._sizes, self._begins = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._growth = Growth(count, min(limit, model.views.names), model.views.kind)
        self._edges: list[Int64Array] = [np.zeros((0, 3), np.int64)]
        self._told = model.network.begin(self._seen(), count)
        self._memory: tuple[Tensor, Tensor] | None = None

    def graphs(self) -> GraphSet:
        """What has been drawn."""
        edges = np.concatenate(self._edges)
        return GraphSet.from_flat(self._sizes, edges[:, 0], edges[:, 1:])

    def advance(self, uniforms: npt.NDArray[np.float64]) -> None:
        """Draw the next step of all codes by float64[B, 4] numbers; those that end, or are cut, leave."""
        model, growth = self._model, self._growth
        states, memory = model.network.cell(self._told, self._memory)
        state, views = states[:, 0], model.views
        item = self._choose("source", state, views.source_classes(growth), uniforms[:, 0])
        source = np.where(item == COMPLETE, END, np.where(item == ROOTED, ROOT, item - 2))
        item = self._choose("target", state, views.target_classes(growth, source), uniforms[:, 1])
        new = (item == NEW) & (source != END)
        target = np.where(source == ROOT, 0, np.where(new, growth.num_found, item - 1))
        label = self._choose("label", state, views.label_classes(source, new), uniforms[:, 2])
        label += np.where(new & (label > views.most), (-np.log2(1 - uniforms[:, 3])).astype(np.int64), 0)
        over = new & (self._sizes[self.place] == self._limit)
        self.cut[self.place[over]] = True
        lanes = np.flatnonzero((source != END) & ~over)
        kept = torch.from_numpy(lanes).to(state.device)
        self._memory = memory[0][:, kept], memory[1][:, kept]
        self._take(lanes, source[lanes], target[lanes], label[lanes], new[lanes])

    def _take(
        self, lanes: Int64Array, source: Int64Array, target: Int64Array, label: Int64Array, new: npt.NDArray[np.bool_]
    ) -> None:
        """Go on with some codes by these steps."""
        places, rooted = self.place[lanes], source == ROOT
        self._begins[places[rooted]] = self._sizes[places[rooted]]
        self._sizes[places] += new
        ends = np.column_stack([source, target]) + self._begins[places][:, None]
        self._edges.append(np.column_stack([places, ends])[~rooted])
        if len(lanes) < len(self.place):
            self.place = places
            self._growth.keep(lanes)
        everything = np.arange(len(lanes))
        self._growth.add(everything, source, target, label)
        labels = self._growth.labels[everything[:, None], np.column_stack([np.maximum(source, 0), target])]
        labels[rooted, 0] = 0
        read = torch.from_numpy(self._model.views.read(np.column_stack([source, target, labels]))).to(self._told.device)
        self._told = self._model.network.read(read[:, None], self._seen())

    def _choose(self, name: str, state: Tensor, classes: Int64Array, uniforms: npt.NDArray[np.float64]) -> Int64Array:
        """int64[B], an item of each code, drawn where there is more than one."""
        chosen: Int64Array = (classes != NOT).argmax(axis=1)
        rows = np.flatnonzero((classes != NOT).sum(axis=1) > 1)
        if len(rows):
            temperature = 1.0 if name == "source" else self._temperature
            some = state[torch.from_numpy(rows).to(state.device)]
            first = {"source": 2, "target": 1}.get(name)
            told = first and self._model.config.state
            features = self._model.views.features(self._growth, rows, first) if told else None
            log_probs: Tensor = self._model.log_probs(name, some, classes[rows], features, temperature)
            shares = np.cumsum(np.exp(log_probs.cpu().numpy()), axis=1)
            chosen[rows] = (shares <= uniforms[rows, None] * shares[:, -1:]).sum(axis=1)
        return chosen

    def _seen(self) -> Tensor | None:
        """float64[B, 1, 3 K + 3], where the network reads it."""
        if not self._model.config.state:
            return None
        return torch.from_numpy(self._model.views.seen(self._growth)[:, None]).to(self._model.network.start)
