"""What every family of learned generators must do, beside what `GeneratorSuite` asks of its generator."""

import json
import math
import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.generators import GENERATORS
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.family import Capability, Decoding, HasLikelihood
from gengraph.models.generator import GraphGenerator
from gengraph.models.registry import find_family
from gengraph.runs.folders import create_run, train_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.attempts import sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import SampleRequest, ShardWriter
from gengraph.sampling.shards import Shard
from gengraph.storage import Folder
from gengraph.testing.generators import TRAINING, complete_graphs, path_graphs
from gengraph.training.checkpoint import Checkpoint, build_model
from gengraph.training.config import Config
from gengraph.training.trainer import Trainer, prepare_graphs
from gengraph.tuning.space import default_space
from gengraph.tuning.sweep import Sweep, SweepRequest, sweep_here, write_results

_STARS = [[(0, i) for i in range(1, size)] for size in (6, 7)]
_CYCLE = [(i, (i + 1) % 8) for i in range(8)]
EIGHT = GraphSet.concatenate(
    [path_graphs(4, 6, 8), complete_graphs(4, 5), GraphSet.from_edge_lists([6, 7, 8], [*_STARS, _CYCLE])]
)

_DRAWN, _NEAR, _FAR_BEYOND = 300, 1e-4, 100  # graphs of a policy, how far weights are moved, times the largest size


@dataclass(frozen=True, kw_only=True)
class FamilyCase:
    """A family that is put to the test.

    Attributes:
        config: small, trained for some steps of its own, seconds in all.
        bad: assignments that its config must refuse, each with a pattern that the message must match.
        overfit: assignments that let it learn eight small graphs by heart, in a few seconds.
        share_known: least share of samples that are then isomorphic to one of the eight.
        tolerance: relative, of the sum of the losses of single graphs beside that of a batch; None where they may differ.
    """

    config: Config
    bad: Sequence[tuple[str, str]]
    overfit: Sequence[str] = ("training.steps=600", "training.batch_size=8")
    share_known: float = 0.9
    tolerance: float | None = 1e-4
    trained: dict[str, Checkpoint] = field(default_factory=dict)

    def checkpoint(self, assignments: Sequence[str] = (), graphs: GraphSet = TRAINING) -> Checkpoint:
        """What training on graphs leaves, with these graphs for validation too; kept."""
        key = repr((list(assignments), graphs.content_hash()))
        if key not in self.trained:
            trainer = self.trainer(self.config.replace(assignments), graphs)
            trainer.run(lambda _metrics: None, lambda _checkpoint: None)
            self.trained[key] = trainer.checkpoint()
        return self.trained[key]

    def trainer(self, config: Config, graphs: GraphSet) -> Trainer:
        """A trainer that has not begun."""
        prepared, facts = prepare_graphs(graphs, config)
        return Trainer(config, facts, prepared, prepared)


def whole_graphs(model: Any, count: int, *, seed: int, start: GraphSet | None = None) -> GraphSet:
    """Graphs 0..count-1 of a model, drawn to an end of their own: what is cut would not follow its law."""
    indices = np.arange(count)
    decoding = Decoding(max_num_node=_FAR_BEYOND * model.largest, start=start)
    parts = list(model.sampler(decoding).draw(indices, np.zeros_like(indices), seed=seed))
    place, cut = (np.concatenate([getattr(part, name) for part in parts]) for name in ("place", "cut"))
    assert not cut.any()
    return GraphSet.concatenate([part.graphs for part in parts])[np.argsort(place)]


class _Dying:
    """A shard writer whose process dies at its second shard, once."""

    def __init__(self, make: Callable[[], ShardWriter], mark: Path) -> None:
        self._writer, self._mark, self._count = make(), mark, 0

    def __call__(self, shard: Shard) -> None:
        self._count += 1
        if self._count == 2 and not self._mark.exists():
            self._mark.touch()
            os._exit(1)
        self._writer(shard)


