"""What the names of rewards and rules name; their results are checked.

Legend: G graphs.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import CLASS
from gengraph.rewards import BOUNDS, REWARD_POINTS, REWARDS, RULE_POINTS, RULES, Listed

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Reward = Callable[[GraphSet], FloatArray]
Rule = Callable[[GraphSet], BoolArray]
Score = Callable[[GraphSet], Any]


def possible(graphs: GraphSet) -> BoolArray:
    """bool[G], whether RDKit takes a graph as a molecule of one part."""
    from gengraph.chemistry.scores import validity

    return validity(graphs) > 0


def find_reward(name: str) -> Reward:
    """The reward of a name: float64[G] of graphs, NaN where there is none.

    Raises:
        InputError: there is none of this name, or it cannot be loaded; or, when it is called, it gives no number a graph.
    """
    base, equals, value = name.partition("=")
    score = partial(_scored, _found(base, "reward", REWARDS, REWARD_POINTS), name)
    if not equals:
        return score
    wanted = _number(value)
    if not math.isfinite(wanted):
        msg = f"a reward must be NAME or NAME=VALUE with a finite number, got {name!r}; write {base}=2.5, say"
        raise InputError(msg)
    return lambda graphs: -np.abs(score(graphs) - wanted)


def find_property(name: str) -> Reward:
    """The property of a name, a reward without a wish: float64[G] of graphs, NaN where there is none.

    Raises:
        InputError: as `find_reward`; the class of a graph is none.
    """
    if name == CLASS:
        msg = 'class has no numbers, so no range; give one class to a model that was trained with model.conditions = ["class"]'
        raise InputError(msg)
    return partial(_scored, _found(name, "property", REWARDS, REWARD_POINTS), name)


def find_rule(name: str) -> Rule:
    """The rule of a name: bool[G] of graphs.

    Raises:
        InputError: as `find_reward`.
    """
    base, _, value = name.partition("=")
    if base not in BOUNDS:
        return partial(_obeyed, _found(name, "rule", RULES, RULE_POINTS), name)
    if base == "similar":
        return _similar(name, value)
    first, dots, last = value.partition("..")
    try:
        high = int(last if dots else first)
        low = int(first) if dots or base != "max-degree" else 0
    except ValueError as error:
        msg = f"a rule of {base} must be of the form {BOUNDS[base]}, got {name!r}"
        raise InputError(msg) from error
    if not 0 <= low <= high:
        msg = f"a rule of {base} must have 0 <= least <= most, got {name!r}, which no graph obeys; the smaller comes first"
        raise InputError(msg)
    return in_range(base, low, high)


def in_range(name: str, least: float, most: float) -> Rule:
    """The rule that a property lies in a range, ends included; a graph that has none does not.

    Raises:
        InputError: as `find_property`.
    """
    reward = find_property(name)

    def obeyed(graphs: GraphSet) -> BoolArray:
        values = reward(graphs)
        return np.asarray((values >= least) & (values <= most))

    return obeyed


def _similar(name: str, value: str) -> Rule:
    from gengraph.chemistry.scores import similarity_to

    least, _, smiles = value.partition(":")
    bar = _number(least)
    if not 0 <= bar <= 1:
        msg = f"a rule of similar must be of the form {BOUNDS['similar']} with S from 0 to 1, got {name!r}"
        raise InputError(msg)
    similarity = similarity_to(smiles)
    return lambda graphs: np.asarray(similarity(graphs) >= bar)


def _number(text: str) -> float:
    """The number that a text says; NaN if it says none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _called(function: Score, what: str, graphs: GraphSet) -> Any:
    """What a function gives, which may be a user's own and do anything.

    Raises:
        InputError: it fails.
    """
    try:
        return function(graphs)
    except (Exception, SystemExit) as error:
        msg = f"{what} a graph, it failed: {type(error).__name__}: {error}"
        raise InputError(msg) from error


def _scored(function: Score, name: str, graphs: GraphSet) -> FloatArray:
    given = _called(function, f"reward {name} must give a number", graphs)
    try:
        scores = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        msg = f"reward {name} must give a number a graph, or nan, got {str(given)[:60]} ({error})"
        raise InputError(msg) from error
    if scores.shape != (len(graphs),) or np.isinf(scores).any():
        what = f"an array of the shape {scores.shape}" if scores.shape != (len(graphs),) else "an infinite one"
        msg = f"reward {name} must give a finite number a graph, or nan, got {what} for {len(graphs)} graphs"
        raise InputError(msg)
    return scores


def _obeyed(function: Score, name: str, graphs: GraphSet) -> BoolArray:
    obeyed = np.asarray(_called(function, f"rule {name} must give true or false", graphs))
    if obeyed.shape != (len(graphs),) or obeyed.dtype != np.bool_:
        msg = f"rule {name} must give true or false a graph, got {obeyed.dtype}{list(obeyed.shape)} for {len(graphs)} graphs"
        raise InputError(msg)
    return obeyed


def _found(name: str, kind: str, listed: Mapping[str, Listed], group: str) -> Score:
    """The function of a name.

    Raises:
        InputError: there is none, or it cannot be loaded.
    """
    if name in listed:
        module, _, function = listed[name].place.partition(":")
        return getattr(import_module(module), function)  # type: ignore[no-any-return]
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _of_file(Path(path), function, kind)
    from gengraph.models.registry import find_entry, load_entry

    entry = find_entry(group, name)
    if entry is None:
        known = ", ".join([*listed, *(BOUNDS if kind == "rule" else ())])
        msg = f"unknown {kind} {name!r}; choose from {known}, or name a function of your own: FILE.py:FUNCTION"
        raise InputError(msg)
    return load_entry(entry)  # type: ignore[no-any-return]


def _of_file(path: Path, function: str, kind: str) -> Score:
    """A function of a user's own file."""
    if not path.is_file():
        msg = f"{kind} {path}:{function} needs a Python file, there is no {path}"
        raise InputError(msg)
    spec = spec_from_file_location(f"gengraph_{kind}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        msg = f"{path} cannot be imported ({type(error).__name__}: {error}); run it with Python to see why"
        raise InputError(msg) from error
    found = getattr(module, function, None)
    if not callable(found):
        known = ", ".join(name for name, value in vars(module).items() if callable(value) and not name.startswith("_"))
        msg = f"{path} has no function {function}; it has {known or 'none'}"
        raise InputError(msg)
    return found  # type: ignore[no-any-return]
