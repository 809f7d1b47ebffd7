"""DFS codes of graphs, and the least one of each component.

A depth-first search finds the vertices of a component at times 0, 1, ...; its code has a step (t_u, t_v, L_u, L_v) for each
edge: forward, to a vertex that is new, or, right after a vertex was found, backward from it to those on the rightmost path that
it is joined to, the oldest first. Of two codes the less is the one that, where they first differ, goes backward rather than
forward, backward to the older vertex, forward from the newer one, or to the label that comes first (the larger degree).

Here a step before all others finds the root of a component, so that isolated vertices have codes too; the components of a
graph come one after the other, the largest first, and a last step ends the graph.

The search extends all partial codes that equal the least one so far by all their least extensions, a vertex at a time. Two
partial codes are alike, and one is dropped, if the same vertices are left and those on the path have the same neighbours among
them; of twins (vertices with the same neighbours but for themselves, which can be exchanged) only the first is tried.

References:
    1. X. Yan, J. Han. gSpan: graph-based substructure pattern mining. ICDM 2002 (the codes and their order).
    2. N. Goyal, H. V. Jain, S. Ranu. GraphGen: a scalable approach to domain-agnostic labeled graph generation. WWW 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int32Array
from gengraph.seeded import Stream

ROOT, END = -1, -2
"""The t_u of a step that finds the root of a component, and of the step that ends the graph."""

Labels = Literal["degree", "none"]
_Back = tuple[int, ...]
_NO_MORE = 1 << 30  # after the backward edges of a vertex: going on forward is greater than one more of them


@dataclass(frozen=True, slots=True)
class Component:
    """A connected graph.

    Attributes:
        neighbours: of each vertex, ascending.
        labels: of the vertices; the order of codes takes larger ones first.
    """

    neighbours: Sequence[Sequence[int]]
    labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.labels)

    def back(self, vertex: int, source: int, times: dict[int, int]) -> _Back:
        """When the found neighbours of a vertex were found, but for the one that it is found from."""
        found = [times[other] for other in self.neighbours[vertex] if other in times and other != source]
        return (*sorted(found), _NO_MORE)


def code_of(component: Component, order: Sequence[int]) -> Int32Array:
    """int32[1 + m, 4], the code of a depth-first search that finds the vertices in an order."""
    times: dict[int, int] = {}
    path: list[int] = []
    steps = [(ROOT, 0, 0, component.labels[order[0]])]
    for time, vertex in enumerate(order):
        if path:
            while vertex not in component.neighbours[path[-1]]:
                path.pop()
            source, label = path[-1], component.labels[vertex]
            steps.append((times[source], time, component.labels[source], label))
            back = component.back(vertex, source, times)[:-1]
            steps += [(time, before, label, component.labels[order[before]]) for before in back]
        times[vertex] = time
        path.append(vertex)
    return np.array(steps, np.int32)


def random_order(component: Component, stream: Stream) -> list[int]:
    """The vertices as a depth-first search from a random root finds them, neighbours in random order; O(m)."""
    rank = stream.permutation(len(component))
    found: dict[int, None] = {}
    waiting = [int(np.argmin(rank))]
    while waiting:
        vertex = waiting.pop()
        if vertex not in found:
            found[vertex] = None
            waiting += sorted((other for other in component.neighbours[vertex] if other not in found), key=lambda v: -rank[v])
    return list(found)


@dataclass(frozen=True, slots=True)
class _Partial:
    """A search that has found some vertices.

    Attributes:
        times: of the vertices found, in their order.
        path: the rightmost path, but for vertices without neighbours to find.
        left: of each on the path the set of these neighbours, as bits.
        unfound: the set of all vertices that are left.
    """

    times: dict[int, int]
    path: tuple[int, ...]
    left: tuple[int, ...]
    unfound: int

    def found(self, vertex: int, adjacent: list[int]) -> "_Partial":
        """The search after one more vertex."""
        unfound = self.unfound & ~(1 << vertex)
        path = (*self.path, vertex)
        left = [adjacent[v] & unfound for v in path]
        count = len(path)
        while count and not left[count - 1]:
            count -= 1
        return _Partial({**self.times, vertex: len(self.times)}, path[:count], tuple(left[:count]), unfound)

    @property
    def future(self) -> tuple[int, ...]:
        """Equal futures have equal continuations, once the codes so far are equal."""
        return (self.unfound, *self.left)


def minimum_order(component: Component, most_partial: int) -> tuple[list[int], bool]:
    """The vertices in the order of a search whose code is the least, and whether it is certain to be.

    Complexity: O(n P d), P partial codes that are equal to the least one so far, d the largest degree; P is at most
    `most_partial`, and small but for graphs with many different vertices that look alike.
    """
    adjacent = [sum(1 << other for other in own) for own in component.neighbours]
    twins = _twins(adjacent)
    first = max(component.labels)
    roots = _firsts([v for v in range(len(component)) if component.labels[v] == first], twins)
    everything = (1 << len(component)) - 1
    partial = [_Partial({}, (), (), everything).found(root, adjacent) for root in roots]
    exact = True
    for _ in range(1, len(component)):
        partial = _least_extensions(component, partial, adjacent, twins)
        exact, partial = exact and len(partial) <= most_partial, partial[:most_partial]
    return list(partial[0].times), exact


def _least_extensions(component: Component, partial: list[_Partial], adjacent: list[int], twins: list[int]) -> list[_Partial]:
    """Of all extensions by a vertex those that are least, one of each future."""
    newest = max(one.times[one.path[-1]] for one in partial)
    best: tuple[int, _Back] | None = None
    chosen: list[tuple[_Partial, int]] = []
    for one in partial:
        source = one.path[-1]
        if one.times[source] < newest:
            continue
        for vertex in _firsts([v for v in component.neighbours[source] if v not in one.times], twins):
            says = -component.labels[vertex], component.back(vertex, source, one.times)
            if best is None or says < best:
                best, chosen = says, []
            if says == best:
                chosen.append((one, vertex))
    extended: dict[tuple[int, ...], _Partial] = {}
    for one, vertex in chosen:
        longer = one.found(vertex, adjacent)
        extended.setdefault(longer.future, longer)
    return list(extended.values())


def _twins(adjacent: list[int]) -> list[int]:
    """A number for each vertex, the same for those that can be exchanged for one another while all others stay."""
    classes: dict[tuple[bool, int], int] = {}
    apart = [classes.setdefault((False, own), len(classes)) for own in adjacent]
    joined = [classes.setdefault((True, own | 1 << v), len(classes)) for v, own in enumerate(adjacent)]
    counts = np.bincount(apart + joined)
    return [a if counts[a] > 1 else j for a, j in zip(apart, joined, strict=True)]


def _firsts(vertices: list[int], twins: list[int]) -> list[int]:
    """The first of each class of twins."""
    firsts: dict[int, int] = {}
    for vertex in vertices:
        firsts.setdefault(twins[vertex], vertex)
    return list(firsts.values())


@dataclass(frozen=True, slots=True)
class GraphCodes:
    """The components of some graphs, with their least codes if these were asked for.

    Attributes:
        components: of each graph.
        least: the code of each graph: int32[S, 4], the steps of its components one after the other, then the end.
        exact: bool[G], whether all components of a graph have the least code for certain.
    """

    components: list[list[Component]]
    least: list[Int32Array]
    exact: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, graphs: GraphSet, labels: Labels, most_partial: int | None) -> "GraphCodes":
        """Of all graphs of a set; None searches for no least codes."""
        components = [_components(graph, labels) for graph in graphs]
        codes: list[Int32Array] = []
        exact = np.ones(len(graphs), np.bool_)
        if most_partial is None:
            return cls(components, codes, exact)
        for g, own in enumerate(components):
            orders = [minimum_order(one, most_partial) for one in own]
            exact[g] = all(certain for _, certain in orders)
            codes.append(joined([code_of(one, order) for one, (order, _) in zip(own, orders, strict=True)]))
        return cls(components, codes, exact)

    def random(self, g: int, stream: Stream) -> Int32Array:
        """A random code of a graph."""
        return joined([code_of(one, random_order(one, stream)) for one in self.components[g]])


def joined(codes: list[Int32Array]) -> Int32Array:
    """The code of a graph from those of its components: the largest first, equal sizes by their codes, then the end."""
    in_order = sorted(codes, key=lambda code: (-int(code[:, 1].max()), code.tolist()))
    return np.concatenate([*in_order, np.array([[END, 0, 0, 0]], np.int32)])


def _components(graph: GraphSet, labels: Labels) -> list[Component]:
    """The components of a set of one graph."""
    matrix, place = graph.to_csr(), graph.component_labels()
    neighbours = np.split(matrix.indices, matrix.indptr[1:-1])
    components = []
    for number in np.unique(place):
        vertices = np.flatnonzero(place == number)
        own = [np.searchsorted(vertices, neighbours[v]).tolist() for v in vertices]
        components.append(Component(own, [len(row) if labels == "degree" else 0 for row in own]))
    return components
