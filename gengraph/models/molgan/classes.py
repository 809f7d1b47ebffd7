"""A graph as classes of places for nodes, and of pairs of places: none (0), or the label of the node or edge (from 1 on).

Legend: B graphs, n places, P = n (n - 1) / 2 pairs (i, j), j < i, row by row.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array, LabelArrays, LabelSchema
from gengraph.models.dense import inside


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of some graphs.

    Attributes:
        nodes: int64[B, n].
        pairs: int64[B, P].
    """

    nodes: Int64Array
    pairs: Int64Array


def classes_of(graphs: GraphSet, n: int) -> Classes:
    """Of graphs of at most n nodes, each node at the place of its number."""
    nodes, pairs = np.zeros((len(graphs), n), np.int64), np.zeros((len(graphs), n * (n - 1) // 2), np.int64)
    there = inside(graphs.num_nodes.astype(np.int64), n)
    nodes[there] = 1 if graphs.node_labels is None else 1 + graphs.node_labels
    low, high = graphs.edges.T.astype(np.int64)
    pairs[graphs.graph_of_edge, high * (high - 1) // 2 + low] = 1 if graphs.edge_labels is None else 1 + graphs.edge_labels
    return Classes(nodes, pairs)


def graphs_of(classes: Classes, schema: LabelSchema, limit: int | None = None) -> tuple[GraphSet, npt.NDArray[np.bool_]]:
    """The graphs that have these classes, and which were cut: of larger ones than the limit the first nodes are kept.

    Edges at places without a node are none.
    """
    there = classes.nodes > 0
    number = np.cumsum(there, axis=1) - 1
    cut = np.zeros(len(there), np.bool_) if limit is None else there.sum(1) > limit
    there &= number < (there.shape[1] if limit is None else limit)
    rows, columns = np.tril_indices(there.shape[1], -1)
    graph, pair = np.nonzero((classes.pairs > 0) & there[:, rows] & there[:, columns])
    ends = np.column_stack([number[graph, columns[pair]], number[graph, rows[pair]]])
    labels = LabelArrays.of(schema, classes.nodes[there] - 1, classes.pairs[graph, pair] - 1)
    return GraphSet.from_flat(there.sum(1), graph, ends, labels), cut


def shares(graphs: GraphSet, n: int) -> tuple[list[float], list[float]]:
    """The share of each class among places, and among pairs of places; none is 0, whatever the graphs."""
    kinds = graphs.schema.num_kinds
    sizes = graphs.num_nodes.astype(np.int64)
    labels = (graphs.node_labels, graphs.edge_labels)
    counts = int(sizes.sum()), len(graphs.edges)
    totals = len(graphs) * n, len(graphs) * n * (n - 1) // 2
    found = []
    for of_each, count, total, kind in zip(labels, counts, totals, kinds, strict=True):
        seen = np.zeros(count, np.int64) if of_each is None else of_each
        number = np.bincount(1 + seen, minlength=1 + kind).astype(float)
        number[0] = total - count
        found.append(((number + 0.5) / (number + 0.5).sum()).tolist())
    return found[0], found[1]


def rewards_of(score: Callable[[GraphSet], npt.NDArray[np.float64]], graphs: GraphSet) -> npt.NDArray[np.float64]:
    """float64[B]; graphs without a reward, no molecules say, get 0, or the least of the others if that is less."""
    rewards = score(graphs)
    none = np.isnan(rewards)
    return np.where(none, min(0.0, float(np.min(rewards[~none], initial=0.0))), rewards)
