"""The networks of MolGAN: a generator of dense graphs, and judges of graphs.

A dense graph is float[B, n, C], how much each place is a node of each kind, and float[B, P, K], how much each pair of places
is an edge of each kind; the rest of one is how much there is none.

Legend: B graphs, n places, P pairs (i, j), j < i, row by row; C kinds of nodes, K kinds of edges.

References:
    1. N. De Cao, T. Kipf. MolGAN: an implicit generative model for small molecular graphs. ICML 2018 workshop on theoretical
       foundations and applications of deep generative models.
    2. Y. Li, D. Tarlow, M. Brockschmidt, R. Zemel. Gated graph sequence neural networks. ICLR 2016 (the gated sum).
    3. Z. Lin, A. Khetan, G. Fanti, S. Oh. PacGAN: the power of two samples in generative adversarial networks. NeurIPS 2018.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.models.molgan.config import MolGANConfig
from gengraph.models.relational import RelationalLayer

_SPREAD = 4.0  # what the latent decides at the start, beside what the noise does
_NEVER = -1e9  # logit of what cannot be


@dataclass(frozen=True, slots=True)
class Dense:
    """Dense graphs.

    Attributes:
        nodes: float[B, n, C].
        pairs: float[B, P, K].
    """

    nodes: Tensor
    pairs: Tensor

    def mixed(self, other: "Dense", share: Tensor) -> "Dense":
        """Between this and other ones, by float[B] shares in [0, 1] of this."""
        share = share[:, None, None]
        return Dense(share * self.nodes + (1 - share) * other.nodes, share * self.pairs + (1 - share) * other.pairs)

    def leaf(self) -> "Dense":
        """The same numbers, with a gradient of their own."""
        return Dense(self.nodes.detach().requires_grad_(), self.pairs.detach().requires_grad_())

    def gradient(self, scores: Tensor, *, create_graph: bool = False) -> "Dense":
        """That of the sum of scores by these."""
        found = torch.autograd.grad(scores.sum(), [self.nodes, self.pairs], create_graph=create_graph, retain_graph=True)
        return Dense(*found)

    def dot(self, other: "Dense") -> Tensor:
        """float[B], the inner products."""
        return (self.nodes * other.nodes).sum((1, 2)) + (self.pairs * other.pairs).sum((1, 2))


@dataclass(frozen=True, slots=True)
class Valences:
    """What a molecule's bonds must not exceed.

    Attributes:
        largest: int64[1 + C], bonds of an atom by its class; 0 of none.
        orders: int64[1 + K], bonds that an edge is by its class; 0 of none.
    """

    largest: Tensor
    orders: Tensor


def lower(n: int) -> Tensor:
    """int64[2, P], the places i and j of each pair."""
    return torch.tril_indices(n, n, -1)


def matrices(pairs: Tensor, n: int) -> Tensor:
    """float[B, K, n, n], symmetric, of float[B, P, K]."""
    rows, columns = lower(n)
    matrix = pairs.new_zeros(len(pairs), n, n, pairs.shape[-1])
    matrix[:, rows, columns] = pairs
    matrix[:, columns, rows] = pairs
    return matrix.permute(0, 3, 1, 2)


def one_hot(nodes: Tensor, pairs: Tensor, kinds: tuple[int, int], dtype: torch.dtype) -> Dense:
    """The dense graphs of int64[B, n] and int64[B, P] classes."""
    of_nodes, of_pairs = (
        torch.eye(1 + kind, dtype=dtype, device=classes.device)[classes][..., 1:]
        for kind, classes in zip(kinds, (nodes, pairs), strict=True)
    )
    return Dense(of_nodes, of_pairs)


class Generator(nn.Module):
    """From latents, logits of the classes of all places and of all pairs of places. The first place always has a node.

    Args:
        config: of the model.
        n: places.
        of_nodes: share of each class among places in the training graphs.
        of_pairs: share of each class among pairs of places in the training graphs.
        has_edges: there are edges at all.
    """

    def __init__(self, config: MolGANConfig, n: int, of_nodes: list[float], of_pairs: list[float], *, has_edges: bool) -> None:
        super().__init__()
        sizes = [config.latent_size, *[config.generator_size] * config.generator_layers]
        layers = [(nn.Linear(first, second), nn.LayerNorm(second), nn.SiLU()) for first, second in pairwise(sizes)]
        self.hidden = nn.Sequential(*(layer for group in layers for layer in group))
        self.nodes = nn.Linear(sizes[-1], n * len(of_nodes))
        self.pairs = nn.Linear(sizes[-1], max(1, n * (n - 1) // 2) * len(of_pairs))  # a layer cannot be empty
        self.shape, self.has_edges = (n, len(of_nodes), len(of_pairs)), has_edges
        with torch.no_grad():
            for layer, share in ((self.nodes, of_nodes), (self.pairs, of_pairs)):
                layer.weight *= _SPREAD
                layer.bias.copy_(torch.tensor(share).log().repeat(layer.out_features // len(share)))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, n, 1 + C] and float[B, P, 1 + K] of float[B, latent_size]."""
        n, of_node, of_pair = self.shape
        hidden = self.hidden(latent)
        nodes, pairs = self.nodes(hidden).view(-1, n, of_node), self.pairs(hidden).view(len(latent), -1, of_pair)
        pairs = pairs[:, : n * (n - 1) // 2]
        nodes = nodes + functional.pad(nodes.new_full((1, 1), _NEVER), (0, of_node - 1, 0, n - 1))
        never = 0 if self.has_edges else functional.pad(pairs.new_full((of_pair - 1,), _NEVER), (1, 0))
        return nodes, pairs + never


def chosen(nodes: Tensor, pairs: Tensor, valences: Valences | None) -> tuple[Tensor, Tensor, Tensor]:
    """The classes with the largest scores, int64[B, n] and int64[B, P], and the scores of pairs where what may not be is never.

    Pair by pair in their order, bonds are only what both atoms have valence left for, and there are none where no atom is.

    Args:
        nodes: float[B, n, 1 + C] scores.
        pairs: float[B, P, 1 + K] scores.
        valences: None masks nothing.
    """
    of_node, (rows, columns) = nodes.argmax(-1), lower(nodes.shape[1])
    if valences is None:
        there = of_node > 0
        return of_node, pairs.argmax(-1) * (there[:, rows] & there[:, columns]), pairs
    room, of_pair, masked = valences.largest[of_node], torch.zeros_like(pairs[..., 0], dtype=torch.int64), pairs.clone()
    for place, ends in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        left = room[:, ends].amin(1, keepdim=True)
        masked[:, place] = pairs[:, place].masked_fill(valences.orders > left, _NEVER)
        of_pair[:, place] = masked[:, place].argmax(-1)
        room[:, ends] -= valences.orders[of_pair[:, place]][:, None]
    return of_node, of_pair, masked


class Judge(nn.Module):
    """Numbers of a graph that do not depend on how its nodes are numbered: message passing, a gated sum [2], two layers.

    Args:
        config: of the model.
        kinds: C and K.
        outputs: numbers.
        pack: graphs that are judged together, as [3] does.
    """

    def __init__(self, config: MolGANConfig, kinds: tuple[int, int], outputs: int, pack: int = 1) -> None:
        super().__init__()
        labels, size, pooled, self.pack = kinds[0], config.judge_size, config.pool_size, pack
        inputs = [labels, *[size + labels] * (config.judge_layers - 1)]
        self.rounds = nn.ModuleList(RelationalLayer(one, size, kinds[1]) for one in inputs)
        self.gate, self.value = nn.Linear(size + labels, pooled), nn.Linear(size + labels, pooled)
        self.head = nn.Sequential(nn.Linear(pooled * pack, pooled), nn.SiLU(), nn.Linear(pooled, outputs))

    def forward(self, graphs: Dense) -> Tensor:
        """float[B, outputs]; pack k holds the graphs k, k + 1, ..., round and round."""
        edges, there = matrices(graphs.pairs, graphs.nodes.shape[1]), graphs.nodes.sum(-1, keepdim=True)
        nodes = graphs.nodes
        for layer in self.rounds:
            nodes = torch.cat([functional.silu(layer(nodes, edges)) * there, graphs.nodes], -1)
        pooled = (torch.sigmoid(self.gate(nodes)) * torch.tanh(self.value(nodes)) * there).sum(1)
        judged: Tensor = self.head(torch.cat([pooled.roll(-k, 0) for k in range(self.pack)], -1))
        return judged
