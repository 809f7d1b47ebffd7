"""Which attributes of nodes and edges say more than the structure does: one rule for files, frames and networkx graphs.

Names of nodes (id, label, name, key) that tell them apart, ids of edges (id, key), the numbers that igraph gives both in
networkx, and weights of 1 say nothing more.
"""

from collections.abc import Iterable
from typing import Any, Literal

from gengraph.errors import InputError

Attributes = Literal["error", "drop"]
Directed = Literal["error", "keep"]
_BARE = {"node": {"id", "label", "name", "key", "_igraph_index"}, "edge": {"id", "key", "_igraph_index"}}


def says_more(name: str, value: Any, *, of: str) -> bool:
    """Whether this value of an attribute of a `node` or an `edge` would be lost in a graph of nodes and edges alone."""
    lowered = name.lower()
    if lowered in _BARE.get(of, ()):
        return False
    return lowered != "weight" or not _is_one(value)


def names_kinds(names: Iterable[Any]) -> bool:
    """Whether the names of a graph's nodes are rather kinds of nodes: some are the same and some are not."""
    listed = [str(name) for name in names]
    return 1 < len(set(listed)) < len(listed)


def check_attributes(attributes: str) -> None:
    """Raise InputError unless it is one of the two things that can be done with attributes."""
    if attributes not in ("error", "drop"):
        msg = f"attributes must be error or drop, got {attributes!r}"
        raise InputError(msg)


def _is_one(value: Any) -> bool:
    try:
        return float(value) == 1
    except (TypeError, ValueError):
        return False
