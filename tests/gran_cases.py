"""What the tests of GRAN share: small models, every graph of a size, sequences of graphs that are numbered already."""

import itertools
from typing import Any

import numpy as np
import torch

from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import Adjacency
from gengraph.models.gran import FAMILY
from gengraph.models.gran.config import GRANConfig
from gengraph.models.gran.network import GRANModel
from gengraph.models.gran.sequences import SequenceBatch, _encode_graph


def numbered_graphs(sizes: range) -> GraphSet:
    """Every graph with numbered nodes of these sizes."""
    num_nodes, edges = [], []
    for n in sizes:
        pairs = [(u, v) for v in range(n) for u in range(v)]
        for bits in itertools.product([False, True], repeat=len(pairs)):
            num_nodes.append(n)
            edges.append([pair for pair, bit in zip(pairs, bits, strict=True) if bit])
    return GraphSet.from_edge_lists(num_nodes, edges)


def small_model(graphs: GraphSet, seed: int = 0, **fields: Any) -> GRANModel:
    """A model with random weights that are large enough for its law to be far from uniform."""
    config = GRANConfig(**{"hidden_size": 6, "num_layers": 2, "num_mixtures": 3, **fields})
    facts = FAMILY.prepare(graphs, config, seed=0)
    torch.manual_seed(seed)
    model = FAMILY.build(config, facts)
    assert isinstance(model, GRANModel)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(parameter * 1.5)
            if name.endswith("bias"):
                parameter.normal_()
    return model.eval()


def as_numbered(graphs: GraphSet, config: GRANConfig) -> SequenceBatch:
    """The sequences of graphs in the order of their numbers."""
    adjacency = Adjacency.of(graphs)
    n = graphs.num_nodes.astype(np.int64)
    out = (
        np.zeros(n.sum() + 1, np.int64),
        np.empty(len(adjacency.neighbours), np.int32),
        np.empty(n.sum(), np.int32),
        np.empty(n.sum() + len(n), np.int32),
    )
    bound = -1 if config.max_prev_node is None else config.max_prev_node
    rules = np.array([config.stride, config.window == "adaptive", bound], np.int64)
    cut = 0
    for g, first in enumerate(graphs.node_offsets[:-1]):
        own = adjacency.indptr[first : first + n[g] + 1]
        same = np.arange(n[g], dtype=np.int32)
        cut += _encode_graph(rules, own, adjacency.neighbours, same, same, (int(first), int(first) + g), out)
    indptr, neighbours, num_earlier, window = out
    return SequenceBatch(np.arange(len(n)), 1, n, indptr, neighbours[: indptr[-1]], num_earlier, window, cut, (0, 0))
