"""Graph convolutions on partial graphs, and the logits of all that can be done next [1].

With conditions, the paper's conditional codes, every decision knows a code of what is told of the graph.

Legend: M partial graphs, n nodes of the largest of them, K node labels, E edge labels, F numbers of a node, C of a graph,
D of a code.

Reference:
    [1] Y. Li, L. Zhang, Z. Liu. Multi-objective de novo drug design with conditional graph generative model. Journal of
        Cheminformatics 10:33, 2018.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from gengraph.models.conditioning import CODE_SIZE, condition_code
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.models.relational import RelationalLayer

NEVER = -30.0
"""Added to the logits of what no training graph has: graphs that have it still have a likelihood."""


@dataclass(frozen=True, slots=True)
class Partial:
    """Partial graphs.

    Attributes:
        nodes: int64[M, n], labels; 0 where there is no node.
        edges: int64[M, n, n], 1 + labels, symmetric; 0 where there is none.
        count: int64[M] >= 1, nodes.
        floor: int64[M], the newest node may be connected to the nodes below it.
    """

    nodes: Tensor
    edges: Tensor
    count: Tensor
    floor: Tensor

    @property
    def inside(self) -> Tensor:
        """bool[M, n], the nodes of each."""
        return torch.arange(self.nodes.shape[1], device=self.nodes.device) < self.count[:, None]

    @property
    def below(self) -> Tensor:
        """bool[M, n], what the newest node may be connected to."""
        return torch.arange(self.nodes.shape[1], device=self.nodes.device) < self.floor[:, None]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What nodes and edges there are, and what is impossible.

    Attributes:
        nodes: K.
        edges: E.
        no_edges: no training graph has one.
        connected: all training graphs are.
        valences: of each node label the largest total bond order, and of each edge label the order; None masks nothing.
    """

    nodes: int
    edges: int
    no_edges: bool
    connected: bool
    valences: tuple[list[int], list[int]] | None

    @property
    def of_node(self) -> int:
        """Decisions that a node can be the target of: K E times append, then E times connect."""
        return (self.nodes + 1) * self.edges


class NodeNetwork(nn.Module):
    """Relational graph convolutions, from all of which a node's numbers are read."""

    def __init__(self, config: MolRNNConfig, kinds: Kinds) -> None:
        super().__init__()
        self.num_edges, self.hops = kinds.edges, config.hops
        self.embedding = nn.Embedding(kinds.nodes, config.embedding_size)
        sizes = (config.embedding_size + 2 + kinds.edges, *config.layer_sizes)
        self.layers = nn.ModuleList(RelationalLayer(*pair, kinds.edges + config.hops - 1) for pair in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in config.layer_sizes)
        self.skip = nn.Linear(sum(sizes), config.skip_size)

    def forward(self, partial: Partial) -> Tensor:
        """float[M, n, F], 0 where there is no node."""
        inside, dtype = partial.inside[..., None], self.skip.weight.dtype
        newest = torch.arange(partial.nodes.shape[1], device=inside.device) == partial.count[:, None] - 1
        flags = torch.stack([newest, partial.below], -1).to(dtype)
        relations = self._relations(partial.edges, dtype)
        degrees = relations[:, : self.num_edges].sum(-1).transpose(1, 2)  # of each label
        states = [torch.cat([self.embedding(partial.nodes), flags, degrees], -1) * inside]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            states.append(torch.relu(norm(layer(states[-1], relations))) * inside)
        together: Tensor = torch.relu(self.skip(torch.cat(states, -1))) * inside
        return together

    def _relations(self, edges: Tensor, dtype: torch.dtype) -> Tensor:
        """float[M, E + hops - 1, n, n]: edges by label, then nodes that are 2, 3, ... edges apart."""
        labels = torch.arange(1, self.num_edges + 1, device=edges.device)[:, None, None]
        kinds = [(edges[:, None] == labels).to(dtype)]
        step = (edges > 0).to(dtype)
        near = step + torch.eye(edges.shape[1], dtype=dtype, device=edges.device)
        last = step
        for _ in range(self.hops - 1):
            last = ((last @ step > 0) & (near == 0)).to(dtype)
            near = near + last
            kinds.append(last[:, None])
        return torch.cat(kinds, 1)


