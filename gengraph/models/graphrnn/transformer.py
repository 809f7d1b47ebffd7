"""A small causal transformer as the node level: every row looks back at all rows before it.

Positions enter as a penalty that is linear in the distance (ALiBi), so that graphs may grow longer than any in training.
Training is quadratic in the number of rows; the sampler remembers keys and values of every row.

Legend: B graphs or lanes, T rows of the longest, R rows in all, I input size, H hidden size, A heads, D = H / A, C chunk.

Reference:
    A. Vaswani et al. Attention is all you need. NeurIPS 2017; layer norms come first, as in R. Xiong et al., ICML 2020.
    O. Press, N. Smith, M. Lewis. Train short, test long: attention with linear biases. ICLR 2022.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import Int64Array
from gengraph.models.graphrnn.lstm import pad, places
from gengraph.models.graphrnn.rnn_head import mlp

_CHUNK = 64  # rows whose keys the sampler reads in one call


def slopes(num_heads: int, like: Tensor) -> Tensor:
    """float[A], where another tensor is: by how much a head's logits fall with each row of distance, 2^(-8 a / A), a = 1..A."""
    return 2.0 ** (-8 * torch.arange(1, num_heads + 1, device=like.device) / num_heads).to(like)


class _Block(nn.Module):
    """Attention and a multilayer perceptron, each added to its input."""

    def __init__(self, hidden_size: int, dropout_rate: float) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.queries_keys_values = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.mlp = mlp(hidden_size, 4 * hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout_rate)

    def parts(self, states: Tensor, num_heads: int) -> tuple[Tensor, ...]:
        """Queries, keys and values float[.., A, D] of states float[.., H]."""
        parts = self.queries_keys_values(self.attention_norm(states)).chunk(3, dim=-1)
        return tuple(part.unflatten(-1, (num_heads, -1)) for part in parts)

    def add(self, states: Tensor, attended: Tensor) -> Tensor:
        """The states float[.., H] with what was attended to, float[.., H], and the perceptron's share."""
        states = states + self.dropout(self.attended(attended))
        added: Tensor = states + self.dropout(self.mlp(self.mlp_norm(states)))
        return added


