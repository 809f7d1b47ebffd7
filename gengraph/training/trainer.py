"""Training by teacher forcing: a loop that knows nothing of Ray.

A step takes `batch_size` graphs, split over the ranks of a world; every graph gets a fresh ordering each time it is seen.
Order of the data, orderings and weights depend on the seed and the counters alone, so a resumed run equals an uninterrupted
one (bit for bit on a CPU, when trained for a number of steps). Checkpoints hold the counters, and no state of a random number
generator: every step has a stream of its own.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gengraph.training.checkpoint import Checkpoint, Selection, load_optimizer, load_weights, optimizer_tensors
from gengraph.config import ROOTED, Config, TrainingConfig
from gengraph.errors import InputError, RanksDiverged, TrainingDiverged
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.likelihood import Extent, encode, size_chunks
from gengraph.models.graphrnn.network import DataFacts, GraphRNNModel
from gengraph.training.optimizers import average_decay, build_optimizer, frozen_copy, learning_rate, matmul_precision, update_average
from gengraph.models.graphrnn.bandwidth import Bandwidth, choose_max_prev_node
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.rows import RowBatch
from gengraph.streams import Stream
from gengraph.training.log import Clock, Log, Loss, deferred_interrupt

Report = Callable[[dict[str, Any]], None]
"""Called with what is known after a step.

