"""The training graphs themselves, drawn with replacement: what a memoriser scores."""

from itertools import chain
from typing import Any, ClassVar

import numpy as np

from gengraph.baselines.baseline import Baseline, summary
from gengraph.graphs import GraphSet, Int64Array
from gengraph.streams import choices, stream_key


class Empirical(Baseline):
    """The empirical law: every sample is a uniformly random training graph.

    Its MMD is near the floor and its novelty is 0, so it shows what a good MMD alone is worth.
    """

    model: ClassVar[str] = "empirical"

    def __init__(self) -> None:
        super().__init__()

    def _learn(self, graphs: GraphSet, seed: int, budget: float | None) -> dict[str, Any]:
        return remembered(graphs)

    def _draw(self, state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
        return draw_remembered(state, indices, seed)

    def _readable(self, state: dict[str, Any]) -> dict[str, Any]:
        return readable_remembered(super()._readable(state))


def remembered(graphs: GraphSet) -> dict[str, Any]:
    """All graphs as a JSON-ready state."""
    return {
        "sizes": graphs.num_nodes.tolist(),
        "num_edges": graphs.num_edges.tolist(),
        "edges": graphs.edges.ravel().tolist(),
    }


def readable_remembered(state: dict[str, Any]) -> dict[str, Any]:
    """The state without the edges, their numbers summarised."""
    return {"sizes": state["sizes"], "num_edges": summary(state["num_edges"])}


def draw_remembered(state: dict[str, Any], indices: Int64Array, seed: int) -> GraphSet:
    """A training graph for each graph index of int64[G], drawn with replacement; O(N + E) of those drawn, O(1) of another."""
    chosen = choices(stream_key(seed, "sizes"), indices, len(state["sizes"]))
    distinct, where = np.unique(chosen, return_inverse=True)
    counts = np.array(state["num_edges"], np.int64)
    ends = 2 * np.cumsum(counts)  # in the flat list of the ends of all edges
    spans = zip((ends - 2 * counts)[distinct].tolist(), ends[distinct].tolist(), strict=True)
    offsets = np.concatenate([[0], np.cumsum(counts[distinct])])
    edges = np.fromiter(chain.from_iterable(state["edges"][first:last] for first, last in spans), np.int32, 2 * offsets[-1])
    return GraphSet(np.array(state["sizes"], np.int32)[distinct], offsets, edges.reshape(-1, 2))[where]
