import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from enumeration import MAX_NODES, Rows, chi_square, codes, sequences, tiny_config
from in_lanes import InLanes

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.models.graphrnn.rows import RowBatch, encode_rows
from gengraph.models.graphrnn.totals import Tally, count_rows, draw_totals, graph_totals, told_of
from gengraph.models.totals import TotalsLaw
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.streams import key_of

TABLE = [[2, 1, 0, 0], [3, 3, 1, 3], [4, 3, 0, 3], [4, 5, 2, 8]]
BOUND = 12


def dense_graphs() -> GraphSet:
    graphs = [nx.gnm_random_graph(n, m, seed=n) for n, m in ((14, 50), (12, 25), (9, 9), (30, 60), (1, 0))]
    return GraphSet.from_networkx(graphs)


def plain_counts(graph: nx.Graph) -> list[int]:
    paths = sum(d * (d - 1) // 2 for _, d in graph.degree())
    return [graph.number_of_edges(), sum(nx.triangles(graph).values()) // 3, paths]


def encoded(ordering: str) -> RowBatch:
    graphs = dense_graphs()
    adaptive = ordering == "cm"
    return encode_rows(
        Adjacency.of(graphs), np.arange(5), ordering=ordering, max_prev_node=BOUND, adaptive=adaptive, key=(3, 0)
    )


def tiny_model(head: str = "context", **facts: object) -> GraphRNNModel:
    known = DataFacts(
        max_prev_node=3, max_num_node=MAX_NODES, several_components=True, sizes=[[2, 3, 4], [0.2, 0.5, 0.3]], totals=TABLE
    )
    torch.manual_seed(3)
    model = GraphRNNModel(
        tiny_config(model__head__kind=head, model__stop="size", model__totals="true"), replace(known, **facts)
    ).double()
    model.sizes = replace(model.sizes, smoothing=0.0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


def rows_law(model: GraphRNNModel, totals: list[int]) -> list[tuple[Rows, float]]:
    """All sequences, and their probabilities when these totals were drawn."""
    law, drawn = [], np.array([totals])
    for rows in sequences(model):
        if rows.num_nodes > 1:
            batch = replace(rows.batch(model.facts.max_prev_node), totals=drawn)
            of_totals = model.totals.log_prob(batch.num_nodes, drawn)[0]
            law.append((rows, math.exp(model.log_prob(batch).item() - of_totals)))
    return law


def test_totals_of_graphs() -> None:
    expected = sorted([len(graph), *plain_counts(graph)] for graph in dense_graphs().to_networkx())
    assert graph_totals(dense_graphs()) == expected


def told_before(batch: RowBatch, a_node: np.ndarray) -> torch.Tensor:
    """What is told of a batch's own totals before each row."""
    before, totals = count_rows(batch)
    arrays = totals[batch.rank], before, batch.num_nodes[batch.rank], batch.to_come, a_node
    of_graphs, so_far, num_nodes, to_come, averages = map(torch.from_numpy, arrays)
    return told_of(of_graphs, so_far, (num_nodes, to_come), averages)


@pytest.mark.parametrize("ordering", ["cm", "degree"])
def test_rows_and_lanes_count_what_a_graph_has(ordering: str) -> None:
    batch = encoded(ordering)
    before, totals = count_rows(batch)
    assert batch.num_cut or ordering == "cm"
    law = TotalsLaw.of(graph_totals(dense_graphs()))
    told = told_before(batch, law.a_node)
    tally = Tally(law, 2, BOUND, 30)
    for b, n in enumerate(batch.num_nodes.tolist()):
        graph = nx.empty_graph(1)
        tally.reset(np.array([0, 1]), np.array([n, n]), [np.uint64(0)] * 2)
        tally._totals[1] = totals[b]
        for t in range(n):
            row = int(batch.step_offsets[t]) + b
            assert before[row].tolist() == plain_counts(graph)
            np.testing.assert_array_equal(tally.told(np.array([n, n]), np.array([0, n - 1 - t]))[1], told[row])
            graph.add_node(t + 1)
            graph.add_edges_from((t - k, t + 1) for k in np.flatnonzero(batch.bits[row]).tolist())
            width = int(batch.widths[row])
            tally.read(batch.bits[[row, row], :width], np.array([False, True]), np.array([t, t]))
        assert totals[b].tolist() == plain_counts(graph)


def test_what_is_told_of_a_graph_with_its_own_totals_ends_at_zero() -> None:
    batch = encoded("cm")
    told = told_before(batch, np.ones(3))
    last = batch.to_come == 0
    assert (told[last, 3:] == 0).all()
    assert (told[~last, 3] > 0).any()


@pytest.mark.parametrize("head", ["context", "rnn"])
def test_given_totals_the_sequences_sum_to_one(head: str) -> None:
    model = tiny_model(head)
    assert sum(p for _, p in rows_law(model, [3, 1, 3])) == pytest.approx(1, abs=1e-10)
    assert {round(p, 12) for _, p in rows_law(model, [3, 1, 3])} != {round(p, 12) for _, p in rows_law(model, [5, 2, 8])}


@pytest.mark.parametrize("head", ["context", "rnn"])
def test_samples_have_the_law_given_the_totals_that_were_drawn(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, drawn = tiny_model(head), [4, 1, 5]
    expected: dict[int, float] = {}
    for rows, p in rows_law(model, drawn):
        (code,) = codes(GraphSet.from_edge_lists([rows.num_nodes], [rows.edges])).tolist()
        expected[code] = expected.get(code, 0.0) + p
    monkeypatch.setattr(TotalsLaw, "draw", lambda *_: np.array(drawn))
    samples = sample_graphs(
        InLanes(model.float(), 500), np.arange(20_000), seed=5, conditions=Conditions(max_num_node=MAX_NODES + 1)
    )
    assert chi_square(samples.graphs, expected) > 1e-4


def test_a_rollout_knows_the_totals_that_were_drawn() -> None:
    model, indices = tiny_model().float(), np.array([7, 2, 9])
    drawn = sample_graphs(model, indices, seed=4).graphs
    batch = model.rollout(drawn, indices, np.zeros(3, np.int64), seed=4)
    for place, n, totals in zip(batch.graph, batch.num_nodes.tolist(), batch.totals, strict=True):
        assert totals.tolist() == draw_totals(model.totals, n, np.uint64(key_of(4, indices[place], 0))).tolist()


def test_totals_need_a_size() -> None:
    with pytest.raises(InputError, match=r"model\.totals are drawn with the size, got model\.stop = decision"):
        tiny_config(model__totals="true")
