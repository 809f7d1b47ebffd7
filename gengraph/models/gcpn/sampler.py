"""Graphs drawn from a GCPN side by side, each by the numbers of its own stream: four for each action.

Computed in float64, so that rounding does not depend on what is drawn together.

Legend: L lanes, graphs that have not ended; n nodes of the largest of them, K node labels, E edge labels, S actions.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array, LabelSchema
from gengraph.models.dense import BoolArray
from gengraph.models.family import Decoding, Drawn
from gengraph.models.gcpn.network import Policy
from gengraph.models.gcpn.states import ALONE, ALONE_KIND, EDGE_KIND, END, END_KIND, Rules, States
from gengraph.models.numbers import Numbers

_LANES, _CELLS = 1024, 1 << 22  # most lanes, and entries of their matrices
_EACH = 4  # numbers of an action
_SIZE_MARGIN = 2  # a graph is cut at so many times the largest training graph


class GCPNSampler:
    """A `Sampler`.

    Args:
        policy: its weights are copied.
        rules: what graphs may become.
        schema: of their labels.
        decoding: how graphs are drawn; a start that obeys the rules, by the labels of the schema.

    Raises:
        InputError: the start is larger than graphs may become.
    """

    def __init__(self, policy: Policy, rules: Rules, schema: LabelSchema, decoding: Decoding) -> None:
        self._policy, self._rules, self._schema = copy.deepcopy(policy).double().eval(), rules, schema
        self._temperature, self._start = decoding.temperature, decoding.start
        self._limit = decoding.max_num_node or _SIZE_MARGIN * policy.largest
        if self._start is not None and not 1 <= int(self._start.num_nodes[0]) <= self._limit:
            msg = f"a graph to start from must have 1 to {self._limit} nodes, got {self._start.num_nodes[0]}; take another"
            raise InputError(msg)
        usual = min(self._limit, _SIZE_MARGIN * policy.largest)
        self._lanes = max(1, min(_LANES, _CELLS // usual**2))

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, as many at a time as end together."""
        for places, numbers in Numbers.of(seed, indices, attempts).parts(self._lanes):
            for ended, states, cut, _ in self._grown(numbers):
                if len(ended):
                    yield Drawn(places[ended], states.graphs(self._schema), cut)

    def actions(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> tuple[GraphSet, Int64Array]:
        """The graphs in the order of their indices, and int64[G, S, 3] the actions that made them, filled up with END."""
        order, parts, turns = [], [], list[Int64Array]()
        for places, numbers in Numbers.of(seed, indices, attempts).parts(self._lanes):
            for turn, (ended, states, _, (lanes, actions)) in enumerate(self._grown(numbers)):
                if turn == len(turns):
                    turns.append(np.tile([END, 0, 0], (len(indices), 1)))
                turns[turn][places[lanes]] = actions
                order.append(places[ended])
                parts.append(states.graphs(self._schema))
        return GraphSet.concatenate(parts)[np.argsort(np.concatenate(order), kind="stable")], np.stack(turns, 1)

    @torch.inference_mode()
    def _grown(self, numbers: Numbers) -> Iterator[tuple[Int64Array, States, BoolArray, tuple[Int64Array, Int64Array]]]:
        """Turn after turn: which have ended, what they are, which of them were cut; and the actions of all lanes."""
        rules, count = self._rules, len(numbers)
        states = States.empty(rules, count, 1) if self._start is None else States.started(rules, self._start, count)
        lanes, turn = np.arange(count), 0
        while len(lanes):
            actions = self._chosen(states, numbers[lanes].uniforms(_EACH * turn, _EACH))
            ended = actions[:, 0] == END
            cut = ~ended & (actions[:, 1] < 0) & (states.count >= self._limit)
            actions[cut] = (END, 0, 0)
            ended |= cut
            if (states.count[~ended] == states.room).any():
                states = states.widened(states.room + 1)
            states.take(actions)
            yield lanes[ended], states[ended], cut[ended], (lanes, actions)
            states, lanes, turn = states[~ended], lanes[~ended], turn + 1

    def _chosen(self, states: States, uniforms: npt.NDArray[np.float64]) -> Int64Array:
        """int64[L, 3], an action of each by its four numbers."""
        policy, (nodes, graph) = self._policy, self._policy.read(states)
        free = states.free()
        firsts = states.open_firsts(free)
        kinds = self._drawn(policy.kind(graph), states.open_kinds(firsts), uniforms[:, 0], temperature=1.0)
        actions = np.zeros((len(states), 3), np.int64)
        actions[:, 0] = np.where(kinds == END_KIND, END, ALONE)
        alone, linking = np.flatnonzero(kinds == ALONE_KIND), np.flatnonzero(kinds == EDGE_KIND)
        if len(alone):
            actions[alone, 1] = -1 - self._drawn(
                policy.alone(graph[torch.from_numpy(alone).to(graph.device)]), None, uniforms[alone, 1]
            )
        if len(linking):
            own = States(states.rules, states.labels[linking], states.bonds[linking], states.count[linking], states.given)
            those = torch.from_numpy(linking).to(graph.device)
            known = (nodes[those], graph[those])
            actions[linking] = self._linked(own, free[linking], firsts[linking], known, uniforms[linking, 1:])
        return actions

    def _linked(
        self,
        states: States,
        free: Int64Array,
        firsts: BoolArray,
        known: tuple[Tensor, Tensor],
        uniforms: npt.NDArray[np.float64],
    ) -> Int64Array:
        """int64[L, 3], an edge of each."""
        policy, device = self._policy, known[1].device
        first = self._drawn(policy.first_logits(*known, states.room), firsts, uniforms[:, 0])
        from_first = torch.from_numpy(first).to(device)
        away = policy.away_from(from_first, torch.from_numpy(states.bonds).to(device))
        place = self._drawn(policy.target_logits(*known, from_first, away), states.open_targets(free, first), uniforms[:, 1])
        target = np.where(place < states.room, place, states.room - 1 - place)
        ends = (from_first, torch.from_numpy(place).to(device))
        bond = self._drawn(policy.bond_logits(*known, ends, away), states.open_bonds(free, first, target), uniforms[:, 2])
        return np.column_stack([first, target, bond])

    def _drawn(
        self, logits: Tensor, allowed: BoolArray | None, uniforms: npt.NDArray[np.float64], temperature: float | None = None
    ) -> Int64Array:
        """int64[L], one of K by float64[L, K] logits, by float64[L] in [0, 1); never what is not allowed."""
        scaled: Any = (logits / (temperature or self._temperature)).cpu().numpy()
        if allowed is not None:
            scaled = np.where(allowed, scaled, -np.inf)
        shares = np.cumsum(np.exp(scaled - scaled.max(1, keepdims=True)), 1)
        chosen: Int64Array = (shares / shares[:, -1:] > uniforms[:, None]).argmax(1)
        return chosen
