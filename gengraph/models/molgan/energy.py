"""How far generated graphs are from others, of which a game of two players says nothing: an energy score.

    S(x) = mean_g |f(x) - f(g)| - 1/2 mean_(g, g') |f(g) - f(g')|

over generated graphs g is, in the mean over real graphs x, least where the f(g) have the law of the f(x) [1]; the second term
makes it dear to generate the same again and again. f(x) are the sums over the nodes of what they are after 0, 1, 2 and 3 rounds
of message passing with random weights, and the counts of edges: they do not depend on how the nodes are numbered.

Reference:
    1. T. Gneiting, A. E. Raftery. Strictly proper scoring rules, prediction, and estimation. Journal of the American
       Statistical Association 102, 2007.
"""

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.models.molgan.network import Dense, matrices
from gengraph.seeded import Stream

_ROUNDS, _SIZE = 3, 16


class Features(nn.Module):
    """f, with weights that are the same for all models of so many kinds of nodes and edges."""

    def __init__(self, kinds: tuple[int, int]) -> None:
        super().__init__()
        stream = Stream(*kinds)
        inputs = [kinds[0], *[_SIZE] * (_ROUNDS - 1)]
        for k, size in enumerate(inputs):
            shape = 1 + kinds[1], size, _SIZE
            weights = (2 * stream.uniforms(int(np.prod(shape))).reshape(shape) - 1) * np.sqrt(3 / size)
            self.register_buffer(f"round_{k}", torch.tensor(weights, dtype=torch.float32), persistent=False)

    def forward(self, graphs: Dense) -> Tensor:
        """float[B, F]."""
        batch, n, _ = graphs.nodes.shape
        edges = matrices(graphs.pairs, n).permute(0, 2, 3, 1).reshape(batch, n, -1)
        nodes, there = graphs.nodes, graphs.nodes.sum(-1, keepdim=True)
        found = [graphs.nodes.sum(1), graphs.pairs.sum(1)]
        for weights in (getattr(self, f"round_{k}") for k in range(_ROUNDS)):
            own, *of_kinds = torch.einsum("bnf,kfg->kbng", nodes, weights)
            sent = torch.stack(of_kinds, 2).view(batch, -1, _SIZE)
            nodes = torch.sin(own + torch.bmm(edges, sent)) * there
            found.append(nodes.sum(1))
        return torch.cat(found, -1)


def energy_score(real: Tensor, generated: Tensor) -> Tensor:
    """float[B], S of each of float[B, F] numbers of real graphs, by float[G, F] of generated ones."""
    count = len(generated)
    between = torch.cdist(generated, generated).sum() / max(1, count * (count - 1))
    return torch.cdist(real, generated).mean(1) - between / 2
