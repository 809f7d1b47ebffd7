"""The family JT-VAE."""

from collections import Counter
from typing import TYPE_CHECKING

from gengraph.graphs import GraphSet
from gengraph.models.dense import BoundedFamily, check_undirected
from gengraph.models.family import Capability, Facts
from gengraph.models.jtvae.config import JTVAEConfig
from gengraph.models.valences import valence_lists

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class JTVAE(BoundedFamily):
    """A variational auto-encoder of junction trees.

    Reference:
        W. Jin, R. Barzilay, T. Jaakkola. Junction tree variational autoencoder for molecular graph generation. ICML 2018.
    """

    name = "jtvae"
    config = JTVAEConfig
    loss = "reconstruction and weighted divergence, nats a graph"
    bound_by = "its clusters are learned one by one"

    def capabilities(self, config: JTVAEConfig) -> frozenset[Capability]:
        """It draws labels itself, takes a temperature and a GPU; its loss only bounds a likelihood."""
        return frozenset({"joint", "temperature", "gpu"})

    def select(self, graphs: GraphSet, config: JTVAEConfig) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, directed, or larger than the config allows.
        """
        graphs = super().select(graphs, config)
        check_undirected(graphs, self.name)
        return graphs

    def prepare(self, graphs: GraphSet, config: JTVAEConfig, *, seed: int) -> Facts:
        """The vocabulary of clusters, the largest tree, valences, and how likely a cluster is none of the vocabulary [1].

        References:
            [1] I. J. Good. The population frequencies of species and the estimation of population parameters. Biometrika 40,
                1953.
        """
        from gengraph.models.jtvae.clusters import Vocabulary
        from gengraph.models.jtvae.derivations import graphs_in_lists, tree_of

        found = valence_lists(graphs.schema) if config.valences == "auto" else None
        limits, orders = found or (None, [1] * graphs.schema.num_kinds[1])
        vocabulary, counts, most = Vocabulary([], orders), Counter[int](), 1
        for graph in graphs_in_lists(graphs):
            kinds = tree_of(graph, vocabulary).kinds
            counts.update(kinds)
            most = max(most, len(kinds))
        once = sum(count == 1 for count in counts.values())
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "clusters": vocabulary.to_json(),
            "most_clusters": most,
            "unknown": (once + 0.5) / (counts.total() + 1),
            "limits": limits,
            "orders": orders,
            "apart": bool((graphs.num_components() > 1).any()),
        }

    def describe(self, config: JTVAEConfig, facts: Facts) -> dict[str, str]:
        """Latents, vocabulary, valences."""
        valences = "no atom gets more bonds than it may have" if facts["limits"] else "none: labels are not atoms and bonds"
        return {
            "latents": f"{config.latent_size} numbers of the tree and {config.latent_size} of the graph",
            "divergence": f"times {config.beta:g}, rising over the first {config.anneal:.0%} of the training",
            "vocabulary": f"{len(facts['clusters'])} kinds of clusters, at most {facts['most_clusters']} in a graph",
            "valences": valences if config.valences == "auto" else "not looked at",
        }

    def build(self, config: JTVAEConfig, facts: Facts) -> "nn.Module":
        """The networks with fresh weights."""
        from gengraph.models.jtvae.model import JTVAEModel

        return JTVAEModel(config, facts)

    def space(self, config: JTVAEConfig) -> "Space":
        """Sizes, latent, weight of the divergence."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((64, 128, 256)),
            "model.latent_size": Choice((8, 16, 28, 56)),
            "model.beta": Range(0.01, 1.0, log=True),
            "training.learning_rate": Range(3e-4, 3e-3, log=True),
        }
