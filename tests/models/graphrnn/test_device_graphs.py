"""Whole graphs on a device: on a CUDA device if there is one, else on the CPU, where a device's path is asked for."""

import os
from typing import Any

import numpy as np
import pytest
import torch
from enumeration import MAX_NODES, chi_square, law, tiny_config, tiny_model
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.graphrnn import device, kernels
from gengraph.models.graphrnn.candidates import MOST_DEGREE
from gengraph.models.graphrnn.device import DeviceLanes, Recorded
from gengraph.models.graphrnn.device_streams import threshold_at, uniform_at
from gengraph.models.graphrnn.lanes import LanesSampler
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.models.graphrnn.rules import Rules
from gengraph.models.numbers import Numbers

CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"

VARIANTS = [
    {},
    {"model__sequence__scan": "nearest_first", "model__sequence__window": "fixed"},
    {"model__stop": "zero_row"},
    {"model__head__kind": "mlp", "model__head__mixture": "3"},
    {"model__head__kind": "context"},
    {"model__head__kind": "context", "model__head__features": '["gap", "degree", "common_last"]'},
    {"model__node": "lstm", "model__layer_norm": "true"},
    {"model__stop": "size", "model__head__kind": "context", "model__num_layers": "2"},
    {"model__head__node_input": "edge_state", "model__stop": "edge_eos"},
]
DENSE = [
    {"model__head__kind": "context"},
    {"model__head__kind": "context", "model__sequence__window": "fixed", "model__stop": "size", "model__totals": "true"},
    {"model__stop": "size", "model__totals": "true"},
]


def drawn(model: GraphRNNModel, count: int, lanes: int, *, on_device: bool, **decoding: Any) -> tuple[GraphSet, list[bool]]:
    """Graphs 0..count-1, every third of another attempt, and whether each was cut."""
    sampler = LanesSampler(model, Decoding(**decoding), lanes, on_device=on_device)
    parts = list(sampler.draw(np.arange(count), np.arange(count) % 3, seed=4))
    place, cut = (np.concatenate([getattr(part, name) for part in parts]) for name in ("place", "cut"))
    order = np.argsort(place)
    assert place[order].tolist() == list(range(count))
    return GraphSet.concatenate([part.graphs for part in parts])[order], cut[order].tolist()


def assert_the_same_graphs(model: GraphRNNModel, count: int, **decoding: Any) -> GraphSet:
    if model.sees_window:
        model = model.float()  # which the native library draws from, so that nothing else has to be compiled
    expected = drawn(model, count, 48, on_device=False, **decoding)
    assert drawn(model.to(DEVICE), count, 29, on_device=True, **decoding) == expected
    return expected[0]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_device_grows_the_graphs_of_lanes(variant: dict) -> None:
    graphs = assert_the_same_graphs(tiny_model(**variant), 150, max_num_node=9)
    assert len(graphs.edges)


def test_temperature_and_runs_to_the_limit_are_the_same() -> None:
    assert_the_same_graphs(tiny_model(), 60, max_num_node=9, temperature=2.0)
    assert_the_same_graphs(tiny_model(model__stop="zero_row"), 60, max_num_node=9, stop="reference")


