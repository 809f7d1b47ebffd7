"""The options that say which properties graphs shall have, or which class: --given and --num-nodes."""

import re
from collections.abc import Iterable

from gengraph.errors import InputError

Given = dict[str, float | str]
Within = dict[str, tuple[float, float]]


def read_given(texts: Iterable[str], num_nodes: str | None) -> tuple[Given, Within]:
    """What --given tells the model, NAME=VALUE, and what it rejects by, NAME=LEAST..MOST; --num-nodes is a range of nodes.

    The value of class is a name, whatever is in it.

    Raises:
        InputError: a text of another form, or a name twice.
    """
    from gengraph.graphs.classes import CLASS

    given: Given = {}
    within: Within = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if text.startswith(f"{CLASS}="):
            if CLASS in given:
                msg = f"--given takes one class, got {given[CLASS]} and {text.removeprefix(f'{CLASS}=')}; leave one out"
                raise InputError(msg)
            given[CLASS] = text.removeprefix(f"{CLASS}=")
            continue
        numbers = [_number(part) for part in value.split("..", 1)]
        if not name or None in numbers:
            forms = "clustering=0.3, say, nodes=20..30 (numbers), or class=NAME"
            msg = f"--given must be NAME=VALUE or NAME=LEAST..MOST, got {text!r}; {forms}"
            raise InputError(msg)
        found: Given | Within = given if len(numbers) == 1 else within
        if name in found:
            msg = f"--given takes one value and one range of each name, got two of {name}; leave one out"
            raise InputError(msg)
        found[name] = numbers[0] if len(numbers) == 1 else tuple(numbers)  # type: ignore[assignment]
    if num_nodes is not None:
        if "nodes" in within:
            msg = f"--num-nodes {num_nodes} is --given nodes={num_nodes}, and another range of nodes is given; leave one out"
            raise InputError(msg)
        match = re.fullmatch(r"(\d+)\.\.(\d+)", num_nodes.strip())
        if not match:
            msg = f"--num-nodes must be of the form 50..100, got {num_nodes!r}"
            raise InputError(msg)
        within["nodes"] = int(match[1]), int(match[2])
    return given, within


def _number(text: str) -> float | None:
    """A whole number as int."""
    try:
        return int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", text) else float(text)
    except ValueError:
        return None