step; progress in [0, 1]; learning_rate; seconds by the clock of the budget, wall_seconds, cpu_seconds; graphs_per_s of wall
time; nll, nll_per_node and nll_per_edge_bit over the last epoch, as in `likelihood.Extent`; cut_edges, edges
that did not fit into a window since the start, each time a graph was seen, on all ranks. At an evaluation also
the same three of the validation part (validation_nll, ...), and where it was measured validation_mmd_degree,
validation_mmd_clustering, validation_mmd_orbit and their mean validation_mmd.
"""

_REPORT_EVERY_S = 0.5
_BATCHES_A_POOL = 4  # graphs of so many batches are sorted by size before they are cut into batches
_CHECK_RANKS_EVERY = 100  # steps; also at every checkpoint
_RANKS_TOLERANCE = 1e-4  # of a tensor's absolute sum: processors may round differently, and no more than that
_VALIDATION_EPOCH = 2**40  # an epoch that training never reaches: validation orderings stay the same


def prepare_graphs(graphs: GraphSet, config: Config) -> tuple[GraphSet, DataFacts, Bandwidth]:
    """Check training graphs, apply the component policy and take from them what the model needs to know.

    Raises:
        InputError: no graphs, graphs without nodes, or disconnected graphs under a stop rule that cannot express them.
    """
    if not len(graphs):
        msg = "training needs at least 1 graph, got 0"
        raise InputError(msg)
    graphs = prepare_part(graphs, config)
    bandwidth = choose_max_prev_node(graphs, config.sequence, seed=config.training.seed)
    connected = bool((graphs.num_components() == 1).all())
    facts = DataFacts(
        max_prev_node=bandwidth.max_prev_node,
        max_num_node=int(graphs.num_nodes.max()),
        several_components=not connected or bandwidth.share_cut > 0 or config.sequence.ordering not in ROOTED,
        has_edges=len(graphs.edges) > 0,
    )
    return graphs, facts, bandwidth


def prepare_part(graphs: GraphSet, config: Config) -> GraphSet:
    """The graphs of a part, training or validation, as the model sees them: checked, and cut if the config says so.

    Raises:
        InputError: graphs without nodes, or disconnected graphs under a stop rule that cannot express them.
    """
    if (graphs.num_nodes == 0).any():
        msg = f"training graphs need at least one node, {int((graphs.num_nodes == 0).sum())} have none; leave them out"
        raise InputError(msg)
    if config.sequence.components == "largest":
        graphs = graphs.largest_components()
    disconnected = int((graphs.num_components() > 1).sum())
    if disconnected and config.model.stop == "zero_row":
        msg = (
            f"stop = zero_row cannot express disconnected graphs, {disconnected} of {len(graphs)} are; "
            "use --set model.stop=decision, or --set sequence.components=largest to train on the largest components"
        )
        raise InputError(msg)
    return graphs


def batch_indices(num_nodes: np.ndarray[Any, Any], batch_size: int, *, seed: int, epoch: int) -> list[Int64Array]:
    """The batches of one epoch: graphs shuffled, sorted by size in pools of a few batches, batches shuffled.

    Every batch has exactly min(batch_size, graphs) graphs; the few that are left over, drawn at random, sit this epoch out.
    """
    stream = Stream(seed, epoch)
    order = stream.permutation(len(num_nodes))
    size = min(batch_size, len(order))
    order = order[: len(order) - len(order) % size]
    pools = (order[start : start + size * _BATCHES_A_POOL] for start in range(0, len(order), size * _BATCHES_A_POOL))
    by_size = [pool[np.argsort(num_nodes[pool], kind="stable")] for pool in pools]
    batches = [batch for pool in by_size for batch in np.split(pool, len(pool) // size)]
    return [batches[i] for i in stream.permutation(len(batches))]


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
    wrap: Callable[[GraphRNNModel], nn.Module] = lambda model: model
    interrupted: Callable[[], bool] = lambda: False


class Trainer:
    """The state of a training run and its loop.

    Args:
        config: of the run.
        facts: from `prepare_graphs`.
        train: prepared training graphs.
        validation: prepared graphs for the evaluations; may be empty, then there are none.
        place: rank and device.
    """

    def __init__(
        self,
        config: Config,
        facts: DataFacts,
        train: GraphSet,
        validation: GraphSet,
        place: Place | None = None,
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
        self._train, self._validation = train, validation
        self._adjacency, self._validation_adjacency = Adjacency.of(train), Adjacency.of(validation)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.training.seed)
            self.model = GraphRNNModel(config, facts)
        self._device = place.device or torch.device("cpu")
        if config.training.precision == "tf32" and self._device.type != "cuda":
            msg = "training.precision = tf32 needs a GPU; use --gpus-per-worker 1, or --set training.precision=float32"
            raise InputError(msg)
        self.model.to(self._device)
        self._average = frozen_copy(self.model) if config.training.ema else None
        self._call, self._interrupted = place.wrap(self.model), place.interrupted
        self._optimizer = build_optimizer(self.model, config.training)
        self.step, self.num_cut, self.selection = 0, 0, Selection()
        self._clock, self._metrics = Clock(), dict[str, float]()
        self._mean_nodes = float(train.num_nodes.mean())
        self._epoch_steps = len(self._epoch(0))
        self._batches = self._iterate()

    @property
    def elapsed(self) -> float:
        """Seconds of training done, by the clock of the budget."""
        return self._clock.cpu if self.config.training.clock == "cpu" else self._clock.wall

    @property
    def stopped_early(self) -> bool:
        """Whether `patience` evaluations in a row have brought nothing better."""
        return 0 < self.config.training.patience <= self.selection.stale

    @property
    def evaluated(self) -> GraphRNNModel:
        """The model that is evaluated and sampled from: of the averaged weights, if training averages them."""
        return self.model if self._average is None else self._average

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
            metrics={**self._metrics, "cut_edges": self.num_cut},
        )

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of a run with the same model.

        One that had stopped early goes on only if it has been given another length; its patience then starts anew.
        """
        load_weights(self.model, checkpoint.weights if checkpoint.raw_weights is None else checkpoint.raw_weights)
        if self._average is not None:
            load_weights(self._average, checkpoint.weights)
        load_optimizer(self._optimizer, checkpoint.optimizer)
        self.step, self.selection, self._metrics = checkpoint.step, checkpoint.selection, dict(checkpoint.metrics)
        self.num_cut = int(self._metrics.pop("cut_edges", 0))
        self._clock = Clock(checkpoint.wall_seconds, checkpoint.cpu_seconds)
        if _length(checkpoint.config.training) != _length(self.config.training):
            self.selection = replace(self.selection, stale=0)
        self._batches = self._iterate()

    def progress(self) -> float:
        """Share of the training that is done, in [0, 1]; the same number on every rank."""
        return self._agreed(self._share())

    def _share(self) -> float:
        training = self.config.training
        return min(1.0, self.elapsed / training.budget if training.steps is None else self.step / training.steps)

    def meet(self) -> None:
        """Wait for the other ranks."""
        self._agreed(0.0)

    def _agreed(self, number: float) -> float:
        """What rank 0 says."""
        if self.world == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=self._device)
        torch.distributed.broadcast(shared, src=0)
        return shared.item()

    def _share_step(self, loss: Loss, *decisions: float) -> tuple[Loss, list[float]]:
        """A step's loss over all ranks, and what rank 0 has decided; all ranks call it together."""
        if self.world == 1:
            return loss, list(decisions)
        decided = decisions if self.rank == 0 else [0.0] * len(decisions)
        numbers = torch.tensor([*astuple(loss.extent), loss.num_cut, *decided], dtype=torch.float64, device=self._device)
        numbers = torch.cat([loss.nll.double().reshape(1), numbers])
        torch.distributed.all_reduce(numbers)
        graphs, nodes, bits, num_cut = (int(number) for number in numbers[1:5].tolist())
        return replace(loss, nll=numbers[0], extent=Extent(graphs, nodes, bits), num_cut=num_cut), numbers[5:].tolist()

    def check_ranks(self) -> None:
        """Compare step and weights of all ranks, which call it together.

        Raises:
            RanksDiverged: they differ by more than rounding.
        """
        if self.world == 1:
            return
        sums = [parameter.detach().abs().sum(dtype=torch.float64) for parameter in self.model.parameters()]
        mine = torch.stack([torch.tensor(float(self.step), dtype=torch.float64, device=self._device), *sums])
        ranks = [torch.empty_like(mine) for _ in range(self.world)]
        torch.distributed.all_gather(ranks, mine)
        names = ["step", *(f"sum of |{name}|" for name, _ in self.model.named_parameters())]
        for rank, theirs in enumerate(ranks):
            differ = ~torch.isclose(theirs, ranks[0], rtol=_RANKS_TOLERANCE, atol=0.0, equal_nan=True)
            if differ.any():
                k = int(differ.nonzero()[0])
                msg = (
                    f"ranks 0 and {rank} of {self.world} no longer train the same model: at step {self.step} their {names[k]} "
                    f"is {ranks[0][k]:.9g} and {theirs[k]:.9g}; the newest checkpoint is from before: go on with --resume, and "
                    "if it happens again leave out that rank's machine"
                )
                raise RanksDiverged(msg)

    def run(self, report: Report, save: Callable[[Checkpoint], object]) -> None:
        """Train to the end of the steps or of the budget, or until patience is out.

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
        self.check_ranks()
        self._clock.start()
        log, saver = Log(self._epoch_steps, self._clock), _Saver(self, self._clock, save)
        progress = self.progress()
        evaluations, stop = math.floor(progress * training.evaluations), 0.0
        with deferred_interrupt() as interrupted:
            while progress < 1 and not self.stopped_early and not stop:
                loss = self._update(next(self._batches), progress)
                self._clock.tick()
                due_save, interruption = saver.waited > training.checkpoint_every, interrupted.is_set() or self._interrupted()
                loss, (progress, save_now, stop) = self._share_step(loss, self._share(), due_save, interruption)
                self.num_cut += loss.num_cut
                log.add(loss)
                due = math.floor(progress * training.evaluations)
                if save_now or due > evaluations or self.step % _CHECK_RANKS_EVERY == 0:
                    self.check_ranks()
                if due > evaluations:
                    with_mmd = training.mmd_every > 0 and due // training.mmd_every > evaluations // training.mmd_every
                    self._evaluate(with_mmd, progress, log, report, saver)
                elif self.rank == 0 and log.waited > _REPORT_EVERY_S:
                    report(self._describe(log, progress))
                evaluations = due
                if save_now:
                    log.check()
                    saver()
        log.check()
        self.check_ranks()
        saver()
        if stop:
            raise KeyboardInterrupt

    def _evaluate(self, with_mmd: bool, progress: float, log: Log, report: Report, saver: "_Saver") -> None:
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
            self.selection = replace(self.selection, stale=round(self._agreed(self.selection.stale)))

    def _describe(self, log: Log, progress: float) -> dict[str, Any]:
        """What is reported between evaluations."""
        values = log.flush()
        self._metrics |= {name: value for name, value in values.items() if name.startswith("nll")}
        return {
            "step": self.step,
            "progress": progress,
            "seconds": self.elapsed,
            "wall_seconds": self._clock.wall,
            "cpu_seconds": self._clock.cpu,
            "learning_rate": learning_rate(self.config.training, progress),
            "cut_edges": self.num_cut,
            **values,
        }

    def validate(self, *, with_mmd: bool = False) -> dict[str, float]:
        """Evaluate the model on the validation part, under one fixed ordering of each graph; nothing if it is empty.

        Args:
            with_mmd: sample as many graphs as it has, and compare them with it.

        Returns:
            validation_nll, validation_nll_per_node, validation_nll_per_edge_bit; with_mmd the squared MMD of each statistic
            and their mean.
        """
        if not len(self._validation):
            return {}
        size = -(-self.config.training.batch_size // self.config.training.accumulate)
        nll, extent = 0.0, Extent()
        model = self.evaluated.eval()
        with torch.inference_mode():
            for chunk in size_chunks(self._validation, size):
                batch = self._encode(self._validation_adjacency, chunk, epoch=_VALIDATION_EPOCH)
                nll, extent = nll - float(model(batch).sum()), extent + Extent.of(batch, self.config)
        return extent.divide(nll, "validation_") | (self._validation_mmd(model) if with_mmd else {})

    def _validation_mmd(self, model: GraphRNNModel) -> dict[str, float]:
        from gengraph.sampling.attempts import mmd_of_samples

        found = mmd_of_samples(model, self._validation, len(self._validation), seed=self.config.training.seed)
        return {f"validation_mmd_{name}": value for name, value in found.items()} | {
            "validation_mmd": sum(found.values()) / len(found)
        }

    def _epoch(self, epoch: int) -> list[Int64Array]:
        training = self.config.training
        return batch_indices(self._train.num_nodes, training.batch_size, seed=training.seed, epoch=epoch)

    def train_step(self) -> None:
        """One optimiser step on the next batch, at the learning rate of the progress made."""
        self.num_cut += self._update(next(self._batches), self.progress()).num_cut

    def _iterate(self) -> Iterator[tuple[int, Int64Array]]:
        """(epoch, graphs) for every step from the present one on; all epochs have equally many."""
        first = self.step % self._epoch_steps
        for epoch in itertools.count(self.step // self._epoch_steps):
            for batch in self._epoch(epoch)[first:]:
                yield epoch, batch
            first = 0

    def _encode(self, adjacency: Adjacency, graphs: Int64Array, *, epoch: int) -> RowBatch:
        return encode(self.config, self.facts, adjacency, graphs, seed=self.config.training.seed, epoch=epoch)

    def _update(self, batch: tuple[int, Int64Array], progress: float) -> Loss:
        """One optimiser step at the learning rate of the progress made."""
        training = self.config.training
        rate = learning_rate(training, progress)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._accumulate_gradients(*batch, rate)
        if training.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), training.clip_norm)
        self._optimizer.step()
        if self._average is not None:
            update_average(self._average, self.model, average_decay(training.ema, self.step))
        self.step += 1
        return loss

    def _accumulate_gradients(self, epoch: int, graphs: Int64Array, rate: float) -> Loss:
        """The gradient of the mean loss over a batch, from this rank's share of it, which is worked off in parts."""
        own = graphs[self.rank :: self.world]
        num_parts = min(self.config.training.accumulate, len(own))
        # Gradients are averaged over ranks: each rank's share of the mean over the whole batch is scaled up by the world.
        scale = self.world / len(graphs) / self._mean_nodes
        nll, extent, num_cut = torch.zeros((), device=self._device), Extent(), 0
        self._call.train()
        self._optimizer.zero_grad(set_to_none=True)
        with (
            torch.random.fork_rng([self._device] if self._device.type == "cuda" else []),
            matmul_precision(self.config.training.precision),
        ):
            # torch.manual_seed seeds every kind of device there might be, which takes a hundred times as long.
            seed = torch.cuda.manual_seed if self._device.type == "cuda" else torch.default_generator.manual_seed
            seed(Stream(self.config.training.seed, self.step, self.rank).integer(2**31))
            for k in range(num_parts):
                rows = self._encode(self._adjacency, own[k::num_parts], epoch=epoch)
                with self._together(last=k == num_parts - 1):
                    part: Tensor = -self._call(rows).sum()
                    (part * scale).backward()
                nll += part.detach()
                extent, num_cut = extent + Extent.of(rows, self.config), num_cut + rows.num_cut
        return Loss(nll, extent, len(graphs), num_cut, self.step, rate)

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
