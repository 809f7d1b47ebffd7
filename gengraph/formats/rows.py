"""The rows of a table of edges, whose nodes have names or numbers, and the graphs that they are."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.formats.labels import labels_of
from gengraph.graphs.classes import Classes
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.numbering import numbered

GRAPH_CLASS = "graph_class"
"""The column that says the class of the graph that an edge is of."""


@dataclass(kw_only=True, slots=True)
class Rows:
    """The lines of a table as they are read.

    Attributes:
        graphs: the name of each row's graph; None if all are of one graph.
        sources: one end of each edge, or a node alone; None where the row names none.
        targets: the other end.
        directed: edges have a direction, all of them or bool[R].
        attributes: how many values there are of each further column, but for labels.
        edge_labels: of each row that is an edge; None if there are none.
        node_labels: of the first node of each row, where the row says it; None if there are none.
        classes: of the graph of each row, where the row says it; None if none does.
    """

    graphs: list[str] | None
    sources: Sequence[str | None]
    targets: Sequence[str | None]
    directed: bool | Sequence[bool] = False
    attributes: Counter[str] = field(default_factory=Counter)
    edge_labels: Sequence[Any] | None = None
    node_labels: Sequence[Any] | None = None
    classes: Sequence[str | None] | None = None

    def names(self) -> set[tuple[str, ...]]:
        """Every node that is named: its graph and its name."""
        owners: Iterable[tuple[str, ...]] = repeat(()) if self.graphs is None else ((name,) for name in self.graphs)
        rows = zip(owners, self.sources, self.targets, strict=False)
        return {(*owner, name) for owner, *ends in rows for name in ends if name is not None}

    def followed_by(self, edges: "Rows") -> "Rows":
        """These rows, which are nodes alone, then those of edges."""
        more, nodes = len(edges.sources), len(self.sources)
        directed = edges.directed
        return Rows(
            graphs=None if self.graphs is None else self.graphs + (edges.graphs or []),
            sources=[*self.sources, *edges.sources],
            targets=[*self.targets, *edges.targets],
            directed=directed if isinstance(directed, bool) else [False] * nodes + list(directed),
            attributes=self.attributes + edges.attributes,
            edge_labels=None if edges.edge_labels is None else [None] * nodes + list(edges.edge_labels),
            node_labels=None if self.node_labels is None else list(self.node_labels) + [None] * more,
            classes=None if edges.classes is None else [None] * nodes + list(edges.classes),
        )

    def numbered(self, path: Path, policy: Policy) -> RawGraphs:
        """Graphs with numbers for nodes.

        Raises:
            InputError: the policy says how many nodes there are, and these are not numbers of so many; or a node or an edge has
                no label.
        """
        before = 0
        if policy.nodes is not None and self.graphs is None:
            before = policy.nodes
            wanted = [str(i + _first_number(self, before)) for i in range(before)]
            labelled = numbered(None, wanted + list(self.sources), [None] * before + list(self.targets))
        else:
            labelled = numbered(self.graphs, self.sources, self.targets)
        rows = labelled.rows - before if before else labelled.rows
        of_edges = None if self.edge_labels is None else [self.edge_labels[row] for row in rows.tolist()]
        of_nodes: list[Any] | None = None
        if self.node_labels is not None:
            of_nodes = [None] * int(labelled.num_nodes.sum())
            for node, value in zip(labelled.sources[before:].tolist(), self.node_labels, strict=True):
                if value is not None and node < 0:
                    msg = f"{path}: a row with the {policy.node_label} {value!r} names no node; give it an id, or leave it out"
                    raise InputError(msg)
                if value is not None:
                    of_nodes[node] = value
        return RawGraphs(
            num_nodes=labelled.num_nodes,
            edge_offsets=labelled.edge_offsets,
            edges=labelled.edges,
            directed=self.directed if isinstance(self.directed, bool) else np.array(self.directed, bool)[rows],
            attributes=self.attributes,
            spellings=labelled.spellings,
            example=labelled.example,
            left_out={"nodes": labelled.gaps} if labelled.gaps and self.graphs is None else {},
            labels=labels_of(path, nodes=(policy.node_label, of_nodes), edges=(policy.edge_label, of_edges)),
            classes=self._classes(path, labelled.owners[before:].tolist(), len(labelled.num_nodes)),
        )

    def _classes(self, path: Path, owners: list[int], num_graphs: int) -> Classes | None:
        """Of each graph the class that its rows say.

        Raises:
            InputError: they say several.
        """
        said: list[str | None] = [None] * num_graphs
        for owner, value in zip(owners, self.classes or [], strict=False):
            if value is not None and said[owner] not in (None, value):
                msg = f"{path}: the rows of a graph must say one {GRAPH_CLASS}, got {said[owner]} and {value}; mend one"
                raise InputError(msg)
            said[owner] = value if value is not None else said[owner]
        return Classes.of(said)


def _first_number(rows: Rows, nodes: int) -> int:
    """0 or 1, of nodes that are numbers from it on."""
    named = {name for column in (rows.sources, rows.targets) for name in column if name is not None}
    numbers = [int(name) for name in named if re.fullmatch(r"[0-9]{1,18}", name)]
    first = int(min(numbers, default=0) > 0)
    if len(numbers) < len(named) or max(numbers, default=0) >= nodes + first:
        strange = next((name for name in sorted(named) if not name.isdecimal()), str(max(numbers, default=0)))
        msg = f"nodes = {nodes} says that the nodes are 0..{nodes - 1} or 1..{nodes}, got {strange}; leave it out, or mend it"
        raise InputError(msg)
    return first
