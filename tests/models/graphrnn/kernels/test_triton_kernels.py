"""Triton's programs against float64 and against torch: on a CUDA device, or interpreted on the CPU (tests/conftest.py)."""

import copy
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from native_library import chosen_anew  # noqa: F401
from test_kernels import edge_level, rows_of

from gengraph.errors import InputError
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.candidates import MOST_DEGREE
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.context_head import ContextEdges
from gengraph.models.graphrnn.device_context import DeviceContext
from gengraph.models.graphrnn.rnn_head import EdgeRNN, EdgeSampler
from gengraph.models.graphrnn.rows import RowBatch
from gengraph.models.graphrnn.window import Window

CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"

pytestmark = [
    pytest.mark.skipif(find_spec("triton") is None, reason="triton is not installed"),
    pytest.mark.skipif(not CUDA and os.environ.get("TRITON_INTERPRET") != "1", reason="no CUDA device, and not interpreted"),
]

ROWS = {
    "one row": rows_of([5], 5, seed=1),
    "max_prev_node 1": rows_of([1] * 5, 1),
    "a growing window": rows_of([min(t + 1, 4) for t in range(20)], 4),
}


@pytest.fixture
def triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.triton_difference", lambda _device: 0.0)  # a test of its own
    kernels.use("triton")


def assert_made_by_programs(log_probs: torch.Tensor) -> None:
    assert "LogProbBackward" in [type(function).__name__ for function, _ in log_probs.grad_fn.next_functions]


def assert_equal_to_float64(head: EdgeRNN, batch: RowBatch, weights: torch.Tensor) -> None:
    exact_head = copy.deepcopy(head).double()
    states = torch.randn(len(batch.widths), 6, requires_grad=True)
    exact_states = states.detach().double().requires_grad_()
    on_device = copy.deepcopy(head).to(DEVICE)
    log_probs, expected = on_device(states.to(DEVICE), batch), exact_head(exact_states, batch)
    assert_made_by_programs(log_probs)
    (log_probs * weights.to(DEVICE)).sum().backward()
    (expected * weights).sum().backward()
    ours = [log_probs, states.grad, *(parameter.grad for parameter in on_device.parameters())]
    exact = [expected, exact_states.grad, *(parameter.grad for parameter in exact_head.parameters())]
    for one, other in zip(ours, exact, strict=True):
        assert one.dtype == torch.float32
        scale = max(1.0, float(other.detach().abs().max()))
        assert float((one.cpu().double() - other).detach().abs().max()) <= 1e-5 * scale


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("size", "num_layers", "plain"), [(2, 1, True), (7, 5, False), (20, 2, True)])
@pytest.mark.usefixtures("triton")
def test_likelihood_and_gradients_equal_float64(rows: str, size: int, num_layers: int, plain: bool) -> None:
    assert_equal_to_float64(edge_level(size, num_layers, plain=plain), ROWS[rows], torch.ones(1))


@pytest.mark.usefixtures("triton")
def test_rows_may_have_different_weights_and_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.models.graphrnn.kernels.triton_edge_rnn._MOST_BYTES", 1)
    assert_equal_to_float64(edge_level(7, 2), rows_of([2] * 70, 2), torch.randn(70))


@pytest.mark.usefixtures("triton")
def test_rows_that_weigh_alike_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    head, batch = edge_level(7, 2).to(DEVICE), ROWS["a growing window"]
    states, found = torch.randn(20, 6, device=DEVICE), []
    for alike in (False, True):
        log_probs = head.log_prob(states, head.describe(batch), alike=alike)
        with monkeypatch.context() as patch:
            if alike:
                patch.setattr(torch.Tensor, "__bool__", lambda _: pytest.fail("the device was asked"))
            found.append(torch.autograd.grad(-3 * log_probs.sum(), list(head.parameters())))
    for compared, taken in zip(*found, strict=True):
        torch.testing.assert_close(taken, compared)


@pytest.mark.usefixtures("triton")
def test_without_gradients_the_likelihood_is_the_same_and_what_was_not_a_number_stays_so() -> None:
    head, batch = edge_level(7, 2).to(DEVICE), ROWS["a growing window"]
    states = torch.randn(20, 6, device=DEVICE)
    states[3] = float("nan")
    with torch.no_grad():
        alone = head(states, batch)
    assert torch.equal(alone.isnan(), torch.arange(20, device=DEVICE) == 3)
    assert torch.equal(alone.nan_to_num(), head(states, batch).nan_to_num())


