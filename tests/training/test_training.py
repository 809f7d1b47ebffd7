import dataclasses
import itertools
import math
import os
import signal
import threading
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from gengraph.data import load_dataset, split_graphs
from gengraph.errors import InputError, TrainingDiverged
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.kernels.library import num_threads
from gengraph.runs.folders import whole_checkpoint
from gengraph.sampling.attempts import validation_mmd
from gengraph.training import batches
from gengraph.training.batches import batch_indices
from gengraph.training.checkpoint import (
    Checkpoint,
    Selection,
    best_checkpoint,
    checkpoints_in,
    load_checkpoint,
    save_checkpoint,
)
from gengraph.training.config import Config, TrainingConfig
from gengraph.training.optimizers import learning_rate
from gengraph.training.trainer import Place, Trainer, prepare_graphs

SMALL = ["model.hidden_size=8", "model.embedding_size=4"]
RNN = ("model.head.hidden_size=4", "model.head.num_layers=1")
TINY = [*SMALL, *RNN]


def make_trainer(
    *settings: str, head: tuple[str, ...] = RNN, dataset: str = "grid-small", place: Place | None = None
) -> Trainer:
    config = Config().replace([*SMALL, *head, "training.steps=12", *settings])
    split = split_graphs(load_dataset(dataset))
    train, facts = prepare_graphs(split.train, config)
    return Trainer(config, facts, train, split.validation, place, measure_mmd=validation_mmd)


def save(checkpoint: Checkpoint, folder: Path) -> Path:
    return save_checkpoint(checkpoint, folder, card="# a card\n")


def run(trainer: Trainer) -> tuple[list[dict], list[Checkpoint]]:
    reports: list[dict] = []
    saved: list[Checkpoint] = []
    trainer.run(reports.append, saved.append)
    return reports, saved


@pytest.mark.parametrize("head", [(), ("model.head.kind=mlp", "model.head.hidden_size=4")], ids=str)
def test_training_learns(head: tuple[str, ...]) -> None:
    trainer = make_trainer("training.steps=300", "training.learning_rate=0.02", head=head)
    before = trainer.validate()["validation_loss"]
    reports, saved = run(trainer)
    assert trainer.validate()["validation_loss"] < 0.6 * before
    assert reports[-1]["progress"] == 1
    assert reports[-1]["step"] == saved[-1].step == 300
    assert [r["validation_loss"] for r in reports if "validation_loss" in r][-1] == trainer.validate()["validation_loss"]


def weights_equal(left: Trainer, right: Trainer) -> bool:
    pairs = zip(left.model.parameters(), right.model.parameters(), strict=True)
    averages = zip(left.evaluated.parameters(), right.evaluated.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in [*pairs, *averages])


