"""Encoder and decoder of GraphVAE [1].

Legend: B graphs, k nodes of the largest, F features, H hidden, c numbers of the latent.

References:
    [1] M. Simonovsky, N. Komodakis. GraphVAE. ICANN 2018, section 4.
    [2] Y. Li, D. Tarlow, M. Brockschmidt, R. Zemel. Gated graph sequence neural networks. ICLR 2016 (the pooling).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from gengraph.models.graphvae.config import GraphVAEConfig


class GraphEncoder(nn.Module):
    """Graph convolutions and a gated sum over nodes, to mean and logarithm of the deviation of the latent."""

    def __init__(self, config: GraphVAEConfig, features: int) -> None:
        super().__init__()
        size = config.hidden_size
        self.into = nn.Linear(features, size)
        self.own = nn.ModuleList(nn.Linear(size, size) for _ in range(config.num_layers))
        self.near = nn.ModuleList(nn.Linear(size, size, bias=False) for _ in range(config.num_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(config.num_layers))
        self.gate, self.value = nn.Linear(size, 2 * size), nn.Linear(size, 2 * size)
        self.out = nn.Sequential(nn.LayerNorm(2 * size), nn.Linear(2 * size, 2 * config.latent_size))

    def forward(self, nodes: Tensor, links: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, c] twice, of features float[B, k, F], adjacency float[B, k, k] and the nodes of each graph bool[B, k]."""
        values = self.into(nodes)
        mean = links / links.sum(-1, keepdim=True).clamp(min=1)
        for own, near, norm in zip(self.own, self.near, self.norms, strict=True):
            values = norm(values + torch.relu(own(values) + mean @ near(values)))
        pooled = (torch.sigmoid(self.gate(values)) * torch.tanh(self.value(values)) * within[..., None]).sum(1)
        mean, log_deviation = self.out(pooled).chunk(2, -1)
        return mean, log_deviation


class GraphDecoder(nn.Module):
    """Logits of all nodes and all edges from the latent, at first those of the training graphs' density.

    Args:
        config: of the model.
        positions: k.
        density: share of pairs that are edges.
    """

    def __init__(self, config: GraphVAEConfig, positions: int, density: float) -> None:
        super().__init__()
        self.positions = positions
        widths = [config.latent_size, *[config.decoder_size] * config.decoder_layers]
        layers = [nn.Sequential(nn.Linear(*pair), nn.LayerNorm(pair[1]), nn.ReLU()) for pair in pairwise(widths)]
        self.layers = nn.Sequential(*layers)
        self.out = nn.Linear(widths[-1], positions + positions * (positions - 1) // 2)
        with torch.no_grad():
            self.out.bias[positions:] = math.log(density / (1 - density))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, k] and float[B, k, k], symmetric, the diagonal 0; of float[B, c]."""
        logits, k = self.out(self.layers(latent)), self.positions
        rows, columns = torch.tril_indices(k, k, -1, device=latent.device)
        edges = logits.new_zeros(len(latent), k, k)
        edges[:, rows, columns] = logits[:, k:]
        return logits[:, :k], edges + edges.transpose(1, 2)
