"""Training by teacher forcing: a loop that knows nothing of Ray.

A step takes `batch_size` graphs, split over the ranks of a world; every graph gets a fresh ordering each time it is seen.
Order of the data, orderings and weights depend on the seed and the counters alone, so a resumed run equals an uninterrupted
one (bit for bit on a CPU, when trained for a number of steps). Checkpoints hold the counters, and no state of a random number
generator: every step has a stream of its own.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gengraph.errors import InputError, TrainingDiverged
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Facts, ReadiesBatches
from gengraph.seeded import Stream
from gengraph.training.batches import NUM_GROUPS, size_chunks, validation_sample
from gengraph.training.checkpoint import (
    Checkpoint,
    Selection,
    build_model,
    load_optimizer,
    load_weights,
    optimizer_tensors,
)
from gengraph.training.config import Config, TrainingConfig
from gengraph.training.log import Clock, Log, StepLoss, check_loss, deferred_interrupt, describe_losses
from gengraph.training.optimizers import Average, build_optimizer, learning_rate, matmul_precision
from gengraph.training.ranks import Ranks, Shared
from gengraph.training.steps import Step, Steps
from gengraph.training.threads import num_encoding_threads, training_threads

TrainingReport = Callable[[dict[str, Any]], None]
"""Called with what is known after a step.

step; progress in [0, 1]; learning_rate; seconds by the clock of the budget, wall_seconds, cpu_seconds; graphs_per_s of wall
time; loss, a graph, over the last epoch, the same by the family's other units (loss_per_node, ...) and the loss's named parts;
what the coding could not keep since the start (cut_edges, say: each time a graph was seen, on all ranks). At an evaluation also
the losses of the validation part (validation_loss, ...), and where it was measured validation_mmd_degree,
validation_mmd_clustering, validation_mmd_orbit and their mean validation_mmd.
"""

MeasureMMD = Callable[[Any, GraphSet, int], dict[str, float]]
"""The squared MMD by statistic between so many samples of a model and graphs; (model, graphs, seed)."""

_REPORT_EVERY_S = 0.5
_CHECK_RANKS_EVERY = 100  # steps; also at every checkpoint
_VALIDATION_EPOCH = 2**40  # an epoch that training never reaches: validation orderings stay the same


def prepare_graphs(graphs: GraphSet, config: Config) -> tuple[GraphSet, Facts]:
    """The training graphs as the family sees them, and what it takes from them.

    Raises:
        InputError: no graphs, or graphs that models of this config cannot learn.
    """
    if not len(graphs):
        msg = "training needs at least 1 graph, got 0"
        raise InputError(msg)
    family = config.own_family
    graphs = family.select(graphs, config.model)
    seen = graphs if "joint" in family.capabilities(config.model) else graphs.bare()
    facts = family.prepare(seen, config.model, seed=config.training.seed)
    return graphs, facts | ({"labels": graphs.schema.to_json()} if graphs.schema else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a trainer runs.

    Attributes:
        rank: number of this worker.
        world: workers that train together.
        device: where the model lives; None leaves it on the CPU.
        wrap: makes the module that is called in training from the model (DistributedDataParallel, say).
        interrupted: asked on rank 0 after every step: whether to stop there, with a checkpoint.
    """

    rank: int = 0
    world: int = 1
    device: torch.device | None = None
    wrap: Callable[[nn.Module], nn.Module] = lambda model: model
    interrupted: Callable[[], bool] = lambda: False


