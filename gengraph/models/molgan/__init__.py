"""MolGAN: labelled graphs from one latent each, by a game with a critic of whole graphs (De Cao and Kipf, 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- classes: graphs as classes of nodes and pairs of nodes; network: generator and judges; game: what the players gain and lose.
- model: batches, the loss and the sampler.
"""

from gengraph.models.molgan.family import MolGAN

FAMILY = MolGAN()

__all__ = ["FAMILY", "MolGAN"]
