"""Steps on a device: on tensors without values, on the CPU as if it were one, and on a CUDA device if there is one."""

import math
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gengraph.data import load_dataset, split_graphs
from gengraph.errors import TrainingDiverged
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.step_inputs import StepInputs, step_inputs
from gengraph.models.moving import Packed
from gengraph.training.config import Config
from gengraph.training.log import Clock, Log, StepLoss
from gengraph.training.ranks import Ranks
from gengraph.training.steps import Step, made_ahead
from gengraph.training.trainer import Place, Trainer, prepare_graphs

CUDA = torch.cuda.is_available()
on_cuda = pytest.mark.skipif(not CUDA, reason="no CUDA device")

HEADS = {
    "rnn": ["model.head.hidden_size=4", "model.num_layers=2"],
    "zero row": ["model.head.hidden_size=4", "model.stop=zero_row", "model.sequence.window=fixed"],
    "mlp": ["model.head.kind=mlp", "model.head.mixture=3"],
    "context": ["model.head.kind=context", "model.dropout=0.2", 'model.conditions=["edges"]'],
    "lstm": ["model.head.hidden_size=4", "model.node=lstm", "model.num_layers=2", "model.layer_norm=true"],
    "transformer": ["model.head.kind=mlp", "model.node=transformer", "model.num_heads=2"],
    "totals": ["model.head.kind=context", "model.stop=size", "model.totals=true"],
}


def make_trainer(head: str, *settings: str, device: str = "cpu", place: Place | None = None) -> Trainer:
    small = ["model.hidden_size=8", "model.embedding_size=4", "training.steps=12", "training.batch_size=4"]
    config = Config().replace([*small, *HEADS[head], *settings])
    split = split_graphs(load_dataset("grid-small"))
    train, facts = prepare_graphs(split.train, config)
    return Trainer(config, facts, train, split.validation, place or Place(device=torch.device(device)))


def batch_of(trainer: Trainer) -> Any:
    return trainer._encode(np.arange(6), key=(0, 3))


def gradients(trainer: Trainer, loss: torch.Tensor) -> list[torch.Tensor]:
    return [loss, *torch.autograd.grad(loss, list(trainer.model.parameters()))]


