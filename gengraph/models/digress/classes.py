"""A labelled graph as classes: of each node its label, of each pair of nodes none (0) or the label of its edge (from 1 on).

Legend: B graphs, n nodes of the largest of them, P = n (n - 1) / 2 pairs, K classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.dense import inside

Classes = npt.NDArray[np.int8] | Int64Array


@dataclass(frozen=True, slots=True)
class ClassArrays:
    """The classes of some graphs.

    Attributes:
        nodes: int[..., n]; 0 where a graph has no such node.
        pairs: int[..., n, n], symmetric; 0 on the diagonal and where a graph has no such nodes.
    """

    nodes: Classes
    pairs: Classes

    def repeated(self, count: int) -> "ClassArrays":
        """Int[B, count, ...]."""
        nodes: Any = np.repeat(self.nodes[:, None], count, axis=1)
        pairs: Any = np.repeat(self.pairs[:, None], count, axis=1)
        return ClassArrays(nodes, pairs)


def classes_of(graphs: GraphSet) -> ClassArrays:
    """int8[B, n] and int8[B, n, n]; the inverse of `dense.labelled_graphs`."""
    n, labels = int(graphs.num_nodes.max(initial=0)), graphs.labels
    nodes, pairs = np.zeros((len(graphs), n), np.int8), np.zeros((len(graphs), n, n), np.int8)
    if labels is not None and labels.nodes is not None:
        nodes[inside(graphs.num_nodes.astype(np.int64), n)] = labels.nodes
    (low, high), of_edge = graphs.edges.T, 0 if labels is None or labels.edges is None else labels.edges
    pairs[graphs.graph_of_edge, low, high] = pairs[graphs.graph_of_edge, high, low] = 1 + of_edge
    return ClassArrays(nodes, pairs)


def marginals(graphs: GraphSet) -> tuple[list[float], list[float]]:
    """The share of each class among nodes, and among pairs; none is 0, whatever the graphs."""
    of_nodes, of_edges = graphs.schema.num_kinds
    labels = graphs.labels
    nodes = np.zeros(int(graphs.num_nodes.sum()), np.int64) if labels is None or labels.nodes is None else labels.nodes
    edges = np.zeros(len(graphs.edges), np.int64) if labels is None or labels.edges is None else labels.edges
    sizes = graphs.num_nodes.astype(np.int64)
    counts = np.bincount(1 + edges, minlength=1 + of_edges).astype(float)
    counts[0] = (sizes * (sizes - 1) // 2).sum() - len(edges)
    shares = [count + 0.5 for count in (np.bincount(nodes, minlength=of_nodes), counts)]
    first, second = ((share / share.sum()).tolist() for share in shares)
    return first, second


def drawn(uniforms: npt.NDArray[np.float64], likely: npt.NDArray[np.float64]) -> Int64Array:
    """int64[...], a class for each number in [0, 1) by float64[..., K] probabilities: 1, 2, ... and then 0."""
    bounds = np.cumsum(likely[..., 1:], axis=-1)
    chosen = (uniforms[..., None] >= bounds).sum(-1) + 1
    return np.where(chosen == likely.shape[-1], 0, chosen)
