"""A sample of a run as a folder: request, shards, manifest."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.training.checkpoint import Checkpoint, load_checkpoint
from gengraph.data import load_dataset
from gengraph.errors import InputError, NotEnoughResources
from gengraph.files import hash_file
from gengraph.models.generator import GraphGenerator
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.kernels import backend
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.runs.folders import find_checkpoint, read_run
from gengraph.sampling.attempts import Conditions, ShardWriter, model_on
from gengraph.sampling.shards import (
    Samples,
    Shard,
    abandon_folder,
    close_folder,
    missing_shards,
    open_folder,
    plan_shards,
    remove_left_overs,
    write_shard,
)
from gengraph.storage import Folder
from gengraph.sampling.unique import write_unique

Report = Callable[[int], None]
ShardsWriter = Callable[[Callable[[], ShardWriter], Sequence[Shard], Report], None]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of a run.

    Attributes:
        num_graphs: >= 1.
        seed: >= 0.
        shard_size: graphs in a shard.
        conditions: on each graph.
        unique: no two graphs are isomorphic.
        novel_against: no graph is isomorphic to one of these: train (the run's training graphs), a data set or a path.
        device: cpu or cuda.
        checkpoint: last or best.
        data_dir: where files of a named data set that samples are new against are looked for first.
    """

    num_graphs: int
    seed: int = 0
    shard_size: int = 10_000
    conditions: Conditions = dataclasses.field(default_factory=Conditions)
    unique: bool = False
    novel_against: str | None = None
    device: str = "cpu"
    checkpoint: str = "last"
    data_dir: Path | None = None


def write_here(make: Callable[[], ShardWriter], shards: Sequence[Shard], report: Report) -> None:
    """Write shards in this process."""
    if shards:
        write = make()
        for shard in shards:
            write(shard, report)


def sample_run(
    run: Path, folder: Folder, request: Request, *, write_shards: ShardsWriter = write_here, report: Report = lambda _done: None
) -> dict[str, Any]:
    """Sample from a checkpoint of a run into a folder, or finish the sample that is there.

    Args:
        run: folder of the run.
        folder: of the sample, new or begun by the same request.
        request: what is asked.
        write_shards: where the shards are written.
        report: called with the number of graphs that are done, those of an earlier try first.

    Returns:
        The manifest.

    Raises:
        InputError: no such run; the folder holds something else; too few attempts meet the conditions.
        NotEnoughResources: no GPU, where one was asked for, or too few workers fit.
        OSError: the folder cannot be written; shards that are done stay.
    """
    folder, path = folder.absolute(), find_checkpoint(run, request.checkpoint)
    checkpoint = load_checkpoint(path)
    conditions, known_hash = _refusing(request, run)
    conditions.rules(checkpoint.build_model(), request.seed)
    shards = plan_shards(request.num_graphs, request.shard_size, request.seed)
    open_folder(
        folder,
        {
            "torch": version("torch"),
            "device": request.device,
            "backend": backend(request.device).label,
            "run": run.name,
            "reading": read_run(run).get("reading"),
            "step": checkpoint.step,
            "weights_sha256": hash_file(path / "model.safetensors"),
            "config": checkpoint.config.to_dict(),
            "facts": checkpoint.facts.to_dict(),
            "seed": request.seed,
            "num_graphs": request.num_graphs,
            "shard_size": request.shard_size,
            "conditions": {**request.conditions.to_dict(), "unique": request.unique, "novel_against": known_hash},
        },
    )
    candidates = folder / "candidates" if request.unique else folder
    todo = missing_shards(folder, shards)
    if request.unique and todo:
        todo = missing_shards(candidates, shards)
    report(request.num_graphs - sum(shard.count for shard in todo))
    try:
        write_shards(partial(ShardWriter, checkpoint, conditions, candidates, request.device), todo, report)
        if request.unique:
            _keep_unique(checkpoint, conditions, folder, shards, request.device)
    except (InputError, NotEnoughResources):
        abandon_folder(folder)
        raise
    remove_left_overs(folder)
    return close_folder(folder, shards)


def sample_generator(
    generator: GraphGenerator, about: dict[str, Any], folder: Folder, request: Request, *, report: Report = lambda _done: None
) -> dict[str, Any]:
    """Sample from a fitted generator into a folder of the same form; its graphs are made at once, in this process.

    Args:
        generator: fitted.
        about: how it was fitted, for the manifest.
        folder: of the sample, new or begun by the same request.
        request: number of graphs, seed and shard size count; conditions belong to trained runs.
        report: called with the number of graphs that are done.

    Returns:
        The manifest.

    Raises:
        InputError: the folder holds something else.
        OSError: the folder cannot be written; shards that are done stay.
    """
    shards = plan_shards(request.num_graphs, request.shard_size, request.seed)
    sizes = {"seed": request.seed, "num_graphs": request.num_graphs, "shard_size": request.shard_size}
    open_folder(folder, {**about, **sizes, "parameters": generator.parameters()})
    todo = missing_shards(folder, shards)
    report(request.num_graphs - sum(shard.count for shard in todo))
    graphs = generator.sample(request.num_graphs, seed=request.seed) if todo else GraphSet.empty()
    for shard in todo:
        once, whole = np.ones(shard.count, np.int64), np.zeros(shard.count, bool)
        write_shard(folder, shard, Samples(graphs[shard.first : shard.first + shard.count], once, whole))
        report(shard.count)
    return close_folder(folder, shards)


def _refusing(request: Request, run: Path) -> tuple[Conditions, str | None]:
    """The conditions with what is known already refused, and the content hash of what is known."""
    if request.novel_against is None:
        return request.conditions, None
    train = request.novel_against == "train"
    known = load_dataset(str(run / "data" / "train.parquet") if train else request.novel_against, data_dir=request.data_dir)
    return dataclasses.replace(request.conditions, refused=frozenset(canonical_keys(known))), known.content_hash()


def _keep_unique(checkpoint: Checkpoint, conditions: Conditions, folder: Folder, shards: Sequence[Shard], device: str) -> None:
    if missing_shards(folder, shards):
        write_unique(model_on(checkpoint, device), conditions, folder / "candidates", folder, shards)
    (folder / "candidates").remove_all()
