"""The training graphs themselves, drawn with replacement: what a memoriser scores."""

from typing import Any, ClassVar

import numpy as np

from gengraph.baselines.baseline import Baseline, summary
from gengraph.graphs import GraphSet
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

    def _draw(self, state: dict[str, Any], num_graphs: int, seed: int) -> GraphSet:
        return draw_remembered(state, num_graphs, seed)

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


def draw_remembered(state: dict[str, Any], num_graphs: int, seed: int) -> GraphSet:
    """Graphs drawn with replacement; O(N + E)."""
    offsets = np.concatenate([[0], np.cumsum(state["num_edges"])])
    graphs = GraphSet(np.array(state["sizes"]), offsets, np.array(state["edges"]))
    return graphs[choices(stream_key(seed, "sizes"), num_graphs, len(graphs))]
