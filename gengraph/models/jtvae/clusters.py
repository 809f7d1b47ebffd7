"""The vocabulary: kinds of clusters up to labelled isomorphism, each with one numbering of its nodes, its slots.

Kinds are told apart by their labels and edges, never by how a program spells them.

Legend: V kinds, s slots of one, K kinds of labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Edge = tuple[int, int, int]
"""Two nodes, the lower first, and the label of the edge between them."""

_MOST_SYMMETRIES = 720


@dataclass(frozen=True)
class Cluster:
    """A small labelled graph.

    Attributes:
        labels: of its slots.
        edges: between slots, sorted.
        hinge: whether it only joins others; rings have no slots that are hinges.
        orders: what an edge of each label counts in a valence.
    """

    labels: tuple[int, ...]
    edges: tuple[Edge, ...]
    hinge: bool = False
    orders: Sequence[int] = field(default=(), compare=False, repr=False)

    @cached_property
    def near(self) -> list[dict[int, int]]:
        """Of each slot, its neighbours with the labels of the edges."""
        near: list[dict[int, int]] = [{} for _ in self.labels]
        for u, v, label in self.edges:
            near[u][v] = near[v][u] = label
        return near

    @cached_property
    def colours(self) -> list[int]:
        """Of each slot, equal for slots that a symmetry maps onto each other, and for few others."""
        colours: list[Any] = list(self.labels)
        for _ in self.labels:
            refined = [
                hash((own, *sorted((label, colours[v]) for v, label in near.items())))
                for own, near in zip(colours, self.near, strict=True)
            ]
            if len(set(refined)) == len(set(colours)):
                return refined
            colours = refined
        return colours

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for isomorphic clusters, and for few others."""
        return (self.hinge, len(self.edges), *sorted(self.colours))

    @cached_property
    def need(self) -> list[int]:
        """Of each slot, how much its edges in the cluster count."""
        return [sum(self.orders[label] for label in near.values()) for near in self.near]

    @cached_property
    def symmetries(self) -> list[tuple[int, ...]]:
        """The automorphisms, each the slot that every slot goes to; of clusters with very many only the identity."""
        found = []
        for mapping in isomorphisms(self, self):
            found.append(mapping)
            if len(found) > _MOST_SYMMETRIES:
                return [tuple(range(len(self.labels)))]
        return found

    @cached_property
    def entries(self) -> list[tuple[int, ...]]:
        """Where it can be attached by a node or, in order, by the two ends of an edge: the first of what symmetries map on."""
        nodes = [(slot,) for slot in range(len(self.labels))]
        ends = [(u, v) for u, near in enumerate(self.near) for v in sorted(near)]
        by_node, by_edge = not (self.hinge and self.edges), self.hinge or len(self.labels) > 2
        chosen = nodes * by_node + ends * (by_edge and bool(self.edges))
        return [slots for slots in chosen if slots == min(tuple(to[s] for s in slots) for to in self.symmetries)]


def isomorphisms(one: Cluster, other: Cluster) -> Iterator[tuple[int, ...]]:
    """The slot of the other that each slot of one goes to, for all isomorphisms; a search with steps back."""
    count, order = len(one.labels), _connected_order(one)
    places: dict[int, list[int]] = {}
    for slot, colour in enumerate(other.colours):
        places.setdefault(colour, []).append(slot)
    image = [-1] * count
    taken = [False] * count
    before = [[v for v in order[:k] if v in one.near[slot]] for k, slot in enumerate(order)]

    def extend(k: int) -> Iterator[tuple[int, ...]]:
        if k == count:
            yield tuple(image)
            return
        slot = order[k]
        for there in places.get(one.colours[slot], ()):
            near = other.near[there]
            if taken[there] or any(near.get(image[v]) != one.near[slot][v] for v in before[k]):
                continue
            image[slot], taken[there] = there, True
            yield from extend(k + 1)
            image[slot], taken[there] = -1, False

    if one.key == other.key:
        yield from extend(0)


def _connected_order(cluster: Cluster) -> list[int]:
    order, seen = [0], {0}
    for slot in order:
        fresh = [v for v in cluster.near[slot] if v not in seen]
        seen.update(fresh)
        order += fresh
    return order


class Vocabulary:
    """Kinds of clusters by number; it grows by those that it meets.

    Args:
        kinds: those that are known, as `to_json` gave them.
        orders: what an edge of each label counts in a valence.
    """

    def __init__(self, kinds: Sequence[Sequence[Any]], orders: Sequence[int]) -> None:
        self.orders = orders
        self.kinds = [self._cluster(*kind) for kind in kinds]
        self._by_key: dict[Any, list[int]] = {}
        for k, kind in enumerate(self.kinds):
            self._by_key.setdefault(kind.key, []).append(k)
        self._found: dict[Any, tuple[int, tuple[int, ...]]] = {}
        self._pairs: dict[tuple[int, int], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}

    def _cluster(self, labels: Sequence[int], edges: Sequence[Sequence[int]], hinge: bool) -> Cluster:
        return Cluster(tuple(labels), tuple((u, v, label) for u, v, label in edges), bool(hinge), self.orders)

    def to_json(self, count: int | None = None) -> list[Any]:
        """The kinds, JSON-ready."""
        return [[list(kind.labels), [list(edge) for edge in kind.edges], kind.hinge] for kind in self.kinds[:count]]

    def find(self, labels: tuple[int, ...], edges: tuple[Edge, ...], *, hinge: bool) -> tuple[int, tuple[int, ...]]:
        """The number of a cluster's kind, and which of its nodes takes each slot; a kind that is not known becomes one."""
        form = (labels, edges, hinge)
        if form not in self._found:
            self._found[form] = self._search(Cluster(labels, edges, hinge, self.orders))
        return self._found[form]

    def _search(self, cluster: Cluster) -> tuple[int, tuple[int, ...]]:
        known = self._by_key.setdefault(cluster.key, [])
        for k in known:
            places = next(isomorphisms(self.kinds[k], cluster), None)
            if places is not None:
                return k, places
        known.append(len(self.kinds))
        self.kinds.append(cluster)
        return known[-1], tuple(range(len(cluster.labels)))

    def pairs(self, parent: int, child: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """All ways to attach a kind to another by their labels: slots of the parent, and the child's that they become."""
        if (parent, child) not in self._pairs:
            one, other = self.kinds[parent], self.kinds[child]
            shared = [(slot,) for slot in range(len(one.labels))] + [(u, v) for u, v, _ in one.edges if self._opens(one)]
            self._pairs[parent, child] = [
                (slots, entry) for slots in shared for entry in other.entries if _agree(one, slots, other, entry)
            ]
        return self._pairs[parent, child]

    @staticmethod
    def _opens(kind: Cluster) -> bool:
        """Whether others can share its edges: rings and hinges."""
        return kind.hinge or len(kind.labels) > 2


def _agree(one: Cluster, slots: tuple[int, ...], other: Cluster, entry: tuple[int, ...]) -> bool:
    """Whether what is shared has the same labels on both sides."""
    if len(slots) != len(entry) or any(one.labels[p] != other.labels[a] for p, a in zip(slots, entry, strict=True)):
        return False
    return len(slots) == 1 or one.near[slots[0]][slots[1]] == other.near[entry[0]][entry[1]]
