"""GRAN: graphs that grow block by block, by an attentive graph network and mixtures of Bernoullis (Liao et al., 2019).

- family: what training, sampling and tuning know of it; config: section [model].
- sequences: graphs under orderings, their windows and names; sizes: the law of the number of nodes.
- packing: what a step sees; prefixes: steps of a batch, packed for the network.
- network: the graph network and its heads; sums: its gathers and segment sums; mixture: the exact law of a step.
- sampler: draws graphs, each by itself; draws and kernels: its compiled code.
"""

from gengraph.models.gran.family import GRAN

FAMILY = GRAN()

__all__ = ["FAMILY", "GRAN"]
