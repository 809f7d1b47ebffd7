"""What tells training graphs from drawn ones: its opinion is a part of the reward, so that graphs stay like the former.

Legend: B graphs, n nodes of the largest of them, K kinds of edges, F numbers of a node.

Reference:
    J. You, B. Liu, R. Ying, V. Pande, J. Leskovec. Graph convolutional policy network for goal-directed molecular graph
    generation. NeurIPS 2018.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gengraph.graphs import GraphSet, LabelSchema
from gengraph.models.dense import inside
from gengraph.models.relational import RelationalLayer

_SIZE, _LAYERS, _TOGETHER = 64, 3, 256


class Adversary(nn.Module):
    """A relational graph network over labels and degrees, pooled to one number: log odds of being a training graph.

    Args:
        schema: of the labels.
    """

    def __init__(self, schema: LabelSchema) -> None:
        super().__init__()
        self.schema = schema
        self.node_kinds, self.edge_kinds = schema.num_kinds
        sizes = [self.node_kinds + 1, *[_SIZE] * _LAYERS]
        self.layers = nn.ModuleList(RelationalLayer(a, b, self.edge_kinds) for a, b in pairwise(sizes))
        self.gate, self.value = nn.Linear(_SIZE, _SIZE), nn.Linear(_SIZE, _SIZE)
        self.out = nn.Sequential(nn.Linear(_SIZE, _SIZE), nn.ReLU(), nn.Linear(_SIZE, 1))

    def forward(self, graphs: GraphSet) -> Tensor:
        """float[B]."""
        nodes, edges, within = self._matrices(graphs)
        for layer in self.layers:
            nodes = torch.tanh(layer(nodes, edges)) * within
        pooled = (torch.sigmoid(self.gate(nodes)) * torch.tanh(self.value(nodes)) * within).sum(1)
        odds: Tensor = self.out(pooled / within.sum(1).clamp(min=1)).squeeze(1)
        return odds

    def _matrices(self, graphs: GraphSet) -> tuple[Tensor, Tensor, Tensor]:
        """float[B, n, F] nodes, float[B, K, n, n] edges, float[B, n, 1] which nodes there are."""
        n, graph = int(graphs.num_nodes.max(initial=1)), graphs.graph_of_edge
        within = inside(graphs.num_nodes.astype(np.int64), n)
        labels, kinds = np.zeros((len(graphs), n), np.int64), np.zeros(len(graphs.edges), np.int64)
        if graphs.node_labels is not None:
            labels[within] = graphs.node_labels
        if graphs.edge_labels is not None:
            kinds = graphs.edge_labels.astype(np.int64)
        edges = np.zeros((len(graphs), self.edge_kinds, n, n), np.float32)
        low, high = graphs.edges.T
        edges[graph, kinds, low, high] = edges[graph, kinds, high, low] = 1
        degrees = edges.sum((1, 3))[..., None]
        nodes = np.concatenate([np.eye(self.node_kinds, dtype=np.float32)[labels], np.log1p(degrees)], -1)
        mask = within[..., None].astype(np.float32)
        return torch.from_numpy(nodes * mask), torch.from_numpy(edges), torch.from_numpy(mask)

    def loss(self, real: GraphSet, drawn: GraphSet) -> Tensor:
        """float[], the mean cross-entropy of telling them apart."""
        return functional.softplus(-self(real)).mean() + functional.softplus(self(drawn)).mean()

    @torch.inference_mode()
    def opinion(self, graphs: GraphSet) -> npt.NDArray[np.float64]:
        """float64[B] <= 0, the log of the probability that each is a training graph."""
        parts = [self(graphs[first : first + _TOGETHER]) for first in range(0, len(graphs), _TOGETHER)]
        logs: npt.NDArray[np.float64] = functional.logsigmoid(torch.cat(parts)).double().numpy()
        return logs
