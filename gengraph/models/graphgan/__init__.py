"""GraphGAN: a generator that walks breadth-first trees, against a discriminator of pairs of nodes (Wang et al., 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- trees: breadth-first trees of many roots at once, and what is summed over their branches.
- batches: training graphs, their trees and random numbers; network: the two tables of embeddings and their game.
- sampler: the generator's law of all pairs of nodes, and graphs drawn by it.
"""

from gengraph.models.graphgan.family import GraphGAN

FAMILY = GraphGAN()

__all__ = ["FAMILY", "GraphGAN"]
