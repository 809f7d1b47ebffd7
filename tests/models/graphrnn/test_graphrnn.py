import math

import numpy as np
import pytest
import torch
from enumeration import MAX_NODES, plain_log_prob, sequences, tiny_model

from gengraph.data import load_dataset
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.rows import encode_rows

VARIANTS = [
    {},
    {"model__head__kind": "mlp"},
    {"model__sequence__scan": "nearest_first"},
    {"model__sequence__scan": "nearest_first", "model__head__kind": "mlp"},
    {"model__sequence__window": "fixed", "model__num_layers": "2"},
    {"model__stop": "zero_row"},
    {
        "model__stop": "zero_row",
        "model__head__kind": "mlp",
        "model__sequence__window": "fixed",
        "model__sequence__scan": "nearest_first",
    },
    {"max_prev_node": 2},
    {"model__head__kind": "context"},
    {"model__head__kind": "context", "model__sequence__window": "fixed", "max_prev_node": 2},
    {"several_components": False},
    {"model__node": "lstm", "model__num_layers": "2", "model__layer_norm": "true"},
    {"model__node": "transformer", "model__num_layers": "2"},
    {"model__head__kind": "mlp", "model__head__mixture": "3"},
    {
        "model__stop": "zero_row",
        "model__head__kind": "mlp",
        "model__head__mixture": "2",
        "model__sequence__scan": "nearest_first",
    },
    {"model__stop": "size"},
    {"model__stop": "size", "model__head__kind": "context", "model__sequence__window": "fixed"},
    {"model__stop": "size", "model__node": "transformer", "several_components": False},
    {"model__stop": "edge_eos"},
    {"model__head__start": "state", "model__sequence__scan": "nearest_first"},
    {"model__head__node_input": "edge_state", "model__num_layers": "2", "model__layer_norm": "true"},
    {"model__head__node_input": "edge_state", "model__stop": "edge_eos", "model__sequence__scan": "nearest_first"},
    {"model__head__node_input": "edge_state", "model__stop": "zero_row"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_log_likelihood_is_exact(variant: dict) -> None:
    model = tiny_model(**variant)
    total = 0.0
    for rows in sequences(model):
        log_prob = model.log_prob(rows.batch(model.facts.max_prev_node)).item()
        assert log_prob == pytest.approx(plain_log_prob(model, rows), abs=1e-10)
        # A sequence of MAX_NODES stands for all that go on from there.
        total += math.exp(log_prob if rows.num_nodes < MAX_NODES else plain_log_prob(model, rows, with_end=False))
    assert total == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"model__head__kind": "mlp", "model__head__mixture": "3"},
        {"model__stop": "zero_row"},
        {"model__stop": "size"},
        {"model__stop": "zero_row", "model__head__kind": "mlp"},
        {"model__head__kind": "context"},
        {"model__layer_norm": "true", "model__num_layers": "2"},
        {"model__head__start": "state"},
        {"model__head__node_input": "edge_state"},
        {"model__node": "lstm"},
        {"model__node": "transformer"},
    ],
    ids=str,
)
def test_a_batch_equals_its_graphs_one_by_one(variant: dict) -> None:
    model = tiny_model(**variant, max_prev_node=6)
    adjacency = Adjacency.of(load_dataset("grid-small"))
    encode = {"ordering": "cm", "max_prev_node": 6, "adaptive": True, "key": (0, 0)}
    batch = encode_rows(adjacency, np.arange(20), **encode)
    together = model.log_prob(batch)
    alone = torch.cat([model.log_prob(encode_rows(adjacency, np.array([g]), **encode)) for g in batch.graph])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-10)


def test_gradients_in_float32_are_close_to_float64() -> None:
    double = tiny_model(max_prev_node=6)
    single = tiny_model(max_prev_node=6).float()
    adjacency = Adjacency.of(load_dataset("grid-small"))
    batch = encode_rows(adjacency, np.arange(20), ordering="bfs", max_prev_node=6, adaptive=True, key=(0, 0))
    double.log_prob(batch).sum().backward()
    single.log_prob(batch).sum().backward()
    for exact, rounded in zip(double.parameters(), single.parameters(), strict=True):
        error = (rounded.grad.double() - exact.grad).norm() / exact.grad.norm()
        assert error < 1e-3


def test_new_components_are_all_but_impossible_where_the_data_have_none() -> None:
    model = tiny_model(several_components=False)
    states = torch.randn(5, 6, dtype=torch.float64)
    log_probs = model.decision_log_probs(states)[:, 1]
    assert (log_probs < -20).all()
    assert torch.isfinite(log_probs).all()
