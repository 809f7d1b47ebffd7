"""Graphs whose nodes have names, as a file tells them: graph by graph, node by node, edge by edge.

Attributes of nodes and edges are counted, but for those that say nothing more (`gengraph.graphs.attributes`). How a graph is
drawn (colours, positions on the page) is no attribute.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs.attributes import names_kinds, says_more
from gengraph.graphs.collection import RawGraphs


@dataclass(slots=True)
class NamedGraphs:
    """Graphs that are being read; nodes are numbered in the order in which they are declared.

    Attributes:
        path: for messages.
        implicit: an edge declares its ends; else they must be declared, before or after it.
    """

    path: Path
    implicit: bool = False
    sizes: list[int] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    attributes: Counter[str] = field(default_factory=Counter)
    _sources: list[str] = field(default_factory=list)
    _targets: list[str] = field(default_factory=list)
    _ends: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _directed: bytearray = field(default_factory=bytearray)
    _names: dict[str, list[Any]] = field(default_factory=dict)

    def graph(self) -> None:
        """Begin another graph."""
        self._finish()
        self.sizes.append(0)

    def node(self, name: str) -> None:
        """Declare a node.

        Raises:
            InputError: the graph has one of that name, and edges declare none.
        """
        numbers = self.numbers
        if name in numbers and not self.implicit:
            msg = f"{self.path}, graph {len(self.sizes) - 1}: node {name!r} is declared twice; name every node once"
            raise InputError(msg)
        numbers.setdefault(name, len(numbers))

    def edge(self, source: str, target: str, *, directed: bool) -> None:
        """An edge between two nodes."""
        if self.implicit:
            self.numbers.setdefault(source, len(self.numbers))
            self.numbers.setdefault(target, len(self.numbers))
        self._sources.append(source)
        self._targets.append(target)
        self._directed.append(directed)

    def attribute(self, kind: str, name: str, value: Any) -> None:
        """A value of an attribute of a `node` or an `edge`, or the default of one (`default node`)."""
        if says_more(name, value, of=kind.rpartition(" ")[2]):
            self.attributes[f"{kind} {name}"] += 1
        elif kind == "node":
            self._names.setdefault(f"{kind} {name}", []).append(value)

    def _finish(self) -> None:
        """Of the graph so far: number the ends of its edges, and count the names that do not tell its nodes apart."""
        self.attributes.update({name: len(values) for name, values in self._names.items() if names_kinds(values)})
        self._names.clear()
        if not self.sizes:
            return
        number, count = self.numbers.__getitem__, len(self._sources)
        try:
            columns = [np.fromiter(map(number, names), np.int64, count) for names in (self._sources, self._targets)]
        except KeyError as error:
            msg = f"{self.path}, graph {len(self.sizes) - 1}: an edge joins {error}, which is no node; declare it"
            raise InputError(msg) from None
        self.sizes[-1] = len(self.numbers)
        self._ends.append(np.column_stack(columns))
        for used in (self.numbers, self._sources, self._targets):
            used.clear()

    def raw(self) -> RawGraphs:
        """All graphs."""
        self._finish()
        return RawGraphs(
            num_nodes=np.array(self.sizes, np.int64),
            edge_offsets=np.concatenate([[0], np.cumsum([len(ends) for ends in self._ends], dtype=np.int64)]),
            edges=np.concatenate([*self._ends, np.zeros((0, 2), np.int64)]),
            directed=np.frombuffer(bytes(self._directed), np.uint8).astype(bool),
            attributes=self.attributes,
        )
