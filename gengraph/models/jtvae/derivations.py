"""The decisions that a graph is built by: clusters depth first, each with where it is attached to the one before.

A derivation is unique but for ties between equal branches: the root is the centroid of the tree, smaller branches come first,
and of all symmetric ways to number the slots of a cluster the one is taken that its attachments name first. So what the decoder
says are numbers of kinds and of slots, and a graph that it builds has labels, edges and valences that fit by construction.

Legend: T clusters of a graph in the order in which they are built, L = 2 T - 1 steps, C choices of all attachments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.jtvae.clusters import Edge, Vocabulary
from gengraph.models.jtvae.decomposition import decompose

Int32Array = npt.NDArray[np.int32]
Choice = tuple[tuple[int, ...], tuple[int, ...]]
"""Slots of a cluster and those of one that is attached to it: the same nodes of the graph."""

NONE = -1
_PRIME, _FACTOR = (1 << 61) - 1, 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Rules:
    """What attachments must obey.

    Attributes:
        vocabulary: of the kinds of clusters.
        limits: by node label, the largest sum of orders of its edges; None where there is none.
        apart: whether a cluster may be attached by no node at all: graphs need not be connected.
    """

    vocabulary: Vocabulary
    limits: Sequence[int] | None = None
    apart: bool = False

    def choices(self, parent: int, child: int, used: Sequence[int]) -> list[Choice]:
        """The ways to attach a kind to another.

        Args:
            parent: number of the kind that is there.
            child: number of the kind that comes.
            used: sum of the orders of the edges at each slot of the parent.
        """
        pairs = self.vocabulary.pairs(parent, child)
        if self.limits is not None:
            limits, labels, new = self.limits, self.vocabulary.kinds[parent].labels, self.vocabulary.kinds[child]
            pairs = [
                (slots, entry)
                for slots, entry in pairs
                if all(
                    used[p] + new.need[a] - self._shared(child, entry) <= limits[labels[p]]
                    for p, a in zip(slots, entry, strict=True)
                )
            ]
        return [*pairs, ((), ())] if self.apart else pairs

    def _shared(self, child: int, entry: tuple[int, ...]) -> int:
        """The order of the edge that is there already."""
        if len(entry) < 2:
            return 0
        return self.vocabulary.orders[self.vocabulary.kinds[child].near[entry[0]][entry[1]]]

    def attach(self, used: list[int], child: int, places: Sequence[int], entry: tuple[int, ...]) -> None:
        """Count the edges of a cluster at the nodes of the graph that its slots have."""
        for slot, need in enumerate(self.vocabulary.kinds[child].need):
            used[places[slot]] += need
        for slot in entry:
            used[places[slot]] -= self._shared(child, entry)


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a graph is built.

    Attributes:
        clusters: int32[T, 4]: kind, parent, depth, and the step that it is decided at (-1 for the root).
        steps: int32[L, 3]: where the decoder stands, whether another cluster follows there, and the step whose state it goes on
            from: the one before when it went down, the last one at this cluster when it came back.
        choices: int32[C, 7]: the cluster that is attached, whether this is how, then a slot of the parent and one of the
            cluster for the first node that they share, the same for the second (NONE where there is none); the parent's kind.
        used: int32[C, 2], how much the edges of the two slots of the parent count so far.
    """

    clusters: Int32Array
    steps: Int32Array
    choices: Int32Array
    used: Int32Array


@dataclass(frozen=True, slots=True)
class LabelledGraph:
    """One graph in lists.

    Attributes:
        labels: of its nodes.
        edges: with their labels.
    """

    labels: list[int]
    edges: list[Edge]


def graphs_in_lists(graphs: GraphSet) -> Iterator[LabelledGraph]:
    """Each graph of a set; without labels all are 0."""
    nodes, offsets = graphs.node_offsets.tolist(), graphs.edge_offsets.tolist()
    labels = np.zeros(nodes[-1], np.int32) if graphs.node_labels is None else graphs.node_labels
    of_edges = np.zeros(offsets[-1], np.int32) if graphs.edge_labels is None else graphs.edge_labels
    edges = np.column_stack([graphs.edges, of_edges])
    for g in range(len(graphs)):
        own = edges[offsets[g] : offsets[g + 1]].tolist()
        yield LabelledGraph(labels[nodes[g] : nodes[g + 1]].tolist(), [(u, v, label) for u, v, label in own])


