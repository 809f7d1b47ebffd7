"""A graph follows from weights, seed, index and attempt alone, and compiled code agrees with the network."""

import numpy as np
import pytest
import torch
from blocks_cases import encoded, small_model

from gengraph.data import load_dataset
from gengraph.graphs import GraphSet
from gengraph.models.blocks.codes import EDGE, EVENT, GATE
from gengraph.models.blocks.network import BlocksModel
from gengraph.models.blocks.ordering import BLOCK, COMPONENT, SAME
from gengraph.models.blocks.sampler import head_weights
from gengraph.models.blocks.walk import compute
from gengraph.models.family import Decoding

COMMUNITIES = load_dataset("community-small")


def drawn(model: BlocksModel, indices: list[int], **fields: int) -> list[GraphSet]:
    """The graphs of some indices, in their order."""
    parts = list(model.sampler(Decoding(**fields)).draw(np.array(indices), np.zeros(len(indices), np.int64), seed=5))
    graphs, places = GraphSet.concatenate([part.graphs for part in parts]), np.concatenate([part.place for part in parts])
    return list(graphs[np.argsort(places)])


@pytest.mark.parametrize("totals", [False, True])
def test_compiled_numbers_are_those_of_the_network(totals: bool) -> None:
    model = small_model(COMMUNITIES, hidden_size=20, totals=totals)
    batch = model.encoder(COMMUNITIES)(np.arange(4), key=(0, 0))
    heads = model.events, model.gates, model.edges
    for head, kind, columns in zip(heads, batch.kinds, model.columns, strict=True):
        weights, codes = head_weights(head), kind.codes.take(columns, axis=1)
        with torch.inference_mode():
            numbers = head(codes).numpy()
        for k in range(0, len(codes), 7):
            compute(weights, codes[k])
            np.testing.assert_allclose(weights.numbers, numbers[k], rtol=1e-4, atol=1e-4)


def test_codes_stay_in_their_tables() -> None:
    """Of graphs that are larger, denser and sparser than most; every code is within its own range."""
    graphs = GraphSet.concatenate([load_dataset("lobster")[:10], COMMUNITIES[:10], star_and_clique()])
    for order, links in (("random", "joining"), ("bfs", "finished")):
        model = small_model(graphs, resolution=None, order=order, links=links)
        batch = model.encoder(graphs)(np.arange(len(graphs)), key=(1, 0))
        for sizes, kind in zip((EVENT, GATE, EDGE), batch.kinds, strict=True):
            first = np.cumsum((0, *sizes))
            assert (kind.codes >= first[:-1]).all()
            assert (kind.codes < first[1:]).all()


@pytest.mark.parametrize("late", [0, 1])
def test_gates_and_edges_see_who_is_owing(late: int) -> None:
    """A clique of four without (2, 3), then one without (4, 5), of which 4 is joined to 2 and 5 to 0, by hand."""
    inner = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (4, 6), (4, 7), (5, 6), (5, 7), (6, 7)]
    clique, order = (COMPONENT, SAME, SAME, SAME), [4, 6, 5, 7]  # the nodes of the second as they come: each joins an older one
    renamed = {node: place for place, node in enumerate([0, 1, 2, 3, *order])}
    edges = sorted(tuple(sorted((renamed[a], renamed[b]))) for a, b in [*inner, (2, 4), (0, 5)])
    batch = encoded([((*clique, BLOCK, SAME, SAME, SAME), tuple(edges))], (8, 12, 0, late))
    gates, of_edges = batch.gates, batch.edges
    owing = (gates.codes[:, 16] - sum(GATE[:16])) // 8
    assert owing.tolist() == [1, 1, 1]  # nodes 6, 5 and 7: 2 has its edge, 3 has none; of the first node the gate is certain
    missing, beyond = np.divmod(gates.codes[:, 12] - sum(GATE[:12]), 8)
    assert beyond.tolist() == [0, 0, 0]
    assert missing.tolist() == [0, 1, 0]
    lacking = gates.codes[:, 13] - sum(GATE[:13]) - 64
    assert lacking.tolist() == ([1, 1, 0] if late else [0, 1, 0])
    outer = of_edges.codes[:, 0] < 64
    ahead, due = np.divmod(of_edges.codes[outer, 14] - sum(EDGE[:14]), 8)
    assert due.tolist() == [4, 3, 2, 0, 4, 0, 0, 0]
    assert ahead.tolist() == [2, 2, 1, 0, 1, 1, 1, 0]


def star_and_clique() -> GraphSet:
    clique = [(u, v) for v in range(60) for u in range(v)]
    return GraphSet.from_edge_lists([300, 60, 3], [[(0, leaf) for leaf in range(1, 300)], clique, []])


def test_the_graph_that_is_decoded_is_the_one_that_was_encoded() -> None:
    """A model that knows one graph by heart draws nothing else."""
    graph = star_and_clique()[0:1]
    model = small_model(graph)
    with torch.no_grad():
        for head in (model.events, model.gates, model.edges):
            head.output.weight.zero_()
            head.output.bias.fill_(-40.0)
        model.events.output.bias.copy_(torch.tensor([40.0, 0, 0, 0]))
    sample = drawn(model, [0], max_num_node=50)[0]  # the newest candidate is certain: a path
    assert sorted(sample.degrees().tolist()) == [1, 1] + [2] * 48
    with torch.no_grad():
        model.edges.output.bias.fill_(40.0)
    assert drawn(model, [0], max_num_node=50)[0].num_edges[0] == 50 * 49 // 2  # with room for more neighbours made twice


def test_graphs_are_cut_at_the_largest_size_and_say_so() -> None:
    model = small_model()
    with torch.no_grad():
        model.events.output.weight.zero_()
        model.events.output.bias.copy_(torch.tensor([2.0, 1.0, 0.0, 0.5]))
    parts = list(model.sampler(Decoding(max_num_node=6)).draw(np.arange(100), np.zeros(100, np.int64), seed=0))
    sizes, cut = np.concatenate([part.graphs.num_nodes for part in parts]), np.concatenate([part.cut for part in parts])
    assert sizes.max() == 6
    assert (sizes[cut] == 6).all()
    assert 0 < cut.sum() < 100


def test_names_say_the_sequence() -> None:
    """The same order is the same sequence; of a graph with little symmetry another one is another."""
    model = small_model(COMMUNITIES)
    encode = model.encoder(COMMUNITIES)
    names = [model.sequences(encode(np.array([1]), key=(0, epoch)))[0] for epoch in (*range(20), 0)]
    assert names[0] == names[-1]
    assert len(set(names)) == 20


@pytest.mark.parametrize("order", ["random", "bfs"])
def test_the_bound_takes_the_order_off(order: str) -> None:
    """A path of three nodes in one piece has four numberings by these rules, each with a probability that is known."""
    path = GraphSet.from_edge_lists([3], [[(0, 1), (1, 2)]])
    model = small_model(path, resolution=0.0, order=order)
    seen = set()
    for epoch in range(60):
        batch = model.encoder(path)(np.arange(1), key=(0, epoch))
        loss = model(batch)
        difference = float(loss.parts["bound"]) - float(loss.total.detach())
        assert difference == pytest.approx(float(batch.log_order[0]), abs=1e-4)
        seen.add(round(float(np.exp(batch.log_order[0])), 6))
    assert seen == {round(1 / 3, 6), round(1 / 6, 6)}
