"""The family GRAN."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST, ROOTED
from gengraph.models.family import Capability, Facts, Family
from gengraph.models.gran.config import GRANConfig
from gengraph.rewards.conditions import condition_facts, describe_conditions

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space

_LOOKS = 8  # orderings of each training graph that windows are measured in


class GRAN(Family):
    """Graph Recurrent Attention Networks.

    Reference:
        R. Liao, Y. Li, Y. Song, S. Wang, C. Nash, W. L. Hamilton, D. Duvenaud, R. Urtasun, R. Zemel. Efficient Graph Generation
        with Graph Recurrent Attention Networks. NeurIPS 2019.
    """

    name = "gran"
    config = GRANConfig
    loss = "negative log-likelihood, nats a graph"
    widths = ("row_length",)

    def capabilities(self, config: GRANConfig) -> frozenset[Capability]:
        """All GRANs have a likelihood and take a temperature."""
        return config.capabilities

    def prepare(self, graphs: GraphSet, config: GRANConfig, *, seed: int) -> Facts:
        """Sizes, and how far back edges and windows reach in a few orderings of each graph."""
        from gengraph.graphs.orderings import Adjacency
        from gengraph.models.gran.sequences import encode_sequences, reach
        from gengraph.models.sizes import size_counts

        adjacency, everything = Adjacency.of(graphs), np.arange(len(graphs))
        furthest, widest, num_cut = 1, 1, 0
        for epoch in range(_LOOKS):
            batch = encode_sequences(adjacency, everything, config, key=(seed, epoch))
            seen = reach(batch, config.stride)
            furthest, widest, num_cut = max(furthest, seen[0]), max(widest, seen[1]), num_cut + batch.num_cut
        largest = int(graphs.num_nodes.max())
        row_length = largest if config.row_input == "absolute" else furthest
        connected = bool((graphs.num_components() == 1).all())
        return {
            "max_num_node": largest,
            "sizes": size_counts(graphs.num_nodes),
            "row_length": config.row_length or row_length,
            "window_length": widest,
            "has_edges": len(graphs.edges) > 0,
            "several_components": not connected or num_cut > 0 or any(name not in ROOTED for name in config.orderings),
            "conditions": condition_facts(graphs, config.conditions, self.name),
        }

    def describe(self, config: GRANConfig, facts: Facts) -> dict[str, str]:
        """Order, window, what is approximate."""
        exact = config.max_prev_node is None
        window = f"{config.window}, at most {facts['window_length']} nodes in the training graphs"
        rows = {
            "orderings": ", ".join(config.orderings) + (f" ({config.family})" if len(config.orderings) > 1 else ""),
            "block size / stride": f"{config.block_size} / {config.stride}",
            "window": window + ("" if exact else f"; edges further back than {config.max_prev_node} nodes are cut"),
            "messages": f"the window and {config.halo} nodes before it" if config.messages == "window" else "the graph so far",
            "end": "drawn from the sizes of the training graphs" if config.termination == "size" else "a decision of the model",
            **describe_conditions(facts.get("conditions", [])),
        }
        if config.oldest == "softmax":
            rows["row"] = "its oldest neighbour first, then a mixture over the candidates after it"
        if config.stride < config.block_size:
            rows["law"] = "a step keeps the first nodes of its block; the likelihood sums the others out"
        if config.prefixes:
            rows["training loss"] = f"unbiased estimate from {config.prefixes} steps a graph; evaluation is exact"
        return rows

    def build(self, config: GRANConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.gran.network import GRANModel

        return GRANModel(config, facts)

    def space(self, config: GRANConfig) -> "Space":
        """Ordering, sizes and the number of prefixes."""
        from gengraph.models.space import Choice, Range

        space: dict[str, Any] = {
            "model.hidden_size": Choice((32, 48, 64, 96)),
            "model.num_layers": Choice((2, 3, 4, 5)),
            "model.num_mixtures": Choice((10, 20, 40)),
            "training.learning_rate": Range(5e-4, 5e-3, log=True),
        }
        if config.prefixes:
            space["model.prefixes"] = Choice((8, 16, 32))
        if len(config.orderings) == 1:
            choices = BREADTH_FIRST if config.window == "adaptive" else ("bfs", "cm", "dfs", "degree", "k-core")
            space["model.orderings"] = Choice(tuple((name,) for name in choices))
        return space
