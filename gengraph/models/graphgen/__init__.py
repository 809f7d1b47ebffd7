"""GraphGen: least DFS codes, step by step, by a recurrent network (Goyal, Jain and Ranu, 2020).

- family: what training, sampling and tuning know of it; config: section [model].
- codes: DFS codes and the search for the least one; growth: which steps may come next; views: what the network is told of that.
- batches: codes as it reads them; network: the recurrent network and its heads; model: the likelihood; sampler: draws graphs.
"""

from gengraph.models.graphgen.family import GraphGen

FAMILY = GraphGen()

__all__ = ["FAMILY", "GraphGen"]
