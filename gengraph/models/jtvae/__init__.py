"""JT-VAE: graphs as junction trees of rings and bonds, from two latents (Jin et al., 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- decomposition: the tree of a graph; clusters: the vocabulary; derivations: the decisions that a graph is built by.
- batches: derivations of many graphs as arrays; network: encoders and decoder; model: loss; sampler: graphs from latents.
"""

from gengraph.models.jtvae.family import JTVAE

FAMILY = JTVAE()

__all__ = ["FAMILY", "JTVAE"]
