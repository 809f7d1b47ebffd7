"""A cost model of training, of sampling and of growing one large graph, from what was measured on one machine.

Legend: W workers, C cores of the whole cluster, B graphs of a step over all workers, P bytes of the gradients.

Reference:
    R. Rabenseifner. Optimization of collective reduction operations. ICCS 2004 (the ring: 2 (W - 1) messages of P / W bytes).
"""

import dataclasses
import heapq
import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.large.cells import SHARD_EDGES

MEASURED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What was measured; seconds are CPU seconds of one core unless they say otherwise.

    Attributes:
        about: machine, versions, date, load.
        start_s: wall seconds from the command to the first step of one worker, less import_s.
        import_s: to import torch and Ray Train in a worker.
        actor_s: to import what a sampling worker needs.
        step_s: of a training step on no graph.
        step_graph_s: a graph more in a step.
        gradient_bytes: P.
        reduce_message_s: wall seconds of one message of a reduction.
        reduce_byte_s: wall seconds a byte on the wire.
        checkpoint_s: to write a checkpoint.
        checkpoint_bytes: of a checkpoint.
        shard_s: of a shard of no graphs.
        shard_graph_s: a graph more in a shard.
        shard_spread: standard deviation of the time of a shard over its mean.
        graph_bytes: of a graph in a shard.
        dispatch_s: of the driver for a shard.
        close_shard_s: of the driver to read a shard again at the end.
        close_byte_s: a byte more of it.
        edge_s: of drawing and writing an edge of a configuration model.
        edge_bytes: of an edge on disk.
        plan_node_s: of the driver for a node of the new graph.
    """

    about: dict[str, Any]
    start_s: float
    import_s: float
    actor_s: float
    step_s: float
    step_graph_s: float
    gradient_bytes: int
    reduce_message_s: float
    reduce_byte_s: float
    checkpoint_s: float
    checkpoint_bytes: int
    shard_s: float
    shard_graph_s: float
    shard_spread: float
    graph_bytes: float
    dispatch_s: float
    close_shard_s: float
    close_byte_s: float
    edge_s: float
    edge_bytes: float
    plan_node_s: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file that `measure` wrote.

        Raises:
            InputError: it is no such file.
        """
        try:
            return cls(**json.loads(read_text(path)))
        except (OSError, ValueError, TypeError) as error:
            msg = f"{path} holds no measured costs ({error}); make it with `python -m gengraph.benchmarks.scale measure`"
            raise InputError(msg) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Where it runs.

    Attributes:
        workers: W.
        cores: C; more workers than cores share them.
        message_s: wall seconds of a message between machines; None takes the measured one, which is within a machine.
        bytes_per_s: of the network; None takes the measured one.
    """

    workers: int
    cores: int
    message_s: float | None = None
    bytes_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.workers < 1 or self.cores < 1:
            msg = f"a cluster needs at least 1 worker and 1 core, got {self.workers} and {self.cores}"
            raise InputError(msg)

    @property
    def share(self) -> float:
        """How many workers share a core, at least 1."""
        return max(1.0, self.workers / self.cores)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What is predicted.

    Attributes:
        start_s: until the first step, graph or edge.
        work_s: of steps or shards.
        end_s: of what one process does at the end.
        stored_bytes: that stay.
    """

    start_s: float
    work_s: float
    end_s: float
    stored_bytes: float

    @property
    def wall_s(self) -> float:
        """All of it."""
        return self.start_s + self.work_s + self.end_s

    def core_hours(self, cluster: Cluster) -> float:
        """Of the cores that workers hold, from the command to its end."""
        return self.wall_s * min(cluster.workers, cluster.cores) / 3600


def step_seconds(costs: Costs, cluster: Cluster, batch: int) -> float:
    """A training step: the largest share of the batch, computed, then a ring reduction of the gradients."""
    compute = (costs.step_s + costs.step_graph_s * math.ceil(batch / cluster.workers)) * cluster.share
    return compute + reduce_seconds(costs, cluster)


def reduce_seconds(costs: Costs, cluster: Cluster) -> float:
    """The reduction of the gradients over all workers; workers that wait for a core hold it up."""
    workers = cluster.workers
    message = costs.reduce_message_s if cluster.message_s is None else cluster.message_s
    byte = costs.reduce_byte_s if cluster.bytes_per_s is None else 1 / cluster.bytes_per_s
    return (2 * (workers - 1) * message + 2 * (workers - 1) / workers * costs.gradient_bytes * byte) * cluster.share


