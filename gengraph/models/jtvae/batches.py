"""Derivations of many graphs as flat arrays, and the coder that makes them.

Legend: B graphs, T clusters, A nodes, E edges and C choices of all of them, L steps of the longest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.jtvae.derivations import NONE, Derivation, Rules, derive, graphs_in_lists
from gengraph.models.numbers import Numbers

_KEPT = 1 << 18  # graphs whose derivations are kept
_MOST_USED = 7


@dataclass(frozen=True, slots=True)
class Slots:
    """Rows of choices as a network reads them; slots of all kinds are numbered through from 1, and 0 is none.

    Attributes:
        parent: int64[C, 2], those of the cluster that is there.
        child: int64[C, 2], those of the cluster that comes.
        used: int64[C, 2], how much the edges at the parent's slots count.
    """

    parent: Int64Array
    child: Int64Array
    used: Int64Array


class Numbering:
    """Numbers of slots by kind; kinds that are not in the vocabulary are one, and their slots none.

    Args:
        sizes: slots of each kind of the vocabulary.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.num_kinds, self.num_slots = len(sizes), sum(sizes)
        self._first = 1 + np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def kinds(self, kinds: Int64Array) -> Int64Array:
        """Numbers of kinds, at most that of the unknown."""
        return np.minimum(kinds, self.num_kinds)

    def slots(self, rows: Int64Array, kinds: Int64Array, used: Int64Array) -> Slots:
        """Of rows int64[C, 7] of `Derivation.choices`, the kinds int64[C] of the clusters that come, and int64[C, 2]."""
        parent, child = (
            np.where((places == NONE) | (of[:, None] >= self.num_kinds), 0, self._first[self.kinds(of)][:, None] + places)
            for places, of in ((rows[:, [2, 4]], rows[:, 6]), (rows[:, [3, 5]], kinds))
        )
        return Slots(parent, child, np.where(rows[:, [2, 4]] == NONE, 0, 1 + np.minimum(used, _MOST_USED)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs, those with more steps first.

    Attributes:
        graph: int64[B].
        lengths: int64[B], steps.
        kinds: int64[T], of the clusters, graph after graph; with `parents`, `depths` and `owner` int64[T] (the graph).
        parents: cluster int64[T], NONE for roots.
        depths: from the root.
        owner: the graph of each cluster.
        at: int64[T], the row in `state_of` order, step by step and graph by graph, that each cluster is decided at; NONE of
            roots.
        steps: int64[L, B, 3]: cluster, whether another follows, and the step to go on from.
        choices: of all attachments; chosen bool[C], owner of each int64[C] (a cluster).
        chosen: whether this is how.
        choice_of: the cluster that is attached.
        atoms: int64[A], labels; with the graph of each, int64[A].
        atom_of: the graph of each node.
        edges: int64[3, 2 E]: source, target and label, first one way and then the other.
        noise: float32[B, 2 c].
        losses_of_data: unknown_clusters, those that the vocabulary has not.
    """

    graph: Int64Array
    lengths: Int64Array
    kinds: Int64Array
    parents: Int64Array
    depths: Int64Array
    owner: Int64Array
    at: Int64Array
    steps: Int64Array
    choices: Slots
    chosen: npt.NDArray[np.bool_]
    choice_of: Int64Array
    atoms: Int64Array
    atom_of: Int64Array
    edges: Int64Array
    noise: npt.NDArray[np.float32]
    losses_of_data: Mapping[str, int]


class Coder:
    """Makes batches; derivations are computed when a graph is first asked for, noise by (seed, epoch, index).

    Args:
        graphs: with labels by the numbers that the model has.
        rules: of attachments.
        numbering: of kinds and slots.
        latents: 2 c, numbers of noise.
    """

    def __init__(self, graphs: GraphSet, rules: Rules, numbering: Numbering, latents: int) -> None:
        self._graphs, self._rules, self._numbering, self._latents = graphs, rules, numbering, latents
        self._kept: dict[int, Derivation] = {}

    def derivation(self, g: int) -> Derivation:
        """Of a graph."""
        if g in self._kept:
            return self._kept[g]
        found = derive(next(graphs_in_lists(self._graphs[g])), self._rules)
        if len(self._kept) < _KEPT:
            self._kept[g] = found
        return found

    def __call__(self, indices: Int64Array, key: tuple[int, int]) -> Batch:
        """The batch of some graphs."""
        found = [self.derivation(g) for g in indices.tolist()]
        order = np.argsort([-len(derivation.steps) for derivation in found], kind="stable")
        found, indices = [found[k] for k in order], indices[order]
        lengths = np.array([len(derivation.steps) for derivation in found], np.int64)
        counts = np.array([len(derivation.clusters) for derivation in found], np.int64)
        first = np.cumsum(counts) - counts
        clusters = np.concatenate([derivation.clusters for derivation in found]).astype(np.int64)
        owner = np.repeat(np.arange(len(found)), counts)
        steps = np.zeros((lengths.max(initial=0), len(found), 3), np.int64)
        for b, derivation in enumerate(found):
            steps[: lengths[b], b] = derivation.steps
        steps[:, :, 0] += first
        rows = np.concatenate([derivation.choices for derivation in found]).astype(np.int64)
        of_choice = np.repeat(np.arange(len(found)), [len(derivation.choices) for derivation in found])
        choice_of = rows[:, 0] + first[of_choice]
        used = np.concatenate([derivation.used for derivation in found]).astype(np.int64)
        kinds = clusters[:, 0]
        noise = Numbers.of(key[0], np.full(len(indices), key[1]), indices).normals(0, self._latents)
        return Batch(
            graph=indices,
            lengths=lengths,
            kinds=self._numbering.kinds(kinds),
            parents=np.where(clusters[:, 1] == NONE, NONE, clusters[:, 1] + first[owner]),
            depths=clusters[:, 2],
            owner=owner,
            at=np.where(clusters[:, 3] == NONE, NONE, row_of(lengths, clusters[:, 3], owner)),
            steps=steps,
            choices=self._numbering.slots(rows, kinds[choice_of], used),
            chosen=rows[:, 1] == 1,
            choice_of=choice_of,
            **self._of_graphs(indices),
            noise=noise.astype(np.float32),
            losses_of_data={"unknown_clusters": int((kinds >= self._numbering.num_kinds).sum())},
        )

    def _of_graphs(self, indices: Int64Array) -> dict[str, Any]:
        """Nodes and edges."""
        graphs = self._graphs[indices]
        atoms = np.zeros(int(graphs.num_nodes.sum()), np.int64) if graphs.node_labels is None else graphs.node_labels
        labels = np.zeros(len(graphs.edges), np.int64) if graphs.edge_labels is None else graphs.edge_labels
        source, target = (graphs.edges + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]).T
        edges = np.stack([np.r_[source, target], np.r_[target, source], np.r_[labels, labels]]).astype(np.int64)
        return {"atoms": atoms.astype(np.int64), "atom_of": graphs.graph_of_node, "edges": edges}


def row_of(lengths: Int64Array, step: Int64Array, graph: Int64Array) -> Int64Array:
    """The row of a step of a graph where rows go step by step, each with the graphs that have it, the longest first."""
    active = (lengths[None] > np.arange(lengths.max(initial=0))[:, None]).sum(1)
    rows: Int64Array = (np.cumsum(active) - active)[step] + graph
    return rows
