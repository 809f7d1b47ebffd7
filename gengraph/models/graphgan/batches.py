"""Batches of training graphs: their trees, and the random numbers of what is drawn from each.

Legend: B graphs, T trees, W walks, L branches of the longest walk.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Facts
from gengraph.models.graphgan.trees import Links, Trees
from gengraph.seeded import Stream


@dataclass(frozen=True, slots=True)
class TreeBatch:
    """Some graphs as the network reads them; the graphs follow one another in `graph`, and so do their trees.

    Attributes:
        graph: int64[B], as asked for.
        num_nodes: nodes of all.
        trees: of roots of each.
        num_trees: int64[B], of each graph.
        uniforms: float64[W, L + 1], for the walks, as many from each root; the last for a true neighbour of the root.
    """

    graph: Int64Array
    num_nodes: int
    trees: Trees
    num_trees: Int64Array
    uniforms: npt.NDArray[np.float64]

    @property
    def losses_of_data(self) -> dict[str, int]:
        """Nothing is lost."""
        return {}

    def weights(self, counts: Int64Array) -> npt.NDArray[np.float64]:
        """float64[...], 1 / the count of its graph, for int64[T] counts of what the trees have."""
        graph = np.repeat(np.arange(len(self.graph)), self.num_trees)
        totals = np.bincount(graph, weights=counts, minlength=len(self.graph))
        return 1 / np.repeat(totals[graph], counts)


def training_graphs(facts: Facts) -> GraphSet:
    """The training graphs, which are part of the model: each was fitted by itself."""
    edges = np.array(facts["edges"], np.int64).reshape(-1, 2)
    return GraphSet.from_flat(facts["num_nodes"], np.repeat(np.arange(len(facts["num_nodes"])), facts["num_edges"]), edges)


def find_training(known: GraphSet, graphs: GraphSet) -> Int64Array:
    """Which training graph stands for each: itself where it is one, else number i of them for graph i, round and round."""
    if _names(known) == _names(graphs):
        return np.arange(len(graphs))
    numbers = {name: number for number, name in enumerate(_names(known))}
    return np.array([numbers.get(name, i % len(known)) for i, name in enumerate(_names(graphs))], np.int64)


def encode_trees(
    links: Links, graph: Int64Array, training: Int64Array, roots: int, samples: int, *, key: tuple[int, int]
) -> TreeBatch:
    """Encode graphs, their roots and random numbers drawn from the stream of (seed, graph, epoch).

    Args:
        links: of all training graphs.
        graph: int64[B], what was asked for, which the streams belong to.
        training: int64[B], the training graph of each.
        roots: at most so many of a graph.
        samples: walks from each.
        key: (seed, epoch).
    """
    seed, epoch = key
    streams = [Stream(seed, int(g), epoch) for g in graph]
    drawn = [_roots(links, int(g), roots, stream) for g, stream in zip(training, streams, strict=True)]
    num_trees = np.array([len(own) for own in drawn], np.int64)
    trees = Trees.of(links, np.repeat(training, num_trees), np.concatenate(drawn))
    deepest = trees.deepest()
    uniforms = np.zeros((samples * int(num_trees.sum()), int(deepest.max(initial=0)) + 1))
    ends = np.cumsum(num_trees)
    for stream, first, last in zip(streams, ends - num_trees, ends, strict=True):
        walks, width = (last - first) * samples, int(deepest[first:last].max(initial=0)) + 1
        own = stream.uniforms(walks * width).reshape(walks, width)
        uniforms[first * samples : last * samples, : width - 1] = own[:, 1:]
        uniforms[first * samples : last * samples, -1] = own[:, 0]
    num_nodes = int(np.diff(links.first_node)[training].sum())
    return TreeBatch(graph, num_nodes, trees, num_trees, uniforms)


def _roots(links: Links, graph: int, most: int, stream: Stream) -> Int64Array:
    """Nodes with an edge, `most` of them drawn if there are more."""
    nodes = np.flatnonzero(links.degree(graph))
    return nodes if len(nodes) <= most else np.sort(nodes[stream.permutation(len(nodes))[:most]])


def _names(graphs: GraphSet) -> list[Any]:
    offsets = graphs.edge_offsets
    return [(int(n), graphs.edges[offsets[g] : offsets[g + 1]].tobytes()) for g, n in enumerate(graphs.num_nodes)]
