"""Message passing along edges of several kinds, on matrices padded to the largest graph.

Legend: B graphs, n nodes of the largest of them, K kinds of edges, F numbers of a node.

Reference:
    M. Schlichtkrull, T. N. Kipf, P. Bloem, R. van den Berg, I. Titov, M. Welling. Modeling relational data with graph
    convolutional networks. ESWC 2018.
"""

import torch
from torch import Tensor, nn


class RelationalLayer(nn.Module):
    """A node's next numbers: a linear map of its own, and for each kind one of the sum over its neighbours of that kind.

    Args:
        size_in: numbers of a node before.
        size_out: numbers of a node after.
        kinds: K.
    """

    def __init__(self, size_in: int, size_out: int, kinds: int) -> None:
        super().__init__()
        self.own = nn.Linear(size_in, size_out)
        self.of_kind = nn.Linear(size_in, kinds * size_out, bias=False)
        self.kinds = kinds

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """float[B, n, size_out] without an activation.

        Args:
            nodes: float[B, n, size_in], 0 where a graph has no such node.
            edges: float[B, K, n, n], one where there is an edge of the kind, or how much of one.
        """
        batch, n, _ = nodes.shape
        sent = self.of_kind(nodes).view(batch, n * self.kinds, -1)
        weights = edges.permute(0, 2, 3, 1).reshape(batch, n, n * self.kinds)  # of all kinds in one product
        summed: Tensor = self.own(nodes) + torch.bmm(weights, sent)
        return summed
