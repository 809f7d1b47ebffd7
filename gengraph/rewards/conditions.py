"""Conditions: properties, named as rewards are, that a model is told of the graphs it is to draw [1].

In training a model is told of each graph the values that it has, standardised; of some graphs nothing, and of others not all,
drawn anew in each epoch [2]. So one model draws graphs with some of the properties given, with all, or with none.

Legend: G graphs, B graphs of a batch, C conditions.

References:
    [1] Y. Li, L. Zhang, Z. Liu. Multi-objective de novo drug design with conditional graph generative model. Journal of
        Cheminformatics 10:33, 2018.
    [2] J. Ho, T. Salimans. Classifier-free diffusion guidance. NeurIPS workshop on deep generative models, 2021.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Encoder
from gengraph.rewards import REWARDS
from gengraph.rewards.find import find_reward
from gengraph.schema import check

FloatArray = npt.NDArray[np.float64]
ConditionFacts = list[dict[str, Any]]
"""Of each condition its name, and mean, deviation, least and most of the training graphs; JSON-ready."""

_MEASURED = 10_000  # training graphs that facts are taken from, at most: evenly spaced
_FAR = 1.0  # deviations beyond the training graphs that a value may be asked for
_PURPOSE = 0x67_69_76_65_6E  # keeps these streams apart from those of orderings


def check_conditions(names: Sequence[str], dropout: float) -> None:
    """Whether the fields `model.conditions` and `model.condition_dropout` can be.

    Raises:
        InputError: not so.
    """
    for name in names:
        check(
            name.partition("=")[0] == name != "",
            f"model.conditions must be names of rewards without a value, got {name!r}; values are given in sampling",
        )
        check(names.count(name) == 1, f"model.conditions must differ, got {name} twice; leave one out")
    check(
        0 < dropout < 1,
        f"model.condition_dropout must lie in (0, 1), got {dropout}; a model learns to draw with conditions and without",
    )


def condition_facts(graphs: GraphSet, names: Sequence[str], model: str) -> ConditionFacts:
    """What standardises conditions, and where training graphs have them.

    Args:
        graphs: training graphs as the model sees them.
        names: of the conditions.
        model: its name, for messages.

    Raises:
        InputError: there is no such property, or the graphs do not have it, or all alike.
    """
    measured = graphs[np.unique(np.linspace(0, len(graphs) - 1, min(_MEASURED, len(graphs)), dtype=np.int64))]
    facts = []
    for name in names:
        if name in REWARDS and "chemistry" in REWARDS[name].place and not graphs.schema:
            msg = f"the condition {name} is of molecules, and {model} sees no labels here; train a molrnn or molmp on molecules"
            raise InputError(msg)
        values = find_reward(name)(measured)
        values = values[~np.isnan(values)]
        if not len(values) or values.min() == values.max():
            what = "none has one" if not len(values) else f"all have {values[0]:g}"
            msg = f"the condition {name} must differ among training graphs, but {what}; leave it out of model.conditions"
            raise InputError(msg)
        facts.append(
            {
                "name": name,
                "mean": float(values.mean()),
                "deviation": float(values.std()),
                "least": float(values.min()),
                "most": float(values.max()),
            }
        )
    return facts


def describe_conditions(facts: ConditionFacts) -> dict[str, str]:
    """A line for the card of a model that has conditions."""
    told = (f"{own['name']} ({own['least']:.3g} to {own['most']:.3g} in training)" for own in facts)
    return {"conditions": ", ".join(told)} if facts else {}


def told_values(given: Mapping[str, float], facts: ConditionFacts, model: str) -> FloatArray:
    """float64[1, C], given values standardised; NaN for a condition that is not given.

    Raises:
        InputError: the model was not trained with such a condition, or with values that are far from that one.
    """
    known = {own["name"]: own for own in facts}
    for name, value in given.items():
        if name not in known:
            names = f"only with {', '.join(known)}" if known else "without conditions"
            msg = (
                f"a value is given of what the model was trained with, got {name} = {value:g} and a {model} that was trained "
                f'{names}; train one with model.conditions = ["{name}"], or ask for a range, which any model is held to'
            )
            raise InputError(msg)
        own = known[name]
        least, most = own["least"] - _FAR * own["deviation"], own["most"] + _FAR * own["deviation"]
        if not least <= value <= most:
            msg = (
                f"a value that is given must be near those of the training graphs, got {name} = {value:g} where they have "
                f"{own['least']:g} to {own['most']:g}; give one from {least:.4g} to {most:.4g}, or train on graphs like that"
            )
            raise InputError(msg)
    return np.array([[(given.get(own["name"], np.nan) - own["mean"]) / own["deviation"] for own in facts]])


class Told:
    """What a model is told of its training graphs.

    A graph's values are computed when it is first seen: a short training on many molecules scores few of them.

    Args:
        graphs: G, as the model sees them.
        facts: from `condition_facts`.
        dropout: share of the graphs of which nothing is told; of the others each condition is left out as often, by itself.
    """

    def __init__(self, graphs: GraphSet, facts: ConditionFacts, dropout: float) -> None:
        self._graphs, self._dropout = graphs, dropout
        self._rewards = [find_reward(own["name"]) for own in facts]
        self._mean, self._deviation = (np.array([own[key] for own in facts]) for key in ("mean", "deviation"))
        self._values = np.full((len(graphs), len(facts)), np.nan)
        self._scored = np.zeros(len(graphs), np.bool_)

    def __call__(self, graph: Int64Array, key: tuple[int, int]) -> FloatArray:
        """float64[B, C], standardised; NaN for what is not told of a graph, or what it does not have.

        Args:
            graph: int64[B], which graphs.
            key: (seed, epoch): with the graph's index it names what is left out.
        """
        from gengraph.models.numbers import Numbers  # numba, which configs are read without

        new = np.unique(graph[~self._scored[graph]])
        if len(new):
            self._values[new] = np.column_stack([reward(self._graphs[new]) for reward in self._rewards])
            self._scored[new] = True
        drawn = Numbers.of(key[0] + _PURPOSE, graph, np.full(len(graph), key[1])).uniforms(0, 1 + len(self._rewards))
        kept = (drawn[:, :1] >= self._dropout) & (drawn[:, 1:] >= self._dropout)
        return np.where(kept, (self._values[graph] - self._mean) / self._deviation, np.nan)


def telling(encode: Encoder, graphs: GraphSet, facts: ConditionFacts, dropout: float) -> Encoder:
    """An encoder whose batches say in a field `told` what a model is told of their graphs; the same one without conditions."""
    if not facts:
        return encode
    told = Told(graphs, facts, dropout)

    def encode_told(indices: Int64Array, *, key: tuple[int, int]) -> Any:
        batch = encode(indices, key=key)
        return dataclasses.replace(batch, told=told(batch.graph, key))

    return encode_told
