import dataclasses
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

from gengraph.checkpoint import Checkpoint, checkpoints_in, load_checkpoint, save_checkpoint
from gengraph.config import Config, TrainingConfig
from gengraph.data import load_dataset, split_graphs
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.training import Place, Trainer, TrainingDiverged, batch_indices, learning_rate, prepare_graphs

TINY = ["model.hidden_size=8", "model.embedding_size=4", "model.edge_hidden_size=4", "model.edge_num_layers=1"]


def make_trainer(*settings: str, dataset: str = "grid-small", place: Place | None = None) -> Trainer:
    config = Config().replace([*TINY, "training.steps=12", *settings])
    split = split_graphs(load_dataset(dataset))
    train, facts, _ = prepare_graphs(split.train, config)
    return Trainer(config, facts, train, split.validation, place)


def run(trainer: Trainer) -> tuple[list[dict], list[Checkpoint]]:
    reports: list[dict] = []
    saved: list[Checkpoint] = []
    trainer.run(reports.append, saved.append)
    return reports, saved


@pytest.mark.parametrize("head", ["rnn", "mlp"])
def test_training_learns(head: str) -> None:
    trainer = make_trainer("training.steps=300", "training.learning_rate=0.02", f"model.head={head}")
    before = trainer.validation_nll()
    reports, saved = run(trainer)
    assert trainer.validation_nll() < 0.6 * before
    assert reports[-1]["progress"] == 1
    assert reports[-1]["step"] == saved[-1].step == 300
    assert [r["validation_nll"] for r in reports if "validation_nll" in r][-1] == trainer.validation_nll()


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole = make_trainer()
    run(whole)

    first = make_trainer()
    for _ in range(5):
        first.train_step()
    path = save_checkpoint(first.checkpoint(), tmp_path)
    second = make_trainer()
    second.load(load_checkpoint(path))
    run(second)
    for expected, resumed in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(expected, resumed)


def test_two_ranks_together_take_the_gradient_of_one() -> None:
    whole = make_trainer()
    halves = [make_trainer(place=Place(rank=rank, world=2)) for rank in range(2)]
    batch = next(whole._batches)
    for trainer in (whole, *halves):
        trainer._optimizer.step = lambda *_: None  # keep the gradients
        trainer.config = dataclasses.replace(trainer.config, training=TrainingConfig(clip_norm=0, steps=12))
        trainer._update(batch, 0.0)
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


def test_divergence_is_named_and_not_saved() -> None:
    trainer = make_trainer()
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(math.nan)
    saved: list[Checkpoint] = []
    with pytest.raises(TrainingDiverged, match=r"the loss became nan at step 0, learning rate 0\.006"):
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
    _, facts, _ = prepare_graphs(graphs, Config())
    assert facts.several_components
    with pytest.raises(InputError, match=r"1 of 2 are.*sequence\.components=largest"):
        prepare_graphs(graphs, Config().replace(["model.stop=zero_row"]))
    kept, facts, _ = prepare_graphs(graphs, Config().replace(["model.stop=zero_row", "sequence.components=largest"]))
    assert kept.num_nodes.tolist() == [4, 3]
    assert not facts.several_components


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
        save_checkpoint(dataclasses.replace(trainer.checkpoint(), step=step), tmp_path)
    assert [path.name for path in checkpoints_in(tmp_path)] == ["step-00000007", "step-00000012"]
    assert not list(tmp_path.glob(".*"))
    loaded = load_checkpoint(tmp_path / "step-00000012")
    assert loaded.config == trainer.config
    assert loaded.facts == trainer.facts
    for name, value in loaded.weights.items():
        assert torch.equal(value, trainer.model.state_dict()[name])
    assert set(loaded.optimizer) == set(trainer.checkpoint().optimizer)


def test_checkpoints_of_another_version_or_damaged_are_refused(tmp_path: Path) -> None:
    path = save_checkpoint(make_trainer().checkpoint(), tmp_path)
    record = path / "checkpoint.json"
    whole = record.read_text()
    record.write_text(whole.replace('"format": 1', '"format": 99'))
    with pytest.raises(InputError, match=r"has format 99.*reads format 1; use that version or train again"):
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
    save_checkpoint(trainer.checkpoint(), tmp_path)
    monkeypatch.setattr("gengraph.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(dataclasses.replace(trainer.checkpoint(), step=5), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000000"]
