"""Graphs drawn from a MolRNN side by side, each by the numbers of its own stream: one for each decision.

Computed in float64, so that rounding does not depend on what is drawn together.

Legend: L lanes, graphs that have not ended; n nodes of the largest of them, K node labels, A decisions of a node as target.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.orderings import Adjacency
from gengraph.models.dense import BoolArray, labelled_graphs
from gengraph.models.family import Decoding, Drawn
from gengraph.models.molrnn.network import Partial
from gengraph.models.molrnn.sequences import canonical_order, sequences_of
from gengraph.models.numbers import Numbers
from gengraph.rewards.conditions import told_values

_LANES = 512


class MolRNNSampler:
    """A `Sampler`.

    Args:
        model: a `MolRNNModel`; its weights are copied.
        decoding: how graphs are drawn.

    Raises:
        InputError: a graph to start from that the model cannot go on from, or values of conditions that it does not know.
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._model = copy.deepcopy(model).double().eval()
        self._temperature, self._limit = decoding.temperature, decoding.max_num_node or model.most
        self._start = None if decoding.start is None else _known_start(model, decoding.start, self._limit)
        self._told = told_values(decoding.given, model.conditions, model.name)
        code = self._model.network.code
        self._code = None if code is None else code(self._told, 1).detach()

    @torch.inference_mode()
    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt."""
        for places, numbers in Numbers.of(seed, indices, attempts).parts(_LANES):
            lanes, step = self._begun(numbers), 1
            while len(lanes.place):
                uniforms = numbers[lanes.place].uniforms(step, 1)[:, 0]
                ended, cut = lanes.advance(uniforms, self._temperature, self._limit)
                step += 1
                if ended.any():
                    yield Drawn(places[lanes.place[ended]], self._graphs(lanes, ended), cut[ended])
                    lanes.keep(~ended)

    def _begun(self, numbers: Numbers) -> "_Lanes":
        """Lanes with their first nodes."""
        count = len(numbers)
        if self._start is None:
            logits = self._model.network.first_logits(self._code) / self._temperature
            likely = np.tile(torch.softmax(logits, -1).cpu().numpy(), (count, 1))
            return _Lanes(self._model, _chosen(likely, numbers.uniforms(0, 1)[:, 0])[:, None], self._code)
        graph, order = self._start
        batch = replace(sequences_of(graph, [order], ended=np.zeros(1, np.bool_)), told=self._told)
        lanes = _Lanes(self._model, np.tile(batch.nodes, (count, 1)), self._code, np.tile(batch.edges, (count, 1, 1)))
        state = self._model.states_along(batch) if len(batch.owner) else None
        lanes.state = None if state is None else state.repeat(1, count, 1)
        return lanes

    def _graphs(self, lanes: "_Lanes", which: BoolArray) -> GraphSet:
        """Those that have ended; the nodes of a start come as they are numbered there."""
        nodes, edges = lanes.nodes[which], lanes.edges[which]
        if self._start is not None:
            back = np.arange(nodes.shape[1])
            back[np.append(self._start[1], back[len(self._start[1]) :])] = np.arange(len(back))
            nodes, edges = nodes[:, back], edges[:, back][:, :, back]
        return labelled_graphs(lanes.count[which], nodes, edges, self._model.schema)


class _Lanes:
    """Graphs that grow.

    Args:
        model: in float64.
        nodes: int64[L, n], labels of the first nodes.
        code: float[1, D] of what is told of all of them, of a model with conditions.
        edges: int64[L, n, n], 1 + labels of the edges between them; none by default.

    Attributes:
        place: int64[L], which of the graphs asked for each is.
        count: int64[L], nodes.
        floor: int64[L], the newest node may be connected to the nodes below it.
        state: what the recurrent network carries, if there is one.
    """

    def __init__(self, model: Any, nodes: Int64Array, code: Tensor | None, edges: Int64Array | None = None) -> None:
        self._model, self._code, (lanes, n) = model, code, nodes.shape
        self.place, self.nodes = np.arange(lanes), nodes
        self.edges = np.zeros((lanes, n, n), np.int64) if edges is None else edges
        self.count, self.floor = np.full(lanes, n), np.zeros(lanes, np.int64)
        self.state: Tensor | None = None

    def advance(self, uniforms: npt.NDArray[np.float64], temperature: float, limit: int) -> tuple[BoolArray, BoolArray]:
        """Change each graph, or end it.

        Args:
            uniforms: float64[L].
            temperature: of all but the end.
            limit: nodes at which a graph is cut.

        Returns:
            bool[L], which have ended, and bool[L], which of these because they were cut.
        """
        kinds, n = self._model.kinds, self.nodes.shape[1]
        chosen = _chosen(self._likely(temperature), uniforms)
        target, way = np.divmod(chosen, kinds.of_node)
        label, bond = np.divmod(way, kinds.edges)
        of_graph = chosen - n * kinds.of_node - 1  # -1 for the end, from 0 on labels of nodes that begin
        ended, connects = of_graph == -1, (of_graph < 0) & (label == kinds.nodes)
        grows = ~ended & ~connects
        cut = grows & (self.count >= limit)
        self._add_nodes(np.flatnonzero(grows & ~cut), np.where(of_graph >= 0, of_graph, label))
        bonded = np.flatnonzero((of_graph < -1) & ~cut)
        newest, target = self.count[bonded] - 1, target[bonded]
        self.edges[bonded, newest, target] = self.edges[bonded, target, newest] = 1 + bond[bonded]
        self.floor[bonded] = target
        return ended | cut, cut

    def keep(self, kept: BoolArray) -> None:
        """Let the other lanes go."""
        self.place, self.count, self.floor = self.place[kept], self.count[kept], self.floor[kept]
        self.nodes, self.edges = self.nodes[kept], self.edges[kept]
        if self.state is not None:
            self.state = self.state[:, torch.from_numpy(kept).to(self.state.device)]

    def _likely(self, temperature: float) -> npt.NDArray[np.float64]:
        """float64[L, n A + 1 + K], the probabilities of all decisions."""
        network, device = self._model.network, self._model.network.first.device
        partial = Partial(*(torch.from_numpy(array).to(device) for array in (self.nodes, self.edges, self.count, self.floor)))
        of_nodes = network.of_nodes(partial)
        codes = None if self._code is None else self._code.expand(len(self.place), -1)
        known, self.state = network.along(network.summary(of_nodes, partial)[:, None], self.state, codes)
        logits = network.logits(of_nodes, known[:, 0], partial)
        likely = torch.softmax(logits, 1)
        if temperature != 1:
            end = self.nodes.shape[1] * self._model.kinds.of_node
            stops = likely[:, end].clone()
            logits[:, end] = -torch.inf
            likely = torch.softmax(logits / temperature, 1) * (1 - stops)[:, None]
            likely[:, end] = stops
        found: npt.NDArray[np.float64] = likely.cpu().numpy()
        return found

    def _add_nodes(self, lanes: Int64Array, labels: Int64Array) -> None:
        """A node of int64[L] labels for some of the lanes."""
        more = max(0, int(self.count[lanes].max(initial=0)) + 1 - self.nodes.shape[1])
        self.nodes = np.pad(self.nodes, ((0, 0), (0, more)))
        self.edges = np.pad(self.edges, ((0, 0), (0, more), (0, more)))
        self.nodes[lanes, self.count[lanes]] = labels[lanes]
        self.count[lanes] += 1
        self.floor[lanes] = 0


def _chosen(likely: npt.NDArray[np.float64], uniforms: npt.NDArray[np.float64]) -> Int64Array:
    """int64[L], one of the columns by their probabilities float64[L, C]."""
    bounds = np.cumsum(likely, axis=1)
    chosen: Int64Array = (bounds <= uniforms[:, None] * bounds[:, -1:]).sum(1)
    return chosen


def _known_start(model: Any, start: GraphSet, limit: int) -> tuple[GraphSet, Int64Array]:
    """A graph to start from in the model's labels, and the order in which its nodes are read.

    Raises:
        InputError: it has other labels, no nodes, or more than are drawn, or components that no training graph has.
    """
    size, components = int(start.num_nodes[0]), int(start.num_components()[0])
    if not 1 <= size <= limit:
        msg = f"a graph to start from must have 1 to {limit} nodes here, got {size}; take another, or set max_num_node"
        raise InputError(msg)
    if components > 1 and model.kinds.connected:
        msg = f"a graph to start from must be connected, as all training graphs are, got {components} components; connect them"
        raise InputError(msg)
    return start.relabelled(model.schema), canonical_order(Adjacency.of(start), 0)
