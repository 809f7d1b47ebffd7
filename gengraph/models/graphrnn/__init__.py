"""GraphRNN, GraphRNN-S and GraphRNN-C: one family with three heads.

A graph under a node ordering is a sequence of adjacency rows (`rows`, `bandwidth`); a node-level network reads them (`network`,
`node`), a head decides each row's edges (`rnn_head`, `mlp_head`, `context_head`), `lanes` draw graphs, and kernels/ compute.
"""

from gengraph.models.graphrnn.family import GraphRNNFamily

FAMILY = GraphRNNFamily()
