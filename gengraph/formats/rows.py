"""The rows of a table of edges, whose nodes have names or numbers, and the graphs that they are."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from gengraph.errors import InputError
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.numbering import numbered


@dataclass(kw_only=True, slots=True)
class Rows:
    """The lines of a table as they are read.

    Attributes:
        graphs: the name of each row's graph; None if all are of one graph.
        sources: one end of each edge, or a node alone; None where the row names none.
        targets: the other end.
        directed: edges have a direction.
        attributes: how many values there are of each further column.
    """

    graphs: list[str] | None
    sources: Sequence[str | None]
    targets: Sequence[str | None]
    directed: bool = False
    attributes: Counter[str] = field(default_factory=Counter)

    def names(self) -> set[tuple[str, ...]]:
        """Every node that is named: its graph and its name."""
        owners: Iterable[tuple[str, ...]] = repeat(()) if self.graphs is None else ((name,) for name in self.graphs)
        rows = zip(owners, self.sources, self.targets, strict=False)
        return {(*owner, name) for owner, *ends in rows for name in ends if name is not None}

    def followed_by(self, other: "Rows") -> "Rows":
        """These rows, then those of another table."""
        return Rows(
            graphs=None if self.graphs is None else self.graphs + (other.graphs or []),
            sources=[*self.sources, *other.sources],
            targets=[*self.targets, *other.targets],
            directed=other.directed,
            attributes=self.attributes + other.attributes,
        )

    def numbered(self, policy: Policy) -> RawGraphs:
        """Graphs with numbers for nodes.

        Raises:
            InputError: the policy says how many nodes there are, and these are not numbers of so many.
        """
        if policy.nodes is not None and self.graphs is None:
            wanted = [str(i + _first_number(self, policy.nodes)) for i in range(policy.nodes)]
            labelled = numbered(None, wanted + list(self.sources), [None] * len(wanted) + list(self.targets))
        else:
            labelled = numbered(self.graphs, self.sources, self.targets)
        return RawGraphs(
            num_nodes=labelled.num_nodes,
            edge_offsets=labelled.edge_offsets,
            edges=labelled.edges,
            directed=self.directed,
            attributes=self.attributes,
            spellings=labelled.spellings,
            example=labelled.example,
        )


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