class FamilySuite:
    """The tests; a subclass has a fixture `case` that returns a FamilyCase."""

    def test_the_config_is_toml_and_refuses_what_is_wrong(self, case: FamilyCase) -> None:
        """Round trip; unknown fields and values of the wrong type are named."""
        assert Config.from_dict(tomllib.loads(case.config.to_toml())) == case.config
        assert case.config.own_family is find_family(case.config.family)
        assert case.config.model_name in GENERATORS
        with pytest.raises(InputError, match=r"unknown field model\.colour"):
            case.config.replace(["model.colour=red"])
        for assignment, pattern in case.bad:
            with pytest.raises(InputError, match=pattern):
                case.config.replace([assignment])

    def test_facts_and_descriptions_are_plain(self, case: FamilyCase) -> None:
        """Facts are JSON-ready and know the largest graph; what people read is text."""
        _, facts = prepare_graphs(TRAINING, case.config)
        assert json.loads(json.dumps(facts)) == facts
        assert facts["max_num_node"] == TRAINING.num_nodes.max()
        family = case.config.own_family
        described = family.describe(case.config.model, facts)
        assert all(isinstance(text, str) and text for pair in described.items() for text in pair)
        assert family.capabilities(case.config.model) <= set(get_args(Capability))
        with pytest.raises(InputError, match="node"):
            prepare_graphs(path_graphs(3, 0), case.config)

    def test_a_batch_costs_what_its_graphs_cost(self, case: FamilyCase) -> None:
        """What is drawn for a graph depends on neither the batch nor its place in it."""
        model, encode = self._model(case, TRAINING)
        with torch.inference_mode():
            together = model(encode(np.array([3, 0, 4]), key=(5, 7)), 0.5)
            alone = [model(encode(np.array([g]), key=(5, 7)), 0.5) for g in (0, 3, 4)]
        assert together.units["graph"] == 3
        for name, count in together.units.items():
            assert count == sum(loss.units[name] for loss in alone)
        if case.tolerance is not None:
            assert float(together.total) == pytest.approx(sum(float(loss.total) for loss in alone), rel=case.tolerance)

    def test_the_loss_is_the_likelihood_if_there_is_one(self, case: FamilyCase) -> None:
        """The capability, the protocol and the loss say the same."""
        able = "likelihood" in case.config.own_family.capabilities(case.config.model)
        model, encode = self._model(case, TRAINING)
        if not able:
            return
        measured: Any = model
        assert isinstance(model, HasLikelihood)
        batch = encode(np.arange(len(TRAINING)), key=(1, 2))
        with torch.inference_mode():
            log_probs = model.log_prob(batch)
            assert float(-log_probs.sum()) == pytest.approx(float(measured(batch, 1.0).total), rel=1e-4)
        assert (log_probs < 1e-6).all()
        assert len(model.sequences(batch)) == len(batch.graph) == len(TRAINING)
        assert dict(model.units(batch)) == dict(measured(batch, 1.0).units)

    def test_every_weight_has_a_gradient(self, case: FamilyCase) -> None:
        """At the beginning of training and at its end: workers that train together wait for the gradient of each."""
        prepared, facts = prepare_graphs(TRAINING, case.config)
        model = build_model(case.config, facts)
        for progress in (0.0, 0.99):
            model.zero_grad()
            model(model.encoder(prepared)(np.arange(3), key=(0, 1)), progress).total.backward()
            assert [name for name, weight in model.named_parameters() if weight.grad is None] == []

    def test_overfits_eight_graphs(self, case: FamilyCase) -> None:
        """The validation loss falls, and samples are the training graphs."""
        config = case.config.replace(case.overfit)
        before = case.trainer(config, EIGHT).validate()["validation_loss"]
        checkpoint = case.checkpoint(case.overfit, EIGHT)
        assert checkpoint.metrics["validation_loss"] < before
        samples = sample_graphs(checkpoint.build_model(), np.arange(64), seed=0).graphs
        known = set(canonical_keys(EIGHT))
        share = sum(key in known for key in canonical_keys(samples)) / len(samples)
        assert share >= case.share_known

    def test_resumed_equals_uninterrupted(self, case: FamilyCase) -> None:
        """Bit for bit on a CPU, when trained for a number of steps."""
        config = case.config.replace(["training.steps=6", "training.ema=0.9"])
        whole, first, second = (case.trainer(config, TRAINING) for _ in range(3))
        for _ in range(6):
            whole.train_step()
        for _ in range(2):
            first.train_step()
        second.load(first.checkpoint())
        for _ in range(4):
            second.train_step()
        ours, theirs = second.checkpoint(), whole.checkpoint()
        for name, value in theirs.weights.items():
            assert torch.equal(ours.weights[name], value), name
        assert second.validate() == whole.validate()

    def test_a_checkpoint_is_all_it_takes(self, case: FamilyCase, tmp_path: Path) -> None:
        """A run is made, trained and sampled from; its card says what it is."""
        from gengraph.runs.folders import newest_checkpoint

        folder = self._run(case, tmp_path)
        card = (newest_checkpoint(folder) / "card.md").read_text(encoding="utf-8")
        assert case.config.model_name in card
        assert case.config.own_family.loss in card
        model = case.checkpoint().build_model()
        assert sum(value.numel() for value in model.state_dict().values()) > 0
        assert math.isfinite(case.checkpoint().metrics["validation_loss"])

    def test_draws_follow_from_index_and_attempt(self, case: FamilyCase) -> None:
        """Whatever else is drawn in the same call."""
        sampler = case.checkpoint().build_model().sampler(Decoding())

        def draw(indices: Sequence[int], attempts: Sequence[int]) -> list[GraphSet]:
            found: dict[int, GraphSet] = {}
            for drawn in sampler.draw(np.array(indices), np.array(attempts), seed=9):
                found |= dict(zip(drawn.place.tolist(), drawn.graphs, strict=True))
            assert sorted(found) == list(range(len(indices)))
            return [found[place] for place in range(len(indices))]

        many = draw([*range(20), *range(20)], [0] * 20 + [1] * 20)
        assert draw([7, 3, 10**9], [1, 0, 0])[:2] == [many[27], many[3]]
        assert many[:20] != many[20:]
        assert len({graph.content_hash() for graph in many}) > 1

    def test_what_it_cannot_do_is_refused(self, case: FamilyCase) -> None:
        """A decoding that needs a capability that it lacks."""
        able = case.config.own_family.capabilities(case.config.model)
        asked = {
            "temperature": Decoding(temperature=0.5),
            "planar": Decoding(constraint="planar"),
            "overrun": Decoding(stop="reference"),
            "steps": Decoding(steps=1),
        }
        if "conditions" not in able:  # if it is, what it can be told hangs on what it was trained with
            asked["conditions"] = Decoding(given={"edges": 5.0})
        model = build_model(case.config, prepare_graphs(TRAINING, case.config)[1])
        for name, decoding in asked.items():
            if name in able:
                model.sampler(decoding)
            else:
                with pytest.raises(InputError, match="is not for"):
                    model.sampler(decoding)

    def test_conditions_hold(self, case: FamilyCase) -> None:
        """Sizes and components as asked, the first attempts that meet them."""
        conditions = Conditions(within={"nodes": (4, 9)}, components="reject")
        samples = sample_graphs(case.checkpoint().build_model(), np.arange(10), seed=2, conditions=conditions)
        assert ((samples.graphs.num_nodes >= 4) & (samples.graphs.num_nodes <= 9)).all()
        assert (samples.graphs.num_components() == 1).all()

    def test_its_decisions_are_those_that_it_drew_by(self, case: FamilyCase) -> None:
        """Where there is a policy: the derivative of log p in a direction of the weights has the mean 0 over what is drawn."""
        checkpoint = case.checkpoint()
        able = checkpoint.config.own_family.capabilities(checkpoint.config.model)
        if "policy" not in able:
            return
        drawn = whole_graphs(checkpoint.build_model(), _DRAWN, seed=3)
        self._check_decisions(checkpoint, drawn, None)
        if "start" in able:
            start = drawn[np.flatnonzero(drawn.num_nodes == 3)[:1]]
            self._check_decisions(checkpoint, whole_graphs(checkpoint.build_model(), _DRAWN, seed=3, start=start), start)

    @staticmethod
    def _check_decisions(checkpoint: Checkpoint, drawn: GraphSet, start: GraphSet | None) -> None:
        model = checkpoint.build_model().double()
        batch = model.rollout(drawn, np.arange(_DRAWN), np.zeros(_DRAWN, np.int64), seed=3, start=start)
        generator, either_way = torch.Generator().manual_seed(0), []
        direction = [(weight, torch.randn(weight.shape, generator=generator)) for weight in model.parameters()]
        for far in (_NEAR, -2 * _NEAR):
            with torch.no_grad():
                for weight, change in direction:
                    weight.add_(far * change)
                log_prob, graph = model.decisions(batch)
            assert (log_prob < 1e-6).all()
            assert len(graph.unique()) == _DRAWN
            either_way.append(torch.zeros(_DRAWN, dtype=log_prob.dtype).index_add(0, graph, log_prob))
        slopes = (either_way[0] - either_way[1]) / (2 * _NEAR)
        assert slopes.abs().max() > 0
        assert abs(slopes.mean()) < 5 * slopes.std() / _DRAWN**0.5

    def test_it_can_be_tuned(self, case: FamilyCase, tmp_path: Path) -> None:
        """Trials of its default space run, and the winner is a config."""
        space = default_space(case.config, samples=False)
        assert any(name.startswith("model.") for name in space)
        split = Split(train=TRAINING, validation=TRAINING[:2], test=TRAINING[:2])
        request = SweepRequest(trials=2, scheduler="none", steps=2)
        sweep = Sweep.create(
            tmp_path / "sweep", split=split, config=case.config, space=space, request=request, record={"dataset": "training"}
        )
        trials = sweep_here(sweep, budget=None, report=lambda _count: None)
        assert [trial.error for trial in trials] == [None, None]
        winner = write_results(sweep, trials)
        assert winner is not None
        assert Config.from_dict(tomllib.loads(winner.read_text(encoding="utf-8"))).family == case.config.family

    def test_it_stands_in_the_table(self, case: FamilyCase, tmp_path: Path) -> None:
        """The benchmark fits, samples and scores it."""
        from gengraph.benchmarks.settings import Settings
        from gengraph.benchmarks.steps import Data
        from gengraph.benchmarks.suite import run_benchmark

        data = Data(name="training", split=Split(train=TRAINING[:4], validation=TRAINING[:2], test=TRAINING[:3]))
        settings = Settings(models=(case.config.model_name,), budget=1.0, bootstrap=0, num_samples=4)
        outcomes = run_benchmark([data], settings, tmp_path, workers=0)
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert set(outcomes[0].record["mmd2"]["emd"]) == {"degree", "clustering", "orbit"}

    @pytest.mark.ray
    @pytest.mark.slow
    def test_the_same_graphs_on_any_number_of_workers(self, case: FamilyCase, tmp_path: Path) -> None:
        """0, 1 and 3 workers, and 2 of which one is killed."""
        from gengraph.distributed.cluster import session
        from gengraph.distributed.sample import sample_shards
        from gengraph.distributed.tasks import spread

        folder = self._run(case, tmp_path)
        request = SampleRequest(num_graphs=24, seed=4, shard_size=4)

        def killing(make: Callable[[], ShardWriter], shards: Sequence[Shard], _report: Callable[[int], None]) -> None:
            dying = partial(_Dying, make, tmp_path / "killed")
            for _, outcome in spread(dying, shards, workers=2, cpus=0.5):
                if isinstance(outcome, Exception):
                    raise outcome

        def on(workers: int) -> Any:
            return partial(sample_shards, workers=workers, per_worker={"CPU": 0.5})

        here = sample_run(folder, Folder(str(tmp_path / "0")), request)
        with session(num_cpus=2):
            ways = {"1": on(1), "3": on(3), "killed": killing}
            found = {
                name: sample_run(folder, Folder(str(tmp_path / f"on-{name}")), request, write_shards=write)
                for name, write in ways.items()
            }
        assert (tmp_path / "killed").exists()
        for name, manifest in found.items():
            assert manifest["shards"] == here["shards"], name

    def _model(self, case: FamilyCase, graphs: GraphSet) -> tuple[Any, Any]:
        prepared, facts = prepare_graphs(graphs, case.config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = build_model(case.config, facts).eval()
        return model, model.encoder(prepared)

    def _run(self, case: FamilyCase, tmp_path: Path) -> Path:
        split = Split(train=TRAINING, validation=TRAINING[:2], test=TRAINING[:2])
        config = case.config.replace(["training.steps=4"])
        create_run(tmp_path / "run", dataset="training", split=split, split_seed=0, config=config)
        assert train_run(tmp_path / "run") == 4
        return tmp_path / "run"


def generator_of(config: Config, **arguments: Any) -> GraphGenerator:
    """The generator of a config, for a `GeneratorCase`."""
    make: Any = GENERATORS[config.model_name]
    generator: GraphGenerator = make(**{"config": config, **arguments})
    return generator
