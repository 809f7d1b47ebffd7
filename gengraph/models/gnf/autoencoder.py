"""Graphs as points: nodes that are linked lie within a distance of one of each other [1].

    p(A_ij = 1 | x) = 1 / (1 + exp(C (|x_i - x_j|^2 - 1)))

A learnt decoder learns C and has r + h_i + h_j in place of 1, r being learnt too and h_i the last coordinate of point i, which
counts for no distance: a hub is linked to nodes that are not near each other, as in [2].

Legend: B graphs, n nodes of the largest, k numbers that embed a node.

References:
    [1] J. Liu, A. Kumar, J. Ba, J. Kiros, K. Swersky. Graph normalizing flows. NeurIPS 2019, section 4.
    [2] P. Krivitsky, M. Handcock, A. Raftery, P. Hoff. Representing degree distributions, clustering, and homophily in social
        networks with latent cluster random effects models. Social Networks 31, 2009.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gengraph.graphs import Int64Array
from gengraph.models.dense import BoolArray
from gengraph.models.gnf.attention import NodeNetwork
from gengraph.models.gnf.config import GNFConfig

FloatArray = npt.NDArray[np.float64]


def waves(links: BoolArray, sizes: Int64Array, random: FloatArray) -> FloatArray:
    """The k lowest eigenvectors, but one, of the Laplacian of each graph: nodes that are close have similar numbers.

    Random numbers decide where the graph does not, as it can be symmetric: they are added to the diagonal, a hundredth of them,
    and choose the signs. O(n^3) a graph.

    Args:
        links: bool[B, n, n].
        sizes: int64[B].
        random: float64[B, n, k].

    Returns:
        float64[B, n, k], of mean square one over the nodes of a graph; zero where it has too few, and in the padding.
    """
    found = np.zeros_like(random)
    for g, n in enumerate(sizes.tolist()):
        own, numbers = links[g, :n, :n].astype(np.float64), random[g, :n]
        root = np.sqrt(np.maximum(own.sum(0), 1))
        laplacian = np.diag(own.any(0) + numbers[:, 0] / 100) - own / root / root[:, None]
        low = np.linalg.eigh(laplacian)[1][:, 1 : 1 + random.shape[2]]
        found[g, :n, : low.shape[1]] = low * np.copysign(np.sqrt(n), (low * numbers[:, : low.shape[1]]).sum(0))
    return found


class GraphEncoder(nn.Module):
    """Embeds nodes by their links and by random numbers, which tell nodes apart that the links do not.

    At first two nodes are about a distance of one apart.

    Args:
        config: of the model.
    """

    def __init__(self, config: GNFConfig) -> None:
        super().__init__()
        k = config.embedding_size
        self.network = NodeNetwork(2 * k + 2, k, config, layers=config.encoder_layers, linked=True)
        with torch.no_grad():
            self.network.out.weight.mul_(k**-0.5)

    def forward(self, links: Tensor, random: Tensor, inside: Tensor) -> Tensor:
        """float[B, n, k] of links float[B, n, n], random numbers and their waves float[B, n, 2 k], inside bool[B, n]."""
        sizes = inside.sum(-1, keepdim=True).to(random)
        degrees = links.sum(-1)
        counts = torch.stack([degrees.log1p(), sizes.log().expand_as(degrees)], -1)
        points: Tensor = self.network(torch.cat([random, counts], -1), inside, links)
        return points


class DistanceDecoder(nn.Module):
    """Links by the distance of points.

    Args:
        config: of the model.
    """

    def __init__(self, config: GNFConfig) -> None:
        super().__init__()
        self.learnt = config.decoder == "learnt"
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(config.sharpness)), requires_grad=self.learnt)
        self.reach = nn.Parameter(torch.ones(()), requires_grad=self.learnt)

    def forward(self, points: Tensor) -> Tensor:
        """float[B, n, n], the logit of a link between points float[B, n, k]."""
        reach: Tensor = self.reach
        if self.learnt:
            reach, points = reach + points[..., -1:] + points[..., None, :, -1], points[..., :-1]
        squares = (points**2).sum(-1)
        distances = squares[..., None] + squares[..., None, :] - 2 * points @ points.transpose(-1, -2)  # squared
        logits: Tensor = self.log_sharpness.exp() * (reach - distances)
        return logits
