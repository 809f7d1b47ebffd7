"""Which columns of an edge list hold the graph and both ends of an edge, and whether its first line names them.

A first line that is no edge like the rest names the columns: names where all the rest are numbers, or names that are known. A
line that may be either is refused.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from gengraph.errors import InputError

Row = tuple[int, list[str]]
"""The number of a line, and its cells."""

_ENDS = (  # as headers have them, in lower case without punctuation
    ("source", "target"),
    ("sourceid", "targetid"),
    ("sourcenode", "targetnode"),
    ("src", "dst"),
    ("srcid", "dstid"),
    ("from", "to"),
    ("fromid", "toid"),
    ("fromnode", "tonode"),
    ("fromnodeid", "tonodeid"),
    ("startid", "endid"),
    ("id1", "id2"),
    ("node1", "node2"),
    ("nodeid1", "nodeid2"),
    ("node1id", "node2id"),
    ("vertex1", "vertex2"),
    ("v1", "v2"),
    ("u", "v"),
    ("i", "j"),
)
GRAPHS = ("graph", "graphid", "graphindex", "graphidx")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SHOWN = 20  # names in a message
_KONECT = re.compile(r"[#%]\s*(sym|asym|bip)\s+\w+\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What the columns are.

    Attributes:
        names: of each column: graph, source, target, or whatever else, which is an attribute.
        has_header: the first line is none of the data.
        directed: the file says that edges have a direction.
        bipartite: the file says that the two columns number different nodes.
    """

    names: list[str] = field(default_factory=lambda: ["source", "target"])
    has_header: bool = False
    directed: bool = False
    bipartite: bool = False


def find_layout(path: Path, comments: Sequence[str], rows: Sequence[Row], columns: tuple[str, ...]) -> Layout:
    """The layout of an edge list.

    Args:
        path: for messages.
        comments: the lines with # or % before the first row.
        rows: at least one.
        columns: the columns that the caller names (`Policy.columns`).

    Raises:
        InputError: columns that nobody names, or a first line that may be names or an edge.
    """
    width = max(len(cells) for _, cells in rows[:2])
    said = next((re.split(r"[\s,;]+", line.lstrip("#% \t").strip()) for line in reversed(comments)), [])
    if columns:
        return _asked_for(path, said if len(said) == width else [], rows, columns)
    konect = next(filter(None, map(_KONECT.fullmatch, (line.strip() for line in comments))), None)
    if konect:
        names = ["source", "target", "weight", "time"][: max(width, 2)]
        return Layout(names=names, directed=konect[1] == "asym", bipartite=konect[1] == "bip")
    directed = any(re.match(r"#\s*Directed graph", line) for line in comments)  # as the lists of SNAP say it
    if _known(said) and len(said) == width:
        return Layout(names=_known(said), directed=directed)
    layout = _of_first_row(path, rows)
    return Layout(names=layout.names, has_header=layout.has_header, directed=directed)


def _of_first_row(path: Path, rows: Sequence[Row]) -> Layout:
    line, first = rows[0]
    names, rest = _known(first), list(chain.from_iterable(cells[:2] for _, cells in rows[1:]))
    if names and _is_header(path, line, first, names, set(rest)):
        return Layout(names=names, has_header=True)
    has_numbers = any(_NUMBER.fullmatch(cell) for cell in first)
    if not names and not has_numbers and len(first) > 1 and rest and all(_NUMBER.fullmatch(cell) for cell in rest if cell):
        msg = (
            f"{path}, line {line} names the columns {listed(first)}, which are not known as the ends of an edge; call them "
            f"source and target (and graph), or set columns = {_quoted(first[:2])}"
        )
        raise InputError(msg)
    if not names and not has_numbers and len(rows) > 2 and len(first) == 2 and not set(first) & set(rest):
        _refuse_either(path, line, first)
    if len(first) > 2:
        known = ", ".join(_ENDS[0])
        msg = (
            f"{path}, line {line} has {len(first)} columns, 2 are known ({known}); name them in the first line: graph source "
            "target, or source target weight; or set columns = 1,2"
        )
        if len(rows) == len(first) and all(len(cells) == len(first) for _, cells in rows):
            msg += "; if it is an adjacency matrix, set file_format = adjacency"
        raise InputError(msg)
    return Layout()