@pytest.mark.parametrize(("size", "num_layers", "plain"), [(7, 1, True), (16, 4, False)])
@pytest.mark.usefixtures("triton")
@torch.inference_mode()
def test_the_same_thresholds_give_the_same_bits(size: int, num_layers: int, plain: bool) -> None:
    head = edge_level(size, num_layers, plain=plain)
    random = np.random.default_rng(1)
    widths = np.sort(random.integers(0, 6, 70))[::-1].copy()
    states, thresholds = torch.randn(70, 6), random.logistic(size=(70, 5)).astype(np.float32)
    sampler = copy.deepcopy(head).to(DEVICE).sampler(70, 70, 100)
    bits = sampler.draw(states.to(DEVICE), widths, thresholds, np.zeros(70, np.int64), np.zeros(70))
    expected = EdgeSampler(head, 70)(states, torch.from_numpy(widths), torch.from_numpy(thresholds), torch.empty(0))
    assert np.array_equal(bits, expected.numpy())
    order = np.argsort(-widths[random.permutation(70)[:20]], kind="stable")
    few = sampler.draw(states[order].to(DEVICE), widths[order], thresholds[order], np.zeros(20, np.int64), np.zeros(20))
    assert np.array_equal(few, bits[order])


@pytest.mark.parametrize(
    ("features", "size", "bound"),
    [(CONTEXT_FEATURES, 19, 12), (("gap", "common_first"), 3, 12), (CONTEXT_FEATURES, 1, 1), ((), 5, 2)],
    ids=str,
)
@torch.inference_mode()
def test_rows_of_the_context_head_are_those_of_torch(features: tuple[str, ...], size: int, bound: int) -> None:
    """Graphs of twenty-five nodes, more than a window holds, dense enough for counts to reach their ends."""
    from gengraph.models.graphrnn.kernels import triton_context

    torch.manual_seed(1)
    random, head, lanes = np.random.default_rng(1), ContextEdges(6, size, bound, features), 17
    head.output.bias.zero_()  # edges are not rare, and hang on all that is seen
    head.output.weight.mul_(50)
    windows = [Window(lanes, bound, torch.device(place)) for place in ("cpu", DEVICE)]
    ours = DeviceContext(copy.deepcopy(head).to(DEVICE), lanes, windows[1], triton_context)
    theirs, total = DeviceContext(head.double(), lanes, windows[0], None), 0
    for t in range(25):
        widths = torch.from_numpy(random.integers(0, min(t + 1, bound) + 1, lanes))
        states, thresholds = torch.randn(lanes, 6), torch.from_numpy(random.logistic(size=(lanes, bound)))
        expected = theirs(states.double(), widths, thresholds, thresholds)
        rows = ours(states.to(DEVICE), widths.to(DEVICE), thresholds.float().to(DEVICE), thresholds)
        assert torch.equal(rows.cpu(), expected)
        for window in windows:
            window.read(expected.to(window.slots.device))
        total += int(expected.sum())
    assert total > 8 * lanes
    assert windows[0].degrees.max() > MOST_DEGREE or bound < 12


