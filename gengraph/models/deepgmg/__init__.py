"""DeepGMG: a graph network that decides on nodes and edges one by one, and sees each at once (Li et al., 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- changes: graphs under orderings as the nodes and edges that build them.
- network: messages, the graph's representation, the heads; model: the likelihood of changes; sampler: draws graphs together.
"""

from gengraph.models.deepgmg.family import DeepGMG

FAMILY = DeepGMG()

__all__ = ["FAMILY", "DeepGMG"]
