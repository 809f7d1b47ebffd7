"""The policy of a GCPN: graph convolutions over a partial graph, and the parts of an action one after the other.

New nodes that an action may link to are scaffold atoms in the paper, appended to each graph without edges. As nothing reaches
them there, they are read once by the same convolutions.

Legend: T partial graphs, n nodes of the largest of them, K node labels, E edge labels, H units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.models.gcpn.states import KINDS, States
from gengraph.models.relational import RelationalLayer


class Policy(nn.Module):
    """What is known of partial graphs, and logits of the parts of an action.

    Args:
        nodes: K.
        edges: E.
        hidden_size: H.
        num_layers: of the convolutions.
        distances: D, steps up to which distances are told apart.
        largest: nodes of the largest training graph, for scale.
    """

    def __init__(self, nodes: int, edges: int, *, hidden_size: int, num_layers: int, distances: int, largest: int) -> None:
        super().__init__()
        self.nodes, self.edges, self.distances, self.largest = nodes, edges, distances, largest
        self.embed = nn.Linear(nodes, hidden_size)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in range(num_layers))
        self.layers = nn.ModuleList(RelationalLayer(hidden_size, hidden_size, edges) for _ in range(num_layers))
        self.last = nn.LayerNorm(hidden_size)
        self.pool = nn.Linear(hidden_size, hidden_size)
        self.kind, self.alone = _two_layers(hidden_size, len(KINDS)), _two_layers(hidden_size, nodes)
        self.first = nn.ModuleDict({name: nn.Linear(hidden_size, hidden_size) for name in ("node", "graph")})
        self.target = nn.ModuleDict({name: nn.Linear(hidden_size, hidden_size) for name in ("node", "first", "graph")})
        self.bond = nn.ModuleDict({name: nn.Linear(hidden_size, hidden_size) for name in ("node", "first", "graph")})
        self.away = nn.ModuleDict({name: nn.Embedding(distances + 2, hidden_size) for name in ("target", "bond")})
        self.scores = nn.ModuleDict(
            {name: nn.Linear(hidden_size, size) for name, size in (("first", 1), ("target", 1), ("bond", edges))}
        )

    def read(self, states: States) -> tuple[Tensor, Tensor]:
        """float[T, n + K, H], nodes and then new ones by their label; float[T, H], graphs."""
        dtype, device = self.embed.weight.dtype, self.embed.weight.device
        arrays = (states.labels, states.bonds, states.count)
        labels, bonds, count = (torch.from_numpy(array).to(device) for array in arrays)
        kinds = torch.stack([(bonds == 1 + kind).to(dtype) for kind in range(self.edges)], 1)
        there = self._convolved(torch.eye(self.nodes, dtype=dtype, device=device)[labels], kinds)
        scaffold = torch.eye(self.nodes, dtype=dtype, device=device)[None]
        new = self._convolved(scaffold, torch.zeros((1, self.edges, self.nodes, self.nodes), dtype=dtype, device=device))
        inside = (torch.arange(labels.shape[1], device=device) < count[:, None]).to(dtype)
        graph = (functional.relu(self.pool(there)) * inside[..., None]).sum(1) / self.largest
        return torch.cat([there, new.expand(len(labels), -1, -1)], 1), graph

    def _convolved(self, nodes: Tensor, kinds: Tensor) -> Tensor:
        """float[T, n, H], of float[T, n, K] labels and float[T, E, n, n] edges."""
        states = self.embed(nodes)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            states = states + functional.relu(layer(norm(states), kinds))
        last: Tensor = self.last(states)
        return last

    def first_logits(self, nodes: Tensor, graph: Tensor, room: int) -> Tensor:
        """float[T, n], of the first node."""
        return self._scored("first", self.first["node"](nodes[:, :room]) + self.first["graph"](graph)[:, None])[..., 0]

    def target_logits(self, nodes: Tensor, graph: Tensor, first: Tensor, away: Tensor) -> Tensor:
        """float[T, n + K], of the other end, given int64[T] first and int64[T, n + K] distances from it."""
        own = nodes[torch.arange(len(nodes), device=nodes.device), first]
        hidden = self.target["node"](nodes) + (self.target["first"](own) + self.target["graph"](graph))[:, None]
        return self._scored("target", hidden + self.away["target"](away))[..., 0]

    def bond_logits(self, nodes: Tensor, graph: Tensor, ends: tuple[Tensor, Tensor], away: Tensor) -> Tensor:
        """float[T, E], of the edge between int64[T] and int64[T] places among nodes, given int64[T, n + K] distances."""
        rows = torch.arange(len(nodes), device=nodes.device)
        first, target = ends
        hidden = self.bond["first"](nodes[rows, first]) + self.bond["node"](nodes[rows, target]) + self.bond["graph"](graph)
        return self._scored("bond", hidden + self.away["bond"](away[rows, target]))

    def _scored(self, name: str, hidden: Tensor) -> Tensor:
        scores: Tensor = self.scores[name](functional.relu(hidden))
        return scores

    def away_from(self, first: Tensor, bonds: Tensor) -> Tensor:
        """int64[T, n + K]: edges from int64[T] first to each node, 0 beyond D; D + 1 of new nodes."""
        adjacency = (bonds > 0).to(self.embed.weight.dtype)
        reached = functional.one_hot(first, bonds.shape[1]).to(adjacency)[:, None]
        away, seen = torch.zeros_like(bonds[:, 0], dtype=torch.long), reached > 0
        for step in range(1, self.distances + 1):
            reached = ((reached @ adjacency > 0) & ~seen).to(adjacency)
            away, seen = away + step * reached[:, 0].long(), seen | (reached > 0)
        return functional.pad(away, (0, self.nodes), value=self.distances + 1)


def _two_layers(size: int, size_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size_out))
