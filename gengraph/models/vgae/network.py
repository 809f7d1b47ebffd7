"""Graph convolutions, the posterior of the latents of a graph and its nodes, and their prior.

Legend: B graphs, V nodes of all of them together, E edges of all of them, H hidden units, D numbers a latent of a node has,
U numbers that of a graph has.

References:
    [1] T. Kipf, M. Welling. Semi-supervised classification with graph convolutional networks. ICLR 2017.
    [2] T. Kipf, M. Welling. Variational graph auto-encoders. NeurIPS workshop on Bayesian deep learning, 2016.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WAVES = 4
_LEAST, _MOST = -6.0, 3.0  # of the log of a standard deviation


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Independent normal laws.

    Attributes:
        mean: float[...].
        log_std: float[...], the log of the standard deviation.
    """

    mean: Tensor
    log_std: Tensor

    @classmethod
    def of(cls, numbers: Tensor) -> "Gaussian":
        """From float[..., 2 D] of a network."""
        mean, log_std = numbers.chunk(2, -1)
        return cls(mean, log_std.clamp(_LEAST, _MOST))

    @classmethod
    def standard(cls, like: Tensor) -> "Gaussian":
        """As many standard normal laws as a tensor has numbers."""
        return cls(torch.zeros_like(like), torch.zeros_like(like))

    def moved(self, by: "Gaussian") -> "Gaussian":
        """The laws of what these make of numbers of other laws: a + s x for x ~ N(m, t^2) is N(a + s m, (s t)^2)."""
        return Gaussian(self.at(by.mean), self.log_std + by.log_std)

    def at(self, noise: Tensor) -> Tensor:
        """float[...], what belongs to standard normal numbers float[...]."""
        return self.mean + noise * self.log_std.exp()

    def divergence(self, other: "Gaussian") -> Tensor:
        """float[...], the Kullback-Leibler divergence from another law, number by number."""
        ratio = (2 * (self.log_std - other.log_std)).exp()
        distance = (self.mean - other.mean) ** 2 * (-2 * other.log_std).exp()
        return (ratio + distance - 1) / 2 + other.log_std - self.log_std


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of graphs.

    Attributes:
        graph: int64[V], which of the graphs each belongs to.
        rank: int64[V], its place in the order of its graph.
        sizes: int64[B], nodes of each graph.
    """

    graph: Tensor
    rank: Tensor
    sizes: Tensor

    def places(self) -> Tensor:
        """float64[V, 2 + waves], where a node stands in its graph, and how large that is, on scales of about 1."""
        n = self.sizes[self.graph].double()[:, None]
        share = (self.rank[:, None] + 0.5) / n
        waves = torch.arange(1, _WAVES + 1, dtype=torch.float64, device=share.device)
        return torch.cat([share, n.log() / 3, (torch.pi * share * waves).cos()], -1)


def convolve(values: Tensor, ends: Tensor) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 X, D the degrees of A + I [1].

    Args:
        values: X, float[V, H].
        ends: int64[2, 2 E], each edge in both directions.
    """
    degree = torch.bincount(ends[0], minlength=len(values)).to(values) + 1
    scale = degree.rsqrt()[:, None]
    scaled = values * scale
    mixed: Tensor = scaled.index_add(0, ends[0], scaled[ends[1]]) * scale
    return mixed


class Encoder(nn.Module):
    """The posterior of the latents of nodes, on the scale of their prior: two convolutions, the first of one-hot ranks [2].

    Args:
        largest: ranks that are told apart.
        sizes: H, D.
    """

    def __init__(self, largest: int, sizes: tuple[int, int]) -> None:
        super().__init__()
        hidden, latent = sizes
        self.of_rank = nn.Parameter(torch.empty(largest, hidden))
        self.second = nn.Parameter(torch.empty(hidden, 2 * latent))
        nn.init.xavier_uniform_(self.of_rank)
        nn.init.xavier_uniform_(self.second[:, :latent])
        nn.init.xavier_uniform_(self.second[:, latent:])

    def forward(self, nodes: Nodes, ends: Tensor) -> tuple[Tensor, Gaussian]:
        """The hidden units of nodes float[V, H], and the posterior of [V, D] that would be standard normal a priori."""
        first = self.of_rank[nodes.rank.clamp(max=len(self.of_rank) - 1)]
        hidden = torch.relu(convolve(first, ends))
        return hidden, Gaussian.of(convolve(hidden @ self.second, ends))


class GraphEncoder(nn.Module):
    """The posterior of the latents of graphs, from the hidden units of their nodes.

    Args:
        sizes: H, U.
    """

    def __init__(self, sizes: tuple[int, int]) -> None:
        super().__init__()
        hidden, graph = sizes
        self.node = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        self.graph = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2 * graph))

    def forward(self, hidden: Tensor, nodes: Nodes) -> Gaussian:
        """[B, U]."""
        at_node = self.node(hidden)
        pooled = at_node.new_zeros(len(nodes.sizes), at_node.shape[1]).index_add(0, nodes.graph, at_node)
        return Gaussian.of(self.graph(pooled / nodes.sizes[:, None]))


class Prior(nn.Module):
    """The law of a node's latents, given its rank, the size of its graph, and the latents of that.

    Args:
        largest: ranks that are told apart.
        sizes: H, D, U.
    """

    def __init__(self, largest: int, sizes: tuple[int, int, int]) -> None:
        super().__init__()
        hidden, latent, graph = sizes
        self.of_rank = nn.Embedding(largest, hidden)
        self.of_place, self.of_graph = nn.Linear(2 + _WAVES, hidden), nn.Linear(graph, hidden)
        self.behind = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))

    def forward(self, graph: Tensor, nodes: Nodes) -> Gaussian:
        """[V, D], of float[B, U]."""
        rank = self.of_rank(nodes.rank.clamp(max=self.of_rank.num_embeddings - 1))
        place = self.of_place(nodes.places().to(graph))
        return Gaussian.of(self.behind(rank + place + self.of_graph(graph)[nodes.graph]))
