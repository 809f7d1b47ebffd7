"""DiGress: graphs by denoising, edge by edge and all at once (Vignac et al., 2023).

- family: what training, sampling and tuning know of it; config: section [model].
- noise: the schedule, transitions and their posterior; features: cycles and spectra of noisy graphs.
- molecular: bonds and weights of noisy molecules.
- network: the graph transformer; model: batches, loss and sampler.
"""

from gengraph.models.digress.family import DiGress

FAMILY = DiGress()

__all__ = ["FAMILY", "DiGress"]
