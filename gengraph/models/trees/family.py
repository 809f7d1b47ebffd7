"""The family of trees."""

from typing import TYPE_CHECKING

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Capability, Facts, Family
from gengraph.models.trees.config import CAPABILITIES, TreesConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class Trees(Family):
    """Forests from their centres outwards: the heights and sizes of what hangs below each vertex."""

    name = "trees"
    config = TreesConfig
    loss = "negative log-likelihood, nats a graph"

    def capabilities(self, config: TreesConfig) -> frozenset[Capability]:
        """All have a likelihood and take a temperature."""
        return CAPABILITIES

    def select(self, graphs: GraphSet, config: TreesConfig) -> GraphSet:
        """The graphs without cycles, or all if those that have some lose edges.

        Raises:
            InputError: a graph without nodes, or one with a cycle where the config does not say what to do with it.
        """
        graphs = super().select(graphs, config)
        cyclic = np.flatnonzero(num_cycles(graphs))
        if config.cycles == "cut" or not len(cyclic):
            return graphs
        if config.cycles == "error":
            msg = (
                f"trees takes graphs without cycles, {len(cyclic)} of {len(graphs)} have some, the first is graph {cyclic[0]}; "
                "set model.cycles = drop to leave them out or model.cycles = cut to cut an edge of each cycle, or take another "
                "model"
            )
            raise InputError(msg)
        if len(cyclic) == len(graphs):
            msg = f"trees needs a graph without cycles, all {len(graphs)} have some; set model.cycles = cut, or take another"
            raise InputError(msg)
        return graphs[np.setdiff1d(np.arange(len(graphs)), cyclic)]

    def prepare(self, graphs: GraphSet, config: TreesConfig, *, seed: int) -> Facts:
        """Sizes, whether there are edges, whether all are connected, and how many edges are cut."""
        from gengraph.models.sizes import spread_facts

        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "sizes": spread_facts(graphs.num_nodes),
            "has_edges": len(graphs.edges) > 0,
            "connected": bool((graphs.num_components() == 1).all()),
            "cut_edges": int(num_cycles(graphs).sum()),
        }

    def describe(self, config: TreesConfig, facts: Facts) -> dict[str, str]:
        """What the graphs are, and what became of cycles."""
        return {
            "graphs": "trees" if facts["connected"] else "forests",
            "end": "drawn from the sizes of the training graphs",
            "cycles": {"error": "refused", "drop": "left out", "cut": f"cut, {facts['cut_edges']} edges"}[config.cycles],
        }

    def suits(self, config: TreesConfig, facts: Facts) -> str:
        """Graphs without cycles; others are refused before."""
        if config.cycles != "error":
            return ""
        return "all graphs are trees" if facts["connected"] else "no graph has a cycle"

    def build(self, config: TreesConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.trees.network import TreesModel

        return TreesModel(config, facts)

    def space(self, config: TreesConfig) -> "Space":
        """Size, dropout and learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((16, 32, 64, 96)),
            "model.dropout": Choice((0.0, 0.1, 0.3)),
            "training.learning_rate": Range(1e-3, 1e-2, log=True),
        }


def num_cycles(graphs: GraphSet) -> Int64Array:
    """int64[G], how many edges of each graph must go until it has no cycle."""
    count: Int64Array = graphs.num_edges - graphs.num_nodes + graphs.num_components()
    return count
