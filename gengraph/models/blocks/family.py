"""The family of blocks models."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gengraph.graphs import GraphSet
from gengraph.models.blocks.config import CAPABILITIES, BlocksConfig
from gengraph.models.family import Capability, Facts, Family

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space

_SEVERAL, _AGREED = 1.5, 0.9  # communities a graph, and agreement on them, from which on they say something


class Blocks(Family):
    """Graphs that grow one community after the other, each decision seeing the structure around it."""

    name = "blocks"
    config = BlocksConfig
    loss = "negative log-likelihood, nats a graph"

    def capabilities(self, config: BlocksConfig) -> frozenset[Capability]:
        """All have a likelihood and take a temperature."""
        return CAPABILITIES

    def prepare(self, graphs: GraphSet, config: BlocksConfig, *, seed: int) -> Facts:
        """The resolution, what pieces it makes, and which events there are."""
        from gengraph.graphs.orderings import Adjacency
        from gengraph.models.blocks.pieces import find_pieces
        from gengraph.models.blocks.resolution import agreements, best_resolution
        from gengraph.models.sizes import spread_facts
        from gengraph.models.totals import edge_totals

        agreement = agreements(graphs, seed=seed) if config.resolution is None else {}
        resolution = best_resolution(agreement) if config.resolution is None else config.resolution
        adjacency, components = Adjacency.of(graphs), graphs.num_components()
        pieces = find_pieces(adjacency, resolution, seed=seed)
        first, nodes = graphs.node_offsets[:-1], int(graphs.num_nodes.sum())
        num_pieces = np.maximum.reduceat(pieces, first) + 1
        facts: Facts = {
            "max_num_node": int(graphs.num_nodes.max()),
            "seed": seed,
            "resolution": resolution,
            "agreement": [[name, round(value, 4)] for name, value in agreement.items()],
            "pieces_per_graph": float(num_pieces.mean()),
            "largest_piece": int(max(np.bincount(pieces[a:b]).max() for a, b in pairwise(graphs.node_offsets))),
            "events": [
                bool((num_pieces < graphs.num_nodes).any()),
                bool((num_pieces > components).any()),
                bool((components > 1).any()),
            ],
        }
        if config.totals:
            facts["sizes"] = spread_facts(graphs.num_nodes)
            facts["totals"], facts["rate"] = edge_totals(graphs), round(64 * len(graphs.edges) / nodes)
        return facts

    def describe(self, config: BlocksConfig, facts: Facts) -> dict[str, str]:
        """How graphs are cut and ordered."""
        resolution = f"communities at resolution {facts['resolution']:g}, cut into connected pieces"
        if facts["resolution"] == 0:
            resolution = "whole components"
        if facts["agreement"]:
            table = ", ".join(f"{value:.3f} at {name:g}" for name, value in facts["agreement"])
            resolution += f"; seeds agree to {table}"
        order = {"random": "uniform among those adjacent to the block", "bfs": "breadth first"}
        return {
            "blocks": resolution,
            "blocks a graph": f"{facts['pieces_per_graph']:.1f}, of at most {facts['largest_piece']} nodes",
            "order within a block": order[config.order],
            "edges between blocks": {"joining": "as nodes join", "finished": "when a block is finished"}[config.links],
            "end of a graph": "nodes and edges drawn first" if config.totals else "a decision after each node",
        }

    def suits(self, config: BlocksConfig, facts: Facts) -> str:
        """Graphs with communities that different seeds agree on."""
        agreement = dict(facts["agreement"]).get(facts["resolution"])
        if agreement is None or agreement < _AGREED or facts["pieces_per_graph"] < _SEVERAL:
            return ""
        return f"{facts['pieces_per_graph']:.1f} communities a graph, on which seeds agree to {agreement:.2f}"

    def build(self, config: BlocksConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.blocks.network import BlocksModel

        return BlocksModel(config, facts)

    def space(self, config: BlocksConfig) -> "Space":
        """Order, when blocks are linked, totals, resolution and size."""
        from gengraph.models.space import Choice, Range

        return {
            "model.order": Choice(("random", "bfs")),
            "model.links": Choice(("joining", "finished")),
            "model.totals": Choice((False, True)),
            "model.resolution": Choice((0.5, 0.7, 1.0, 1.3)),
            "model.hidden_size": Choice((32, 64, 96)),
            "model.dropout": Choice((0.0, 0.1, 0.2)),
            "training.learning_rate": Range(1e-3, 1e-2, log=True),
        }
