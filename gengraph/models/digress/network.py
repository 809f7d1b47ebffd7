"""The graph transformer of DiGress: nodes attend to nodes, pairs steer the attention, the graph steers both [1].

Legend: B graphs, n nodes of the largest, X, E, Y numbers a node, a pair and a graph, H heads.

References:
    [1] C. Vignac et al. DiGress: discrete denoising diffusion for graph generation. ICLR 2023, section 4 and appendix B.
    [2] E. Perez, F. Strub, H. de Vries, V. Dumoulin, A. Courville. FiLM: visual reasoning with a general conditioning layer.
        AAAI 2018.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class FiLM(nn.Module):
    """Scale and shift what a layer computes by numbers from elsewhere [2]."""

    def __init__(self, condition: int, size: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Linear(condition, size), nn.Linear(condition, size)

    def forward(self, values: Tensor, condition: Tensor) -> Tensor:
        """Of float[..., size], by float[..., condition] of as many dimensions."""
        scale = functional.linear(condition, self.scale.weight, 1 + self.scale.bias)
        return torch.addcmul(self.shift(condition), values, scale)


class Pooling(nn.Module):
    """Mean, least, most and spread of what is inside a mask, to numbers of the graph."""

    def __init__(self, size: int, graph_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4 * size, graph_size)

    def forward(self, values: Tensor, inside: Tensor | None) -> Tensor:
        """float[B, Y] of float[B, m, size], bool[B, m]; None where all m > 0 are inside."""
        of_graph: Tensor
        if inside is None:
            spread, mean = torch.var_mean(values, 1, correction=0)
            of_graph = self.linear(torch.cat([mean, values.amin(1), values.amax(1), spread], -1))
            return of_graph
        mask = inside[..., None]
        count = mask.sum(1).clamp(min=1)
        mean = (values * mask).sum(1) / count
        spread = (((values - mean[:, None]) * mask) ** 2).sum(1) / count
        least = values.masked_fill(~mask, torch.inf).amin(1)
        most = values.masked_fill(~mask, -torch.inf).amax(1)
        none = ~inside.any(1, keepdim=True)
        pooled = [mean, least.masked_fill(none, 0), most.masked_fill(none, 0), spread]
        of_graph = self.linear(torch.cat(pooled, -1))
        return of_graph


class Layer(nn.Module):
    """One round for nodes, pairs and graph, each with a residual and a small network of its own behind it."""

    def __init__(self, sizes: tuple[int, int, int], heads: int) -> None:
        super().__init__()
        node, edge, graph = sizes
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(node, node) for _ in range(3))
        self.of_pair = FiLM(edge, node)
        self.pair_by_graph, self.node_by_graph = FiLM(graph, node), FiLM(graph, node)
        self.pair_out, self.node_out = nn.Linear(node, edge), nn.Linear(node, node)
        self.graph_own, self.of_nodes, self.of_pairs = nn.Linear(graph, graph), Pooling(node, graph), Pooling(edge, graph)
        self.graph_out = nn.Sequential(nn.Linear(graph, graph), nn.ReLU(), nn.Linear(graph, graph))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in (*sizes, *sizes))
        self.behind = nn.ModuleList(
            nn.Sequential(nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, size)) for size in sizes
        )

    def forward(self, nodes: Tensor, pairs: Tensor, graph: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The new numbers of nodes float[B, n, X], pairs float[B, n, n, E] and graphs float[B, Y].

        Inside is bool[B, n], or None where all graphs have n nodes, which saves time.
        """
        size, both = nodes.shape[-1], None if inside is None else inside[:, None, :] & inside[:, :, None]
        query = self.query(nodes) / math.sqrt(size // self.heads)
        scores = query[:, :, None] * self.key(nodes)[:, None]
        scores = self.of_pair(scores, pairs)  # float[B, n, n, X]: a score for each number, not for each head
        new_pairs = self.pair_out(self.pair_by_graph(scores, graph[:, None, None]))
        weights = (scores if inside is None else scores.masked_fill(~inside[:, None, :, None], -1e9)).softmax(2)
        gathered = (weights * self.value(nodes)[:, None]).sum(2)
        new_nodes = self.node_out(self.node_by_graph(gathered, graph[:, None]))
        of_pairs = self.of_pairs(pairs.flatten(1, 2), None if both is None else both.flatten(1, 2))
        pooled = self.graph_own(graph) + self.of_nodes(nodes, inside) + of_pairs
        added = (new_nodes, new_pairs, self.graph_out(pooled))
        values = [norm(old + new) for norm, old, new in zip(self.norms[:3], (nodes, pairs, graph), added, strict=True)]
        values = [norm(old + behind(old)) for norm, old, behind in zip(self.norms[3:], values, self.behind, strict=True)]
        if inside is None or both is None:
            return values[0], values[1], values[2]
        return values[0] * inside[..., None], values[1] * both[..., None], values[2]


class GraphTransformer(nn.Module):
    """What a noisy graph and all that was computed of it add to the logits of the clean classes.

    Args:
        inputs: numbers that come in for a node, a pair and a graph.
        sizes: X, E, Y.
        classes: of a node and of a pair.
        num_layers: of rounds.
        heads: H; X is a multiple.
    """

    def __init__(
        self,
        inputs: tuple[int, int, int],
        sizes: tuple[int, int, int],
        classes: tuple[int, int],
        *,
        num_layers: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.into = nn.ModuleList(
            nn.Sequential(nn.Linear(given, 2 * size), nn.ReLU(), nn.Linear(2 * size, size), nn.ReLU())
            for given, size in zip(inputs, sizes, strict=True)
        )
        self.layers = nn.ModuleList(Layer(sizes, heads) for _ in range(num_layers))
        self.steered = nn.ModuleList(FiLM(sizes[2], size) for size in sizes[:2])
        self.out = nn.ModuleList(
            nn.Sequential(nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, count))
            for size, count in zip(sizes[:2], classes, strict=True)
        )

    def forward(self, nodes: Tensor, pairs: Tensor, graph: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, n, K] and float[B, n, n, K], the second symmetric."""
        nodes, pairs, graph = (into(values) for into, values in zip(self.into, (nodes, pairs, graph), strict=True))
        full = bool(inside.all())
        if not full:
            both = inside[:, None, :] & inside[:, :, None]
            nodes, pairs = nodes * inside[..., None], pairs * both[..., None]
        for layer in self.layers:
            nodes, pairs, graph = layer(nodes, pairs, graph, None if full else inside)
        of_nodes = self.out[0](self.steered[0](nodes, graph[:, None]))
        of_pairs = self.out[1](self.steered[1](pairs, graph[:, None, None]))
        return of_nodes, (of_pairs + of_pairs.transpose(1, 2)) / 2
