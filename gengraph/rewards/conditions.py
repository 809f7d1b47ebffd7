"""Conditions: properties, named as rewards are, and the class of a graph, that a model is told of graphs it is to draw [1].

In training a model is told of each graph the values that it has, numbers standardised and its class as one of K columns; of
some graphs nothing, and of others not all, drawn anew in each epoch [2]. So one model draws graphs with some of the properties
given, with all, or with none.

Legend: G graphs, B graphs of a batch, C columns of all conditions: one of a number, K of a class.

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
from gengraph.graphs.classes import CLASS
from gengraph.graphs.schema import text_of
from gengraph.models.family import Encoder
from gengraph.rewards import REWARDS
from gengraph.rewards.find import find_property, in_range
from gengraph.schema import check

FloatArray = npt.NDArray[np.float64]
ConditionFacts = list[dict[str, Any]]
"""Of each condition its name, and mean, deviation, least and most of the training graphs, of `class` its values; JSON-ready."""
Given = Mapping[str, float | str]
"""Values of conditions by name; that of `class` is a name, or a number that is one."""

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
            f"model.conditions must be names of properties without a value, got {name!r}; values are given in sampling",
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
    return [_facts_of_classes(graphs) if name == CLASS else _facts_of_numbers(measured, name, model) for name in names]


def _facts_of_classes(graphs: GraphSet) -> dict[str, Any]:
    counts = {} if graphs.classes is None else graphs.classes.counts()
    if len(counts) < 2:
        what = f"all are of {next(iter(counts))}" if counts else "they have none"
        msg = f"the condition class needs training graphs of several classes, but {what}; leave it out of model.conditions"
        raise InputError(msg)
    if len(counts) > len(graphs) // 2:
        msg = (
            f"the condition class needs two training graphs a class, got {len(counts)} classes of {len(graphs)} graphs; "
            "leave it out of model.conditions, or call what is no class something else in the file"
        )
        raise InputError(msg)
    return {"name": CLASS, "values": list(counts)}


def _facts_of_numbers(graphs: GraphSet, name: str, model: str) -> dict[str, Any]:
    if name in REWARDS and "chemistry" in REWARDS[name].place and not graphs.schema:
        msg = f"the condition {name} is of molecules, and {model} sees no labels here; train a molrnn or molmp on molecules"
        raise InputError(msg)
    values = find_property(name)(graphs)
    values = values[~np.isnan(values)]
    if not len(values) or values.min() == values.max():
        what = "none has one" if not len(values) else f"all have {values[0]:g}"
        msg = f"the condition {name} must differ among training graphs, but {what}; leave it out of model.conditions"
        raise InputError(msg)
    return {
        "name": name,
        "mean": float(values.mean()),
        "deviation": float(values.std()),
        "least": float(values.min()),
        "most": float(values.max()),
    }


def having(graphs: GraphSet, given: Given, within: Mapping[str, tuple[float, float]]) -> GraphSet:
    """The graphs of a class and with properties in ranges: what samples that were asked for the same are compared with.

    Args:
        graphs: any.
        given: `class` and nothing else, or nothing.
        within: least and most of properties, by name.

    Raises:
        InputError: there is none, no such class or no such property; or another value than a class.
    """
    kept = np.ones(len(graphs), np.bool_)
    for name, value in given.items():
        counts = {} if graphs.classes is None else graphs.classes.counts()
        if name != CLASS:
            msg = f"graphs that are there are chosen by a class or a range, got {name} = {_spelled(value)}; give least..most"
            raise InputError(msg)
        if graphs.classes is None or text_of(value) not in counts:
            known = f"they have {', '.join(counts)}; give one of these" if counts else "they have none; leave class out"
            msg = f"a class that is given must be one that the graphs have, got {value!r}, {known}"
            raise InputError(msg)
        kept &= np.array([one == text_of(value) for one in graphs.classes.names()])
    for name, ends in within.items():
        kept &= in_range(name, *ends)(graphs)
    if not kept.any():
        ranges = ", ".join(f"{least:g}..{most:g} {name}" for name, (least, most) in within.items())
        msg = f"none of {len(graphs)} graphs is what is given ({ranges}); give a wider range"
        raise InputError(msg)
    return graphs[np.flatnonzero(kept)]


def describe_conditions(facts: ConditionFacts) -> dict[str, str]:
    """A line for the card of a model that has conditions."""
    told = (
        f"class ({', '.join(own['values'])})"
        if own["name"] == CLASS
        else f"{own['name']} ({own['least']:.3g} to {own['most']:.3g} in training)"
        for own in facts
    )
    return {"conditions": ", ".join(told)} if facts else {}


def num_columns(facts: ConditionFacts) -> int:
    """C."""
    return sum(map(_width, facts))


def _width(own: Mapping[str, Any]) -> int:
    return len(own["values"]) if own["name"] == CLASS else 1


def told_values(given: Given, facts: ConditionFacts, model: str) -> FloatArray:
    """float64[1, C], given values as a model is told them; NaN for a condition that is not given.

    Raises:
        InputError: the model was not trained with such a condition, or with values that are far from that one.
    """
    known = {own["name"]: own for own in facts}
    for name, value in given.items():
        if name not in known:
            names = f"only with {', '.join(known)}" if known else "without conditions"
            instead = "" if name == CLASS else ", or ask for a range, which any model is held to"
            msg = (
                f"a value is given of what the model was trained with, got {name} = {_spelled(value)} and a {model} that was "
                f'trained {names}; train one with model.conditions = ["{name}"]{instead}'
            )
            raise InputError(msg)
    columns = [column for own in facts for column in _columns(own, given.get(own["name"]))]
    return np.array([columns], np.float64)


def _columns(own: Mapping[str, Any], value: float | str | None) -> list[float]:
    """What a model is told of one condition."""
    if value is None:
        return [np.nan] * _width(own)
    if own["name"] == CLASS:
        if text_of(value) not in own["values"]:
            msg = (
                f"a class that is given must be one of the training graphs', got {value!r}; give one of "
                f"{', '.join(own['values'])}, or train on graphs of that class"
            )
            raise InputError(msg)
        return [float(text_of(value) == name) for name in own["values"]]
    least, most = own["least"] - _FAR * own["deviation"], own["most"] + _FAR * own["deviation"]
    if isinstance(value, str) or not least <= value <= most:
        msg = (
            f"a value that is given must be near those of the training graphs, got {own['name']} = {_spelled(value)} where "
            f"they have {own['least']:g} to {own['most']:g}; give one from {least:.4g} to {most:.4g}, or train on such graphs"
        )
        raise InputError(msg)
    return [(value - own["mean"]) / own["deviation"]]


def _spelled(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _read(own: Mapping[str, Any], graphs: GraphSet) -> FloatArray:
    """float64[G, columns of one condition], as a model is told them; NaN where a graph has none."""
    if own["name"] != CLASS:
        return np.asarray((find_property(own["name"])(graphs) - own["mean"]) / own["deviation"])[:, None]
    if graphs.classes is None:
        return np.full((len(graphs), _width(own)), np.nan)
    return graphs.classes.one_hot(own["values"])


class Told:
    """What a model is told of its training graphs.

    A graph's values are computed when it is first seen: a short training on many molecules scores few of them.

    Args:
        graphs: G, as the model sees them.
        facts: from `condition_facts`.
        dropout: share of the graphs of which nothing is told; of the others each condition is left out as often, by itself.
    """

    def __init__(self, graphs: GraphSet, facts: ConditionFacts, dropout: float) -> None:
        self._graphs, self._facts, self._dropout = graphs, facts, dropout
        self._widths = [_width(own) for own in facts]
        self._values = np.full((len(graphs), sum(self._widths)), np.nan)
        self._scored = np.zeros(len(graphs), np.bool_)

    def __call__(self, graph: Int64Array, key: tuple[int, int]) -> FloatArray:
        """float64[B, C]; NaN for what is not told of a graph, or what it does not have.

        Args:
            graph: int64[B], which graphs.
            key: (seed, epoch): with the graph's index it names what is left out.
        """
        from gengraph.models.numbers import Numbers  # numba, which configs are read without

        new = np.unique(graph[~self._scored[graph]])
        if len(new):
            self._values[new] = np.concatenate([_read(own, self._graphs[new]) for own in self._facts], axis=1)
            self._scored[new] = True
        drawn = Numbers.of(key[0] + _PURPOSE, graph, np.full(len(graph), key[1])).uniforms(0, 1 + len(self._facts))
        kept = (drawn[:, :1] >= self._dropout) & (drawn[:, 1:] >= self._dropout)
        return np.where(np.repeat(kept, self._widths, axis=1), self._values[graph], np.nan)


def telling(encode: Encoder, graphs: GraphSet, facts: ConditionFacts, dropout: float) -> Encoder:
    """An encoder whose batches say in a field `told` what a model is told of their graphs; the same one without conditions."""
    if not facts:
        return encode
    told = Told(graphs, facts, dropout)

    def encode_told(indices: Int64Array, *, key: tuple[int, int]) -> Any:
        batch = encode(indices, key=key)
        return dataclasses.replace(batch, told=told(batch.graph, key))

    return encode_told