@dataclass(frozen=True, slots=True)
class Tree:
    """A rooted junction tree, in the order in which it is built.

    Attributes:
        kinds: of its T clusters.
        places: the nodes of the graph that each one's slots have.
        parents: NONE for the root.
    """

    kinds: list[int]
    places: list[tuple[int, ...]]
    parents: list[int]


def tree_of(graph: LabelledGraph, vocabulary: Vocabulary) -> Tree:
    """The junction tree of a graph; kinds that are new join the vocabulary."""
    near = [0] * len(graph.labels)
    bonds: list[dict[int, int]] = [{} for _ in near]
    for u, v, label in graph.edges:
        near[u] |= 1 << v
        near[v] |= 1 << u
        bonds[u][v] = label
    found = decompose(near)
    kinds, places = [], []
    for nodes, hinge in zip(found.clusters, found.hinges, strict=True):
        edges = tuple((i, j, bonds[u][v]) for i, u in enumerate(nodes) for j, v in enumerate(nodes) if v in bonds[u])
        labels = tuple([graph.labels[node] for node in nodes])
        kind, slots = vocabulary.find(labels, edges, hinge=hinge)
        kinds.append(kind)
        places.append(tuple([nodes[slot] for slot in slots]))
    order, parents = _rooted(kinds, found.links)
    number = {cluster: k for k, cluster in enumerate(order)}
    return Tree(
        [kinds[c] for c in order],
        [places[c] for c in order],
        [NONE if parents[c] == NONE else number[parents[c]] for c in order],
    )


def _rooted(kinds: list[int], links: list[list[int]]) -> tuple[list[int], list[int]]:
    """The order in which clusters are built, and the parent of each; further components hang on the root of the first."""
    parents, roots = [NONE] * len(kinds), []
    branches: dict[int, tuple[int, int]] = {}
    seen = [False] * len(kinds)
    for first in range(len(kinds)):
        if not seen[first]:
            order = _outward(first, links, parents)
            for c in order:
                seen[c] = True
            codes = {centre: _codes(centre, kinds, links, parents) for centre in _centroids(order, parents)}
            root = max(codes, key=lambda centre: codes[centre][centre])
            _outward(root, links, parents)
            branches |= codes[root]
            roots.append(root)
    roots.sort(key=lambda c: branches[c], reverse=True)
    for root in roots[1:]:
        parents[root] = roots[0]
    ordered, waiting = [], [roots[0]]
    while waiting:
        c = waiting.pop()
        ordered.append(c)
        waiting += sorted([other for other in links[c] if parents[other] == c], key=lambda other: branches[other], reverse=True)
        if c == roots[0]:
            waiting[:0] = roots[1:]
    return ordered, parents


def _outward(root: int, links: list[list[int]], parents: list[int]) -> list[int]:
    """The clusters of a component from one on outwards; their parents are set."""
    parents[root], order = NONE, [root]
    for c in order:
        for other in links[c]:
            if other != parents[c]:
                parents[other] = c
                order.append(other)
    return order


def _centroids(order: list[int], parents: list[int]) -> list[int]:
    """The one or two clusters without which no part of the tree is larger than half."""
    size, largest = dict.fromkeys(order, 1), dict.fromkeys(order, 0)
    for c in reversed(order[1:]):
        size[parents[c]] += size[c]
        largest[parents[c]] = max(largest[parents[c]], size[c])
    return [c for c in order if max(largest[c], len(order) - size[c]) * 2 <= len(order)]


def _codes(root: int, kinds: list[int], links: list[list[int]], parents: list[int]) -> dict[int, tuple[int, int]]:
    """Size and a hash of the branch of each cluster under a root."""
    order = _outward(root, links, parents)
    below: dict[int, list[tuple[int, int]]] = {c: [] for c in order}
    codes = {}
    for c in reversed(order):
        value, size = kinds[c] + 1, 1
        for part, code in sorted(below[c]):
            size += part
            value = _mixed(value + code)
        codes[c] = (size, _mixed(value))
        if c != root:
            below[parents[c]].append(codes[c])
    return codes


def _mixed(value: int) -> int:
    value = value * _FACTOR % _PRIME
    return (value ^ value >> 29) * _FACTOR % _PRIME


