import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from gengraph.models.graphrnn.gru import GRU, Stepper, run_on_device


def reference(gru: GRU, input_size: int) -> nn.GRU:
    plain = nn.GRU(input_size, gru.hidden_size, gru.num_layers, dtype=torch.float64)
    for layer in range(gru.num_layers):
        getattr(plain, f"weight_ih_l{layer}").data.copy_(gru.input_weights[layer])
        getattr(plain, f"weight_hh_l{layer}").data.copy_(gru.hidden_weights[layer])
        getattr(plain, f"bias_ih_l{layer}").data.copy_(gru.input_biases[layer])
        getattr(plain, f"bias_hh_l{layer}").data.copy_(gru.hidden_biases[layer])
    return plain


@pytest.mark.parametrize("lengths", [[1], [5], [5, 5, 3, 1], [4, 1, 1]])
@pytest.mark.parametrize(("num_layers", "num_starts"), [(1, 1), (3, 1), (3, 3)])
def test_states_and_gradients_equal_torch(lengths: list[int], num_layers: int, num_starts: int) -> None:
    torch.manual_seed(0)
    gru = GRU(3, 4, num_layers).double()
    for bias in [*gru.input_biases, *gru.hidden_biases]:
        nn.init.normal_(bias)
    padded = torch.randn(max(lengths), len(lengths), 3, dtype=torch.float64)
    packed = pack_padded_sequence(padded, torch.tensor(lengths))
    start = torch.randn(len(lengths), 4 * num_starts, dtype=torch.float64, requires_grad=True)
    inputs = packed.data.clone().requires_grad_()
    states = gru(inputs, packed.batch_sizes.tolist(), start)

    plain = reference(gru, 3)
    plain_start = start.detach().clone().requires_grad_()
    zeros = torch.zeros(num_layers - num_starts, len(lengths), 4, dtype=torch.float64)
    starts = torch.cat([plain_start.unflatten(1, (num_starts, 4)).transpose(0, 1), zeros])
    expected, _ = plain(packed._replace(data=inputs.detach()), starts)
    torch.testing.assert_close(states, expected.data)

    weights = torch.randn_like(states)
    (states * weights).sum().backward()
    (expected.data * weights).sum().backward()
    torch.testing.assert_close(start.grad, plain_start.grad)
    for layer in range(num_layers):
        torch.testing.assert_close(gru.input_weights[layer].grad, getattr(plain, f"weight_ih_l{layer}").grad)
        torch.testing.assert_close(gru.hidden_weights[layer].grad, getattr(plain, f"weight_hh_l{layer}").grad)
        torch.testing.assert_close(gru.input_biases[layer].grad, getattr(plain, f"bias_ih_l{layer}").grad)
        torch.testing.assert_close(gru.hidden_biases[layer].grad, getattr(plain, f"bias_hh_l{layer}").grad)


def test_what_a_device_calls_has_the_same_states_and_gradients() -> None:
    torch.manual_seed(3)
    gru, sizes = GRU(3, 4, 2).double(), [3, 2, 2, 1]
    for bias in [*gru.input_biases, *gru.hidden_biases]:
        nn.init.normal_(bias)
    inputs, start = torch.randn(8, 3, dtype=torch.float64), torch.randn(3, 8, dtype=torch.float64)
    weights, found = torch.randn(8, 4, dtype=torch.float64), []
    for run in (gru, lambda *arguments: run_on_device(gru.layers, *arguments[:2], list(arguments[2].split(4, dim=1)))):
        states = run(inputs, sizes, start)
        found.append([states, *torch.autograd.grad((states * weights).sum(), list(gru.parameters()))])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_equal_finite_differences() -> None:
    torch.manual_seed(1)
    gru = GRU(2, 3, 2).double()
    inputs = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gru(x, [3, 2, 1]), [inputs])


@torch.inference_mode()
def test_step_by_step_equals_the_whole_sequence() -> None:
    torch.manual_seed(2)
    gru = GRU(3, 4, 2).double()
    inputs = torch.randn(5, 3, dtype=torch.float64)
    expected = gru(inputs, [1] * 5)
    stepper = Stepper(gru, 1)
    hidden = [torch.zeros(1, 4, dtype=torch.float64) for _ in range(2)]
    torch.testing.assert_close(torch.cat([stepper.step(row[None], hidden).clone() for row in inputs]), expected)
    table = stepper.first_gates(inputs)
    hidden = [torch.zeros(1, 4, dtype=torch.float64) for _ in range(2)]
    chosen = [stepper.choose(table, torch.tensor([t]), hidden).clone() for t in range(5)]
    torch.testing.assert_close(torch.cat(chosen), expected)