@pytest.mark.skipif(not CUDA, reason="no CUDA device")
def test_a_gpu_computes_with_the_programs_by_itself() -> None:
    head, batch = edge_level(16, 4), rows_of([min(t + 1, 40) for t in range(3000)], 40)
    states = torch.randn(3000, 6)
    expected = copy.deepcopy(head).double()(states.double(), batch)
    log_probs = copy.deepcopy(head).to("cuda")(states.to("cuda"), batch)
    assert kernels.backend("cuda").name == "triton"
    assert_made_by_programs(log_probs)
    torch.testing.assert_close(log_probs.cpu().double(), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("triton")
def test_wide_networks_and_float64_are_left_to_torch() -> None:
    one = torch.zeros(1, device=DEVICE)
    assert kernels.triton_edge_level(one, 64) is not None
    assert kernels.triton_edge_level(one, 65) is None
    assert kernels.triton_edge_level(one.double(), 16) is None
    assert kernels.triton_context_level(one.expand(9, 128), 512) is not None
    assert kernels.triton_context_level(one.expand(9, 129), 512) is None
    assert kernels.triton_context_level(one.expand(9, 128), 513) is None
    assert kernels.triton_context_level(one.double().expand(9, 16), 16) is None


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from gengraph.models.graphrnn.kernels import triton_context, triton_programs

constants = {"LAYERS": 2, "SIZE": 7, "PADDED": 16, "INNER": 3, "BLOCK": 32}
constants |= {"KEEP": True, "NEVER_EMPTY": True, "OLDEST_FIRST": True}
of_context = dict.fromkeys(("MOST_CHOSEN", "MOST_ADJACENT", "MOST_DEGREE", "MOST_COMMON"), 5)
of_context |= {"USED": 511, "BOUND": 7, "PLACES": 16, "PADDED_INNER": 16}
kinds = {"widths": "*i32", "offsets": "*i64", "codes": "*u8", "bits": "*u8"}
kinds |= dict.fromkeys(("first", "count", "steps", "window"), "i32")
kinds |= {"slots": "*i64", "matrices": "*fp16", "degrees": "*i64"}
for program in (triton_programs.draw, triton_programs.forward, triton_programs.backward, triton_context.draw):
    names, known = program.arg_names, constants | of_context
    kept = {name: known[name] for name in names if name in known}
    kinds["widths"] = "*i32" if "offsets" in names or program is triton_programs.backward else "*i64"
    signature = {name: "constexpr" if name in kept else kinds.get(name, "*fp32") for name in names}
    options = {"num_warps": 4, "num_stages": 1, "enable_fp_fusion": True}
    compiled = triton.compile(ASTSource(program, signature, kept), target=GPUTarget("cuda", 80, 32), options=options)
    print(len(compiled.asm["cubin"]) > 0)
"""


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_the_programs_compile_for_a_cuda_device_that_is_not_here(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path), "DISABLE_PTXAS_OPT": "1"}
    command = [sys.executable, "-c", COMPILE]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=480, env=environment)
    assert done.stdout.split() == ["True"] * 4, done.stderr


@pytest.mark.parametrize("wrong", ["zero logits", "the first lane's matrices", "no counts"])
def test_a_program_that_draws_other_rows_of_the_context_head_is_not_used(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gengraph.models.graphrnn import selfcheck
    from gengraph.models.graphrnn.kernels import triton_context

    draw_rows = triton_context.draw_rows

    def otherwise(head: Any, codes: Any, now: torch.Tensor, seen: Any, *asked: torch.Tensor) -> torch.Tensor:
        if wrong == "zero logits":
            head = copy.deepcopy(head)
            head.output.weight.zero_()
        if wrong == "the first lane's matrices":
            seen = seen._replace(matrices=seen.matrices[:1].expand_as(seen.matrices).contiguous())
        if wrong == "no counts":
            codes = codes._replace(most_common=0)
        return draw_rows(head, codes, now, seen, *asked)

    monkeypatch.setattr(triton_context, "draw_rows", otherwise)
    assert selfcheck.triton_difference(DEVICE) >= 1


def test_programs_that_compute_something_else_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from gengraph.models.graphrnn import selfcheck
    from gengraph.models.graphrnn.kernels import triton_programs

    assert selfcheck.triton_difference(DEVICE) < 1e-5
    monkeypatch.setattr(triton_programs, "draw", triton_programs.forward)
    with pytest.raises(InputError, match="back-end triton cannot be used: its self-check fails"):
        kernels.use("triton")
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.triton_difference", lambda _device: float("nan"))
    with pytest.raises(InputError, match="differs from torch"):
        kernels.use("triton")
    monkeypatch.setattr(kernels, "_has_cuda", lambda: True)
    with pytest.warns(UserWarning, match="with torch instead of Triton on the CUDA device: it differs"):
        assert kernels.backend("cuda").name == "torch"


def test_programs_are_checked_where_they_compute_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.triton_difference", lambda device: asked.append(device) or 1.0)
    monkeypatch.setattr(kernels, "_has_cuda", lambda: True)
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(InputError, match="differs from torch"):
        kernels.use("triton")
    assert asked == ["cuda"]


def test_triton_is_refused_without_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_has_cuda", lambda: False)
    assert kernels.backend("cuda") == kernels.Backend("torch", "no CUDA device")
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(InputError, match="no CUDA device; TRITON_INTERPRET=1"):
        kernels.use("triton")
    monkeypatch.setattr(kernels, "find_spec", lambda _name: None)
    kernels.use("")
    assert kernels.backend("cuda") == kernels.Backend("torch", "triton is not installed")


def test_a_name_for_one_kind_of_device_leaves_the_other_its_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_has_cuda", lambda: True)
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.triton_difference", lambda _device: 0.0)
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    on_cpu = kernels.backend()
    kernels.use("triton")
    assert kernels.backend() == on_cpu
    assert kernels.backend("cuda").label == "triton"
    monkeypatch.setattr("gengraph.models.graphrnn.selfcheck.largest_difference", lambda: 0.0)
    if on_cpu.name == "native":
        kernels.use("native")
        assert kernels.backend("cuda").name == "triton"
    kernels.use("torch")
    assert kernels.backend("cuda") == kernels.Backend("torch", "asked for")
