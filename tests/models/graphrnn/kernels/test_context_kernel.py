"""The native head of GraphRNN-C against float64, in shapes that fill no vector and no block; and its draws."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from enumeration import tiny_model
from in_lanes import InLanes
from native_library import assert_near, chosen_anew, native  # noqa: F401
from torch import Tensor

from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.candidates import ContextTable, context_table, num_codes
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.context_head import ContextEdges, ContextSampler
from gengraph.models.graphrnn.kernels import library
from gengraph.models.graphrnn.rows import STOP, RowBatch
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions

HIDDEN, BOUND = 5, 9


def rows_of(widths: list[int]) -> RowBatch:
    """One graph with random rows, none of them empty; a width of 0 stands for a new component, and the last row is the end."""
    random = np.random.default_rng(len(widths))
    decisions = np.array([int(width == 0) for width in widths], np.uint8)
    decisions[-1] = STOP
    width = np.maximum(1, widths).astype(np.int32)
    bits = (random.random((len(width), BOUND)) < 0.4) & (np.arange(BOUND) < width[:, None])
    bits[np.arange(len(width)), width - 1] |= ~bits.any(1)
    bits = (bits & (decisions == 0)[:, None]).astype(np.uint8)
    return RowBatch(np.arange(1), np.array([len(width)]), np.ones(len(width), np.int64), bits, width, decisions, 0)


ROWS = {
    "no candidate": rows_of([0, 0, 0]),
    "no free decision": rows_of([1, 1, 1]),
    "one row": rows_of([0, 2, 1]),
    "part of a block": rows_of([min(t + 1, 5) for t in range(9)]),
    "many blocks": rows_of([min(t + 1, BOUND) for t in range(300)]),
}


def head_of(units: int, inner: int, features: tuple[str, ...] = CONTEXT_FEATURES) -> ContextEdges:
    torch.manual_seed(units + inner)
    head = ContextEdges(HIDDEN, units, BOUND, features)
    head.hidden, head.output = torch.nn.Linear(units, inner), torch.nn.Linear(inner, 1)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return head


def assert_equal_to_float64(head: ContextEdges, states: Tensor, table: ContextTable, weights: Tensor) -> None:
    exact_head = copy.deepcopy(head).double()
    states = states.clone().requires_grad_()
    exact_states = states.detach().double().requires_grad_()
    log_probs, expected = head.log_prob(states, table), exact_head.log_prob(exact_states, table)
    assert "_LogProb" in type(log_probs.grad_fn).__name__
    assert_near(log_probs, expected, 1e-6)
    (log_probs * weights).sum().backward()
    (expected * weights).sum().backward()
    assert_near(states.grad, exact_states.grad, 1e-5)
    for one, other in zip(head.parameters(), exact_head.parameters(), strict=True):
        assert_near(one.grad, other.grad, 1e-5)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("units", "inner"), [(1, 1), (7, 3), (64, 32), (70, 33)])
@pytest.mark.usefixtures("native")
def test_likelihood_and_gradients_equal_float64(rows: str, units: int, inner: int) -> None:
    batch, head = ROWS[rows], head_of(units, inner)
    assert_equal_to_float64(head, torch.randn(len(batch.widths), HIDDEN), context_table(batch, head.used), torch.ones(1))


@pytest.mark.usefixtures("native")
def test_rows_may_have_different_weights_in_the_loss() -> None:
    head = head_of(7, 3)
    table = context_table(ROWS["many blocks"], head.used)
    assert_equal_to_float64(head, torch.randn(300, HIDDEN), table, torch.randn(300))


def table_of(count: int, *, free: int) -> ContextTable:
    """Random candidates of 20 rows, in no order."""
    random = np.random.default_rng(count)
    rows, then_rows = random.integers(0, 20, (2, count)).astype(np.int32)
    codes = random.integers(0, num_codes(BOUND), (count, 6)).astype(np.int32)
    return ContextTable(rows, then_rows, codes, random.integers(0, 2, count).astype(np.uint8), np.full(count, free, np.uint8))


@pytest.mark.parametrize("free", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 1000])
@pytest.mark.usefixtures("native")
def test_candidates_may_stand_in_any_order(count: int, free: int) -> None:
    head = head_of(7, 3)
    assert_equal_to_float64(head, torch.randn(20, HIDDEN), table_of(count, free=free), torch.ones(1))
    if not free:
        assert all(not parameter.grad.any() for parameter in head.parameters())


@pytest.mark.usefixtures("native")
def test_the_number_of_threads_changes_no_bit() -> None:
    head, states, batch = head_of(64, 32), torch.randn(300, HIDDEN), ROWS["many blocks"]
    results = []
    before = torch.get_num_threads()
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        head.zero_grad()
        log_probs = head(states, batch)
        log_probs.sum().backward()
        results.append([log_probs, *(parameter.grad for parameter in head.parameters())])
    torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.usefixtures("native")
def test_without_gradients_none_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    head, states, batch = head_of(7, 3), torch.randn(300, HIDDEN), ROWS["many blocks"]
    expected = head(states, batch).detach()
    made = []
    call = library.native_library().call
    monkeypatch.setattr(library.Library, "call", lambda _self, name, *arrays: (call(name, *arrays), made.append(arrays[-1])))
    with torch.no_grad():
        assert torch.equal(head(states, batch), expected)
    assert [len(gradient) for gradient in made] == [0]


@pytest.mark.usefixtures("native")
def test_what_was_not_a_number_stays_so() -> None:
    head = head_of(7, 3)
    states = torch.randn(300, HIDDEN)
    states[100] = float("nan")
    log_probs = head(states, ROWS["many blocks"])
    assert bool(log_probs[100].isnan())
    assert not bool(log_probs[:100].isnan().any())


@pytest.mark.usefixtures("native")
def test_the_torch_path_is_taken_in_float64_and_where_it_is_asked_for() -> None:
    head, batch = head_of(7, 3), ROWS["one row"]
    states = torch.randn(3, HIDDEN)
    assert "_LogProb" not in type(copy.deepcopy(head).double()(states.double(), batch).grad_fn).__name__
    native_log_probs = head(states, batch)
    kernels.use("torch")
    log_probs = head(states, batch)
    assert "_LogProb" not in type(log_probs.grad_fn).__name__
    torch.testing.assert_close(native_log_probs, log_probs)


@pytest.mark.usefixtures("native")
def test_arrays_that_do_not_fit_are_refused_before_they_are_touched() -> None:
    def call(*, units: int = 2, inner: int = 3, index: int = 0, **sizes: int) -> None:
        counts = {"rows": 4, "then_rows": 4, "codes": 24, "bits": 4, "free": 4, "now": 10, "then": 10, "parameters": 21}
        counts |= {"weight": 0, "log_probs": 5, "grad_now": 10, "grad_then": 10, "grad_parameters": 21} | sizes
        integers, bytes_ = ("rows", "then_rows", "codes"), ("bits", "free")
        kinds = dict.fromkeys(integers, torch.int32) | dict.fromkeys(bytes_, torch.uint8)
        arrays = {name: torch.zeros(count, dtype=kinds.get(name, torch.float32)) for name, count in counts.items()}
        for name in integers:
            arrays[name][index % counts[name] :] = index
        library.native_library().call("context_log_prob", units, inner, 1, *arrays.values())

    call()  # F 2, G 3, a table of 4 entries
    call(weight=5)
    call(grad_now=0, grad_then=0, grad_parameters=0)
    for name in ("rows", "then_rows", "codes", "bits", "free", "now", "then", "parameters", "weight", "log_probs"):
        with pytest.raises(ValueError, match="do not fit"):
            call(**{name: 2})
    for name in ("grad_now", "grad_then", "grad_parameters"):
        with pytest.raises(ValueError, match="do not fit"):
            call(**{name: 3})
    for wrong in (0, -1, 2**40):
        with pytest.raises(ValueError, match="do not fit"):
            call(units=wrong)
        with pytest.raises(ValueError, match="do not fit"):
            call(inner=wrong)
    for index in (-1, 4, 5):
        with pytest.raises(ValueError, match="out of order or range"):
            call(index=index)


LIMIT = 30


def drawn(sampler: ContextSampler, states: torch.Tensor, *, lanes: slice = slice(None)) -> list[np.ndarray]:
    """The rows of graphs that grow to LIMIT nodes, states float[LIMIT, B, H]; some draw nothing or begin anew."""
    random = np.random.default_rng(0)
    newest, rows = np.zeros(states.shape[1], np.int64), []
    for t in range(LIMIT - 1):
        widths = np.minimum(newest + 1, random.integers(0, BOUND + 1, len(newest)))
        thresholds = random.logistic(size=(len(newest), BOUND)).astype(np.float32)
        unused = np.zeros(len(newest))
        own = (array[lanes].copy() for array in (widths, thresholds, newest, unused))
        rows.append(sampler.draw(states[t, lanes], *own))
        begins = random.random(len(newest)) < 0.03
        newest = np.where(begins, 0, newest + 1)
        sampler.reset(np.flatnonzero(begins[lanes]))
    return rows


@pytest.mark.parametrize("features", [CONTEXT_FEATURES, (), ("gap", "degree", "common_last")], ids=len)
@pytest.mark.parametrize(("units", "inner"), [(1, 1), (7, 3), (64, 32), (70, 33)])
@pytest.mark.usefixtures("native")
@torch.inference_mode()
def test_the_same_thresholds_draw_the_same_rows_as_torch(units: int, inner: int, features: tuple[str, ...]) -> None:
    head, states = head_of(units, inner, features), torch.randn(LIMIT, 70, HIDDEN)
    make = partial(ContextSampler, head, 70, limit=LIMIT, planar=False)
    rows, expected = drawn(make(block=None), states), drawn(make(block=70), states)
    assert all(np.array_equal(one, other) for one, other in zip(rows, expected, strict=True))
    assert 0.02 < np.concatenate(rows).mean() < 0.9


@pytest.mark.usefixtures("native")
@torch.inference_mode()
def test_a_lane_depends_neither_on_other_lanes_nor_on_threads() -> None:
    head, states = head_of(64, 32), torch.randn(LIMIT, 300, HIDDEN)
    make = partial(ContextSampler, head, block=None, limit=LIMIT, planar=False)
    whole = drawn(make(lanes=300), states)
    before = torch.get_num_threads()
    for threads, part in ((1, slice(7, 8)), (2, slice(0, 300)), (5, slice(20, 190))):
        torch.set_num_threads(threads)
        rows = drawn(make(lanes=len(range(300)[part])), states, lanes=part)
        assert all(np.array_equal(one, other[part]) for one, other in zip(rows, whole, strict=True))
    torch.set_num_threads(before)


ODD = {"model__hidden_size": "7", "max_prev_node": 1}


@pytest.mark.parametrize("variant", [{}, {"model__num_layers": "5"}, ODD, {"model__sequence__window": "fixed"}], ids=str)
@pytest.mark.usefixtures("native")
def test_the_same_uniforms_give_the_same_graphs_as_torch(variant: dict) -> None:
    model = tiny_model(model__head__kind="context", **variant).float().eval()
    with torch.no_grad():  # graphs that end late
        model.decision.bias.copy_(torch.tensor([4.0, 0.0, 0.0]))
    draw = partial(sample_graphs, seed=1, conditions=Conditions(max_num_node=25))
    graphs = draw(model, np.arange(400)).graphs
    assert draw(InLanes(model, 48), np.arange(400)).graphs == graphs
    assert draw(model, np.array([300])).graphs == graphs[300:301]
    kernels.use("torch")
    assert draw(model, np.arange(400)).graphs == graphs


@pytest.mark.usefixtures("native")
def test_draws_of_sizes_that_do_not_fit_are_refused() -> None:
    entries = num_codes(2)
    floats = {"parameters": 2 * entries + 6 + 3 + 3 + 1, "now": 6, "then": 6, "thresholds": 6, "memory": 12}
    integers = {"first": 12, "degree": 12, "following": 15, "target": 15}
    names = "used", "parameters", "now", "then", "widths", "newest", "thresholds", "memory", *integers, "filled", "bits"

    def call(
        *, units: int = 2, inner: int = 3, widths: tuple[int, ...] = (2, 0, 1), newest: int = 2, full: int = 0, **other: int
    ) -> None:
        counts = {"used": 9, **floats, **integers, "bits": 6} | other
        arrays = {name: torch.zeros(counts[name]) for name in floats}
        arrays |= {name: torch.full((counts[name],), -1, dtype=torch.int32) for name in integers}
        arrays |= {name: torch.zeros(counts[name], dtype=torch.uint8) for name in ("used", "bits")}
        arrays |= {"widths": library.integers(list(widths)), "newest": library.integers([newest] * 3)}
        arrays["filled"] = library.integers([full] * counts.get("filled", 3))
        library.native_library().call("context_sample", units, inner, 1, *(arrays[name] for name in names))

    call()
    for name in (*floats, *integers, "used", "bits", "filled"):
        with pytest.raises(ValueError, match="do not fit"):
            call(**{name: 8})
    for wrong in (0, -1, 2**40):
        with pytest.raises(ValueError, match="do not fit"):
            call(units=wrong)
        with pytest.raises(ValueError, match="do not fit"):
            call(inner=wrong)
    with pytest.raises(ValueError, match="do not fit"):
        call(widths=())
    for case in (
        {"widths": (3, 0, 0)},
        {"widths": (-1, 0, 0)},
        {"newest": -1},
        {"newest": 3},
        {"newest": 0},
        {"full": 2},
        {"full": -1},
    ):
        with pytest.raises(ValueError, match="out of order or range"):
            call(**case)
