"""Training by teacher forcing: a loop that knows nothing of Ray.

A step takes `batch_size` graphs, split over the ranks of a world; every graph gets a fresh ordering each time it is seen.
Order of the data, orderings and weights depend on the seed and the counters alone, so a resumed run equals an uninterrupted
one (bit for bit on a CPU, when trained for a number of steps).
"""

import itertools
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.checkpoint import Checkpoint, load_optimizer, optimizer_tensors
from gengraph.config import ROOTED, Config, TrainingConfig
from gengraph.errors import InputError, TrainingFailed
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.graphrnn import DataFacts, GraphRNNModel
from gengraph.sequences.bandwidth import Bandwidth, choose_max_prev_node
from gengraph.sequences.orderings import Adjacency
from gengraph.sequences.rows import RowBatch, encode_rows
from gengraph.streams import Stream

Report = Callable[[dict[str, Any]], None]
"""Called with what is known after a step: step, progress in [0, 1], nll, graphs_per_s, seconds, sometimes validation_nll."""

_REPORT_EVERY_S = 0.5
_BATCHES_A_POOL = 4  # graphs of so many batches are sorted by size before they are cut into batches
_CHECK_RANKS_EVERY = 100  # steps; also at every checkpoint
_RANKS_TOLERANCE = 1e-4  # of a tensor's absolute sum: processors may round differently, and no more than that
_VALIDATION_EPOCH = 2**40  # an epoch that training never reaches: validation orderings stay the same


class TrainingDiverged(RuntimeError):
    """The loss is no longer a finite number."""