@pytest.mark.parametrize("head", HEADS)
def test_what_was_moved_costs_what_the_batch_costs(head: str) -> None:
    trainer = make_trainer(head, "model.dropout=0")
    model = trainer.model.double()
    batch = batch_of(trainer)
    ready = model.ready(batch)
    assert ready.losses_of_data == batch.losses_of_data
    moved: StepInputs = ready.moved(torch.device("cpu"))
    assert isinstance(moved.bits, torch.Tensor)
    assert isinstance(moved.of_head.bits, torch.Tensor)
    stands_twice = head in {"mlp", "transformer"}  # what does moves once
    assert (moved.of_head.bits.data_ptr() == moved.bits.data_ptr()) == stands_twice
    expected = gradients(trainer, model(batch, 0.5).total)
    for ours, theirs in zip(gradients(trainer, -model._log_prob(moved, alike=True).sum()), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("head", ["context", "totals"])
def test_a_record_is_moved_whatever_its_arrays_are(head: str) -> None:
    trainer = make_trainer(head)
    record = step_inputs(trainer.model, batch_of(trainer))
    moved = Packed.of(record, pinned=False).moved(torch.device("cpu"))
    for before, after in ((record, moved), (record.of_head, moved.of_head)):
        for name in before.MOVED:
            array, tensor = getattr(before, name), getattr(after, name)
            if isinstance(array, np.ndarray):
                np.testing.assert_array_equal(array, tensor.numpy(), strict=True)
            else:
                assert (array is None) == (tensor is None)
    assert moved.batch is record.batch


class NothingIsAsked(TorchDispatchMode):
    """Tensors without values fail where one is asked for; here they do so, too, where a copy would be waited for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        kinds = {leaf.device.type for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)}
        assert len(kinds) <= 1 or (kwargs or {}).get("non_blocking"), func
        return result


STEP = ("training.ema=0.9", "training.optimizer=adamw", "training.weight_decay=0.1")


@pytest.mark.parametrize("head", HEADS)
def test_a_step_waits_for_no_device(head: str) -> None:
    kernels.backend()  # its check computes on the CPU
    trainer = make_trainer(head, *STEP, "training.batch_size=2", device="meta")
    with NothingIsAsked():
        trainer.train_step()
    assert trainer.step == 1


def test_batches_that_threads_make_are_those_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "training.accumulate=2", "model.sequence.max_prev_node=2"
    alone = make_trainer("context", *settings)
    alone.run(lambda _: None, lambda _: None)
    assert alone.losses_of_data["cut_edges"] > 0
    before = set(threading.enumerate())
    for threads in (1, 3):
        monkeypatch.setattr("gengraph.training.trainer.num_encoding_threads", lambda _device, threads=threads: threads)
        ahead = make_trainer("context", *settings)
        for _ in range(5):
            ahead.train_step()
        ahead.load(ahead.checkpoint())
        ahead.run(lambda _: None, lambda _: None)
        assert all(map(torch.equal, alone.model.parameters(), ahead.model.parameters()))
        assert alone.losses_of_data == ahead.losses_of_data
        assert set(threading.enumerate()) <= before


def test_threads_are_a_few_steps_ahead_and_pass_on_what_they_raise() -> None:
    asked: list[int] = []

    def steps() -> Iterator[Step]:
        for number in range(20):
            asked.append(number)
            yield Step(1, [lambda number=number: (threading.current_thread().name, 1 / (7 - number))])

    made = made_ahead(steps(), 2)
    for number in range(7):
        (make,) = next(made).parts
        name, value = make()
        assert name.startswith("encode")
        assert value == 1 / (7 - number)
        assert len(asked) <= number + 4
    with pytest.raises(ZeroDivisionError):
        next(made).parts[0]()
    made.close()
    assert len(asked) < 20


class OnDevice:
    """A loss that a device computes."""

    device = torch.device("cuda")

    def __init__(self, step: int, asked: list[int]) -> None:
        self._step, self._asked = step, asked

    def item(self) -> float:
        self._asked.append(self._step)
        return math.nan if self._step == 19 else 1.0


def test_losses_of_a_device_are_asked_for_some_steps_later() -> None:
    asked: list[int] = []
    log = Log(100, Clock())
    for step in range(20):
        total: Any = OnDevice(step, asked)
        log.add(StepLoss(total, {}, {"graph": 1}, 1.0, 1, {}, step, 0.1))
        assert len(asked) <= max(0, step - 7)
    assert asked == list(range(8))
    with pytest.raises(TrainingDiverged, match="at step 19"):
        log.flush()
    assert asked == list(range(20))


def run_as_one_of_two(
    late: bool, *settings: str, interrupt_after: int = 1000, device: str = "cpu"
) -> tuple[Trainer, list[Any], list[Any]]:
    """A rank of two, the other of which adds nothing."""
    asked = iter(range(1000))
    place = Place(world=2, device=torch.device(device), interrupted=lambda: next(asked) >= interrupt_after)
    trainer = make_trainer("rnn", "model.sequence.max_prev_node=2", "training.evaluations=3", *settings, place=place)
    trainer._ranks = Ranks(0, 2, torch.device(device), late=late)
    reports: list[Any] = []
    saved: list[Any] = []
    with nullcontext() if interrupt_after == 1000 else pytest.raises(KeyboardInterrupt):
        trainer.run(reports.append, saved.append)
    return trainer, reports, saved


@pytest.fixture
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda _numbers: None)
    monkeypatch.setattr(torch.distributed, "broadcast", lambda _number, src: None)
    monkeypatch.setattr(torch.distributed, "all_gather", lambda ranks, mine: [rank.copy_(mine) for rank in ranks])


@pytest.mark.usefixtures("_nobody_else")
def test_ranks_that_hear_of_a_step_late_train_the_same() -> None:
    (prompt, reports, saved), (late, later, as_saved) = (run_as_one_of_two(late) for late in (False, True))
    assert all(map(torch.equal, prompt.model.parameters(), late.model.parameters()))
    assert late.step == 12
    assert late.losses_of_data == prompt.losses_of_data
    assert late.losses_of_data["cut_edges"] > 0
    assert [(checkpoint.step, checkpoint.metrics) for checkpoint in saved] == [(c.step, c.metrics) for c in as_saved]
    assert [report["loss"] for report in reports if "validation_loss" in report] == [
        report["loss"] for report in later if "validation_loss" in report
    ]


@pytest.mark.usefixtures("_nobody_else")
@pytest.mark.parametrize(
    ("evaluations", "interrupted", "prompt", "late"),
    [(1, 4, 5, 6), (3, 3, 4, 4), (3, 4, 5, 6), (12, 0, 1, 1), (12, 5, 6, 6), (1, 11, 12, 12), (3, 10, 11, 12)],
)
def test_ranks_that_hear_late_stop_a_step_later_at_most(evaluations: int, interrupted: int, prompt: int, late: int) -> None:
    """Where all is told, at an evaluation and at the end, they stop at once."""
    for is_late, steps in ((False, prompt), (True, late)):
        trainer, _, saved = run_as_one_of_two(is_late, f"training.evaluations={evaluations}", interrupt_after=interrupted)
        assert trainer.step == steps
        assert saved[-1].step == steps


@pytest.mark.usefixtures("_nobody_else")
def test_ranks_that_hear_late_save_when_it_is_due() -> None:
    for evaluations, steps in ((1, [2, 4, 6, 8, 10, 12]), (12, list(range(1, 13)))):
        settings = f"training.evaluations={evaluations}", "training.checkpoint_every=0.000001"
        assert [checkpoint.step for checkpoint in run_as_one_of_two(True, *settings)[2]] == steps


@on_cuda
@pytest.mark.usefixtures("_nobody_else")
def test_ranks_on_a_gpu_hear_late_and_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt, _, _ = run_as_one_of_two(False, "training.evaluations=1", device="cuda")
    share, steps = Ranks.share, iter(range(100))

    def without_waiting(self: Ranks, loss: StepLoss, *decisions: float) -> Any:
        torch.cuda.set_sync_debug_mode("error" if next(steps) > 2 else "default")
        try:
            return share(self, loss, *decisions)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(Ranks, "share", without_waiting)
    late, _, _ = run_as_one_of_two(True, "training.evaluations=1", device="cuda")
    for one, other in zip(prompt.model.parameters(), late.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert next(steps) == 12
    assert late.losses_of_data == prompt.losses_of_data


@on_cuda
@pytest.mark.parametrize("head", HEADS)
def test_a_gpu_trains_as_a_cpu_and_no_step_waits_for_it(head: str) -> None:
    on_cpu, on_gpu = (make_trainer(head, *STEP, "model.dropout=0", device=device) for device in ("cpu", "cuda"))
    for step in range(12):
        on_cpu.train_step()
        torch.cuda.set_sync_debug_mode("error" if step > 1 else "default")  # at first programs are compiled, memory allocated
        try:
            on_gpu.train_step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    losses = [trainer.validate()["validation_loss"] for trainer in (on_cpu, on_gpu)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@on_cuda
def test_a_rank_with_nccl_trains_as_one_without(tmp_path: Path) -> None:
    alone = make_trainer("rnn", device="cuda")
    device = torch.device("cuda")
    torch.distributed.init_process_group("nccl", init_method=f"file://{tmp_path}/ranks", rank=0, world_size=1)
    try:
        place = Place(device=device, wrap=lambda model: DistributedDataParallel(model, device_ids=[0]))
        ranked = make_trainer("rnn", place=place)
        for trainer in (alone, ranked):
            trainer.run(lambda _: None, lambda _: None)
    finally:
        torch.distributed.destroy_process_group()
    for one, other in zip(alone.model.parameters(), ranked.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
