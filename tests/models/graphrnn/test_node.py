import numpy as np
import pytest
import torch
from enumeration import tiny_model
from torch.nn import functional

from gengraph.data import load_dataset
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.lstm import LSTM
from gengraph.models.graphrnn.network import GraphRNNModel
from gengraph.models.graphrnn.rows import RowBatch, encode_rows
from gengraph.models.graphrnn.transformer import NodeTransformer

M = 5
NETWORKS = [
    {},
    {"model__num_layers": "2", "model__layer_norm": "true"},
    {"model__node": "lstm", "model__num_layers": "2"},
    {"model__node": "transformer", "model__num_layers": "2"},
]


def ladders(num_graphs: int) -> RowBatch:
    """Ladders of 200 to 400 nodes: longer than a chunk of a transformer's memory."""
    adjacency = Adjacency.of(load_dataset("ladder"))
    return encode_rows(adjacency, np.arange(num_graphs), ordering="cm", max_prev_node=M, adaptive=True, key=(0, 0))


def stepwise_states(model: GraphRNNModel, batch: RowBatch, lanes: int, rows: int) -> torch.Tensor:
    """float[T, B, H]: the states before each of the first rows as the sampler computes them, graphs in lanes 0..B-1."""
    nodes = model.node_sampler(lanes, lanes, rows + 1)
    bits, count = torch.from_numpy(batch.bits), len(batch.graph)
    states = []
    for t in range(rows):
        states.append(nodes.advance()[:count].clone())
        made = torch.zeros(lanes, M, dtype=torch.uint8)
        made[: batch.batch_sizes[t]] = bits[batch.step_offsets[t] : batch.step_offsets[t + 1]]
        nodes.read(made, torch.zeros(lanes, dtype=torch.int64))
    return torch.stack(states)


@pytest.mark.parametrize("variant", NETWORKS, ids=str)
def test_the_sampler_goes_through_the_states_of_the_likelihood(variant: dict) -> None:
    model, batch = tiny_model(**variant, max_prev_node=M), ladders(3)
    with torch.inference_mode():
        packed = model.node_states(batch)
        stepwise = stepwise_states(model, batch, lanes=4, rows=150)
    for t in range(150):
        expected = packed[batch.step_offsets[t] : batch.step_offsets[t + 1]]
        torch.testing.assert_close(stepwise[t, : len(expected)], expected, rtol=0, atol=1e-10)


def test_a_transformer_is_attention_as_it_is_written() -> None:
    torch.manual_seed(0)
    network = NodeTransformer(3, 8, 1, 2, dropout_rate=0.0).double()
    inputs = torch.randn(6, 3, dtype=torch.float64)
    (block,) = network.blocks
    states = network.project(inputs)
    rows = block.queries_keys_values(functional.layer_norm(states, (8,)))
    attended = torch.zeros(6, 8, dtype=torch.float64)
    for head, slope in enumerate((2.0**-4, 2.0**-8)):
        query, key, value = (rows[:, part * 8 + 4 * head : part * 8 + 4 * head + 4] for part in range(3))
        for i in range(6):
            logits = torch.stack([query[i] @ key[j] / 2 - slope * (i - j) for j in range(i + 1)])
            attended[i, 4 * head : 4 * head + 4] = logits.softmax(0) @ value[: i + 1]
    states = states + block.attended(attended)
    states = states + block.mlp(functional.layer_norm(states, (8,)))
    torch.testing.assert_close(network(inputs, [1] * 6), functional.layer_norm(states, (8,)), rtol=0, atol=1e-10)


def test_an_lstm_is_the_recurrence_as_it_is_written() -> None:
    torch.manual_seed(0)
    lstm = LSTM(3, 2).double()
    assert lstm.cell.bias_ih_l0.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    inputs = torch.randn(5, 3, dtype=torch.float64)
    state = cell = torch.zeros(2, dtype=torch.float64)
    for x, out in zip(inputs, lstm(inputs, [1] * 5), strict=True):
        gates = lstm.cell.weight_ih_l0 @ x + lstm.cell.bias_ih_l0 + lstm.cell.weight_hh_l0 @ state + lstm.cell.bias_hh_l0
        write, forget, new, read = gates.split(2)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(write) * torch.tanh(new)
        state = torch.sigmoid(read) * torch.tanh(cell)
        torch.testing.assert_close(out, state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", [{"model__num_layers": "2"}, {"model__node": "transformer"}], ids=str)
def test_dropout_is_for_training_alone(variant: dict) -> None:
    model, batch = tiny_model(model__dropout="0.5", **variant, max_prev_node=M), ladders(2)
    plain = tiny_model(**variant, max_prev_node=M)
    assert torch.equal(model.eval().log_prob(batch), plain.log_prob(batch))
    with torch.inference_mode():
        assert torch.equal(stepwise_states(model, batch, lanes=2, rows=3), stepwise_states(plain, batch, lanes=2, rows=3))
    assert not torch.equal(model.train().log_prob(batch), plain.log_prob(batch))
    assert not torch.equal(model.log_prob(batch), model.log_prob(batch))
