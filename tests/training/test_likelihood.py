"""Bounds on a graph's likelihood against the sum over all sequences of a tiny model."""

import math
from collections import defaultdict

import networkx as nx
import numpy as np
import pytest
import torch
from enumeration import MAX_NODES, Rows, plain_log_prob, sequences, tiny_model

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.models.graphrnn.rows import scan_rows
from gengraph.training.likelihood import _BOUND_EPOCH, log_prob_bound

FIXED = {"model__sequence__window": "fixed"}


def exact_log_probs(model: GraphRNNModel) -> tuple[GraphSet, np.ndarray]:
    """Every graph with at most MAX_NODES nodes that the model can make, once, and its log-likelihood."""
    found: dict[object, list[Rows]] = defaultdict(list)
    everything = [*sequences(model)]
    graphs = GraphSet.from_edge_lists([rows.num_nodes for rows in everything], [rows.edges for rows in everything])
    for key, rows in zip(canonical_keys(graphs), everything, strict=True):
        found[key].append(rows)
    first = [group[0] for group in found.values()]
    exact = [math.log(sum(math.exp(plain_log_prob(model, rows)) for rows in group)) for group in found.values()]
    return GraphSet.from_edge_lists([rows.num_nodes for rows in first], [rows.edges for rows in first]), np.array(exact)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model__sequence__ordering": "bfs", "model__head__kind": "mlp"},
        {"model__sequence__ordering": "bfs", "model__sequence__scan": "nearest_first", **FIXED},
        {"model__sequence__ordering": "degree", **FIXED},
        {"model__sequence__ordering": "bfs", "model__stop": "zero_row"},
        {"model__head__kind": "context"},
        {"model__stop": "edge_eos"},
        {"model__head__kind": "mlp", "model__head__mixture": "3"},
    ],
    ids=str,
)
def test_bounds_lie_below_the_exact_likelihood_in_order(settings: dict[str, str]) -> None:
    model = tiny_model(**settings)
    graphs, exact = exact_log_probs(model)
    few, many = (log_prob_bound(model, graphs, num_orderings=k, seed=1) for k in (2, 40))
    for bound in (few, many):
        assert bound.num_cut == 0
        assert (bound.average <= bound.distinct + 1e-12).all()
        assert (bound.distinct <= exact + 1e-9).all()
    assert (few.distinct <= many.distinct + 1e-12).all()
    assert (many.distinct > many.average + 0.1).any()


def test_the_tighter_bound_is_exact_when_every_numbering_is_drawn() -> None:
    settings = {"model__sequence__ordering": "random", **FIXED}
    model = tiny_model(**settings)
    graphs, exact = exact_log_probs(model)
    assert len(graphs) == 1 + 2 + 4 + 11  # all graphs with one to four nodes
    bound = log_prob_bound(model, graphs, num_orderings=400)
    np.testing.assert_allclose(bound.distinct, exact, atol=1e-9)
    for graph, count in zip(graphs.to_networkx(), bound.num_distinct, strict=True):
        automorphisms = sum(1 for _ in nx.isomorphism.GraphMatcher(graph, graph).isomorphisms_iter())
        assert count == math.factorial(len(graph)) / automorphisms


def test_the_average_is_that_of_the_sequences_one_by_one() -> None:
    model = tiny_model(max_prev_node=6)
    graphs = load_dataset("grid-small")
    bound = log_prob_bound(model, graphs, num_orderings=3, seed=7)
    encode = model.encoder(graphs)
    alone = [
        [model.log_prob(encode(np.array([g]), key=(7, _BOUND_EPOCH + k))).item() for k in range(3)] for g in range(len(graphs))
    ]
    np.testing.assert_allclose(bound.average, np.mean(alone, axis=1), atol=1e-10)
    assert bound.units["graph"] == len(graphs)
    assert bound.units["node"] == graphs.num_nodes.sum()
    values = bound.to_dict()
    assert values["nll"] == pytest.approx(-bound.average.mean())
    assert values["nll_per_node"] == pytest.approx(-bound.average.sum() / graphs.num_nodes.sum())


@pytest.mark.parametrize("stop", ["decision", "edge_eos", "zero_row"])
@pytest.mark.parametrize("scan", ["oldest_first", "nearest_first"])
def test_edge_bits_are_the_free_decisions_of_the_scan(stop: str, scan: str) -> None:
    settings = {"model__stop": stop, "model__sequence__scan": scan}
    model = tiny_model(max_prev_node=6, **settings)
    graphs = load_dataset("grid-small")
    batch = model.encoder(graphs)(np.arange(len(graphs)), key=(0, 0))
    free = scan_rows(batch, oldest_first=scan == "oldest_first", every_row=stop == "zero_row").free
    assert model.units(batch) == {"graph": len(graphs), "node": graphs.num_nodes.sum(), "edge_bit": free.sum()}


def test_a_fair_coin_costs_log_two_an_edge_bit() -> None:
    settings = {"model__stop": "zero_row", **FIXED}
    model = tiny_model(**settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    graphs = GraphSet.from_networkx([nx.path_graph(MAX_NODES), nx.complete_graph(3)])
    values = log_prob_bound(model, graphs, num_orderings=4).to_dict()
    assert values["nll_per_edge_bit"] == pytest.approx(math.log(2))
    assert values["nll"] == pytest.approx(math.log(2) * ((1 + 2 + 3 + 3) + (1 + 2 + 3)) / 2)


def test_bad_requests() -> None:
    model, graphs = tiny_model(), GraphSet.from_networkx([nx.path_graph(3)])
    with pytest.raises(InputError, match="at least 1 ordering and 1 graph, got 0 and 1"):
        log_prob_bound(model, graphs, num_orderings=0)
    with pytest.raises(InputError, match="got 4 and 0"):
        log_prob_bound(model, GraphSet.empty(), num_orderings=4)
    with pytest.raises(InputError, match="needs a model with an exact likelihood, this one has none"):
        log_prob_bound(torch.nn.Linear(1, 1), graphs)
