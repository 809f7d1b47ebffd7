"""A sample as a folder: what is asked, where it is drawn from, and the shards and manifest that come of it."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gengraph.data import load_dataset
from gengraph.errors import InputError, NotEnoughResources
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.generator import GraphGenerator
from gengraph.sampling.attempts import GeneratorSource, Source, sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.shards import (
    Shard,
    abandon_folder,
    close_folder,
    missing_shards,
    open_folder,
    plan_shards,
    remove_left_overs,
    usual_shard_size,
    write_shard,
)
from gengraph.sampling.unique import write_unique
from gengraph.sampling.writing import CountReport, write_here
from gengraph.storage import Folder
from gengraph.training.checkpoint import Checkpoint
from gengraph.versions import installed_version


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SampleRequest:
    """What is asked of a source.

    Attributes:
        num_graphs: >= 1.
        seed: >= 0.
        shard_size: graphs in a shard; by default what suits that many graphs (`usual_shard_size`).
        conditions: on each graph.
        unique: no two graphs are isomorphic.
        novel_against: no graph is isomorphic to one of these: train (the training graphs), a data set or a path.
        data_dir: where files of a named data set that samples are new against are looked for first.
    """

    num_graphs: int
    seed: int = 0
    shard_size: int | None = None
    conditions: Conditions = dataclasses.field(default_factory=Conditions)
    unique: bool = False
    novel_against: str | None = None
    data_dir: Path | None = None

    def about(self) -> dict[str, int]:
        """What the manifest says of seed and sizes."""
        size = usual_shard_size(self.num_graphs) if self.shard_size is None else self.shard_size
        return {"seed": self.seed, "num_graphs": self.num_graphs, "shard_size": size}

    def shards(self) -> list[Shard]:
        """The shards of the sample."""
        return plan_shards(**self.about())


class Origin(Protocol):
    """Where samples come from: something small that makes the source, on whichever worker it arrives."""

    def open(self) -> Source:
        """The source, loaded."""
        ...

    def check(self, conditions: Conditions) -> None:
        """InputError if it cannot draw graphs under these conditions."""
        ...

    def about(self) -> dict[str, Any]:
        """What the manifest says of it: all that its samples follow from, JSON-ready."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class CheckpointOrigin:
    """A checkpoint, sampled from on a device.

    Attributes:
        checkpoint: with the weights.
        record: where it comes from, for the manifest: the run, the hash of the weights.
        device: cpu or cuda; the same graphs only on the same kind.
    """

    checkpoint: Checkpoint
    record: dict[str, Any]
    device: str = "cpu"

    def open(self) -> Source:
        """The model."""
        model: Source = self.checkpoint.build_model(self.device)
        return model

    def check(self, conditions: Conditions) -> None:
        """Whether the model can draw such graphs; the weights are looked at, too."""
        model = self.checkpoint.build_model()
        model.sampler(conditions.decoding(model.largest))

    def about(self) -> dict[str, Any]:
        """Run, step, weights, config and what computes."""
        return {
            **self.record,
            "torch": installed_version("torch"),
            "device": self.device,
            "backend": self.checkpoint.config.own_family.computed_by(self.device),
            "step": self.checkpoint.step,
            "config": self.checkpoint.config.to_dict(),
            "facts": self.checkpoint.facts,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class GeneratorOrigin:
    """A fitted generator.

    Attributes:
        generator: fitted.
        record: how it was fitted, for the manifest.
        name: of the model.
    """

    generator: GraphGenerator
    record: dict[str, Any]
    name: str

    def open(self) -> Source:
        """The generator as a source."""
        return GeneratorSource(self.generator, self.name)

    def check(self, conditions: Conditions) -> None:
        """A generator has its own law and no limit."""
        if conditions.max_num_node is not None:
            msg = f"max_num_node is for models that grow graphs, got {conditions.max_num_node} for {self.name}; leave it out"
            raise InputError(msg)
        self.open().sampler(conditions.decoding(0))

    def about(self) -> dict[str, Any]:
        """How it was fitted, and to what."""
        return {**self.record, "model": self.name, "parameters": self.generator.parameters()}


class ShardWriter:
    """Samples shards and writes them; what a shard holds follows from (origin, seed, conditions, shard) alone.

    Args:
        origin: of the graphs; it is opened here.
        conditions: on the graphs.
        folder: of the sample.
    """

    def __init__(self, origin: Origin, conditions: Conditions, folder: Folder) -> None:
        self._source = origin.open()
        self._conditions, self._folder = conditions, folder

    def __call__(self, shard: Shard, report: CountReport = lambda _finished: None) -> None:
        """Sample and write one shard."""
        samples = sample_graphs(self._source, shard.indices, seed=shard.seed, conditions=self._conditions, report=report)
        write_shard(self._folder, shard, samples)


ShardsWriter = Callable[[Callable[[], ShardWriter], Sequence[Shard], CountReport], None]
"""What has the shards written, here or on workers: it is given what makes a ShardWriter, the shards, and whom to tell."""


def sample_into(
    folder: Folder,
    origin: Origin,
    request: SampleRequest,
    *,
    train: Callable[[], GraphSet],
    write_shards: ShardsWriter = write_here,
    report: CountReport = lambda _done: None,
) -> dict[str, Any]:
    """Sample into a folder, or finish the sample that is there.

    Args:
        folder: of the sample, new or begun by the same request.
        origin: where the graphs come from.
        request: what is asked.
        train: the training graphs, where samples must be new against them.
        write_shards: where the shards are written.
        report: called with the number of graphs that are done, those of an earlier try first.

    Returns:
        The manifest.

    Raises:
        InputError: the folder holds something else; too few attempts meet the conditions; the origin cannot meet them.
        NotEnoughResources: no GPU, where one was asked for, or too few workers fit.
        OSError: the folder cannot be written; shards that are done stay.
    """
    folder = folder.absolute()
    conditions, known_hash = _refusing(request, train)
    origin.check(conditions)
    shards = request.shards()
    open_folder(
        folder,
        {
            **origin.about(),
            **request.about(),
            "conditions": {**request.conditions.to_dict(), "unique": request.unique, "novel_against": known_hash},
        },
    )
    candidates = folder / "candidates" if request.unique else folder
    todo = missing_shards(folder, shards)
    if request.unique and todo:
        todo = missing_shards(candidates, shards)
    report(request.num_graphs - sum(shard.count for shard in todo))
    try:
        write_shards(partial(ShardWriter, origin, conditions, candidates), todo, report)
        if request.unique:
            _keep_unique(origin, conditions, folder, shards)
    except (InputError, NotEnoughResources):
        abandon_folder(folder)
        raise
    remove_left_overs(folder)
    return close_folder(folder, shards)


def _refusing(request: SampleRequest, train: Callable[[], GraphSet]) -> tuple[Conditions, str | None]:
    """The conditions with what is known already refused, and the content hash of what is known."""
    if request.novel_against is None:
        return request.conditions, None
    known = train() if request.novel_against == "train" else load_dataset(request.novel_against, data_dir=request.data_dir)
    refused = frozenset(key for key in canonical_keys(known) if key is not None)
    return dataclasses.replace(request.conditions, refused=refused), known.content_hash()


def _keep_unique(origin: Origin, conditions: Conditions, folder: Folder, shards: Sequence[Shard]) -> None:
    if missing_shards(folder, shards):
        write_unique(origin.open(), conditions, folder / "candidates", folder, shards)
    (folder / "candidates").remove_all()
