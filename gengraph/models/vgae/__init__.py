"""VGAE: a variational graph auto-encoder whose prior is learned, so that it draws graphs (Kipf and Welling, 2016).

- family: what training, sampling and tuning know of it; config: section [model].
- network: graph convolutions, the posterior of a graph's latents, and their prior; model: batches, bound, sampler, links.
"""

from gengraph.models.vgae.family import VGAE

FAMILY = VGAE()

__all__ = ["FAMILY", "VGAE"]
