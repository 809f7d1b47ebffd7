"""What the cost model rests on, measured on this machine, and runs of 1, 2 and 4 workers to check it with."""

import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.benchmarks.scale.growing import grow_costs
from gengraph.benchmarks.scale.model import Cluster, Costs, beside, sampling, training
from gengraph.data import Split, load_dataset, split_graphs
from gengraph.runs.folders import create_run, newest_checkpoint, train_run
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import CheckpointOrigin, ShardWriter
from gengraph.sampling.shards import close_folder, open_folder, plan_shards
from gengraph.storage import Folder
from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint, save_checkpoint
from gengraph.training.config import load_config
from gengraph.versions import versions

if TYPE_CHECKING:
    from gengraph.training.trainer import Trainer

DATASET, PRESET = "grid", "graphrnn/default"
_BATCHES = (1, 2, 4, 8, 16)
_STEPS = 100
_TRAINED_STEPS = 300
_SHARD = 500
_IMPORT_TRAINER = "import ray.train.torch, gengraph.distributed.train, gengraph.training.trainer"
_IMPORT_SAMPLER = "import ray, gengraph.sampling.job"


def measure_costs() -> Costs:
    """Everything in `Costs`; two minutes on a quiet machine."""
    import torch

    torch.set_num_threads(1)
    about = {
        "machine": f"{os.cpu_count()} CPUs ({platform.machine()})",
        "dataset": DATASET,
        "config": PRESET,
        "versions": versions("gengraph", "torch", "ray", "numpy"),
        "date": datetime.now(UTC).date().isoformat(),
        "load_before": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        steps = step_costs()
        sampled = sample_costs(trained_run(folder))
        reduction = reduce_costs(int(steps["gradient_bytes"]))
        imports = {"import_s": import_seconds(_IMPORT_TRAINER), "actor_s": import_seconds(_IMPORT_SAMPLER)}
        start = min(train_once(folder, 1)["start_s"] for _ in range(2)) - imports["import_s"]
    values: dict[str, Any] = {**steps, **sampled, **reduction, **imports, **grow_costs(), "start_s": max(0.0, start)}
    return Costs(about=about | {"load_after": os.getloadavg()[0]}, **values)


def check_costs(costs: Costs, *, turns: int) -> dict[str, Any]:
    """Seconds of 1, 2 and 4 workers, turn by turn, beside the prediction.

    On a machine that does other things too the wall seconds say little; CPU seconds still say whether the work was predicted.

    Args:
        costs: measured.
        turns: how often each is run.
    """
    cores = os.cpu_count() or 1
    report: dict[str, Any] = {"cores": cores, "load_before": os.getloadavg()[0], "training": {}, "sampling": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = trained_run(folder)
        found: dict[int, tuple[list[dict[str, float]], list[dict[str, float]]]] = {workers: ([], []) for workers in (1, 2, 4)}
        for _ in range(turns):
            for workers, (trained, sampled) in found.items():
                trained.append(train_once(folder, workers))
                sampled.append(sample_once(run, folder, workers))
    for workers, (trained, sampled) in found.items():
        cluster = Cluster(workers=workers, cores=cores)
        train = training(costs, cluster, steps=_STEPS, batch=16)
        sample = sampling(costs, cluster, graphs=16 * _SHARD, shard_size=_SHARD)
        predicted = {
            "step_s": train.work_s / _STEPS,
            "step_cpu_s": costs.step_s + costs.step_graph_s * 16 / workers,
            "start_s": train.start_s,
        }
        report["training"][workers] = beside(predicted, trained)
        predicted = {"work_s": sample.work_s, "shard_cpu_s": costs.shard_s + costs.shard_graph_s * _SHARD}
        report["sampling"][workers] = beside(predicted, sampled)
    report["load_after"] = os.getloadavg()[0]
    return report


def data() -> Split:
    """The data that is trained on."""
    return split_graphs(load_dataset(DATASET))


def step_costs() -> dict[str, float]:
    """CPU seconds of steps by batch size, fitted by a line; bytes of gradients and checkpoints."""
    trainers = [step_trainer(batch) for batch in _BATCHES]
    slope, intercept = np.polyfit(_BATCHES, [seconds_a_step(trainer) for trainer in trainers], 1)
    checkpoint = trainers[-1].checkpoint()
    with tempfile.TemporaryDirectory() as temporary:
        save = partial(save_checkpoint, checkpoint, Path(temporary), card=write_card(checkpoint, None))
        seconds = min(seconds_of(time.perf_counter, save) for _ in range(5))
        size = sum(file.stat().st_size for file in Path(temporary).rglob("*") if file.is_file())
    gradients = sum(value.numel() * value.element_size() for value in checkpoint.weights.values())
    return {
        "step_s": max(0.0, float(intercept)),
        "step_graph_s": float(slope),
        "gradient_bytes": gradients,
        "checkpoint_s": seconds,
        "checkpoint_bytes": size,
    }


def step_trainer(batch: int) -> "Trainer":
    """A trainer that has compiled what it needs."""
    from gengraph.training.trainer import Trainer, prepare_graphs

    config = load_config(PRESET).replace([f"training.batch_size={batch}", "training.steps=1000"])
    train, facts = prepare_graphs(data().train, config)
    trainer = Trainer(config, facts, train, train[:0])
    for _ in range(3):
        trainer.train_step()
    return trainer


def seconds_a_step(trainer: "Trainer") -> float:
    """CPU seconds, over as many steps as show every size of graph."""
    steps = max(_STEPS, 80 // trainer.config.training.batch_size)
    return sum(seconds_of(time.process_time, trainer.train_step) for _ in range(steps)) / steps


def seconds_of(clock: Callable[[], float], call: Callable[[], object]) -> float:
    """What a call takes by a clock."""
    start = clock()
    call()
    return clock() - start


def trained_run(folder: Path) -> Path:
    """A run that was trained long enough to stop where graphs end; the same weights each time."""
    config = load_config(PRESET).replace([f"training.steps={_TRAINED_STEPS}"])
    create_run(folder / "trained", dataset=DATASET, split=data(), split_seed=0, config=config)
    train_run(folder / "trained")
    return folder / "trained"


def sample_costs(run: Path) -> dict[str, float]:
    """CPU seconds of shards of two sizes, and of closing a folder."""
    origin = CheckpointOrigin(load_checkpoint(newest_checkpoint(run)), {})
    with tempfile.TemporaryDirectory() as temporary:
        times: dict[int, list[float]] = {}
        for size in (_SHARD, 4 * _SHARD):
            folder = Folder(f"{temporary}/{size}")
            write = ShardWriter(origin, Conditions(), folder)
            shards = plan_shards(5 * size, size, 0)
            open_folder(folder, {})
            write(plan_shards(1, 1, 1)[0])  # compiles
            times[size] = [seconds_of(time.process_time, partial(write, shard)) for shard in shards]
            closed = seconds_of(time.process_time, partial(close_folder, folder, shards)) / len(shards)
            stored = sum(file.stat().st_size for file in Path(f"{temporary}/{size}").glob("*.parquet"))
    small, large = (statistics.mean(times[size]) for size in (_SHARD, 4 * _SHARD))
    slope = (large - small) / (3 * _SHARD)
    return {
        "shard_s": max(0.0, small - slope * _SHARD),
        "shard_graph_s": slope,
        "shard_spread": statistics.stdev(times[_SHARD]) / small,
        "graph_bytes": stored / (20 * _SHARD),
        "dispatch_s": 1e-3,  # a call of a Ray actor
        "close_shard_s": closed / 2,
        "close_byte_s": closed / 2 / (stored / 5),
    }


def reduce_costs(gradient_bytes: int) -> dict[str, float]:
    """Wall seconds of reductions of one number and of all gradients over two processes."""
    small, large = reduce_seconds([1, gradient_bytes // 4])
    return {"reduce_message_s": small / 2, "reduce_byte_s": max(0.0, large - small) / gradient_bytes}


def reduce_seconds(sizes: list[int]) -> list[float]:
    """Least seconds of an all-reduce of so many floats over two processes (gloo)."""
    context = get_context("spawn")
    with tempfile.TemporaryDirectory() as temporary:
        queue = context.Queue()
        processes = [context.Process(target=_reduce, args=(rank, sizes, f"{temporary}/store", queue)) for rank in (0, 1)]
        for process in processes:
            process.start()
        found: list[float] = queue.get(timeout=120)
        for process in processes:
            process.join()
    return found


def _reduce(rank: int, sizes: list[int], store: str, queue: Any) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    found = []
    for size in sizes:
        reduce = partial(dist.all_reduce, torch.zeros(size))
        found.append(min(seconds_of(time.perf_counter, reduce) for _ in range(100)))
    if rank == 0:
        queue.put(found)
    dist.destroy_process_group()


def import_seconds(statement: str) -> float:
    """CPU seconds of a Python that runs a statement; the lesser of two."""
    script = f"{statement}\nimport time\nprint(time.process_time())"
    command = [sys.executable, "-c", script]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(2))


_numbers = itertools.count()


def train_once(folder: Path, workers: int) -> dict[str, float]:
    """Wall seconds of a step, CPU seconds of rank 0, and wall seconds until the first, of a few steps of 16 graphs."""
    from gengraph.distributed.train import train_on_ray

    settings = ["training.batch_size=16", f"training.steps={_STEPS}", "training.evaluations=1", "training.checkpoint_every=1e6"]
    run = folder / f"run-{next(_numbers)}"
    create_run(run, dataset=DATASET, split=data(), split_seed=0, config=load_config(PRESET).replace(settings))
    cores = os.cpu_count() or 1
    started = time.perf_counter()
    with ray_session():
        per_worker = {"CPU": min(1.0, cores / workers)}
        train_on_ray(run, workers=workers, per_worker=per_worker, max_failures=0, report=lambda _metrics: None)
        ended = time.time()
        whole = time.perf_counter() - started
    about = json.loads((newest_checkpoint(run) / "checkpoint.json").read_text())
    after = ended - (newest_checkpoint(run) / "checkpoint.json").stat().st_mtime
    return {
        "step_s": about["wall_seconds"] / _STEPS,
        "step_cpu_s": about["cpu_seconds"] / _STEPS,
        "start_s": whole - about["wall_seconds"] - after,
    }


def sample_once(run: Path, folder: Path, workers: int) -> dict[str, float]:
    """Wall seconds of 16 shards on so many workers, from when all of them work, and CPU seconds of a shard."""
    from gengraph.benchmarks.speed.sampling import TimedWriter
    from gengraph.distributed.sample import sample_shards

    origin = CheckpointOrigin(load_checkpoint(newest_checkpoint(run)), {})
    out = Folder(str(folder / f"sample-{next(_numbers)}"))
    shards = plan_shards((16 + workers) * _SHARD, _SHARD, 0)
    marks: list[float] = []
    cores = os.cpu_count() or 1
    with ray_session():
        make: Callable[[], ShardWriter] = partial(TimedWriter, origin, out)
        per_worker = {"CPU": min(1.0, cores / workers)}
        sample_shards(
            make, shards, workers=workers, per_worker=per_worker, report=lambda _count: marks.append(time.perf_counter())
        )
    times = [float(out.read(f"{shard.index}.seconds")) for shard in shards[workers:]]  # the first ones compile
    return {"work_s": marks[-1] - marks[workers - 1], "shard_cpu_s": statistics.mean(times)}


@contextmanager
def ray_session() -> Iterator[None]:
    """A local Ray of its own."""
    from gengraph.distributed.cluster import session

    with session():
        yield
