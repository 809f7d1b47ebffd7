"""The native library against float64 and against torch, in shapes that fill no vector."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from native_library import assert_near, chosen_anew, native  # noqa: F401
from torch import Tensor

from gengraph.errors import InputError
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.gru import GRU
from gengraph.models.graphrnn.kernels import build, edge_rnn, library
from gengraph.models.graphrnn.kernels.native_gru import NativeLayer, reference_layer
from gengraph.models.graphrnn.rnn_head import EdgeRNN, EdgeSampler
from gengraph.models.graphrnn.rows import RowBatch, Scan, scan_rows


@pytest.mark.parametrize("batch_sizes", [[1], [1, 1, 1], [9, 9, 4, 4, 1], [33, 2, 2]])
@pytest.mark.parametrize("size", [1, 7, 16, 70])
@pytest.mark.usefixtures("native")
def test_a_recurrent_layer_equals_float64(batch_sizes: list[int], size: int) -> None:
    torch.manual_seed(size)
    total = sum(batch_sizes)
    arguments = [torch.randn(total, 3 * size), torch.randn(batch_sizes[0], size)]
    arguments += [torch.randn(3 * size, size) / size**0.5, torch.randn(3 * size)]
    ours = [tensor.clone().requires_grad_() for tensor in arguments]
    exact = [tensor.double().requires_grad_() for tensor in arguments]
    weights = torch.randn(total, size)
    states, expected = NativeLayer.apply(*ours, batch_sizes), reference_layer(*exact, batch_sizes)
    assert_near(states, expected, 1e-6)
    (states * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(ours, exact, strict=True):
        assert_near(one.grad, other.grad, 1e-5)


@pytest.mark.parametrize("num_layers", [1, 5])
@pytest.mark.usefixtures("native")
def test_layers_are_native_in_float32_and_torch_in_float64(num_layers: int) -> None:
    torch.manual_seed(0)
    gru = GRU(3, 7, num_layers)
    inputs = torch.randn(12, 3)
    states = gru(inputs, [5, 4, 3])
    assert "NativeLayer" in type(states.grad_fn).__name__
    exact = copy.deepcopy(gru).double()(inputs.double(), [5, 4, 3])
    assert "NativeLayer" not in type(exact.grad_fn).__name__
    assert_near(states, exact, 1e-6)


def rows_of(widths: list[int], bound: int, seed: int = 0) -> RowBatch:
    """Random rows; those of one candidate and a few others are empty and do not continue."""
    random = np.random.default_rng(seed)
    width = np.array(widths, np.int32)
    bits = ((random.random((len(width), bound)) < 0.4) & (np.arange(bound) < width[:, None])).astype(np.uint8)
    decisions = np.where(bits.any(1), 0, 1).astype(np.uint8)
    return RowBatch(np.arange(1), np.array([len(width)]), np.ones(len(width), np.int64), bits, width, decisions, 0)


def edge_level(size: int, num_layers: int, *, plain: bool = True) -> EdgeRNN:
    torch.manual_seed(size + num_layers)
    head = EdgeRNN(6, size, num_layers, every_layer=not plain, oldest_first=not plain, never_empty=not plain)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return head


ROWS = {
    "one row": rows_of([5], 5, seed=1),
    "max_prev_node 1": rows_of([1] * 40, 1),
    "a growing window": rows_of([min(t + 1, 9) for t in range(50)], 9),
    "a full block": rows_of([4] * 64, 4),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("size", "num_layers"), [(2, 1), (7, 5), (16, 4), (9, 2)])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.usefixtures("native")
def test_the_edge_level_equals_float64(rows: str, size: int, num_layers: int, plain: bool) -> None:
    batch = ROWS[rows]
    head = edge_level(size, num_layers, plain=plain)
    exact_head = copy.deepcopy(head).double()
    states = torch.randn(len(batch.widths), 6, requires_grad=True)
    exact_states = states.detach().double().requires_grad_()
    log_probs, expected = head(states, batch), exact_head(exact_states, batch)
    assert_near(log_probs, expected, 1e-6)
    log_probs.sum().backward()
    expected.sum().backward()
    assert_near(states.grad, exact_states.grad, 1e-5)
    for one, other in zip(head.parameters(), exact_head.parameters(), strict=True):
        assert_near(one.grad, other.grad, 1e-5)


@pytest.mark.usefixtures("native")
def test_rows_may_have_different_weights_in_the_loss() -> None:
    batch, head = ROWS["a growing window"], edge_level(7, 2)
    exact_head = copy.deepcopy(head).double()
    states, weights = torch.randn(50, 6), torch.randn(50)
    (head(states, batch) * weights).sum().backward()
    (exact_head(states.double(), batch) * weights).sum().backward()
    for one, other in zip(head.parameters(), exact_head.parameters(), strict=True):
        assert_near(one.grad, other.grad, 1e-5)


@pytest.mark.usefixtures("native")
def test_the_number_of_threads_changes_no_bit() -> None:
    head, states = edge_level(16, 2), torch.randn(600, 6)
    batch = rows_of([min(t + 1, 20) for t in range(600)], 20)
    gates, start, weight = torch.randn(4000, 3 * 64), torch.randn(40, 64), torch.randn(3 * 64, 64)
    results = []
    before = torch.get_num_threads()
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        head.zero_grad()
        log_probs = edge_rnn.log_prob(head, scan_of(head, batch), states[:, :1].expand(-1, 16))
        log_probs.sum().backward()
        gru = NativeLayer.apply(gates, start, weight, weight[:, 0], [40] * 100)
        results.append([log_probs, gru, head.embed.weight.grad, *(p.grad for p in head.rnn.parameters())])
    torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def scan_of(head: EdgeRNN, batch: RowBatch) -> Scan:
    return scan_rows(batch, oldest_first=head.oldest_first, every_row=not head.never_empty)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(("size", "num_layers"), [(7, 1), (16, 4)])
@pytest.mark.usefixtures("native")
@torch.inference_mode()
def test_the_same_thresholds_give_the_same_bits(plain: bool, size: int, num_layers: int) -> None:
    head = edge_level(size, num_layers, plain=plain)
    random = np.random.default_rng(1)
    widths = torch.from_numpy(np.sort(random.integers(0, 12, 77))[::-1].copy())
    states, thresholds = torch.randn(77, 6), torch.from_numpy(random.logistic(size=(77, 11)).astype(np.float32))
    sampler = edge_rnn.NativeSampler(head, head.start)
    unused = torch.empty(0)
    bits = sampler(states, widths, thresholds, unused)
    assert torch.equal(bits, EdgeSampler(head, 77)(states, widths, thresholds, unused))
    order = torch.from_numpy(random.permutation(77)[:20])
    assert torch.equal(sampler(states[order], widths[order], thresholds[order], unused), bits[order])


@pytest.mark.usefixtures("native")
def test_arrays_that_do_not_fit_are_refused_before_they_are_touched() -> None:
    call = library.native_library().call
    one, none = torch.zeros(1), torch.zeros(0)
    sizes = library.integers([2, 1])

    def layer(hidden: int, batch_sizes: Tensor, *counts: int) -> None:
        gates, initial, weight, bias, states = (torch.zeros(count) for count in counts)
        call("gru_forward", hidden, 1, batch_sizes, gates, initial, weight, bias, states, none)

    layer(1, sizes, 9, 2, 3, 3, 3)
    for wrong in ((9, 2, 3, 3, 2), (9, 2, 3, 2, 3), (9, 2, 4, 3, 3), (9, 3, 3, 3, 3), (8, 2, 3, 3, 3)):
        with pytest.raises(ValueError, match="do not fit"):
            layer(1, sizes, *wrong)
    for order in ([1, 2], [2, 2], [2, 0], [2, -1]):
        with pytest.raises(ValueError, match=r"out of order|do not fit"):
            layer(1, library.integers(order), 9, 2, 3, 3, 3)
    for hidden in (0, -1, 2**40):
        with pytest.raises(ValueError, match="do not fit"):
            layer(hidden, sizes, 9, 2, 3, 3, 3)
    with pytest.raises(ValueError, match="do not fit"):
        call("gru_backward", 1, 1, sizes, *[one] * 9)
    bits = torch.zeros(3, dtype=torch.uint8)
    with pytest.raises(ValueError, match="do not fit"):
        call("edge_log_prob", 1, 1, 0, 1, sizes, bits, bits, bits, torch.zeros(2), one, none, torch.zeros(2), none, none)
    with pytest.raises(ValueError, match="do not fit"):
        call("edge_sample", 1, 1, 0, 1, sizes, torch.zeros(2), one, torch.zeros(2), 0, 0, bits)
    wide = library.integers([2, 1])  # rows of one threshold each
    with pytest.raises(ValueError, match="out of order"):
        call("edge_sample", 1, 1, 0, 1, wide, torch.zeros(2), torch.zeros(13), torch.zeros(2), 0, 0, bits[:2])


def test_a_library_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    if kernels.backend().name != "native":
        pytest.skip(kernels.backend().reason)
    kernels.use("")
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.largest_difference", lambda: float("nan"))
    with pytest.warns(UserWarning, match="differs from torch"):
        assert kernels.backend().name == "torch"
    with pytest.raises(InputError, match="differs from torch"):
        kernels.use("native")


def test_without_a_library_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        msg = "the library is not compiled"
        raise kernels.NativeUnavailable(msg)

    monkeypatch.setattr(library, "native_library", missing)
    assert kernels.backend() == kernels.Backend("torch", "the library is not compiled")
    assert not kernels.is_native(torch.zeros(1))


def test_the_environment_names_the_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "reference")
    assert kernels.backend().name == "reference"
    torch.manual_seed(0)
    gru, inputs = GRU(2, 3, 1), torch.randn(4, 2)
    states = gru(inputs, [2, 2])
    kernels.use("torch")
    torch.testing.assert_close(states, gru(inputs, [2, 2]))
    with pytest.raises(InputError, match="one of triton, native, torch, reference, got 'fpga'"):
        kernels.use("fpga")


def test_a_library_older_than_its_sources_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = library.HERE / build.library_name("baseline")
    if not path.exists():
        pytest.skip("the library is not compiled")
    monkeypatch.setattr(library, "sources_hash", lambda: "other")
    with pytest.raises(kernels.NativeUnavailable, match="older than its sources"):
        library.Library(path, "baseline")


def test_a_compiler_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(build.BuildError, match="false failed"):
        build.build(tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.BuildError, match="no C\\+\\+ compiler"):
        build.build(tmp_path)
