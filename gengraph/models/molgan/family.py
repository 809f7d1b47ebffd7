"""The family MolGAN."""

from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily, check_undirected
from gengraph.models.family import Capability, Facts
from gengraph.models.molgan.config import MolGANConfig, capabilities
from gengraph.models.valences import valence_lists

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class MolGAN(BoundedFamily):
    """A generator of whole labelled graphs, a critic, and a reward.

    Reference:
        N. De Cao, T. Kipf. MolGAN: an implicit generative model for small molecular graphs. ICML 2018 workshop on theoretical
        foundations and applications of deep generative models.
    """

    name = "molgan"
    config = MolGANConfig
    loss = "energy score of generated graphs, a graph"

    def capabilities(self, config: MolGANConfig) -> frozenset[Capability]:
        """It draws labels itself, takes a GPU, and where there is noise a temperature."""
        return capabilities(config)

    def select(self, graphs: GraphSet, config: MolGANConfig) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, larger than the config allows, directed, or without what a reward is of.
        """
        graphs = super().select(graphs, config)
        check_undirected(graphs, self.name)
        if config.reward:
            from gengraph.rewards.find import find_reward

            find_reward(config.reward)(graphs[:1])  # whether it is for such graphs
        return graphs

    def prepare(self, graphs: GraphSet, config: MolGANConfig, *, seed: int) -> Facts:
        """The largest size, the share of each class, and what valences the labels say."""
        from gengraph.models.molgan.classes import shares

        n = int(graphs.num_nodes.max())
        of_nodes, of_pairs = shares(graphs, n)
        found = valence_lists(graphs.schema) if config.valences == "auto" else None
        valences, orders = found or ([], [])
        return {
            "max_num_node": n,
            "has_edges": len(graphs.edges) > 0,
            "of_nodes": of_nodes,
            "of_pairs": of_pairs,
            "valences": valences,
            "orders": orders,
        }

    def describe(self, config: MolGANConfig, facts: Facts) -> dict[str, str]:
        """What the generator decides, what the critic sees, what else it is trained to."""
        described = {
            "a sample": f"up to {facts['max_num_node']} nodes and all edges at once, from {config.latent_size} random numbers",
            "the critic sees": {
                "straight-through": "graphs as they are drawn",
                "gumbel": "relaxed samples",
                "softmax": "probabilities",
            }[config.discretise]
            + (f", {config.pack} at a time" if config.pack > 1 else ""),
        }
        if config.reward:
            described["reward"] = f"{config.reward}, {config.reward_weight:.0%} of the generator's gradient"
        if facts["valences"]:
            described["bonds"] = "only where both atoms have valence left"
        return described

    def build(self, config: MolGANConfig, facts: Facts) -> "nn.Module":
        """The players with fresh weights."""
        from gengraph.models.molgan.model import MolGANModel

        return MolGANModel(config, facts)

    def space(self, config: MolGANConfig) -> "Space":
        """Sizes, the pack, the rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.latent_size": Choice((8, 16, 32, 64)),
            "model.judge_size": Choice((32, 64, 128)),
            "model.pack": Choice((1, 2, 4)),
            "training.learning_rate": Range(1e-4, 2e-3, log=True),
        }