class DecisionNetwork(nn.Module):
    """All that is learned.

    Args:
        config: of the model.
        kinds: of nodes and edges.
        largest: nodes of the largest training graph.
        num_columns: that conditions are told in.
    """

    def __init__(self, config: MolRNNConfig, kinds: Kinds, largest: int, num_columns: int) -> None:
        super().__init__()
        self.kinds, self.largest = kinds, largest
        self.first = nn.Parameter(torch.zeros(kinds.nodes))
        self.of_nodes = NodeNetwork(config, kinds)
        self.code = condition_code(num_columns)
        self.first_of_code = nn.Linear(CODE_SIZE, kinds.nodes, bias=False) if self.code else None
        inputs = 2 * config.skip_size + 1 + (CODE_SIZE if self.code else 0)
        self.recurrent = nn.GRU(inputs, config.state_size, config.state_layers, batch_first=True) if config.recurrent else None
        self.direct = None if config.recurrent else nn.Sequential(nn.Linear(inputs, config.state_size), nn.ReLU())
        self.node_hidden = nn.Linear(config.skip_size, config.policy_size)
        self.graph_hidden = nn.Linear(config.state_size, config.policy_size, bias=False)
        self.node_logits = nn.Linear(config.policy_size, kinds.of_node)
        self.graph_logits = nn.Sequential(
            nn.Linear(config.state_size, config.policy_size), nn.ReLU(), nn.Linear(config.policy_size, 1 + kinds.nodes)
        )

    def summary(self, nodes: Tensor, partial: Partial) -> Tensor:
        """float[M, 2 F + 1] of float[M, n, F]: the mean of all nodes, the newest one, and how many there are."""
        count = partial.count[:, None].to(nodes)
        newest = nodes[torch.arange(len(nodes), device=nodes.device), partial.count - 1]
        return torch.cat([nodes.sum(1) / count, newest, count / self.largest], 1)

    def first_logits(self, codes: Tensor | None) -> Tensor:
        """float[K] of the label of the first node, or float[B, K] by the codes float[B, D]."""
        return self.first if self.first_of_code is None else self.first + self.first_of_code(codes)

    def along(
        self, summaries: Tensor, state: Tensor | None = None, codes: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What decisions know of whole graphs, along their sequences.

        Args:
            summaries: float[B, T, 2 F + 1], one step after the other.
            state: what `along` gave for the steps before.
            codes: float[B, D], of a model with conditions.

        Returns:
            float[B, T, C], and the state after these steps; None without a recurrent network.
        """
        if codes is not None:
            summaries = torch.cat([summaries, codes[:, None].expand(-1, summaries.shape[1], -1)], 2)
        if self.recurrent is None:
            assert self.direct is not None
            return self.direct(summaries), None
        known, state = self.recurrent(summaries, state)
        return known, state

    def logits(self, nodes: Tensor, known: Tensor, partial: Partial) -> Tensor:
        """float[M, n A + 1 + K], of what can be done next; -inf for what cannot.

        Args:
            nodes: float[M, n, F], from `of_nodes`.
            known: float[M, C], of the graphs.
            partial: these graphs.

        Returns:
            For each node as target the K E ways to append (label after label) and the E ways to connect, A together; then to
            end; then the K ways to begin.
        """
        hidden = torch.relu(self.node_hidden(nodes) + self.graph_hidden(known)[:, None])
        many = partial.count.to(hidden).log()[
            :, None, None
        ]  # else a network that knows nothing would end the less the more nodes
        of_node = self.node_logits(hidden) - many + NEVER * self.kinds.no_edges
        of_graph = self.graph_logits(known)
        begin = of_graph[:, 1:] + NEVER * self.kinds.connected
        of_node = of_node.masked_fill(~self._possible(partial), -torch.inf)
        return torch.cat([of_node.flatten(1), of_graph[:, :1], begin], 1)

    def _possible(self, partial: Partial) -> Tensor:
        """bool[M, n, A]."""
        kinds, inside = self.kinds, partial.inside
        append = inside[..., None].expand(-1, -1, kinds.nodes * kinds.edges)
        connect = partial.below[..., None].expand(-1, -1, kinds.edges)
        if kinds.valences is not None:
            largest, orders = (torch.tensor(values, device=inside.device) for values in kinds.valences)
            left = largest[partial.nodes] - torch.cat([orders.new_zeros(1), orders])[partial.edges].sum(-1)
            newest = left.gather(1, partial.count[:, None] - 1)
            fits = orders <= left[..., None]  # [M, n, E]
            new = (orders <= largest[:, None]).flatten()
            append = append & fits.repeat(1, 1, kinds.nodes) & new
            connect = connect & fits & (orders <= newest[..., None])
        return torch.cat([append, connect], -1)
