"""Graphs from latents: one decision of the tree of many graphs at once, and what is attached where, in float64.

A kind of cluster is taken only where it can be attached to what is there, so there are no dead ends: of the kinds the first
that fits is taken, in the order in which they would be drawn without those before, which is the law given that they fit.

Legend: G graphs drawn together, R of them not yet ended, c numbers of a latent, V kinds of clusters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.graphs import GraphSet, Int64Array, LabelArrays, LabelSchema
from gengraph.models.family import Decoding, Drawn
from gengraph.models.jtvae.batches import Slots
from gengraph.models.jtvae.derivations import Choice, Rules, row
from gengraph.models.numbers import Numbers

FloatArray = npt.NDArray[np.float64]

_TOGETHER = 256
_DECISIONS = 3  # a step: whether a cluster follows, its kind, and where it is attached


@dataclass(slots=True)
class Lane:
    """A graph in the making.

    Attributes:
        labels: of its nodes.
        edges: two nodes and a label each.
        used: sum of the orders of the edges of each node.
        path: from the root to where the decoder stands, kinds of clusters.
        places: the nodes that the slots of each of these have.
        clusters: how many there are.
        cut: whether it could not go on as it would.
    """

    labels: list[int] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    path: list[int] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)
    clusters: int = 0
    cut: bool = False

    def choices(self, kind: int, rules: Rules, most_nodes: int) -> list[Choice]:
        """Where a cluster can come; a root is attached nowhere."""
        room = most_nodes - len(self.labels) - len(rules.vocabulary.kinds[kind].labels)
        found: list[Choice] = [((), ())]
        if self.path:
            found = rules.choices(self.path[-1], kind, self.used_here)
        fitting = [choice for choice in found if room + len(choice[0]) >= 0]
        self.cut |= len(fitting) < len(found)
        return fitting

    @property
    def used_here(self) -> list[int]:
        """At the slots of the cluster where the decoder stands."""
        return [self.used[node] for node in self.places[-1]]

    def attach(self, kind: int, choice: Choice, rules: Rules) -> None:
        """Add a cluster, and go there."""
        new = rules.vocabulary.kinds[kind]
        shared = {slot: self.places[-1][place] for place, slot in zip(*choice, strict=True)}
        places = [shared[slot] if slot in shared else len(self.labels) + slot for slot in range(len(new.labels))]
        fresh = [slot for slot in range(len(new.labels)) if slot not in shared]
        for k, slot in enumerate(fresh):
            places[slot] = len(self.labels) + k
        self.labels += [new.labels[slot] for slot in fresh]
        self.used += [0] * len(fresh)
        self.edges += [(places[u], places[v], label) for u, v, label in new.edges if u not in shared or v not in shared]
        rules.attach(self.used, kind, places, choice[1])
        self.path.append(kind)
        self.places.append(places)
        self.clusters += 1


class JTVAESampler:
    """Decodes latents.

    Args:
        model: a JTVAEModel, in float64.
        decoding: temperature, and nodes at which a graph is cut (twice the largest training graph unless it says others).
    """

    def __init__(self, model: Any, decoding: Decoding) -> None:
        self._model, self._temperature = model, decoding.temperature
        self._most_nodes = decoding.max_num_node or 2 * model.largest
        self._most_clusters = 2 * model.most_clusters + 1

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, some at a time."""
        count = 2 * self._model.config.latent_size
        for places, numbers in Numbers.of(seed, indices, attempts).parts(_TOGETHER):
            latents = torch.from_numpy(numbers.normals(0, count)).to(self._model.cluster.weight.device)
            yield Drawn(places, *self.decode(latents, numbers))

    @torch.inference_mode()
    def decode(self, latents: Tensor, numbers: Numbers | None) -> tuple[GraphSet, npt.NDArray[np.bool_]]:
        """The graphs of float64[G, 2 c] latents, and which were cut; without random numbers by the likeliest decisions."""
        decoder, lanes = self._model.decoder, [Lane() for _ in latents]
        tree, _ = latents.chunk(2, -1)
        states = [[state] for state in torch.tanh(decoder.begin(tree))]  # of each graph, along its path, one before its root
        live, turn = np.arange(len(lanes)), 0
        while len(live):
            now = torch.stack([states[lane][-1] for lane in live.tolist()])
            uniforms = None if numbers is None else numbers[live].uniforms(latents.shape[1] + _DECISIONS * turn, _DECISIONS)
            grown = self._grow([lanes[lane] for lane in live.tolist()], latents[live], now, uniforms)
            self._move([states[lane] for lane in live.tolist()], now, grown)
            for lane, given in zip(live.tolist(), grown, strict=True):
                if given is None and lanes[lane].path:
                    lanes[lane].path.pop()
                    lanes[lane].places.pop()
            live = np.array([lane for lane in live.tolist() if lanes[lane].path], np.int64)
            turn += 1
        return graphs_of(lanes, self._model.schema), np.array([lane.cut for lane in lanes], np.bool_)

    def _grow(self, lanes: Sequence[Lane], latents: Tensor, states: Tensor, uniforms: FloatArray | None) -> list[Tensor | None]:
        """Decide at each graph; the numbers float64[H] of the cluster that came, None where it goes back."""
        model, decoder = self._model, self._model.decoder
        tree, graph = latents.chunk(2, -1)
        heads = torch.cat([states, tree], -1)
        follows = torch.sigmoid(decoder.follows(heads)).squeeze(-1).cpu().numpy()
        likely = torch.softmax(decoder.kinds(heads) / self._temperature, -1).cpu().numpy()
        found: list[tuple[int, int, list[Choice]]] = []
        for k, lane in enumerate(lanes):
            wants = not lane.path or follows[k] > (0.5 if uniforms is None else uniforms[k, 0])
            if wants and lane.clusters >= self._most_clusters:
                lane.cut = True
            elif wants:
                kind, choices = self._kind(lane, likely[k], None if uniforms is None else uniforms[k, 1])
                if choices:
                    found.append((k, kind, choices))
        grown: list[Tensor | None] = [None] * len(lanes)
        if not found:
            return grown
        which = torch.tensor([k for k, _, _ in found], device=states.device)
        kinds = model.cluster(torch.tensor([kind for _, kind, _ in found], device=states.device))
        query = decoder.query(torch.cat([states[which], kinds, graph[which]], -1))
        counts = [len(choices) for _, _, choices in found]
        shared = decoder.shared(self._slots([(lanes[k], kind, choices) for k, kind, choices in found]))
        of = torch.repeat_interleave(torch.arange(len(found)), torch.tensor(counts)).to(states.device)
        scores = decoder.scores(shared, query[of]) / self._temperature
        coming = decoder.into(kinds[of] + decoder.where(shared))
        first = 0
        for (k, kind, choices), own in zip(found, scores.cpu().split(counts), strict=True):
            chosen = _pick(torch.softmax(own, -1).numpy(), None if uniforms is None else uniforms[k, 2])[0]
            root = not lanes[k].path
            lanes[k].attach(kind, choices[chosen], model.rules)
            grown[k] = decoder.into(model.cluster.weight[kind]) if root else coming[first + chosen]
            first += len(choices)
        return grown

    def _kind(self, lane: Lane, likely: FloatArray, uniform: float | None) -> tuple[int, list[Choice]]:
        """The first kind that fits, and where; no places if none does."""
        likely = likely.copy()
        while likely.sum() > 0:
            kind, uniform = _pick(likely, uniform)
            choices = lane.choices(kind, self._model.rules, self._most_nodes)
            if choices:
                return kind, choices
            likely[kind] = 0
        if not lane.path:  # nothing is as small as was asked for
            lane.labels, lane.cut = [self._model.rules.vocabulary.kinds[0].labels[0]], True
        return 0, []

    def _slots(self, asked: list[tuple[Lane, int, list[Choice]]]) -> Slots:
        rows, kinds, used = [], [], []
        for lane, kind, choices in asked:
            parent, there = (lane.path[-1], lane.used_here) if lane.path else (kind, [])
            for choice in choices:
                numbers, amounts = row(choice, there, chosen=False, parent=parent)
                rows.append((0, *numbers))
                used.append(amounts)
                kinds.append(kind)
        slots: Slots = self._model.numbering.slots(*(np.array(given, np.int64) for given in (rows, kinds, used)))
        return slots

    def _move(self, states: list[list[Tensor]], now: Tensor, grown: list[Tensor | None]) -> None:
        """Renew the state where each graph's decoder stands after a decision."""
        decoder = self._model.decoder
        back = decoder.into(decoder.back)
        moving = []
        for k, own in enumerate(states):
            if grown[k] is None:
                own.pop()
            if len(own) > 1 or grown[k] is not None:
                moving.append(k)
        if not moving:
            return
        given = torch.stack([back if (came := grown[k]) is None else came for k in moving])
        before = torch.stack([states[k][-1] for k in moving])
        for k, state in zip(moving, decoder.step(given, now[moving], before), strict=True):
            if grown[k] is None:
                states[k][-1] = state
            else:
                states[k].append(state)


def _pick(likely: FloatArray, uniform: float | None) -> tuple[int, float | None]:
    """A place drawn by weights float64[n] and a number in [0, 1), and what is left of that; the likeliest without one."""
    if uniform is None:
        return int(likely.argmax()), None
    bounds = np.cumsum(likely)
    target = uniform * bounds[-1]
    place = min(int(np.searchsorted(bounds, target, side="right")), int(np.flatnonzero(likely)[-1]))
    left = (target - (bounds[place] - likely[place])) / likely[place]
    return place, min(max(left, 0.0), 1 - 2.0**-53)


def graphs_of(lanes: Sequence[Lane], schema: LabelSchema) -> GraphSet:
    """The graphs of lanes, with labels."""
    nodes = np.array([label for lane in lanes for label in lane.labels], np.int32)
    edges = np.array([edge for lane in lanes for edge in lane.edges], np.int64).reshape(-1, 3)
    owner = np.repeat(np.arange(len(lanes)), [len(lane.edges) for lane in lanes])
    labels = LabelArrays.of(schema, nodes, edges[:, 2])
    return GraphSet.from_flat([len(lane.labels) for lane in lanes], owner, edges[:, :2], labels)
