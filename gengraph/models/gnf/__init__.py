"""GNF, graph normalising flows: embeddings of all nodes at once by an invertible network (Liu et al., 2019).

- family: what training, sampling and tuning know of it; config: section [model].
- attention: the layers of both networks; autoencoder: graphs to embeddings and back; flow: embeddings to noise and back.
- model: batches, loss and sampler.
"""

from gengraph.models.gnf.family import GNF

FAMILY = GNF()

__all__ = ["FAMILY", "GNF"]