class Trainer:
    """The state of a training run and its loop.

    Args:
        config: of the run.
        facts: from `prepare_graphs`.
        train: training graphs as the family selects them.
        validation: graphs for the evaluations, likewise; may be empty, then there are none.
        place: rank and device.
        measure_mmd: what compares samples with the validation graphs, where the config asks for it.
    """

    def __init__(
        self,
        config: Config,
        facts: Facts,
        train: GraphSet,
        validation: GraphSet,
        place: Place | None = None,
        *,
        measure_mmd: MeasureMMD | None = None,
    ) -> None:
        place = place or Place()
        batch_size = min(config.training.batch_size, len(train))
        if batch_size < place.world:
            msg = (
                f"a batch must hold a graph for each of the {place.world} workers, got {batch_size} "
                f"(training.batch_size {config.training.batch_size}, {len(train)} training graphs); use fewer workers"
            )
            raise InputError(msg)
        self.config, self.facts, self.rank, self.world = config, facts, place.rank, place.world
        self._measure_mmd = measure_mmd
        self._validation = validation_sample(validation, seed=config.training.seed)
        self._sampled = len(self._validation) < len(validation)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.training.seed)
            self.model = build_model(config, facts)
        self._encode, self._encode_validation = self.model.encoder(train), self.model.encoder(self._validation)
        self._device = place.device or torch.device("cpu")
        self._ranks = Ranks(place.rank, place.world, self._device, late=self._device.type == "cuda")
        if config.training.precision == "tf32" and self._device.type != "cuda":
            msg = "training.precision = tf32 needs a GPU; train on one, or set training.precision = float32"
            raise InputError(msg)
        self.model.to(self._device)
        self._average = Average(self.model, config.training.ema) if config.training.ema else None
        self._call, self._interrupted = place.wrap(self.model), place.interrupted
        self._optimizer = build_optimizer(self.model, config.training)
        self.step, self.selection = 0, Selection()
        self.losses_of_data: Counter[str] = Counter()
        self._clock, self._metrics = Clock(), dict[str, float]()
        self._parts: tuple[str, ...] = ()
        self._mean_nodes = float(train.num_nodes.mean())
        self._workers = num_encoding_threads(self._device) if isinstance(self.model, ReadiesBatches) else 0
        ready = self.model.ready if self._workers else lambda batch: batch
        self._steps = Steps(train.num_nodes, config.training, slice(place.rank, None, place.world), self._encode, ready)
        self._coming = self._steps.begin(0, self._workers)

    @property
    def elapsed(self) -> float:
        """Seconds of training done, by the clock of the budget."""
        return self._clock.cpu if self.config.training.clock == "cpu" else self._clock.wall

    @property
    def stopped_early(self) -> bool:
        """Whether `patience` evaluations in a row have brought nothing better."""
        return 0 < self.config.training.patience <= self.selection.stale

    @property
    def evaluated(self) -> Any:
        """The model that is evaluated and sampled from: of the averaged weights, if training averages them."""
        return self.model if self._average is None else self._average.module

    def checkpoint(self) -> Checkpoint:
        """What is needed to go on from here."""
        return Checkpoint(
            config=self.config,
            facts=self.facts,
            weights=_on_cpu(self.evaluated.state_dict()),
            raw_weights=None if self._average is None else _on_cpu(self.model.state_dict()),
            optimizer=_on_cpu(optimizer_tensors(self._optimizer)),
            step=self.step,
            wall_seconds=self._clock.wall,
            cpu_seconds=self._clock.cpu,
            selection=self.selection,
            metrics={**self._metrics, **self.losses_of_data},
        )

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Begin with the weights of a model that was trained elsewhere, at step 0 and with a fresh optimiser."""
        load_weights(self.model, weights)
        if self._average is not None:
            load_weights(self._average.module, weights)

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of a run with the same model.

        One that had stopped early goes on only if it has been given another length; its patience then starts anew.
        """
        load_weights(self.model, checkpoint.weights if checkpoint.raw_weights is None else checkpoint.raw_weights)
        if self._average is not None:
            load_weights(self._average.module, checkpoint.weights)
        load_optimizer(self._optimizer, checkpoint.optimizer)
        self.step, self.selection, self._metrics = checkpoint.step, checkpoint.selection, dict(checkpoint.metrics)
        names = self._encode(np.zeros(1, np.int64), key=(0, 0)).losses_of_data
        self.losses_of_data = Counter({name: int(self._metrics.pop(name, 0)) for name in names})
        self._clock = Clock(checkpoint.wall_seconds, checkpoint.cpu_seconds)
        if _length(checkpoint.config.training) != _length(self.config.training):
            self.selection = replace(self.selection, stale=0)
        self._begin_steps()

    def progress(self) -> float:
        """Share of the training that is done, in [0, 1]; the same number on every rank."""
        return self._ranks.agreed(self._done())

    def _done(self) -> float:
        training = self.config.training
        return min(1.0, self.elapsed / training.budget if training.steps is None else self.step / training.steps)

    def meet(self) -> None:
        """Wait for the other ranks."""
        self._ranks.agreed(0.0)

    def run(self, report: TrainingReport, save: Callable[[Checkpoint], object]) -> None:
        """Train to the end of the steps or of the budget, or until patience is out, in one thread (`training_threads`).

        Args:
            report: told about the progress about twice a second and at every evaluation; on rank 0 only.
            save: given a checkpoint every `checkpoint_every` seconds, at an evaluation that is the best so far, at the end and
                when interrupted; on rank 0 only.

        Raises:
            TrainingDiverged: the loss is not finite any more, or has exploded; no checkpoint is made of that.
            RanksDiverged: the ranks' weights differ; no checkpoint is made of that.
            KeyboardInterrupt: Ctrl-C, or the place said so; after the checkpoint is saved.
        """
        training = self.config.training
        self._ranks.check(self.step, self.model)
        self._clock.start()
        log, saver = Log(self._steps.epoch_steps, self._clock), _Saver(self, self._clock, save)
        progress = self.progress()
        evaluations, stop = math.floor(progress * training.evaluations), 0.0
        with training_threads(), self._stepping(), deferred_interrupt() as interrupted:
            while progress < 1 and not self.stopped_early and not stop:
                loss = self._update(next(self._coming), progress)
                self._clock.tick()
                due_save, interruption = saver.waited > training.checkpoint_every, interrupted.is_set() or self._interrupted()
                shared = self._ranks.share(loss, self._done(), due_save, interruption)
                agreed, save_now, stop = self._note(shared, log) or (progress, 0.0, 0.0)
                progress = agreed if training.steps is None else self._done()
                due = math.floor(progress * training.evaluations)
                if save_now or due > evaluations:
                    _, more, ends = self._note(self._ranks.rest(), log) or (progress, 0.0, 0.0)
                    save_now, stop = max(save_now, more), max(stop, ends)
                if save_now or due > evaluations or self.step % _CHECK_RANKS_EVERY == 0:
                    self._ranks.check(self.step, self.model)
                if due > evaluations:
                    with_mmd = training.mmd_every > 0 and due // training.mmd_every > evaluations // training.mmd_every
                    self._evaluate(with_mmd, progress, log, report, saver)
                elif self.rank == 0 and log.waited > _REPORT_EVERY_S:
                    report(self._describe(log, progress))
                evaluations = due
                if save_now:
                    log.check()
                    saver()
        _, _, ends = self._note(self._ranks.rest(), log) or (progress, 0.0, 0.0)
        log.check()
        self._ranks.check(self.step, self.model)
        saver()
        if stop or ends:
            raise KeyboardInterrupt

    def _note(self, shared: Shared | None, log: Log) -> list[float]:
        """Note a step that is known on all ranks; what was decided after it."""
        if shared is None:
            return []
        loss, decisions = shared
        self.losses_of_data.update(loss.losses_of_data)
        log.add(loss)
        return decisions

    def _evaluate(self, with_mmd: bool, progress: float, log: Log, report: TrainingReport, saver: "_Saver") -> None:
        """Evaluate on rank 0: keep the model if it is the best, and tell all ranks whether it is not."""
        training = self.config.training
        if self.rank == 0:
            values = self.validate(with_mmd=with_mmd)
            score = values.get(f"validation_{training.select}")
            if score is not None:
                self.selection = self.selection.after(score, self.step)
            metrics = self._describe(log, progress) | values
            self._metrics |= {name: value for name, value in values.items() if math.isfinite(value)}
            if self.selection.step == self.step:
                saver()
            report(metrics)
        if training.patience:
            self.selection = replace(self.selection, stale=round(self._ranks.agreed(self.selection.stale)))

    def _describe(self, log: Log, progress: float) -> dict[str, Any]:
        """What is reported between evaluations."""
        values = log.flush()
        self._metrics |= {name: value for name, value in values.items() if name.startswith("loss") or name in self._parts}
        return {
            "step": self.step,
            "progress": progress,
            "seconds": self.elapsed,
            "wall_seconds": self._clock.wall,
            "cpu_seconds": self._clock.cpu,
            "learning_rate": learning_rate(self.config.training, progress),
            **self.losses_of_data,
            **values,
        }

    def validate(self, *, with_mmd: bool = False) -> dict[str, float]:
        """Evaluate the model on the validation part, each graph coded in one way that stays; nothing if it is empty.

        Of a large part a fixed sample is evaluated (`batches.validation_sample`).

        Args:
            with_mmd: sample as many graphs as it has, and compare them with it.

        Returns:
            validation_loss and the same by other units, the loss's parts; of a sample also validation_loss_error, the standard
            error of validation_loss as an estimate of that of all graphs; with_mmd the squared MMD of each statistic and their
            mean.

        Raises:
            TrainingDiverged: the loss is not finite, or has exploded.
        """
        if not len(self._validation):
            return {}
        training = self.config.training
        losses: Counter[str] = Counter()
        units: Counter[str] = Counter()
        means, guess = [], 0.0
        model = self.evaluated.eval()
        with torch.inference_mode(), self._seeded(_VALIDATION_EPOCH), matmul_precision("float32"):
            for chunks in self._validation_groups():
                group, graphs = 0.0, 0
                for chunk in chunks:
                    loss = model(self._encode_validation(chunk, key=(training.seed, _VALIDATION_EPOCH)), 1.0)
                    parts = {name: float(part) for name, part in loss.parts.items()}
                    losses.update({"loss": float(loss.total), **parts})
                    units.update(loss.units)
                    guess += loss.guess
                    group, graphs = group + float(loss.total), graphs + len(chunk)
                means.append(group / graphs)
        check_loss(losses["loss"], guess, len(self._validation), f"the validation loss became {{}} a graph at step {self.step}")
        found = describe_losses(losses, units, "validation_")
        if self._sampled:
            found["validation_loss_error"] = float(np.std(means, ddof=1) / math.sqrt(len(means)))
        return found | (self._validation_mmd(model) if with_mmd else {})

    def _validation_groups(self) -> list[list[Int64Array]]:
        """The chunks of all validation graphs; of a sample those of NUM_GROUPS random parts of it."""
        size = -(-self.config.training.batch_size // self.config.training.accumulate)
        if not self._sampled:
            return [size_chunks(self._validation.num_nodes, size)]
        size *= 4  # without gradients a graph takes a fraction of the memory
        groups = [np.arange(k, len(self._validation), NUM_GROUPS) for k in range(NUM_GROUPS)]
        return [[group[chunk] for chunk in size_chunks(self._validation.num_nodes[group], size)] for group in groups]

    def _validation_mmd(self, model: Any) -> dict[str, float]:
        if self._measure_mmd is None:
            msg = "training.mmd_every needs a way to measure the MMD; give the trainer one, or set training.mmd_every = 0"
            raise InputError(msg)
        found = self._measure_mmd(model, self._validation, self.config.training.seed)
        return {f"validation_mmd_{name}": value for name, value in found.items()} | {
            "validation_mmd": sum(found.values()) / len(found)
        }

    def train_step(self) -> None:
        """One optimiser step on the next batch, at the learning rate of the progress made."""
        self.losses_of_data.update(self._update(next(self._coming), self.progress()).losses_of_data)

    @contextmanager
    def _stepping(self) -> Iterator[None]:
        """When the block ends, threads that make batches ahead end as well."""
        try:
            yield
        finally:
            self._begin_steps()

    def _begin_steps(self) -> None:
        """The next step is the one that follows those done."""
        self._coming.close()
        self._coming = self._steps.begin(self.step, self._workers)

    def _update(self, step: Step, progress: float) -> StepLoss:
        """One optimiser step at the learning rate of the progress made."""
        training = self.config.training
        rate = learning_rate(training, progress)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._accumulate_gradients(step, rate, progress)
        if training.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), training.clip_norm)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.model, self.step)
        self.step += 1
        return loss

    def _accumulate_gradients(self, step: Step, rate: float, progress: float) -> StepLoss:
        """The gradient of the mean loss over a batch, from this rank's share of it, which is worked off in parts."""
        # Gradients are averaged over ranks: each rank's share of the mean over the whole batch is scaled up by the world.
        scale = self.world / step.num_graphs / self._mean_nodes
        total, guess = torch.zeros((), device=self._device), 0.0
        parts: dict[str, Tensor] = {}
        units: Counter[str] = Counter()
        losses_of_data: Counter[str] = Counter()
        self._call.train()
        self._optimizer.zero_grad()
        with self._seeded(self.step), matmul_precision(self.config.training.precision):
            for k, make in enumerate(step.parts, 1):
                batch = make()
                with self._together(last=k == len(step.parts)):
                    loss = self._call(batch, progress)
                    (loss.total * scale).backward()
                total, guess = total + loss.total.detach(), guess + loss.guess
                parts = {name: part.detach() + parts.get(name, 0.0) for name, part in loss.parts.items()}
                units.update(loss.units)
                losses_of_data.update(batch.losses_of_data)
        self._parts = tuple(parts)
        return StepLoss(total, parts, units, guess, step.num_graphs, losses_of_data, self.step, rate)

    @contextmanager
    def _seeded(self, step: int) -> Iterator[None]:
        """Within the block torch's generator stands where a step of this rank begins."""
        cuda = self._device.type == "cuda"
        with torch.random.fork_rng([self._device] if cuda else []):
            # torch.manual_seed seeds every kind of device there might be, which takes a hundred times as long.
            seed = torch.cuda.manual_seed if cuda else torch.default_generator.manual_seed
            seed(Stream(self.config.training.seed, step, self.rank).integer(2**31))
            yield

    def _together(self, *, last: bool) -> AbstractContextManager[None]:
        """Ranks exchange gradients once a step, with those of the last part."""
        if last or not isinstance(self._call, DistributedDataParallel):
            return nullcontext()
        return self._call.no_sync()


def _on_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in tensors.items()}


def _length(config: TrainingConfig) -> tuple[int | None, float, str]:
    return config.steps, config.budget, config.clock


class _Saver:
    """Saves a trainer's checkpoint, once at a step and on rank 0 only."""

    def __init__(self, trainer: Trainer, clock: Clock, save: Callable[[Checkpoint], object]) -> None:
        self._trainer, self._clock, self._save = trainer, clock, save
        self._step: int | None = None
        self._saved = clock.wall

    @property
    def waited(self) -> float:
        """Seconds since a checkpoint was due."""
        return self._clock.wall - self._saved

    def __call__(self) -> None:
        """Save.

        Raises:
            TrainingDiverged: a weight is not finite.
        """
        trainer, self._saved = self._trainer, self._clock.wall
        if trainer.rank or trainer.step == self._step:
            return
        checkpoint = trainer.checkpoint()
        if not all(value.isfinite().all() for value in checkpoint.weights.values()):
            msg = f"weights are no finite numbers any more at step {trainer.step}; the last good checkpoint is kept"
            raise TrainingDiverged(msg)
        self._save(checkpoint)
        self._step = trainer.step
