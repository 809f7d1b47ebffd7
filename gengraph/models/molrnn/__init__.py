"""MolRNN and MolMP: labelled graphs node by node, each decision on the graph that is there (Li, Zhang and Liu, 2018).

- family: what training, sampling and tuning know of them; config: section [model].
- sequences: labelled graphs along orders of their nodes as decisions.
- network: graph convolutions on partial graphs, and the logits of all that can be done next.
- model: the likelihood of decisions; sampler: draws graphs together.
"""

from gengraph.models.molrnn.family import MolRNN

FAMILY = MolRNN()

__all__ = ["FAMILY", "MolRNN"]
