"""What the sampler's native layers compute, against float64 and torch, row by row."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from enumeration import MAX_NODES, chi_square, law, tiny_model
from in_lanes import InLanes
from native_library import assert_near, chosen_anew, native  # noqa: F401
from torch import nn

from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.gru import GRU
from gengraph.models.graphrnn.kernels import independent, library, rowwise
from gengraph.models.graphrnn.mlp_head import IndependentEdges
from gengraph.models.graphrnn.rnn_head import mlp
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions

SIZES = [(1, 1), (3, 7), (64, 128), (130, 70)]  # inputs and outputs


def of_order_one(module: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return module


@pytest.mark.parametrize("rows", [1, 5, 300])
@pytest.mark.parametrize(("inputs", "outputs"), SIZES)
@pytest.mark.usefixtures("native")
@torch.no_grad()
def test_a_linear_layer_equals_float64(rows: int, inputs: int, outputs: int) -> None:
    layer, given = of_order_one(nn.Linear(inputs, outputs)), torch.randn(rows, inputs)
    exact = copy.deepcopy(layer).double()(given.double())
    assert_near(rowwise.Linear(layer)(given), exact, 1e-6)
    assert_near(rowwise.Linear(layer, rectified=True)(given), exact.relu(), 1e-6)
    without = nn.Linear(inputs, outputs, bias=False)
    assert_near(rowwise.Linear(without)(given), given.double() @ without.weight.double().t(), 1e-6)
    network = of_order_one(mlp(inputs, 9, outputs))
    assert_near(rowwise.perceptron(network)(given), copy.deepcopy(network).double()(given.double()), 1e-6)


@pytest.mark.parametrize("num_layers", [1, 5])
@pytest.mark.parametrize(("inputs", "hidden"), SIZES)
@pytest.mark.usefixtures("native")
@torch.no_grad()
def test_steps_equal_the_packed_layers_in_float64(inputs: int, hidden: int, num_layers: int) -> None:
    gru = of_order_one(GRU(inputs, hidden, num_layers))
    given = torch.randn(3, 9, inputs)
    exact = copy.deepcopy(gru).double()(given.double().flatten(0, 1), [9] * 3).view(3, 9, hidden)
    stepper, states = rowwise.Stepper(gru), [torch.zeros(9, hidden) for _ in range(num_layers)]
    for t in range(3):
        assert_near(stepper.step(given[t], states), exact[t], 1e-6)


@pytest.mark.usefixtures("native")
@torch.no_grad()
def test_a_row_depends_neither_on_other_rows_nor_on_threads() -> None:
    given, states = torch.randn(700, 64), torch.randn(700, 128)
    linear = rowwise.Linear(of_order_one(nn.Linear(64, 100)))
    stepper = rowwise.Stepper(of_order_one(GRU(64, 128, 1)))
    expected, after = linear(given), [states.clone()]
    stepper.step(given, after)
    order = torch.randperm(700)
    before = torch.get_num_threads()
    for threads, chosen in ((1, order[:1]), (1, order[:101]), (2, order), (5, order[:333])):
        torch.set_num_threads(threads)
        assert torch.equal(linear(given[chosen]), expected[chosen])
        own = [states[chosen]]
        stepper.step(given[chosen], own)
        assert torch.equal(own[0], after[0][chosen])
    torch.set_num_threads(before)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("num_components", [1, 4])
@pytest.mark.usefixtures("native")
@torch.inference_mode()
def test_the_same_numbers_draw_the_same_rows_as_torch(num_components: int, plain: bool) -> None:
    head = IndependentEdges(6, 5, 11, num_components, oldest_first=not plain, never_empty=not plain)
    of_order_one(head)
    random = np.random.default_rng(1)
    widths = torch.from_numpy(np.sort(random.integers(0, 12, 77))[::-1].copy())
    thresholds = torch.from_numpy(random.logistic(size=(77, int(widths.max()))).astype(np.float32))
    states, uniforms = torch.randn(77, 6), torch.from_numpy(random.random(77).astype(np.float32))
    sampler = independent.NativeSampler(head)
    bits = sampler(states, widths, thresholds, uniforms)
    assert torch.equal(bits, head._sample(states, widths, thresholds, uniforms))
    if not plain:
        assert bool((bits.any(1) == (widths > 0)).all())
    order = torch.from_numpy(random.permutation(77)[:20])
    assert torch.equal(sampler(states[order], widths[order], thresholds[order], uniforms[order]), bits[order])


HEADS = [{}, {"model__head__kind": "mlp"}, {"model__head__kind": "mlp", "model__head__mixture": "3"}]
ODD = {"model__hidden_size": "7", "max_prev_node": 1}


@pytest.mark.parametrize("variant", [{}, {"model__num_layers": "5"}, ODD, {"model__stop": "zero_row"}], ids=str)
@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.usefixtures("native")
def test_the_same_uniforms_give_the_same_graphs_as_torch(head: dict, variant: dict) -> None:
    model = tiny_model(**head, **variant).float().eval()
    draw = partial(sample_graphs, seed=1, conditions=Conditions(max_num_node=12))
    assert model.rowwise
    graphs = draw(model, np.arange(320)).graphs
    assert graphs == draw(InLanes(model, 48), np.arange(320)).graphs
    assert graphs[300:301] == draw(model, np.array([300])).graphs
    kernels.use("torch")
    assert not model.rowwise
    assert graphs == draw(model, np.arange(320)).graphs


@pytest.mark.parametrize("head", [*HEADS, {"model__head__kind": "context"}], ids=str)
@pytest.mark.usefixtures("native")
def test_native_samples_have_the_law_of_the_likelihood(head: dict) -> None:
    model = tiny_model(**head)
    expected = law(model)
    assert model.float().rowwise
    samples = sample_graphs(model, np.arange(10_000), seed=5, conditions=Conditions(max_num_node=MAX_NODES))
    assert chi_square(samples.graphs, expected) > 1e-4


@pytest.mark.usefixtures("native")
def test_other_networks_are_sampled_in_blocks() -> None:
    others = ["model__node=lstm", "model__node=transformer", "model__layer_norm=true", "model__stop=edge_eos"]
    for name, value in (other.split("=") for other in [*others, "model__head__node_input=edge_state"]):
        assert not tiny_model(**{name: value}).float().rowwise
    assert not tiny_model().rowwise  # float64


@pytest.mark.usefixtures("native")
def test_arrays_that_do_not_fit_are_refused_before_they_are_touched() -> None:
    def call(name: str, numbers: tuple[int, ...], sizes: list[int]) -> None:
        library.native_library().call(name, *numbers, *(torch.zeros(size) for size in sizes))

    right = {
        "pack": ((2, 3, 5), [30, 96]),
        "linear": ((2, 5, 0, 1), [8, 32, 5, 20]),
        "gru_step": ((2, 5, 1), [8, 96, 240, 15, 15, 20]),
    }
    for name, (numbers, sizes) in right.items():
        call(name, numbers, sizes)
        for place in range(len(sizes)):
            with pytest.raises(ValueError, match="do not fit"):
                call(name, numbers, [3 if k == place else size for k, size in enumerate(sizes)])
        for place in range(2):
            for wrong in (0, -1, 2**40):
                with pytest.raises(ValueError, match="do not fit"):
                    call(name, tuple(wrong if k == place else number for k, number in enumerate(numbers)), sizes)


@pytest.mark.usefixtures("native")
def test_draws_of_sizes_that_do_not_fit_are_refused() -> None:
    def call(*, components: int = 2, candidates: int = 3, widths: tuple[int, ...] = (2, 0), **sizes: int) -> None:
        counts = {"outputs": 16, "thresholds": 4, "uniforms": 2, "bits": 4} | sizes
        arrays = [torch.zeros(counts[name]) for name in ("outputs", "thresholds", "uniforms")]
        bits = torch.zeros(counts["bits"], dtype=torch.uint8)
        numbers = components, candidates, library.integers(list(widths))
        library.native_library().call("independent_sample", *numbers, *arrays, 1, 0, bits)

    call()
    for name in ("outputs", "thresholds", "uniforms", "bits"):
        with pytest.raises(ValueError, match="do not fit"):
            call(**{name: 3})
    for wrong in (0, -1, 2**40):
        with pytest.raises(ValueError, match="do not fit"):
            call(components=wrong)
        with pytest.raises(ValueError, match="do not fit"):
            call(candidates=wrong)
    with pytest.raises(ValueError, match="do not fit"):
        call(widths=())
    for widths in ((3, 0), (0, -1)):
        with pytest.raises(ValueError, match="out of order or range"):
            call(widths=widths)