def _is_header(path: Path, line: int, first: list[str], names: list[str], rest: set[str]) -> bool:
    """Whether known names are names, and not the two ends of the first edge."""
    ends = [cell for cell, name in zip(first, names, strict=True) if name in ("source", "target")]
    strong = len(names) > 2 or any(len(re.sub(r"\W", "", cell)) > 4 for cell in ends)
    if strong or all(_NUMBER.fullmatch(cell) for cell in rest if cell):
        return True
    if max(map(len, ends)) == 1:  # u and v among letters are nodes
        return not (rest & set(ends) or all(len(cell) <= 1 for cell in rest))
    if rest & set(ends):
        _refuse_either(path, line, first)
    return True


def _refuse_either(path: Path, line: int, first: list[str]) -> None:
    msg = (
        f"{path}, line {line} ({', '.join(first)}) may be the first edge or the names of the columns; set columns = 1,2 if it "
        f"is an edge, or set columns = {_quoted(first)} if these are names"
    )
    raise InputError(msg)


def _asked_for(path: Path, said: list[str], rows: Sequence[Row], columns: tuple[str, ...]) -> Layout:
    """The layout in which the columns that the caller names are graph, source and target."""
    line, first = rows[0]
    roles = ["graph", "source", "target"][-len(columns) :]
    for header, has_header in ((first, True), (said, False)):
        if set(columns) <= set(header) and not all(map(str.isdecimal, columns)):
            names = dict(zip(columns, roles, strict=True))
            return Layout(names=[names.get(cell, f"{cell} ") for cell in header], has_header=has_header)
    if not all(column.isdecimal() and 1 <= int(column) <= len(first) for column in columns):
        msg = (
            f"{path}, line {line} has no columns {', '.join(columns)}, it has {listed(first)}; name two of these, or "
            "three if a column names the graph, or their numbers from 1"
        )
        raise InputError(msg)
    places = {int(column) - 1: role for column, role in zip(columns, roles, strict=True)}
    names_by_place = [places.get(i, f"column {i + 1}") for i in range(len(first))]
    ends = [i for i in places if places[i] != "graph"]
    rest = [cells[i] for _, cells in rows[1:] for i in ends if i < len(cells) and cells[i]]
    words = not any(_NUMBER.fullmatch(first[i]) for i in ends)
    return Layout(names=names_by_place, has_header=words and bool(rest) and all(map(_NUMBER.fullmatch, rest)))


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first of many."""
    return ", ".join([*names[:_SHOWN], *([f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])])


def _quoted(names: Sequence[str]) -> str:
    """As the value of `columns`, in quotation marks where it has spaces."""
    return shlex.quote(",".join(names))


def is_known(cells: Sequence[str]) -> bool:
    """Whether cells are known names of columns, both ends of an edge among them."""
    return bool(_known(cells))


def known_columns(names: Sequence[str]) -> dict[str, str]:
    """The columns of source and target, and of graph if there is one, by their names; none if these are not known."""
    roles = dict(zip(_known(names), names, strict=False))
    return {role: roles[role] for role in ("graph", "source", "target") if role in roles}


def _known(cells: Sequence[str]) -> list[str]:
    """The names of columns in the words of this module; none if both ends of an edge are not among them exactly once."""
    if all(cell.isdecimal() for cell in cells):
        return []
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    for source, target in _ENDS:
        if plain.count(source) == 1 and plain.count(target) == 1:
            role = {source: "source", target: "target", **dict.fromkeys(GRAPHS, "graph")}
            names = [role.get(name, cell) for name, cell in zip(plain, cells, strict=True)]
            return names if len(set(names)) == len(names) else []
    return []
