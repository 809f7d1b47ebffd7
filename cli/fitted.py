"""A model that `gengraph sample --model` fits first, and keeps in the sample's folder: a second try samples from the same."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.cli.guard import in_options
from gengraph.cli.progress import busy, errors, training_bar
from gengraph.data import load_dataset
from gengraph.errors import InputError, NotEnoughResources
from gengraph.files import hash_file
from gengraph.generators import GENERATORS
from gengraph.graphs import GraphSet
from gengraph.graphs.schema import LabelSchema
from gengraph.learned import learned
from gengraph.models.family import check_decoding
from gengraph.models.generator import read_saved
from gengraph.models.registry import family_of
from gengraph.sampling.job import (
    CheckpointOrigin,
    GeneratorOrigin,
    Origin,
    SampleRequest,
    ShardsWriter,
    ShardWriter,
    sample_into,
)
from gengraph.sampling.shards import MANIFEST, Shard, abandon_folder, open_folder
from gengraph.sampling.writing import CountReport
from gengraph.storage import Folder
from gengraph.tables import counted
from gengraph.training.checkpoint import find_device, load_checkpoint
from gengraph.training.config import usual_config

_KEPT, _FILE = "fitted.zip", "model.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What is fitted, and to what.

    Attributes:
        model: its name in GENERATORS.
        graphs: that it is fitted to.
        record: where these come from (`gengraph.cli.data.read_split`), for the manifest.
        budget: seconds.
        seed: >= 0.
        device: cpu or cuda, where learned models are trained and sampled from.
    """

    model: str
    graphs: GraphSet
    record: dict[str, Any]
    budget: float
    seed: int
    device: str

    @property
    def schema(self) -> LabelSchema:
        """The labels of what is drawn; a closed form draws none."""
        return LabelSchema() if family_of(self.model) is None else self.graphs.schema

    def about(self) -> dict[str, Any]:
        """What the manifest says of it, JSON-ready."""
        return {"model": self.model, **self.record, "content_hash": self.graphs.content_hash(), "budget": self.budget}


@contextmanager
def fitted(fit: Fit, folder: Folder, request: SampleRequest) -> Iterator[Path]:
    """Within the block, the file of the model (`GraphGenerator.save`): fitted now, or that of an earlier try.

    Args:
        fit: what is fitted.
        folder: of the sample.
        request: what will be asked; what can be refused is refused before the fit.

    Raises:
        InputError: a model cannot be fitted to these graphs or draw such graphs, or the folder holds something else.
        NotEnoughResources: no GPU, where one was asked for.
    """
    _check(fit, folder, request)
    with tempfile.TemporaryDirectory() as temporary:
        if _KEPT in folder.names():
            archive = Path(temporary, _KEPT)
            archive.write_bytes(folder.read(_KEPT))
            shutil.unpack_archive(archive, Path(temporary, "fitted"))
        else:
            try:
                _make(fit, Path(temporary, "fitted", _FILE))
            except InputError as error:
                raise InputError(in_options(str(error), settable=False)) from error
        yield Path(temporary, "fitted", _FILE)


def _check(fit: Fit, folder: Folder, request: SampleRequest) -> None:
    """Refuse before the fit, which may take long, what would be refused after it."""
    family = family_of(fit.model)
    if family is None:
        GeneratorOrigin(GENERATORS[fit.model](), {}, fit.model).check(request.conditions)
    else:
        config = usual_config(fit.model, fit.record["dataset"])
        check_decoding(request.conditions.decoding(0), family.capabilities(config.model), fit.model)
        find_device(fit.device)
    if request.novel_against not in {None, "train"}:
        load_dataset(str(request.novel_against), data_dir=request.data_dir)
    if folder.names():
        open_folder(folder, {**fit.about(), **request.about()})
    else:
        folder.check_writable()


def _make(fit: Fit, path: Path) -> None:
    """Fit the model, show what was fitted, and write its file."""
    errors.print(f"fitting {fit.model} to the {counted(len(fit.graphs), 'training graph')} of {fit.record['dataset']}")
    path.parent.mkdir()
    family = family_of(fit.model)
    if family is None:
        with busy(f"fitting {fit.model}"):
            generator = GENERATORS[fit.model]().fit(fit.graphs, seed=fit.seed, budget=fit.budget)
        facts = generator.parameters()
        generator.save(path)
    else:
        config = usual_config(fit.model, fit.record["dataset"])
        with training_bar(f"fitting {fit.model}") as report:
            model = learned(fit.model)(config, report=report, device=fit.device)
            found = model.fit(fit.graphs, seed=fit.seed, budget=fit.budget).parameters()
        facts = family.describe(config.model, found["facts"]) | {"steps": found["steps"], "weights": found["num_weights"]}
        model.save(path)
    for name, value in facts.items():
        errors.print(f"{name}: {value}")


def sample_fitted(
    fit: Fit, path: Path, folder: Folder, request: SampleRequest, *, write_shards: ShardsWriter, report: CountReport
) -> dict[str, Any]:
    """Sample from a fitted model, which is kept in the folder; returns the manifest.

    Args:
        fit: what was fitted.
        path: of its file.
        folder: of the sample, new or begun by the same request.
        request: what is asked.
        write_shards: where the shards are written.
        report: called with the number of graphs that are done.

    Raises:
        InputError: what `gengraph.sampling.job.sample_into` raises.
    """
    kept = False

    def keep_and_write(make: Callable[[], ShardWriter], shards: Sequence[Shard], told: CountReport) -> None:
        nonlocal kept
        if _KEPT not in folder.names():
            archive = shutil.make_archive(str(path.parent), "zip", path.parent)
            folder.write(_KEPT, Path(archive).read_bytes())
            kept = True
        write_shards(make, shards, told)

    try:
        return sample_into(
            folder, _origin(fit, path), request, train=lambda: fit.graphs, write_shards=keep_and_write, report=report
        )
    except (InputError, NotEnoughResources):
        if kept and set(folder.names()) <= {MANIFEST, _KEPT}:  # no shard came of it: another sample can take the folder
            folder.remove(_KEPT)
            abandon_folder(folder)
        raise


def _origin(fit: Fit, path: Path) -> Origin:
    """Where the samples come from; of a learned model its checkpoint, which can be drawn from in every way."""
    if family_of(fit.model) is None:
        return GeneratorOrigin(GENERATORS[fit.model].load(path), fit.about(), fit.model)
    place = path.parent / read_saved(path, fit.model)[1]["checkpoint"]
    record = {**fit.about(), "weights_sha256": hash_file(place / "model.safetensors")}
    return CheckpointOrigin(load_checkpoint(place), record, fit.device)