def training(costs: Costs, cluster: Cluster, *, steps: int, batch: int, checkpoint_every: float = 60.0) -> Estimate:
    """A training of so many steps.

    Args:
        costs: measured.
        cluster: where.
        steps: optimiser steps.
        batch: B, at least one graph a worker.
        checkpoint_every: seconds between checkpoints, of which there is one more at the end.

    Raises:
        InputError: fewer graphs than workers in a batch.
    """
    if batch < cluster.workers:
        msg = f"a batch must hold a graph for each of the {cluster.workers} workers, got {batch}"
        raise InputError(msg)
    work = steps * step_seconds(costs, cluster, batch)
    work += math.floor(work / checkpoint_every) * costs.checkpoint_s
    start = costs.start_s + costs.import_s * cluster.share
    return Estimate(start_s=start, work_s=work, end_s=costs.checkpoint_s, stored_bytes=2.0 * costs.checkpoint_bytes)


def sampling(costs: Costs, cluster: Cluster, *, graphs: int, shard_size: int = 10_000, seed: int = 0) -> Estimate:
    """A sample of so many graphs, its shards handed out one by one as workers become free."""
    shards = math.ceil(graphs / shard_size)
    busy = dataclasses.replace(cluster, workers=min(cluster.workers, shards))
    seconds = (costs.shard_s + costs.shard_graph_s * min(graphs, shard_size)) * busy.share
    work = simulate(shards, seconds, costs.shard_spread, busy.workers, costs.dispatch_s, seed=seed)
    stored = costs.graph_bytes * graphs
    end = costs.close_shard_s * shards + costs.close_byte_s * stored
    start = costs.start_s + costs.actor_s * busy.share
    return Estimate(start_s=start, work_s=work, end_s=end, stored_bytes=stored)


def growing(costs: Costs, cluster: Cluster, *, edges: int, nodes: int, seed: int = 0) -> Estimate:
    """One graph of so many edges by a configuration model: planned by the driver, drawn in shards, and read again by it.

    The reading of the graph that the model is fitted to is not in it.

    Args:
        costs: measured.
        cluster: where.
        edges: of the new graph.
        nodes: of it.
        seed: of the times of shards.
    """
    groups = math.ceil(math.sqrt(2 * edges / SHARD_EDGES))
    shards = groups * (groups + 1) // 2  # of a matching: `gengraph.large.matching`
    busy = dataclasses.replace(cluster, workers=min(cluster.workers, shards))
    seconds = costs.edge_s * edges / shards * busy.share
    work = simulate(shards, seconds, costs.shard_spread, busy.workers, costs.dispatch_s, seed=seed)
    stored = costs.edge_bytes * edges
    start = costs.start_s + costs.actor_s * busy.share + costs.plan_node_s * nodes
    return Estimate(start_s=start, work_s=work, end_s=costs.close_byte_s * stored, stored_bytes=stored)


def simulate(shards: int, seconds: float, spread: float, workers: int, dispatch: float, *, seed: int = 0) -> float:
    """When the last of the shards is done: a driver hands each to the worker that is free first, one after the other.

    Args:
        shards: how many.
        seconds: mean time of one, log-normal.
        spread: its standard deviation over its mean.
        workers: that work at the same time.
        dispatch: seconds that the driver is busy with each.
        seed: of the times.
    """
    free = [0.0] * workers
    driver = 0.0
    for time in shard_times(shards, seconds, spread, seed=seed):
        driver = max(driver, free[0]) + dispatch
        heapq.heapreplace(free, driver + time)
    return max(free)


def shard_times(shards: int, seconds: float, spread: float, *, seed: int) -> list[float]:
    """Seconds of each shard; arguments as of `simulate`."""
    sigma = math.sqrt(math.log1p(spread**2))
    times: list[float] = np.random.default_rng(seed).lognormal(math.log(seconds) - sigma**2 / 2, sigma, shards).tolist()
    return times


def sweep_sizes(
    predict: Callable[[Cluster, int], Estimate], workers: list[int], graphs: list[int], make: Callable[[int], Cluster]
) -> list[tuple[int, int, Cluster, Estimate]]:
    """(graphs, workers, cluster, estimate) for every combination, by graphs."""
    cells = [(count, number, make(number)) for count in graphs for number in workers]
    return [(count, number, cluster, predict(cluster, count)) for count, number, cluster in cells]


def beside(predicted: dict[str, float], measured: list[dict[str, float]]) -> dict[str, Any]:
    """Of each quantity the prediction, every measured value, and the error against their median."""
    report = {}
    for name, value in predicted.items():
        values = sorted(turn[name] for turn in measured)
        error = value / statistics.median(values) - 1
        report[name] = {
            "predicted": round(value, 4),
            "measured": [round(found, 4) for found in values],
            "error": f"{error:+.0%}",
        }
    return report