def derive(graph: LabelledGraph, rules: Rules) -> Derivation:
    """The decisions that build a graph.

    Raises:
        InputError: it is not connected, and the rules ask for that.
    """
    tree = tree_of(graph, rules.vocabulary)
    children: list[list[int]] = [[] for _ in tree.kinds]
    for c, parent in enumerate(tree.parents[1:], 1):
        children[parent].append(c)
    used, places = [0] * len(graph.labels), list(tree.places)
    choices, amounts = [], []
    for c, (kind, parent) in enumerate(zip(tree.kinds, tree.parents, strict=True)):
        shares = [[node for node in places[other] if node in places[c]] for other in children[c]]
        shared: list[int] = []
        if parent != NONE:
            slots = tuple(slot for slot, node in enumerate(places[parent]) if node in places[c])
            shared = [places[parent][slot] for slot in slots]
        places[c], entry = _numbered(rules, kind, places[c], shared, shares)
        if parent != NONE:
            found = _choices(rules, (tree.kinds[parent], kind), [used[node] for node in places[parent]], (slots, entry))
            choices += [(c, *choice) for choice, _ in found]
            amounts += [amount for _, amount in found]
        rules.attach(used, kind, places[c], entry)
    steps, depth, decided = _steps(children)
    clusters = np.array([tree.kinds, tree.parents, depth, decided], np.int32).T
    return Derivation(
        clusters,
        np.array(steps, np.int32),
        np.array(choices, np.int32).reshape(-1, 7),
        np.array(amounts, np.int32).reshape(-1, 2),
    )


def _numbered(
    rules: Rules, kind: int, places: tuple[int, ...], shared: list[int], shares: list[list[int]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of all symmetric ways to number a cluster's nodes the one whose attachments come first; and the slots that are shared.

    Args:
        rules: with the vocabulary.
        kind: of the cluster.
        places: its nodes by slot.
        shared: those that it has from its parent, in the parent's order.
        shares: those that each of its children has from it.
    """
    symmetries = rules.vocabulary.kinds[kind].symmetries
    ways = [tuple([places[slot] for slot in to]) for to in symmetries] if len(symmetries) > 1 else [places]
    entry = min(tuple([way.index(node) for node in shared]) for way in ways)
    ways = [way for way in ways if all(way[slot] == node for slot, node in zip(entry, shared, strict=True))]
    for share in shares:
        if len(ways) == 1:
            break
        named = [tuple(sorted([way.index(node) for node in share])) for way in ways]
        first = min(named)
        ways = [way for way, slots in zip(ways, named, strict=True) if slots == first]
    return ways[0], entry


def _choices(
    rules: Rules, kinds: tuple[int, int], used: list[int], chosen: Choice
) -> list[tuple[tuple[int, ...], tuple[int, int]]]:
    """The rows of `Derivation.choices`, but for the cluster, and of `Derivation.used`."""
    offered = rules.choices(*kinds, used)
    if chosen not in offered:
        if not chosen[0]:
            msg = "jtvae was trained on connected graphs, got one of several components; train on such too, or drop these"
            raise InputError(msg)
        offered = [*offered, chosen]  # more bonds than an atom may have, in a graph that is there
    return [row(choice, used, chosen=choice == chosen, parent=kinds[0]) for choice in offered]


def row(choice: Choice, used: Sequence[int], *, chosen: bool, parent: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """A choice as numbers of `Derivation`."""
    slots, entry = choice
    first = (slots[0], entry[0]) if slots else (NONE, NONE)
    second = (slots[1], entry[1]) if len(slots) > 1 else (NONE, NONE)
    amounts = [used[slot] for slot in slots] + [0, 0]
    return (int(chosen), *first, *second, parent), (amounts[0], amounts[1])


def _steps(children: list[list[int]]) -> tuple[list[tuple[int, int, int]], list[int], list[int]]:
    """The steps depth first; the depth of each cluster, and the step that it is decided at."""
    steps: list[tuple[int, int, int]] = []
    depth, decided = [0] * len(children), [NONE] * len(children)
    path, last, done, before = [0], [0] * len(children), [0] * len(children), NONE
    while path:
        c, now = path[-1], len(steps)
        last[c] = now
        expands = done[c] < len(children[c])
        steps.append((c, int(expands), before))
        if expands:
            child = children[c][done[c]]
            done[c] += 1
            depth[child], decided[child] = len(path), now
            path.append(child)
            before = now
        else:
            path.pop()
            before = last[path[-1]] if path else NONE
    return steps, depth, decided
