"""What the tests of blocks models share: small models, and every sequence of a size."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import Adjacency
from gengraph.models.blocks import FAMILY
from gengraph.models.blocks.codes import EDGE, EVENT, GATE
from gengraph.models.blocks.coding import DecisionBatch, Decisions, encode_graph
from gengraph.models.blocks.config import BlocksConfig
from gengraph.models.blocks.network import BlocksModel
from gengraph.models.blocks.ordering import BLOCK, COMPONENT, SAME
from gengraph.models.blocks.walk import empty_table, no_weights

Sequence = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""The events that nodes come by, and the edges."""
UNLIKE = GraphSet.from_edge_lists([4, 6, 1], [[(0, 1), (2, 3)], [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)], []])
"""Graphs that have all events: several components, and several blocks in one."""


def small_model(graphs: GraphSet = UNLIKE, seed: int = 0, **fields: Any) -> BlocksModel:
    """A model with random weights that are large enough for its law to be far from uniform."""
    config = BlocksConfig(**{"hidden_size": 8, "resolution": 1.0, **fields})
    facts = FAMILY.prepare(graphs, config, seed=0)
    torch.manual_seed(seed)
    model = FAMILY.build(config, facts)
    assert isinstance(model, BlocksModel)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(parameter * 1.5)
            if name.endswith("bias"):
                parameter.normal_()
    return model.eval()


def sequences(n: int) -> Iterator[Sequence]:
    """Every sequence of n nodes, by the rules and not by the code: which rows may come by which event."""
    pairs = list(itertools.combinations(range(n), 2))
    for rest in itertools.product((SAME, BLOCK, COMPONENT), repeat=n - 1):
        events = (COMPONENT, *rest)
        block = np.cumsum([event != SAME for event in events])
        component = np.cumsum([event == COMPONENT for event in events])
        for bits in itertools.product((False, True), repeat=len(pairs)):
            edges = tuple(pair for pair, bit in zip(pairs, bits, strict=True) if bit)
            if all(_may_come(t, events[t], block, component, edges) for t in range(n)):
                yield events, edges


def _may_come(t: int, event: int, block: Any, component: Any, edges: tuple[tuple[int, int], ...]) -> bool:
    row = [p for p, v in edges if v == t]
    if any(component[p] != component[t] for p in row):
        return False
    if event == SAME:
        return any(block[p] == block[t] for p in row)
    return bool(row) == (event == BLOCK)


def encoded(found: list[Sequence], told: tuple[int, int, int, int] = (0, 0, 0, 0)) -> DecisionBatch:
    """The decisions of sequences, each told of nodes, edges, the rate of these, and whether links are late."""
    num_nodes = [len(events) for events, _ in found]
    graphs = GraphSet.from_edge_lists(num_nodes, [list(edges) for _, edges in found])
    adjacency = Adjacency.of(graphs)
    room = sum(n * n for n in num_nodes)
    tables = empty_table(room, len(EVENT)), empty_table(room, len(GATE)), empty_table(room, len(EDGE))
    offsets = np.zeros((3, len(found) + 1), np.int64)
    for g, (events, _) in enumerate(found):
        own = adjacency.indptr[adjacency.node_offsets[g] : adjacency.node_offsets[g + 1] + 1]
        order = np.arange(len(events), dtype=np.int32)
        encode_graph(own, adjacency.neighbours, (order, np.array(events, np.uint8), np.array(told)), tables, no_weights())
        offsets[:, g + 1] = [table.filled[0] for table in tables]
    kinds = [
        Decisions(table.codes[: own[-1]], table.outcomes[: own[-1]], own) for table, own in zip(tables, offsets, strict=True)
    ]
    return DecisionBatch(np.arange(len(found)), *kinds, np.tile(told[:2], (len(found), 1)), np.zeros(len(found)))
