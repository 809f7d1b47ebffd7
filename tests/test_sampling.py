import math
from collections import Counter

import numpy as np
import pytest
from enumeration import MAX_NODES, plain_log_prob, sequences, tiny_model
from scipy.stats import chisquare

from gengraph.graphs import GraphSet
from gengraph.models.graphrnn import GraphRNNModel
from gengraph.sampling import Conditions, sample_graphs

COUNT = 40_000


def law(model: GraphRNNModel) -> dict[tuple, float]:
    """The probability of each (nodes, edges) when sequences are cut at MAX_NODES."""
    return {
        (rows.num_nodes, rows.edges): math.exp(plain_log_prob(model, rows, with_end=rows.num_nodes < MAX_NODES))
        for rows in sequences(model)
    }


def outcomes(graphs: GraphSet) -> Counter:
    pairs = zip(graphs.edge_offsets[:-1], graphs.edge_offsets[1:], strict=True)
    return Counter(
        (int(n), tuple(map(tuple, graphs.edges[a:b].tolist()))) for n, (a, b) in zip(graphs.num_nodes, pairs, strict=True)
    )


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"model__head": "mlp"},
        {"sequence__scan": "nearest_first", "sequence__window": "fixed"},
        {"model__head": "mlp", "sequence__scan": "nearest_first"},
        {"model__stop": "zero_row"},
        {"max_prev_node": 2, "model__num_layers": "2"},
    ],
    ids=str,
)
def test_samples_have_the_law_of_the_likelihood(variant: dict) -> None:
    model = tiny_model(**variant)
    expected = law(model)
    samples = sample_graphs(model.float(), np.arange(COUNT), seed=5, lanes=500, conditions=Conditions(max_num_node=MAX_NODES))
    counts = outcomes(samples.graphs)
    assert set(counts) <= set(expected)
    common = {key: p for key, p in expected.items() if COUNT * p >= 5}
    observed = [counts[key] for key in common]
    rare = 1 - sum(common.values())
    result = chisquare([*observed, COUNT - sum(observed)], [COUNT * p for p in [*common.values(), rare]])
    assert result.pvalue > 1e-4


def test_a_graph_depends_on_seed_and_index_alone() -> None:
    model = tiny_model().float()
    whole = sample_graphs(model, np.arange(300), seed=1, lanes=64, conditions=Conditions(max_num_node=30)).graphs
    assert sample_graphs(model, np.arange(300), seed=1, lanes=7, conditions=Conditions(max_num_node=30)).graphs == whole
    assert sample_graphs(model, np.arange(100, 200), seed=1, conditions=Conditions(max_num_node=30)).graphs == whole[100:200]
    assert sample_graphs(model, np.arange(300), seed=2, conditions=Conditions(max_num_node=30)).graphs != whole


def test_sequences_that_do_not_end_are_cut_and_counted() -> None:
    model = tiny_model().float()
    samples = sample_graphs(model, np.arange(1000), seed=1, conditions=Conditions(max_num_node=3))
    assert samples.graphs.num_nodes.max() == 3
    assert 0 < samples.num_cut <= (samples.graphs.num_nodes == 3).sum()
    by_default = sample_graphs(model, np.arange(1000), seed=1)
    assert by_default.graphs.num_nodes.max() <= 2 * model.facts.max_num_node


def test_no_graphs_asked_for() -> None:
    samples = sample_graphs(tiny_model().float(), np.arange(0), seed=0)
    assert len(samples.graphs) == 0
    assert samples.num_cut == 0


def test_progress_adds_up() -> None:
    finished: list[int] = []
    sample_graphs(tiny_model().float(), np.arange(50), seed=0, lanes=8, report=finished.append)
    assert sum(finished) == 50
