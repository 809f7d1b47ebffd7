"""Layers in which nodes attend to all nodes of their graph, and to those that they are linked to if there are links.

Nothing depends on how nodes are numbered, or on padding. Legend: B graphs, n nodes of the largest, H units of a node.

Reference:
    A. Vaswani et al. Attention is all you need. NeurIPS 2017 (with the norm first).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.models.gnf.config import GNFConfig


class AttentionLayer(nn.Module):
    """Attention and a small network behind it, each added to what was there.

    Args:
        hidden_size: H, a multiple of heads.
        heads: of the attention.
        linked: whether nodes also read the mean of those that they are linked to.
    """

    def __init__(self, hidden_size: int, heads: int, *, linked: bool) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.read = nn.Linear(hidden_size, (3 + linked) * hidden_size)
        self.join = nn.Linear((1 + linked) * hidden_size, hidden_size)
        self.behind = nn.Sequential(nn.Linear(hidden_size, 2 * hidden_size), nn.SiLU(), nn.Linear(2 * hidden_size, hidden_size))
        self.linked = nn.Parameter(torch.zeros(heads, 1, 1)) if linked else None

    def forward(self, nodes: Tensor, inside: Tensor, links: Tensor | None = None) -> Tensor:
        """float[B, n, H] of the same; inside bool[B, n], the nodes of each graph; links float[B, n, n], 1 for a link."""
        batch, n, size = nodes.shape
        query, key, value, *sent = self.read(self.first(nodes)).split(size, -1)
        query, key, value = (part.view(batch, n, self.heads, -1).transpose(1, 2) for part in (query, key, value))
        mask = torch.zeros_like(inside, dtype=nodes.dtype).masked_fill(~inside, -1e9)[:, None, None]
        if self.linked is not None and links is not None:
            mask = mask + self.linked * links[:, None]
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        read = [attended.transpose(1, 2).reshape(batch, n, size)]
        if links is not None:
            read.append(links @ sent[0] / links.sum(-1, keepdim=True).clamp(min=1))
        nodes = nodes + self.join(torch.cat(read, -1))
        added: Tensor = nodes + self.behind(self.second(nodes))
        return added


class NodeNetwork(nn.Module):
    """Numbers in, layers of attention, numbers out, for each node.

    Args:
        inputs: numbers a node.
        outputs: numbers a node, all zero at first if `linked` is false.
        config: of the model.
        layers: of attention.
        linked: as in `AttentionLayer`.
    """

    def __init__(self, inputs: int, outputs: int, config: GNFConfig, *, layers: int, linked: bool) -> None:
        super().__init__()
        size = config.hidden_size
        self.into = nn.Linear(inputs, size)
        self.layers = nn.ModuleList(AttentionLayer(size, config.heads, linked=linked) for _ in range(layers))
        self.norm, self.out = nn.LayerNorm(size), nn.Linear(size, outputs)
        if not linked:  # of a coupling, which is the identity then
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self, values: Tensor, inside: Tensor, links: Tensor | None = None) -> Tensor:
        """float[B, n, outputs] of float[B, n, inputs]; inside and links as in `AttentionLayer`."""
        nodes = self.into(values)
        for layer in self.layers:
            nodes = layer(nodes, inside, links)
        out: Tensor = self.out(self.norm(nodes))
        return out