def score_by_step(monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    """The validation loss is least at a step."""

    def validate(self: Trainer, **_: object) -> dict[str, float]:
        return {"validation_loss": 10.0 + abs(self.step - best)}

    monkeypatch.setattr(Trainer, "validate", validate)


ADAMW = ("training.optimizer=adamw", "training.weight_decay=0.1", "training.beta1=0.8", "training.warmup=0.3")


DROPOUT = ("model.dropout=0.3", "model.node=transformer")


@pytest.mark.parametrize(
    "settings",
    [(), ("training.ema=0.9",), ADAMW, ("training.accumulate=3", "model.sequence.max_prev_node=2"), DROPOUT],
    ids=str,
)
def test_resumed_equals_uninterrupted(tmp_path: Path, settings: tuple[str, ...]) -> None:
    whole = make_trainer(*settings)
    run(whole)

    first = make_trainer(*settings)
    for _ in range(5):
        first.train_step()
    path = save(first.checkpoint(), tmp_path)
    second = make_trainer(*settings)
    second.load(load_checkpoint(path))
    run(second)
    assert weights_equal(whole, second)
    assert second.losses_of_data == whole.losses_of_data
    assert list(whole.losses_of_data) == ["cut_edges"]
    assert (whole.losses_of_data["cut_edges"] > 0) == ("model.sequence.max_prev_node=2" in settings)


def test_resumed_equals_uninterrupted_when_both_stop_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_step(monkeypatch, best=4)
    settings = ("training.steps=24", "training.evaluations=12", "training.patience=3", "training.checkpoint_every=1e-9")
    whole = make_trainer(*settings)
    _, saved = run(whole)
    assert whole.step == 10
    assert whole.stopped_early
    for checkpoint in saved[1:-1:3]:
        resumed = make_trainer(*settings)
        resumed.load(load_checkpoint(save(checkpoint, tmp_path)))
        run(resumed)
        assert weights_equal(whole, resumed)
        assert resumed.selection == whole.selection == Selection(score=10.0, step=4, stale=3)


def test_a_run_that_stopped_early_goes_on_only_with_another_length(monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_step(monkeypatch, best=4)
    settings = ("training.evaluations=12", "training.patience=2")
    first = make_trainer(*settings)
    _, saved = run(first)
    assert first.step == 6
    again = make_trainer(*settings)
    again.load(saved[-1])
    run(again)
    assert again.step == 6
    longer = make_trainer(*settings, "training.steps=24")
    longer.load(saved[-1])
    run(longer)
    assert longer.step == 6 + 4  # two evaluations more, every second step


def test_the_best_checkpoint_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_step(monkeypatch, best=4)
    trainer = make_trainer("training.evaluations=12", "training.checkpoint_every=1e-9")
    trainer.run(lambda _: None, lambda checkpoint: save(checkpoint, tmp_path))
    names = [path.name for path in checkpoints_in(tmp_path)]
    assert names == ["step-00000004", "step-00000011", "step-00000012"]
    best = best_checkpoint(checkpoints_in(tmp_path)[-1])
    assert best == tmp_path / "step-00000004"
    assert load_checkpoint(best).metrics["validation_loss"] == 10.0


def test_when_the_newest_checkpoint_was_the_best_and_is_damaged_the_best_of_the_one_before_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {3: 2.0, 12: 1.0}  # step 12 is the best of all; what step 11 calls the best is step 3
    monkeypatch.setattr(Trainer, "validate", lambda self, **_: {"validation_loss": scores.get(self.step, 9.0)})
    folder = tmp_path / "checkpoints"
    trainer = make_trainer("training.evaluations=12", "training.checkpoint_every=1e-9")
    trainer.run(lambda _: None, lambda checkpoint: save(checkpoint, folder))
    assert [path.name for path in checkpoints_in(folder)] == ["step-00000003", "step-00000011", "step-00000012"]
    newest = checkpoints_in(folder)[-1]
    assert best_checkpoint(newest) == newest
    (newest / "model.safetensors").write_bytes(b"")
    whole = whole_checkpoint(tmp_path, repair=True)
    assert whole is not None
    assert whole.step == 11
    best = best_checkpoint(checkpoints_in(folder)[-1])
    assert best is not None
    assert load_checkpoint(best).step == 3


def test_without_validation_graphs_nothing_is_best() -> None:
    graphs = load_dataset("grid-small")
    config = Config().replace([*TINY, "training.steps=4", "training.patience=1", "training.mmd_every=1"])
    train, facts = prepare_graphs(graphs, config)
    trainer = Trainer(config, facts, train, GraphSet.empty())
    reports, saved = run(trainer)
    assert trainer.step == 4
    assert saved[-1].selection == Selection()
    assert not any(name.startswith("validation") for name in reports[-1])


def test_selection() -> None:
    scores = [5.0, math.nan, 4.0, 4.0, math.inf]
    states = [Selection()]
    for step, score in enumerate(scores):
        states.append(states[-1].after(score, step))
    assert [(state.score, state.step, state.stale) for state in states] == [
        (None, None, 0), (5.0, 0, 0), (5.0, 0, 1), (4.0, 2, 0), (4.0, 2, 1), (4.0, 2, 2)
    ]  # fmt: skip


def test_validation_mmd_is_measured_every_second_evaluation_and_selects() -> None:
    trainer = make_trainer("training.evaluations=4", "training.mmd_every=2", "training.select=mmd")
    reports, saved = run(trainer)
    evaluations = [r for r in reports if "validation_loss" in r]
    assert ["validation_mmd" in r for r in evaluations] == [False, True, False, True]
    values = evaluations[-1]
    parts = [values[f"validation_mmd_{name}"] for name in ("degree", "clustering", "orbit")]
    assert values["validation_mmd"] == pytest.approx(sum(parts) / 3)
    assert saved[-1].selection.score == min(r["validation_mmd"] for r in evaluations if "validation_mmd" in r)


def test_a_trainer_that_cannot_measure_the_mmd_says_so() -> None:
    config = Config().replace([*TINY, "training.steps=2", "training.evaluations=1", "training.mmd_every=1"])
    split = split_graphs(load_dataset("grid-small"))
    train, facts = prepare_graphs(split.train, config)
    with pytest.raises(InputError, match=r"mmd_every needs a way to measure the MMD; give the trainer one, or set training\."):
        run(Trainer(config, facts, train, split.validation))


@pytest.mark.parametrize(("steps", "evaluations", "every"), [(3, 10, 4), (5, 10, 3), (2, 7, 7)])
def test_evaluations_that_fall_together_measure_the_mmd_all_the_same(steps: int, evaluations: int, every: int) -> None:
    settings = (f"training.steps={steps}", f"training.evaluations={evaluations}", f"training.mmd_every={every}")
    reports, saved = run(make_trainer(*settings, "training.select=mmd"))
    due = [evaluations * step // steps for step in range(steps + 1)]
    wanted = [after // every > before // every for before, after in itertools.pairwise(due)]
    assert ["validation_mmd" in r for r in reports if "validation_loss" in r] == wanted
    assert any(wanted)
    assert saved[-1].selection.step is not None


def test_the_average_of_the_weights() -> None:
    trainer = make_trainer("training.ema=0.4")
    expected = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    for step in range(6):
        trainer.train_step()
        decay = min(0.4, (1 + step) / (10 + step))
        expected = [
            decay * mean + (1 - decay) * p.detach() for mean, p in zip(expected, trainer.model.parameters(), strict=True)
        ]
    for mean, parameter in zip(expected, trainer.evaluated.parameters(), strict=True):
        torch.testing.assert_close(parameter, mean)
    checkpoint = trainer.checkpoint()
    averaged, raw = trainer.evaluated.state_dict(), trainer.model.state_dict()
    assert checkpoint.raw_weights is not None
    for name, value in checkpoint.weights.items():
        assert torch.equal(value, averaged[name])
        assert torch.equal(checkpoint.raw_weights[name], raw[name])
    assert any(not torch.equal(averaged[name], raw[name]) for name in raw)


@pytest.mark.parametrize("accumulate", [2, 3, 9])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(accumulate: int) -> None:
    whole, parts = (make_trainer(f"training.accumulate={k}", "training.batch_size=6") for k in (1, accumulate))
    calls: list[int] = []
    inner = parts._call
    parts._call.register_forward_pre_hook(lambda _, arguments: calls.append(len(arguments[0].graph)))
    losses = [trainer._accumulate_gradients(trainer._steps.of(0, np.arange(6)), 0.1, 0.5) for trainer in (whole, parts)]
    assert parts._call is inner
    assert calls == {2: [3, 3], 3: [2, 2, 2], 9: [1] * 6}[accumulate]
    assert losses[0].units == losses[1].units
    assert losses[0].units["graph"] == losses[0].num_graphs == 6
    assert losses[0].guess == pytest.approx(losses[1].guess)
    torch.testing.assert_close(losses[0].total, losses[1].total)
    for left, right in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-4, atol=1e-7)


def test_tf32_is_for_gpus_and_for_gradients_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"tf32 needs a GPU; train on one, or set training\.precision = float32"):
        make_trainer("training.precision=tf32")
    trainer = make_trainer("training.steps=2", "training.evaluations=2")
    trainer.config = trainer.config.replace(["training.precision=tf32"])  # as on a GPU: a CPU takes no notice of it
    seen: list[tuple[bool, str]] = []
    trainer.model.register_forward_hook(lambda *_: seen.append((torch.is_grad_enabled(), torch.get_float32_matmul_precision())))
    run(trainer)
    assert set(seen) == {(True, "high"), (False, "highest")}
    assert torch.get_float32_matmul_precision() == "highest"


def test_weight_decay_spares_vectors() -> None:
    trainer = make_trainer("training.optimizer=adamw", "training.weight_decay=0.1")
    decays = {id(p): group["weight_decay"] for group in trainer._optimizer.param_groups for p in group["params"]}
    assert len(decays) == len([*trainer.model.parameters()])
    for parameter in trainer.model.parameters():
        assert decays[id(parameter)] == (0.1 if parameter.dim() > 1 else 0.0)


class SlowMachine:
    """A clock on which every look takes 100 seconds of wall time and 0.1 of CPU time."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 100.0 * self.looks

    def process_time(self) -> float:
        return 0.1 * self.looks


@pytest.mark.parametrize(("clock", "steps"), [("wall", 1), ("cpu", 20)])
def test_the_budget_counts_the_clock_that_was_chosen(clock: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gengraph.training.log.time", SlowMachine())
    settings = ("training.steps=none", "training.budget=1.99", f"training.clock={clock}")
    trainer = make_trainer(*settings)
    reports, saved = run(trainer)
    assert trainer.step == steps
    last = reports[-1]
    assert last["seconds"] == last[f"{clock}_seconds"]
    assert last["wall_seconds"] == pytest.approx(1000 * last["cpu_seconds"])
    again = make_trainer(*settings)
    again.load(saved[-1])
    assert again.elapsed == trainer.elapsed
    run(again)
    assert again.step == steps


def test_an_exploded_loss_is_named_and_not_saved() -> None:
    trainer = make_trainer()
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter.mul_(1000)
    saved: list[Checkpoint] = []
    with pytest.raises(TrainingDiverged, match=r"at step 0, learning rate 0\.006 \(guessing would cost \d+"):
        trainer.run(lambda _: None, saved.append)
    assert not saved


def test_weights_that_are_no_numbers_are_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer("training.steps=1", "training.evaluations=1")

    def spoil() -> None:
        with torch.no_grad():
            next(trainer.model.parameters()).fill_(math.inf)

    monkeypatch.setattr(trainer._optimizer, "step", spoil)
    monkeypatch.setattr(trainer, "validate", lambda **_: {})  # which would see it too
    saved: list[Checkpoint] = []
    with pytest.raises(TrainingDiverged, match="no finite numbers any more at step 1"):
        trainer.run(lambda _: None, saved.append)
    assert not saved


def test_training_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(make_trainer("training.mmd_every=1"))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("2", 2)])
def test_training_takes_one_thread_unless_the_environment_says_more(
    variable: str | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)  # what torch begins with on two processors
    try:
        trainer = make_trainer("training.steps=3")
        trainer.model.register_forward_hook(lambda *_: seen.append((torch.get_num_threads(), num_threads())))
        run(trainer)
        assert set(seen) == {(threads, threads)}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_two_ranks_together_take_the_gradient_of_one() -> None:
    whole = make_trainer()
    halves = [make_trainer(place=Place(rank=rank, world=2)) for rank in range(2)]
    drawn = next(whole._steps.batches(0))
    for trainer in (whole, *halves):
        trainer._optimizer.step = lambda *_: None  # keep the gradients
        trainer.config = dataclasses.replace(trainer.config, training=TrainingConfig(clip_norm=0, steps=12))
        trainer._update(trainer._steps.of(*drawn), 0.0)
    for parameter, left, right in zip(*(t.model.parameters() for t in (whole, *halves)), strict=True):
        torch.testing.assert_close(parameter.grad, (left.grad + right.grad) / 2)


def test_a_budget_ends_the_training() -> None:
    trainer = make_trainer("training.steps=none", "training.budget=0.5")
    started = time.monotonic()
    run(trainer)
    assert trainer.step > 0
    assert trainer.elapsed >= 0.5
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("num_graphs", [1, 3, 10, 33])
def test_batches_are_full_and_disjoint_and_in_the_long_run_fair(num_graphs: int) -> None:
    sizes = np.arange(num_graphs)
    seen = np.zeros(num_graphs)
    for epoch in range(200):
        batches = batch_indices(sizes, 4, seed=1, epoch=epoch)
        together = np.concatenate(batches)
        assert len(set(together)) == len(together)
        assert {len(batch) for batch in batches} == {min(4, num_graphs)}
        seen[together] += 1
    assert seen.min() > 0.7 * seen.max()


def test_schedules() -> None:
    cosine = TrainingConfig(learning_rate=2.0)
    assert learning_rate(cosine, 0) == 2
    assert learning_rate(cosine, 0.5) == pytest.approx(1)
    assert learning_rate(cosine, 1) == pytest.approx(0)
    milestones = TrainingConfig(learning_rate=1.0, schedule="milestones")
    assert [round(learning_rate(milestones, p), 6) for p in (0, 0.13, 0.14, 0.34)] == [1, 1, 0.3, 0.09]
    assert learning_rate(TrainingConfig(schedule="constant", learning_rate=0.5), 0.9) == 0.5
    warm = TrainingConfig(schedule="constant", learning_rate=1.0, warmup=0.2)
    assert [learning_rate(warm, p) for p in (0, 0.1, 0.2, 0.9)] == [0, 0.5, 1, 1]


def test_divergence_is_named_and_not_saved() -> None:
    trainer = make_trainer()
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(math.nan)
    saved: list[Checkpoint] = []
    with pytest.raises(TrainingDiverged, match=r"the loss became nan a graph at step 0, learning rate 0\.006"):
        trainer.run(lambda _: None, saved.append)
    assert not saved


def test_interrupt_saves_a_checkpoint() -> None:
    trainer = make_trainer("training.steps=100000")
    saved: list[Checkpoint] = []
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        trainer.run(lambda _: None, saved.append)
    assert saved[-1].step == trainer.step > 0


def test_disconnected_graphs() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(4), nx.disjoint_union(nx.path_graph(3), nx.path_graph(2))])
    _, facts = prepare_graphs(graphs, Config())
    assert facts["several_components"]
    with pytest.raises(InputError, match=r"1 of 2 are.*set model\.sequence\.components = largest"):
        prepare_graphs(graphs, Config().replace(["model.stop=zero_row"]))
    kept, facts = prepare_graphs(graphs, Config().replace(["model.stop=zero_row", "model.sequence.components=largest"]))
    assert kept.num_nodes.tolist() == [4, 3]
    assert not facts["several_components"]


def test_bad_training_graphs_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1 graph"):
        prepare_graphs(GraphSet.empty(), Config())
    with pytest.raises(InputError, match="1 have none"):
        prepare_graphs(GraphSet.from_networkx([nx.empty_graph(0), nx.path_graph(2)]), Config())
    with pytest.raises(InputError, match=r"a graph for each of the 8 workers, got 4"):
        make_trainer(place=Place(world=8))


def test_checkpoints_survive_and_are_pruned(tmp_path: Path) -> None:
    trainer = make_trainer()
    run(trainer)
    for step in (3, 7, 12):
        save(dataclasses.replace(trainer.checkpoint(), step=step), tmp_path)
    assert [path.name for path in checkpoints_in(tmp_path)] == ["step-00000007", "step-00000012"]
    assert not list(tmp_path.glob(".*"))
    loaded = load_checkpoint(tmp_path / "step-00000012")
    assert loaded.config == trainer.config
    assert loaded.facts == trainer.facts
    for name, value in loaded.weights.items():
        assert torch.equal(value, trainer.model.state_dict()[name])
    assert set(loaded.optimizer) == set(trainer.checkpoint().optimizer)


def test_checkpoints_of_another_version_or_damaged_are_refused(tmp_path: Path) -> None:
    path = save(make_trainer().checkpoint(), tmp_path)
    record = path / "checkpoint.json"
    whole = record.read_text()
    record.write_text(whole.replace('"format": 3', '"format": 99'))
    with pytest.raises(InputError, match=r"has format 99.*reads formats 2 and 3; use that version or train again"):
        load_checkpoint(path)
    record.write_text(whole)
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(InputError, match="not a whole checkpoint"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="not a whole checkpoint"):
        load_checkpoint(tmp_path / "nothing")


def test_a_checkpoint_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    trainer = make_trainer()
    save(trainer.checkpoint(), tmp_path)
    monkeypatch.setattr("gengraph.training.checkpoint.write_tensors", full)
    with pytest.raises(OSError, match="No space"):
        save(dataclasses.replace(trainer.checkpoint(), step=5), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000000"]


def test_a_graph_unlike_all_training_graphs_has_a_finite_loss() -> None:
    connected = GraphSet.from_networkx([nx.path_graph(4), nx.path_graph(6)])
    apart = GraphSet.from_networkx([nx.disjoint_union(nx.path_graph(3), nx.path_graph(2))])
    config = Config().replace([*TINY, "training.steps=3"])
    train, facts = prepare_graphs(connected, config)
    trainer = Trainer(config, facts, train, apart)
    assert 20 < trainer.validate()["validation_loss"] < 200
    run(trainer)


def test_validation_graphs_are_checked_like_training_graphs() -> None:
    config = Config().replace(["model.stop=zero_row"])
    with pytest.raises(InputError, match="1 of 1 are"):
        config.own_family.select(GraphSet.from_networkx([nx.empty_graph(2)]), config.model)
    with pytest.raises(InputError, match="1 have none"):
        config.own_family.select(GraphSet.from_networkx([nx.empty_graph(0)]), Config().model)


@pytest.mark.parametrize("head", ["rnn", "mlp", "context"])
def test_every_weight_takes_part_in_a_batch_without_edges(head: str) -> None:
    graphs = GraphSet.from_networkx([nx.empty_graph(1), nx.path_graph(3)])
    config = Config().replace([*SMALL, f"model.head.kind={head}", "model.head.hidden_size=4"])
    train, facts = prepare_graphs(graphs, config)
    trainer = Trainer(config, facts, train, GraphSet.empty())
    trainer._update(trainer._steps.of(0, np.array([0])), 0.0)
    assert all(parameter.grad is not None for parameter in trainer.model.parameters())


def test_the_same_step_saved_twice_is_the_newer_one(tmp_path: Path) -> None:
    trainer = make_trainer()
    save(trainer.checkpoint(), tmp_path)
    newer = dataclasses.replace(trainer.checkpoint(), wall_seconds=7.0)
    path = save(newer, tmp_path)
    assert load_checkpoint(path).wall_seconds == 7.0
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_weights_of_other_sizes_are_refused() -> None:
    checkpoint = make_trainer().checkpoint()
    other = dataclasses.replace(checkpoint, config=Config().replace([*TINY, "model.hidden_size=9"]))
    with pytest.raises(InputError, match="do not fit its config"):
        other.build_model()


def test_what_a_step_draws_from_torch_depends_on_the_step_alone() -> None:
    def drawn(trainer: Trainer, steps: int) -> list[torch.Tensor]:
        seen: list[torch.Tensor] = []
        trainer.model.register_forward_hook(lambda *_: seen.append(torch.rand(4)))  # as dropout would
        for _ in range(steps):
            trainer.train_step()
        return seen

    whole = drawn(make_trainer(), 4)
    first = make_trainer()
    drawn(first, 2)
    torch.rand(7)
    second = make_trainer()
    second.load(first.checkpoint())
    assert all(torch.equal(a, b) for a, b in zip(whole[2:], drawn(second, 2), strict=True))
    assert not torch.equal(whole[0], whole[1])


def test_of_many_validation_graphs_a_sample_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mean lies near that of all, as far as the standard error says; it is the same each time."""
    config = Config().replace([*SMALL, *RNN, "training.steps=12"])
    graphs = load_dataset("community-small:600")
    train, facts = prepare_graphs(graphs[:100], config)
    whole = Trainer(config, facts, train, graphs[100:]).validate()
    assert "validation_loss_error" not in whole
    monkeypatch.setattr(batches, "VALIDATION_GRAPHS", 160)
    trainer = Trainer(config, facts, train, graphs[100:])
    found = trainer.validate()
    assert found == trainer.validate()
    assert 0 < found["validation_loss_error"] < 0.1 * found["validation_loss"]
    assert abs(found["validation_loss"] - whole["validation_loss"]) < 4 * found["validation_loss_error"]
    assert found["validation_loss"] != whole["validation_loss"]


def test_a_validation_loss_that_has_exploded_ends_the_training_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step whose own loss was fine."""
    trainer = make_trainer("training.steps=4", "training.evaluations=4")
    steps = iter([1.0, 1e6])

    def spoil() -> None:
        factor = next(steps)
        with torch.no_grad():
            for parameter in trainer.model.parameters():
                parameter.mul_(factor)

    monkeypatch.setattr(trainer._optimizer, "step", spoil)
    saved: list[Checkpoint] = []
    with pytest.raises(TrainingDiverged, match=r"the validation loss became .* a graph at step 2"):
        trainer.run(lambda _: None, saved.append)
    assert [checkpoint.step for checkpoint in saved] == [1]
