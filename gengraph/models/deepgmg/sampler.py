"""Graphs drawn from a DeepGMG in lockstep, each by the numbers of its own stream: three for each change.

Computed in float64, so that rounding does not depend on what is drawn together.

Legend: L lanes, graphs that have not ended; n nodes of the largest of them, H hidden, Q those of them that decide something.
"""

import copy
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gengraph.graphs import Int64Array
from gengraph.models.deepgmg.config import DeepGMGConfig
from gengraph.models.deepgmg.network import DeepGMGNetwork, packed
from gengraph.models.dense import BoolArray, graphs_of
from gengraph.models.family import Drawn
from gengraph.models.numbers import Numbers

_LANES = 256
_NUMBERS = 3  # for each change: whether there is an edge, its other end, whether there is a node


class DeepGMGSampler:
    """A `Sampler`.

    Args:
        network: its weights are copied.
        config: of the model.
        temperature: of edges.
        limit: nodes at which a graph is cut.
    """

    def __init__(self, network: DeepGMGNetwork, config: DeepGMGConfig, *, temperature: float, limit: int) -> None:
        self._network, self._config = copy.deepcopy(network).double().eval(), config
        self._temperature, self._limit = temperature, limit

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        for places, numbers in Numbers.of(seed, indices, attempts).parts(_LANES):
            lanes, step = _Lanes(self._network, self._config, len(numbers)), 0
            while len(lanes.place):
                ended, cut = lanes.advance(
                    numbers[lanes.place].uniforms(_NUMBERS * step, _NUMBERS), self._temperature, self._limit
                )
                step += 1
                if ended.any():
                    graphs = graphs_of(lanes.count[ended], lanes.present[ended])
                    yield Drawn(places[lanes.place[ended]], graphs, cut[ended])
                    lanes.keep(~ended)


class _Lanes:
    """Graphs that grow, from one node on.

    Attributes:
        place: int64[L], which of the graphs asked for each is.
        count: int64[L], nodes.
        present: bool[L, n, n], edges.
        barred: bool[L, n], nodes that the newest one cannot choose any more.
        states: float64[L, n, H].
    """

    def __init__(self, network: DeepGMGNetwork, config: DeepGMGConfig, count: int) -> None:
        self._network, self._config = network, config
        self.place, self.count = np.arange(count), np.zeros(count, np.int64)
        self.present, self.barred = np.zeros((count, 0, 0), np.bool_), np.zeros((count, 0), np.bool_)
        self.states = self._network.start.weight.new_zeros(count, 0, config.hidden_size)
        self._add_nodes(np.arange(count))

    @torch.inference_mode()
    def advance(self, uniforms: npt.NDArray[np.float64], temperature: float, limit: int) -> tuple[BoolArray, BoolArray]:
        """Change each graph, or end it.

        Args:
            uniforms: float64[L, 3].
            temperature: of edges.
            limit: nodes at which a graph is cut.

        Returns:
            bool[L], which have ended, and bool[L], which of these because they were cut.
        """
        free = ~self.barred & (np.arange(self.barred.shape[1]) < self.count[:, None] - 1)
        self._propagate()
        deciding = np.flatnonzero(free.any(1))
        logits = self._network.edge_logits(*self._represented(deciding))
        with_edge = np.zeros(len(free), np.bool_)
        with_edge[deciding] = uniforms[deciding, 0] < _array(torch.sigmoid(logits / temperature))
        if self._config.propagate == "decisions":
            self._propagate()
        edges, others = np.flatnonzero(with_edge), np.flatnonzero(~with_edge)
        chosen = self._choices(edges, free[edges], uniforms[edges, 1], temperature)
        more = uniforms[others, 2] < _array(torch.sigmoid(self._network.node_logits(self._represented(others)[0])))
        ended, cut = np.zeros_like(with_edge), np.zeros_like(with_edge)
        cut[others] = more & (self.count[others] >= limit)
        ended[others] = ~more | cut[others]
        self._add_edges(edges, chosen)
        self._add_nodes(np.flatnonzero(~with_edge & ~ended))
        return ended, cut

    def keep(self, kept: BoolArray) -> None:
        """Let the other lanes go."""
        self.place, self.count = self.place[kept], self.count[kept]
        self.present, self.barred, self.states = self.present[kept], self.barred[kept], self.states[self._tensor(kept)]

    def _propagate(self) -> None:
        self.states = self._network.propagate(self.states, self._tensor(self.present).to(self.states))

    def _represented(self, lanes: Int64Array) -> tuple[Tensor, Tensor]:
        """Representations float[Q, 2 H] of some graphs, int64[Q], and the states float[Q, H] of their newest nodes."""
        rows, graph = packed(lanes * self.states.shape[1], self.count[lanes])
        graphs = self._network.readout(self._rows(rows), self._tensor(graph), len(lanes))
        return graphs, self._rows(lanes * self.states.shape[1] + self.count[lanes] - 1)

    def _choices(self, lanes: Int64Array, free: BoolArray, uniforms: npt.NDArray[np.float64], temperature: float) -> Int64Array:
        """int64[Q], the other end of an edge of each graph, among bool[Q, n] candidates, by float64[Q] uniforms."""
        query, node = np.nonzero(free)
        of_newest = self._rows(lanes * self.states.shape[1] + self.count[lanes] - 1)
        of_nodes = self._rows(lanes[query] * self.states.shape[1] + node)
        logits = np.full(free.shape, -np.inf)
        logits[query, node] = _array(self._network.choice_logits(of_nodes, self._tensor(query), of_newest)) / temperature
        weights = np.cumsum(np.exp(logits - logits.max(1, initial=-np.inf, keepdims=True)), axis=1)
        chosen = (weights <= uniforms[:, None] * weights[:, -1:]).sum(1)
        return np.asarray(np.minimum(chosen, free.shape[1] - 1), np.int64)

    def _add_edges(self, lanes: Int64Array, chosen: Int64Array) -> None:
        newest = self.count[lanes] - 1
        self.present[lanes, newest, chosen] = self.present[lanes, chosen, newest] = True
        self.barred[lanes, chosen] = True
        if self._config.edge_order == "age":
            self.barred[lanes] |= np.arange(self.barred.shape[1]) < chosen[:, None]

    def _add_nodes(self, lanes: Int64Array) -> None:
        if not len(lanes):
            return
        width, newest = self.states.shape[1], self.count[lanes]
        rows, graph = packed(lanes * width, newest)
        started = self._network.new_nodes(self._rows(rows), self._tensor(graph), len(lanes))
        self.count[lanes] += 1
        more = max(0, int(self.count.max()) - width)
        self.present = np.pad(self.present, ((0, 0), (0, more), (0, more)))
        self.barred = np.pad(self.barred, ((0, 0), (0, more)))
        self.barred[lanes] = False
        self.states = functional.pad(self.states, (0, 0, 0, more))
        self.states = self.states.index_put((self._tensor(lanes), self._tensor(newest)), started)

    def _rows(self, rows: Int64Array) -> Tensor:
        return self.states.flatten(0, 1)[self._tensor(rows)]

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.states.device)


def _array(values: Tensor) -> npt.NDArray[np.float64]:
    return np.asarray(values.cpu().numpy(), np.float64)
