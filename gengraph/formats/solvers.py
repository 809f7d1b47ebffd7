"""Texts of algorithm libraries that number nodes from 1: DIMACS's challenges, LEDA, and NetworKit's SNAP.

References:
    1. DIMACS. Clique and coloring problems: graph format. 1993. Also that of its challenges on flows (p max, p min) and on
       shortest paths (p sp).
    2. K. Mehlhorn, S. Naeher. LEDA: a platform for combinatorial and geometric computing. Cambridge, 1999. GraphML's forerunner
       GRAPH, http://www.algorithmic-solutions.info/leda_guide/graphs/leda_native_graph_fileformat.html.
"""

import re
from collections.abc import Callable
from pathlib import Path

from gengraph.errors import InputError
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import numbered_lines, read_text
from gengraph.graphs.collection import Policy, RawGraphs

_DIRECTED = {"sp", "max", "min", "asn"}  # problems whose lines are arcs
_LABEL = re.compile(r"\|\{(.*)\}\|\s*$")


def read_dimacs(path: Path, policy: Policy) -> RawGraphs:
    """`p PROBLEM nodes edges`, then `e u v` edges, `a u v values` arcs, or `u v` alone [1]; `n node values` are attributes.

    Problems of flows and paths have arcs, whichever way their graph was meant. The first line of NetworKit's SNAP,
    `p nodes edges u u first`, is understood too; it says u (undirected) of directed graphs as well.
    """
    drawn = NamedGraphs(path, policy)
    directed, said, lines = False, 0, 0
    for number, line in numbered_lines(read_text(path)):
        cells = line.split()
        try:
            if cells[0] == "p" and not drawn.sizes:
                directed, said = _problem(cells[1:], drawn)
            elif cells[0] == "n" and drawn.sizes:
                drawn.attribute("node", "value", cells[2:])
            elif drawn.sizes and (cells[0] in ("e", "a") or cells[0].isdecimal()):
                _line(cells if cells[0].isdecimal() else cells[1:], drawn, directed=directed or cells[0] == "a")
                lines += 1
            elif cells[0] not in "cdvx":
                msg = "an unknown letter"
                raise ValueError(msg)
        except (ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            msg = f"{path}, line {number} is no line of DIMACS: {line.strip()[:60]!r}; a line p stands before those of e or a"
            raise InputError(msg) from error
    if lines < said != 2 * lines:  # some count an edge at both of its ends
        msg = f"{path} has {lines} of the {said} edges that its line p says; get it from its source again, or mend that line"
        raise InputError(msg)
    return drawn.raw()


def _problem(cells: list[str], drawn: NamedGraphs) -> tuple[bool, int]:
    """Declare the nodes of a problem; whether it has arcs, and how many lines of edges it says that there are."""
    name, n, *more = cells
    first = 1
    if name.isdecimal():  # NetworKit's
        name, n, more, first = cells[2], cells[0], cells[1:], int(cells[4])
    drawn.graph()
    for node in range(first, first + int(n)):
        drawn.node(str(node))
    return name in _DIRECTED or name == "d", int(more[0]) if more else 0


def _line(cells: list[str], drawn: NamedGraphs, *, directed: bool) -> None:
    drawn.edge(str(int(cells[0])), str(int(cells[1])), directed=directed)
    for value in cells[2:]:
        drawn.attribute("edge", "weight", value)


def read_leda(path: Path, policy: Policy) -> RawGraphs:
    """Types of nodes and edges, a direction (-1) or none (-2), then the nodes and the edges with their values [2]."""
    drawn = NamedGraphs(path, policy)
    lines = ((number, line.strip()) for number, line in numbered_lines(read_text(path)) if not line.lstrip().startswith("#"))
    number, line = 0, ""

    def advance() -> str:
        nonlocal number, line
        number, line = next(lines)
        return line

    try:
        _leda(advance, drawn)
    except StopIteration:
        msg = f"{path} ends before it is whole LEDA; get it from its source again"
        raise InputError(msg) from None
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path}, line {number} is no line of LEDA: {line[:60]!r}; write it anew"
        raise InputError(msg) from error
    return drawn.raw()


def _leda(advance: Callable[[], str], drawn: NamedGraphs) -> None:
    if advance() != "LEDA.GRAPH":
        msg = "the first line must be LEDA.GRAPH"
        raise ValueError(msg)
    advance()
    advance()
    size = int(advance())
    directed = size != -2
    size = int(advance()) if size < 0 else size  # old files do not say the direction: they are directed
    drawn.graph()
    for node in range(1, size + 1):
        drawn.node(str(node))
        if value := _value(advance()):
            drawn.attribute("node", "label", value)
    for _ in range(int(advance())):
        source, target, _, *_ = (line := advance()).split(maxsplit=3)
        drawn.edge(source, target, directed=directed)
        if value := _value(line):
            drawn.attribute("edge", "weight", value)


def _value(line: str) -> str:
    """What stands between |{ and }|."""
    match = _LABEL.search(line)
    if match is None:
        msg = "no |{}|"
        raise ValueError(msg)
    return match[1]