@pytest.mark.skipif(CUDA or os.environ.get("TRITON_INTERPRET") != "1", reason="a CUDA device computes so by itself")
@pytest.mark.parametrize("settings", DENSE[:2], ids=str)
def test_programs_in_triton_grow_the_same_graphs(settings: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    triton_context = pytest.importorskip("gengraph.models.graphrnn.kernels.triton_context")
    model, asked = dense_model(**settings).float(), []
    expected = drawn(model, 12, 8, on_device=True)
    monkeypatch.setattr(kernels, "triton_context_level", lambda _table, bound: asked.append(bound) or triton_context)
    assert drawn(model, 12, 8, on_device=True) == expected
    assert asked == [17]


@pytest.mark.parametrize("settings", DENSE, ids=str)
def test_dense_graphs_in_wide_windows_are_the_same(settings: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of several widths, graphs refilled many times, counts beyond those that codes tell apart."""
    widths, step = set(), DeviceLanes.step
    monkeypatch.setattr(DeviceLanes, "step", lambda self, width: (widths.add(width), step(self, width)))
    graphs = assert_the_same_graphs(dense_model(**settings), 100)
    assert graphs.num_nodes.mean() > 20
    assert np.diff(graphs.to_csr().indptr).max() > MOST_DEGREE
    assert len(widths) > 1


def dense_model(**settings: str) -> GraphRNNModel:
    """A tiny model that draws graphs of 20 to 40 nodes and many edges, in float64."""
    facts = DataFacts(
        max_prev_node=17,
        max_num_node=40,
        several_components=True,
        sizes=[[20, 30, 40], [1, 1, 1]] if "model__stop" in settings else None,
        totals=[[20, 60, 40, 300], [30, 90, 60, 500], [40, 120, 80, 700]] if "model__totals" in settings else None,
    )
    torch.manual_seed(1)
    model = GraphRNNModel(tiny_config(**settings), facts).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.1)
        model.decision.bias.copy_(torch.tensor([3.0, -1.0, -0.5]))
        (*_, last) = (layer for layer in model.head.output.modules() if isinstance(layer, nn.Linear))
        last.bias.fill_(-0.3)
    return model


def test_few_lanes_where_memory_is_short_and_none_of_no_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(model__head__kind="context")
    many = drawn(model, 20, 64, on_device=True, max_num_node=9)
    monkeypatch.setattr(device, "_MOST_SEARCHED", 30)
    assert drawn(model, 20, 64, on_device=True, max_num_node=9) == many
    monkeypatch.setattr(device, "_MOST_BYTES", 1)
    assert drawn(model, 20, 64, on_device=True, max_num_node=9) == many
    assert not list(LanesSampler(model, Decoding(), 64, on_device=True).draw(np.arange(0), np.arange(0), seed=4))


@pytest.mark.parametrize("variant", [{}, {"model__head__kind": "context", "model__stop": "size"}], ids=str)
def test_graphs_of_a_device_have_the_law_of_the_likelihood(variant: dict) -> None:
    model = tiny_model(**variant)
    expected = law(model)
    graphs, _ = drawn(model.to(DEVICE), 20_000, 2000, on_device=True, max_num_node=MAX_NODES)
    assert chi_square(graphs, expected) > 1e-4


def test_the_numbers_of_a_device_are_those_of_the_streams() -> None:
    numbers = Numbers.of(7, np.array([0, 3, 2**40]), np.array([5, 0, 1]))
    keys = torch.from_numpy(numbers.keys.view(np.int64)).to(DEVICE)[:, None]
    for first in (0, 10**6, 2**48, 2**49):
        uniforms = uniform_at(keys, torch.arange(first, first + 1000, device=DEVICE)).cpu().numpy()
        assert np.array_equal(uniforms, numbers.uniforms(first, 1000))
    thresholds = threshold_at(keys, torch.arange(1000, device=DEVICE), 0.5).cpu()
    uniforms = numbers.uniforms(0, 1000)
    np.testing.assert_allclose(thresholds, 0.5 * np.log(uniforms / (1 - uniforms)), rtol=1e-5)


class OnOneDevice(TorchDispatchMode):
    """Tensors without values fail where one is asked for; here they do so, too, where an operation touches any other tensor."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
        assert all(tensor.is_meta for tensor in tensors), func
        return result


@pytest.mark.parametrize("variant", [*VARIANTS, DENSE[1]], ids=str)
@torch.inference_mode()
def test_a_step_needs_no_value_of_a_tensor_and_no_other_device(variant: dict) -> None:
    kernels.backend()  # its check computes on the CPU
    model = (dense_model if "model__totals" in variant else tiny_model)(**variant).to("meta")
    lanes = DeviceLanes(model, (np.arange(5), np.zeros(5, np.int64)), Rules(seed=1, limit=9), 4)
    with OnOneDevice():
        lanes.step(3)


@pytest.mark.skipif(CUDA, reason="a CUDA device records steps")
def test_what_cannot_be_recorded_is_called_each_time() -> None:
    recorded, calls = Recorded(torch.device("cuda")), []
    recorded(lambda: calls.append(1))
    with pytest.warns(UserWarning, match="are not recorded, which is slower"):
        recorded(lambda: calls.append(2))
    recorded(lambda: calls.append(3))
    assert calls == [1, 2, 3]


@pytest.mark.skipif(not CUDA, reason="no CUDA device")
def test_a_record_is_repeated() -> None:
    recorded, total, calls = Recorded(torch.device("cuda")), torch.zeros(1, device="cuda"), []
    for _ in range(5):
        recorded(lambda: (calls.append(1), total.add_(1)))
    assert total.item() == 5
    assert len(calls) == 2


@pytest.mark.skipif(not CUDA, reason="no CUDA device")
@pytest.mark.parametrize("head", ["rnn", "mlp", "context"])
def test_a_gpu_grows_whole_graphs_by_itself(head: str) -> None:
    model = tiny_model(model__head__kind=head)
    expected = law(model)
    sampler = LanesSampler(model.float().to("cuda"), Decoding(max_num_node=MAX_NODES))
    graphs = GraphSet.concatenate([part.graphs for part in sampler.draw(np.arange(40_000), np.zeros(40_000, int), seed=4)])
    assert chi_square(graphs, expected) > 1e-4
