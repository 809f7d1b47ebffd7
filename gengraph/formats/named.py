"""Graphs whose nodes have names, as a file tells them: graph by graph, node by node, edge by edge.

Attributes of nodes and edges are counted, but for those that say nothing more (`gengraph.graphs.attributes`) and those that the
policy keeps as labels. How a graph is drawn (colours, positions on the page) is no attribute.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.formats.labels import labels_of, refuse_unknown
from gengraph.graphs.attributes import names_kinds, says_more
from gengraph.graphs.classes import CLASS, Classes
from gengraph.graphs.collection import Policy, RawGraphs


@dataclass(slots=True)
class NamedGraphs:
    """Graphs that are being read; nodes are numbered in the order in which they are declared.

    Attributes:
        path: for messages.
        policy: which attributes are labels.
        implicit: an edge declares its ends; else they must be declared, before or after it.
    """

    path: Path
    policy: Policy
    implicit: bool = False
    sizes: list[int] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    attributes: Counter[str] = field(default_factory=Counter)
    _sources: list[str] = field(default_factory=list)
    _targets: list[str] = field(default_factory=list)
    _ends: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _directed: bytearray = field(default_factory=bytearray)
    _names: dict[str, list[Any]] = field(default_factory=dict)
    _classes: list[Any] = field(default_factory=list)
    _node: int = 0
    _twice: bool = False
    _kept: "dict[str, _Kept]" = field(init=False)

    def __post_init__(self) -> None:
        self._kept = {"node": _Kept(self.policy.node_label), "edge": _Kept(self.policy.edge_label)}

    def graph(self) -> None:
        """Begin another graph."""
        self._finish()
        self.sizes.append(0)
        self._classes.append(None)

    def about(self, name: str, value: Any) -> None:
        """An attribute of the last `graph` itself: its class, or something that is left in the file."""
        if name == CLASS and not isinstance(value, list | dict):
            self._classes[-1] = value

    def node(self, name: str) -> None:
        """Declare a node.

        Raises:
            InputError: the graph has one of that name, and edges declare none.
        """
        numbers = self.numbers
        if name in numbers and not self.implicit:
            self._refuse_twice(name)
        self._node = numbers.setdefault(name, len(numbers))

    def edge(self, source: str, target: str, *, directed: bool, mutual: bool = False) -> None:
        """An edge between two nodes, or two if it is mutual."""
        if mutual:
            self.edge(target, source, directed=directed)
        self._twice = mutual
        if self.implicit:
            self.numbers.setdefault(source, len(self.numbers))
            self.numbers.setdefault(target, len(self.numbers))
        self._sources.append(source)
        self._targets.append(target)
        self._directed.append(directed)

    def bare(self, nodes: list[str], sources: list[str], targets: list[str], *, directed: bool) -> None:
        """Declare many nodes, and edges between them; errors as for `node`."""
        first = len(self.numbers)
        self.numbers.update(zip(nodes, range(first, first + len(nodes)), strict=True))
        if len(self.numbers) < first + len(nodes):
            self._refuse_twice(next(name for i, name in enumerate(nodes) if self.numbers[name] != first + i))
        self._sources += sources
        self._targets += targets
        self._directed += bytes([directed]) * len(sources)

    def attribute(self, kind: str, name: str, value: Any) -> None:
        """A value of an attribute of the last `node` or `edge`, or the default of all (`default node`)."""
        *default, of = kind.split()
        owners = [of] if of in self._kept else list(self._kept)
        kept = [self._keep(owner, name, value, is_default=bool(default)) for owner in owners]
        if any(kept):
            return
        if says_more(name, value, of=of):
            self.attributes[f"{kind} {name}"] += 1
        elif kind == "node":
            self._names.setdefault(f"{kind} {name}", []).append(value)

    def _keep(self, of: str, name: str, value: Any, *, is_default: bool) -> bool:
        """Whether an attribute is a label; then its value is kept."""
        kept = self._kept[of]
        kept.known.add(name)
        if name != kept.name:
            return False
        if is_default:
            kept.default = value
        elif of == "node":
            kept.values[self._node] = value
        else:
            kept.values |= {len(self._sources) - 1 - i: value for i in range(1 + self._twice)}
        return True

    def _refuse_twice(self, name: str) -> NoReturn:
        msg = f"{self.path}, graph {len(self.sizes) - 1}: node {name!r} is declared twice; name every node once"
        raise InputError(msg)

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
        self._kept["node"].finish(len(self.numbers))
        self._kept["edge"].finish(count)
        self._ends.append(np.column_stack(columns))
        for used in (self.numbers, self._sources, self._targets):
            used.clear()

    def raw(self) -> RawGraphs:
        """All graphs.

        Raises:
            InputError: they have not the labels that the policy asks for.
        """
        self._finish()
        for of, kept in self._kept.items():
            if kept.name and kept.name not in kept.known and kept.all_values:
                refuse_unknown(self.path, kept.name, of, list(kept.known))
        return RawGraphs(
            num_nodes=np.array(self.sizes, np.int64),
            edge_offsets=np.concatenate([[0], np.cumsum([len(ends) for ends in self._ends], dtype=np.int64)]),
            edges=np.concatenate([*self._ends, np.zeros((0, 2), np.int64)]),
            directed=np.frombuffer(bytes(self._directed), np.uint8).astype(bool),
            attributes=self.attributes,
            labels=labels_of(
                self.path,
                nodes=(self.policy.node_label, self._kept["node"].all_values),
                edges=(self.policy.edge_label, self._kept["edge"].all_values),
            ),
            classes=Classes.of(self._classes),
        )


@dataclass(slots=True)
class _Kept:
    """An attribute that is kept as a label, of the nodes or of the edges.

    Attributes:
        name: of it; empty if none is kept.
        known: all names of attributes.
        default: of nodes or edges that have no value.
        values: of the graph that is being read, by the number of the node or edge.
        all_values: of the graphs before it.
    """

    name: str
    known: set[str] = field(default_factory=set)
    default: Any = None
    values: dict[int, Any] = field(default_factory=dict)
    all_values: list[Any] = field(default_factory=list)

    def finish(self, count: int) -> None:
        """Note the values of a graph of so many nodes, or edges."""
        if self.name:
            self.all_values += [self.values.get(i, self.default) for i in range(count)]
            self.values.clear()