class NodeTransformer(nn.Module):
    """The states before each row by causal attention over the rows made.

    Args:
        input_size: I.
        hidden_size: H, a multiple of the heads.
        num_layers: blocks of attention and perceptron.
        num_heads: A.
        dropout_rate: on the inputs and on what each block adds.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int, num_heads: int, *, dropout_rate: float) -> None:
        super().__init__()
        self.hidden_size, self.num_heads = hidden_size, num_heads
        self.dropout = nn.Dropout(dropout_rate)
        self.project = nn.Linear(input_size, hidden_size)
        self.blocks: Any = nn.ModuleList(_Block(hidden_size, dropout_rate) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, inputs: Tensor, batch_sizes: list[int]) -> Tensor:
        """The states float[R, H] for inputs float[R, I]; batch_sizes are the graphs that have a row t, descending."""
        where = places(batch_sizes, inputs.device)
        states = self.project(pad(self.dropout(inputs), where, batch_sizes)).transpose(0, 1)  # [B, T, H]
        distance = torch.arange(len(batch_sizes), device=inputs.device)
        distance = (distance[:, None] - distance).to(inputs)
        penalty = -slopes(self.num_heads, inputs)[:, None, None] * distance
        penalty = penalty.masked_fill(distance < 0, -math.inf)  # [A, T, T]: no row reads a later one
        for block in self.blocks:
            query, key, value = (part.transpose(1, 2) for part in block.parts(states, self.num_heads))
            attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=penalty)
            states = block.add(states, attended.transpose(1, 2).flatten(2))
        packed: Tensor = self.norm(states.transpose(0, 1).flatten(0, 1)[where])
        return packed

    def bytes_per_lane(self, limit: int) -> int:
        """What the memory of one lane takes when its graph has `limit` nodes."""
        chunks = -(-limit // _CHUNK)
        return 2 * len(self.blocks) * chunks * _CHUNK * self.hidden_size * self.norm.weight.element_size()

    rowwise = False  # products of torch round differently in other shapes

    def memory(self, lanes: int, block: int | None, limit: int) -> "KeysAndValues":
        """What so many lanes remember, in blocks, of graphs with at most `limit` nodes."""
        return KeysAndValues(self, lanes, limit)


class KeysAndValues:
    """Keys and values of every row of every lane, in chunks of rows that come into being when a lane needs them; no gradients.

    Attention goes chunk by chunk. To a lane that has not come so far a chunk adds exactly zero, so that a lane's numbers do
    not depend on how far the others have come.

    Args:
        network: its weights are shared.
        lanes: B.
        limit: most rows of a lane; lanes that go on all the same (idle ones) overwrite their last row.
    """

    def __init__(self, network: NodeTransformer, lanes: int, limit: int) -> None:
        self._network, self._limit = network, limit
        weight = network.norm.weight
        self._penalties = slopes(network.num_heads, weight)
        self._scale = (network.hidden_size // network.num_heads) ** -0.5
        self._row = torch.zeros(lanes, dtype=torch.int64, device=weight.device)  # [B], the row that comes next
        self._chunks: list[list[Tensor]] = [[] for _ in network.blocks]  # of each block float[B, A, C, 2 D]

    def step(self, inputs: Tensor, lanes: slice) -> Tensor:
        """The states float[b, H] before the next row of these lanes, for inputs float[b, I]."""
        network, row = self._network, self._row[lanes]
        self._make_room(int(row.max()))
        states = network.project(inputs)
        for block, chunks in zip(network.blocks, self._chunks, strict=True):
            query, key, value = block.parts(states, network.num_heads)
            parts = [chunk[lanes] for chunk in chunks[: int(row.max()) // _CHUNK + 1]]
            for number, part in enumerate(parts):
                here = (row // _CHUNK == number).nonzero().squeeze(1)
                part[here, :, row[here] % _CHUNK] = torch.cat([key, value], dim=-1)[here]
            states = block.add(states, self._attend(query, parts, row).flatten(1))
        self._row[lanes] = (row + 1).clamp(max=self._limit - 1)
        added: Tensor = network.norm(states)
        return added

    def _attend(self, query: Tensor, parts: list[Tensor], row: Tensor) -> Tensor:
        """What lanes with queries float[b, A, D] find in rows 0..row, float[b, A, D]."""
        size = query.shape[-1]
        steps = torch.arange(_CHUNK, device=row.device)
        logits = []
        for number, part in enumerate(parts):
            distance = row[:, None] - number * _CHUNK - steps
            scores = (part[..., :size] @ query.unsqueeze(-1)).squeeze(-1) * self._scale
            scores = scores - self._penalties[:, None] * distance[:, None]
            logits.append(scores.masked_fill(distance[:, None] < 0, -math.inf))
        highest = logits[0].amax(-1, keepdim=True)
        for chunk in logits[1:]:
            highest = torch.maximum(highest, chunk.amax(-1, keepdim=True))
        total, found = query.new_zeros(*query.shape[:2], 1), torch.zeros_like(query)
        for chunk, part in zip(logits, parts, strict=True):
            weights = (chunk - highest).exp()
            total += weights.sum(-1, keepdim=True)
            found += (weights.unsqueeze(-2) @ part[..., size:]).squeeze(-2)
        return found / total

    def _make_room(self, row: int) -> None:
        network = self._network
        shape = len(self._row), network.num_heads, _CHUNK, 2 * network.hidden_size // network.num_heads
        for chunks in self._chunks:
            while len(chunks) * _CHUNK <= row:
                chunks.append(self._penalties.new_zeros(shape))

    def reset(self, lanes: Int64Array) -> None:
        """New graphs begin in these lanes."""
        self._row[lanes] = 0

    def keep(self, lanes: Int64Array) -> None:
        """Only these lanes go on, numbered anew in this order."""
        self._row = self._row[lanes]
        for chunks in self._chunks:
            chunks[:] = [chunk[lanes] for chunk in chunks]
