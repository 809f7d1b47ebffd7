"""GraphVAE: a graph as a few numbers, and all of its edges at once from them (Simonovsky and Komodakis, 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- network: encoder and decoder; matching: which node of a graph is which position of the decoder.
- model: batches, loss and sampler.
"""

from gengraph.models.graphvae.family import GraphVAE

FAMILY = GraphVAE()

__all__ = ["FAMILY", "GraphVAE"]