class RanksDiverged(TrainingFailed):
    """The ranks of a world no longer have the same weights."""


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
        validation: prepared graphs for the validation loss; may be empty.
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
        self.model.to(self._device)
        self._call = place.wrap(self.model)
        self._interrupted = place.interrupted
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=config.training.learning_rate)
        self.step, self.elapsed, self.num_cut = 0, 0.0, 0
        self._mean_nodes = float(train.num_nodes.mean())
        self._epoch_steps = len(self._epoch(0))
        self._batches = self._iterate()

    def checkpoint(self) -> Checkpoint:
        """What is needed to go on from here."""
        return Checkpoint(
            config=self.config,
            facts=self.facts,
            weights={name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()},
            optimizer={name: value.detach().cpu().clone() for name, value in optimizer_tensors(self._optimizer).items()},
            step=self.step,
            elapsed=self.elapsed,
        )

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of a run with the same model."""
        checkpoint.load_into(self.model)
        load_optimizer(self._optimizer, checkpoint.optimizer)
        self.step, self.elapsed = checkpoint.step, checkpoint.elapsed
        self._batches = self._iterate()

    def progress(self) -> float:
        """Share of the training that is done, in [0, 1]; the same number on every rank."""
        (progress,) = self._agree(self._share())
        return progress

    def _share(self) -> float:
        training = self.config.training
        return min(1.0, self.elapsed / training.budget if training.steps is None else self.step / training.steps)

    def _agree(self, *values: float) -> list[float]:
        """What rank 0 says, on every rank; all of them call it together."""
        if self.world == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self._device)
        torch.distributed.broadcast(shared, src=0)
        agreed: list[float] = shared.tolist()
        return agreed

    def meet(self) -> None:
        """Wait for the other ranks."""
        self._agree(0.0)

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
        for rank, theirs in enumerate(ranks):
            if not torch.allclose(theirs, ranks[0], rtol=_RANKS_TOLERANCE, atol=0.0):
                worst = int(torch.argmax((theirs - ranks[0]).abs() / ranks[0].abs()))
                name = ["step", *(f"sum of {name}" for name, _ in self.model.named_parameters())][worst]
                msg = (
                    f"ranks 0 and {rank} of {self.world} no longer train the same model: at step {self.step} their {name} is "
                    f"{ranks[0][worst]:.9g} and {theirs[worst]:.9g}; the newest checkpoint is from before: go on with "
                    "--resume, and if it happens again leave out that rank's machine"
                )
                raise RanksDiverged(msg)

    def run(self, report: Report, save: Callable[[Checkpoint], object]) -> None:
        """Train to the end of the steps or of the budget.

        Args:
            report: told about the progress about twice a second; on rank 0 only.
            save: given a checkpoint every `checkpoint_every` seconds, at the end and when interrupted; on rank 0 only.

        Raises:
            TrainingDiverged: the loss is not finite any more; no checkpoint is made of that.
            RanksDiverged: the ranks' weights differ; no checkpoint is made of that.
            KeyboardInterrupt: Ctrl-C, or the place said so; after the checkpoint is saved.
        """
        training = self.config.training
        started = time.monotonic() - self.elapsed
        log = _Log(self.elapsed, self._epoch_steps)
        progress, last_save = self.progress(), self.elapsed
        evaluations = math.floor(progress * training.evaluations)
        stop = 0.0
        self.check_ranks()
        with _deferred_interrupt() as interrupted:
            while progress < 1 and not stop:
                log.add(*self._update(next(self._batches), progress))
                self.elapsed = time.monotonic() - started
                progress, save_now, stop = self._agree(
                    self._share(),
                    self.elapsed - last_save > training.checkpoint_every,
                    interrupted.is_set() or self._interrupted(),
                )
                due = math.floor(progress * training.evaluations)
                if self.rank == 0 and (due > evaluations or self.elapsed - log.reported > _REPORT_EVERY_S):
                    report(self._metrics(log, progress, evaluate=due > evaluations))
                evaluations = due
                if save_now or self.step % _CHECK_RANKS_EVERY == 0:
                    self.check_ranks()
                if save_now and self.rank == 0:
                    save(self.checkpoint())
                    last_save = self.elapsed
        self.check_ranks()
        if self.rank == 0:
            save(self.checkpoint())
        if stop:
            raise KeyboardInterrupt

    def validation_nll(self) -> float:
        """Mean negative log-likelihood of the validation graphs under one fixed ordering each, in nats a graph; nan if none."""
        if not len(self._validation):
            return math.nan
        chunks = np.array_split(
            np.argsort(self._validation.num_nodes, kind="stable"),
            -(-len(self._validation) // self.config.training.batch_size),
        )
        with torch.inference_mode():
            parts = [
                self.model(self._encode(self._validation_adjacency, chunk, epoch=_VALIDATION_EPOCH)).sum() for chunk in chunks
            ]
        return -float(torch.stack(parts).sum()) / len(self._validation)

    def _metrics(self, log: "_Log", progress: float, *, evaluate: bool) -> dict[str, Any]:
        values = {"step": self.step, "progress": progress, "seconds": self.elapsed, "cut_edges": self.num_cut}
        values |= log.flush(self.elapsed)
        if evaluate:
            values["validation_nll"] = self.validation_nll()
        return values

    def _epoch(self, epoch: int) -> list[Int64Array]:
        training = self.config.training
        return batch_indices(self._train.num_nodes, training.batch_size, seed=training.seed, epoch=epoch)

    def train_step(self) -> None:
        """One optimiser step on the next batch, at the learning rate of the progress made."""
        self._update(next(self._batches), self.progress())

    def _iterate(self) -> Iterator[tuple[int, Int64Array]]:
        """(epoch, graphs) for every step from the present one on; all epochs have equally many."""
        first = self.step % self._epoch_steps
        for epoch in itertools.count(self.step // self._epoch_steps):
            for batch in self._epoch(epoch)[first:]:
                yield epoch, batch
            first = 0

    def _encode(self, adjacency: Adjacency, graphs: Int64Array, *, epoch: int) -> RowBatch:
        return encode_rows(
            adjacency,
            graphs,
            ordering=self.config.sequence.ordering,
            max_prev_node=self.facts.max_prev_node,
            adaptive=self.model.adaptive,
            key=(self.config.training.seed, epoch),
        )

    def _update(self, batch: tuple[int, Int64Array], progress: float) -> tuple[float, int]:
        """One optimiser step; returns the batch's mean nll on this rank and the graphs of all ranks."""
        epoch, graphs = batch
        rows = self._encode(self._adjacency, graphs[self.rank :: self.world], epoch=epoch)
        self.num_cut += rows.num_cut
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.config.training, progress)
        nll: Tensor = -self._call(rows).sum()
        # Gradients are averaged over ranks: each rank's share of the mean over the whole batch is scaled up by the world.
        loss = nll * (self.world / len(graphs) / self._mean_nodes)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.config.training.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip_norm)
        mean = nll.item() / max(1, len(rows.graph))
        if not math.isfinite(mean):
            msg = f"the loss became {mean} at step {self.step}, learning rate {self._optimizer.param_groups[0]['lr']:.2g}"
            raise TrainingDiverged(msg)
        self._optimizer.step()
        self.step += 1
        return mean, len(graphs)


def learning_rate(config: TrainingConfig, progress: float) -> float:
    """The learning rate when a share `progress` in [0, 1] of the training is done."""
    factor = 1.0
    if config.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * progress))
    elif config.schedule == "milestones":
        factor = 0.3 ** ((progress >= 400 / 3000) + (progress >= 1000 / 3000))
    return config.learning_rate * factor


class _Log:
    """Speed since the last report, and the loss over the last epoch."""

    def __init__(self, elapsed: float, epoch_steps: int) -> None:
        self.reported = elapsed
        self._graphs = 0
        self._nll: deque[float] = deque(maxlen=epoch_steps)

    def add(self, nll: float, graphs: int) -> None:
        self._nll.append(nll)
        self._graphs += graphs

    def flush(self, elapsed: float) -> dict[str, Any]:
        seconds = max(elapsed - self.reported, 1e-9)
        values = {"nll": sum(self._nll) / len(self._nll), "graphs_per_s": self._graphs / seconds}
        self.reported, self._graphs = elapsed, 0
        return values


@contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that a step is never left half done; a second Ctrl-C interrupts at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def handle(_signal: int, _frame: object) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
