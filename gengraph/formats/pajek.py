"""Pajek's networks (.net), one in a file, or several in a project (.paj), each after a line *Network.

Edges have no direction, arcs have one. Coordinates, shapes and colours say how a graph is drawn and are passed over; values
other than 1, labels of lines, times, relations other than the first (*Arcs :2) and what a project holds beside networks
(partitions, vectors) are attributes.

Reference:
    A. Mrvar, V. Batagelj. Pajek manual. University of Ljubljana, 2023.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.labels import told
from gengraph.formats.named import NamedGraphs
from gengraph.formats.text import numbered_lines, read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs

_CELL = re.compile(r'"([^"]*)"|(\S+)')
_BESIDE = {"partition", "vector", "permutation", "cluster", "hierarchy", "events"}
_LINES = {"arcs", "edges", "arcslist", "edgeslist", "matrix"}


def read_pajek(path: Path, policy: Policy) -> RawGraphs:
    """Nodes are in the order of their numbers."""
    networks = _Networks(path, policy)
    for number, line in numbered_lines(read_text(path)):
        if line.lstrip().startswith("%"):
            continue
        try:
            networks.line([quoted or plain for quoted, plain in _CELL.findall(line)], line)
        except (ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            what = networks.section or "network"
            msg = f"{path}, line {number} is no line of a Pajek *{what}: {line.strip()[:60]!r}; write it anew"
            raise InputError(msg) from error
    return networks.drawn.raw()


class _Networks:
    """Draws the lines of a file, by the section that they stand in."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.drawn = NamedGraphs(path, policy)
        self.section = self.relation = ""
        self.beside = ""  # what has begun beside networks, until its *Vertices line
        self.size = self.first_mode = self.rows = 0
        self.by_section = {
            "network": self._line_beside,
            "vertices": self._vertex,
            "arcs": self._pair,
            "edges": self._pair,
            "arcslist": self._neighbours,
            "edgeslist": self._neighbours,
            "matrix": self._row,
            **dict.fromkeys(_BESIDE, self._line_beside),
        }

    def line(self, cells: list[str], text: str) -> None:
        if text.lstrip().startswith("*"):
            self._begin(re.split(r"[\s:]+", text.strip()[1:].strip()))
        elif self.section:
            self.by_section[self.section](cells)
        else:
            msg = "no section"
            raise ValueError(msg)

    def _begin(self, words: list[str]) -> None:
        self.section = words[0].lower()
        if self.section not in self.by_section:
            known = ", ".join(f"*{name}" for name in self.by_section)
            msg = f"{self.drawn.path}: *{words[0]} is not known in a Pajek file; known are {known}"
            raise InputError(msg)
        self.relation = words[1] if self.section in _LINES and words[1:] else ""
        if self.section == "vertices" and self.beside:
            self.section, self.beside = self.beside, ""
            return
        self.beside = self.section if self.section in _BESIDE else ""
        if self.section == "vertices":
            self.size, self.first_mode, self.rows = int(words[1]), int(words[2]) if words[2:] else 0, 0
            self.drawn.graph()
            for node in range(1, self.size + 1):
                self.drawn.node(str(node))

    def _vertex(self, cells: list[str]) -> None:
        if not 1 <= int(cells[0]) <= self.size:
            msg = f"{self.drawn.path}: vertex {cells[0]} lies outside 1..{self.size}; mend the number after *Vertices"
            raise InputError(msg)
        if len(cells) > 1:
            self.drawn.attribute("node", "label", cells[1])
        self._count("node", cells[2:])

    def _pair(self, cells: list[str]) -> None:
        self._edge(cells[0], cells[1])
        has_value = len(cells) > 2 and _is_number(cells[2])
        if has_value:
            self.drawn.attribute("edge", "weight", cells[2])
        self._count("edge", cells[3 if has_value else 2 :])

    def _neighbours(self, cells: list[str]) -> None:
        for cell in cells[1:]:
            self._edge(cells[0], cell)

    def _row(self, cells: list[str]) -> None:
        """The arcs of one node to all others, or to those of the second mode."""
        self.rows += 1
        if len(cells) != self.size - self.first_mode or self.rows > (self.first_mode or self.size):
            msg = f"{len(cells)} values in row {self.rows} for {self.size} nodes"
            raise ValueError(msg)
        for node, value in enumerate(cells, self.first_mode + 1):
            if float(value):
                self._edge(str(self.rows), str(node))
                self.drawn.attribute("edge", "weight", value)

    def _line_beside(self, _cells: list[str]) -> None:
        self.drawn.attribute("node", self.section, None)

    def _edge(self, source: str, target: str) -> None:
        ends = str(abs(int(source))), str(abs(int(target)))  # a negative number is an arc that is drawn dotted
        self.drawn.edge(*ends, directed=not self.section.startswith("edges"))
        if self.relation and (self.relation != "1" or self.drawn.policy.edge_label == "relation"):
            self.drawn.attribute("edge", "relation", self.relation)

    def _count(self, of: str, cells: Iterable[str]) -> None:
        """Of what follows the numbers: times in brackets, and `l` before a label."""
        before = ""
        for cell in cells:
            if cell.startswith("["):
                self.drawn.attribute(of, "times", cell)
            elif before == "l" and of == "edge" and cell:
                self.drawn.attribute(of, "label", cell)
            before = cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def write_pajek(graphs: GraphSet, path: Path) -> None:
    """A network, or a project of several; nodes are called by their numbers, from 0."""
    parts = []
    for graph in told(graphs):
        if len(graphs) > 1:
            parts.append(f"*Network {graph.number}\n")
        parts.append(f"*Vertices {graph.num_nodes}\n")
        parts += [f'{node + 1} "{node}"\n' for node in range(graph.num_nodes)]
        parts += ["*Arcs\n" if graphs.schema.directed else "*Edges\n", *(f"{u + 1} {v + 1}\n" for u, v in graph.pairs)]
    write_text(path, "".join(parts))
