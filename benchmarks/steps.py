"""The steps of a benchmark that make graphs, each a function of what it is given and kept as an artefact.

They are: data, tune, fit, samples. What becomes of the graphs stands in `scores.py`.
"""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gengraph.benchmarks.artefacts import Artefact, Store, content_key
from gengraph.benchmarks.contender import Contender
from gengraph.data import Split, load_collection, split_collection
from gengraph.data.download import Report
from gengraph.errors import InputError, TrainingDiverged
from gengraph.files import hash_file
from gengraph.formats import read_graphs, write_graphs
from gengraph.generators import GENERATORS
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy
from gengraph.metrics import validity_of
from gengraph.models.generator import saved_model
from gengraph.models.registry import family_of
from gengraph.training.config import Config, load_config, present_name
from gengraph.tuning.space import Setting, apply_point, default_space, draw_point

SAVED = "fit.json"  # in the artefact of a fit
_PARTS = ("train", "validation", "test")
_CURVE_POINTS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """A data set as the benchmark uses it.

    Attributes:
        name: as it was asked for.
        split: its parts; models are fitted to training and validation graphs together, and compared with the test graphs.
        reading: how it was read and split, for the record.
        inputs: what it was made from, for the store.
    """

    name: str
    split: Split
    reading: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def fitting(self) -> GraphSet:
        """The graphs that models are fitted to."""
        return GraphSet.concatenate([self.split.train, self.split.validation])

    @property
    def validity(self) -> str | None:
        """The name of its test of validity, if it has one."""
        return validity_of(self.name)


def find_data(
    store: Store, name: str, *, data_dir: Path | None, report: Report | None, policy: Policy, split_seed: int
) -> Data:
    """A data set from the store, or read, or downloaded; nothing is written yet (`keep_data`).

    Raises:
        DatasetUnavailable: its file can be neither found nor downloaded.
        InputError: a name that is no data set, or a file that cannot be read.
    """
    inputs = {"name": name, "files": hash_tree(Path(name)), "policy": content_key(str(policy)), "split_seed": split_seed}
    found = store.find("data", inputs)
    if found is not None:
        parts = {part: read_graphs(found.folder / f"{part}.parquet") for part in _PARTS}
        reading = found.outcome["reading"]
        return Data(name=name, split=Split(**parts, origin=reading["split"]), reading=reading, inputs=inputs)
    collection = load_collection(name, data_dir=data_dir, report=report, policy=policy)
    try:
        split = split_collection(collection, seed=split_seed)
    except InputError as error:
        msg = f"{name}: {error}"
        raise InputError(msg) from error
    reading = collection.record() | {"split": split.origin, "split_seed": split_seed}
    return Data(name=name, split=split, reading=reading, inputs=inputs)


def keep_data(store: Store, data: Data) -> None:
    """Have a data set in the store, so that the next benchmark needs no file and no network."""

    def make(folder: Path) -> dict[str, Any]:
        for part in _PARTS:
            write_graphs(getattr(data.split, part), folder / f"{part}.parquet")
        return {"reading": data.reading}

    store.step("data", data.inputs, make)


def hash_tree(path: Path) -> Any:
    """Hashes of a file, or of the files in a folder; None where there is nothing."""
    if path.is_dir():
        return {str(file.relative_to(path)): hash_file(file) for file in sorted(path.rglob("*")) if file.is_file()}
    return hash_file(path) if path.is_file() else None


def tune_model(
    store: Store, data: Data, model: str, *, trials: int, budget: float, seed: int, device: str = "cpu"
) -> dict[str, Any]:
    """The settings with the least validation loss of some trials, each as long as a fit; none for what is not learned.

    Raises:
        RuntimeError: every trial failed.
    """
    contender = Contender(model, data.name)
    if not trials or contender.family is None:
        return {}
    base = contender.base.trained(steps=None, budget=budget, seed=seed)
    inputs = {
        "train": data.split.train.content_hash(),
        "validation": data.split.validation.content_hash(),
        "contender": contender.inputs({}, device),
        "trials": trials,
        "budget": budget,
        "seed": seed,
    }

    def make(_folder: Path) -> dict[str, Any]:
        space = default_space(base, samples=False)
        points = [draw_point(space, base, seed, trial) for trial in range(trials)]
        losses = [_validation_loss(data, apply_point(base, point), contender.place(device)) for point in points]
        best = min(range(trials), key=losses.__getitem__)
        if not math.isfinite(losses[best]):
            msg = f"one of {trials} settings must train, all failed; give the trials a longer budget, or tune nothing"
            raise RuntimeError(msg)
        return {"settings": points[best], "validation_loss": losses[best]}

    settings: dict[str, Any] = store.step("tune", inputs, make).outcome["settings"]
    return settings


def _validation_loss(data: Data, setting: Setting, device: str) -> float:
    """The last validation loss of a trial; infinite if it failed."""
    from gengraph.training.checkpoint import find_device
    from gengraph.training.trainer import Place
    from gengraph.tuning.sweep import run_trial

    losses: list[float] = []

    def report(metrics: dict[str, Any], _checkpoint: object) -> None:
        losses.append(metrics["validation_loss"])

    place = Place(device=find_device(device))
    try:
        run_trial(setting, data.split, report, metric="loss", place=place)
    except (InputError, TrainingDiverged):
        return math.inf
    return losses[-1] if losses and math.isfinite(losses[-1]) else math.inf


def fit_model(
    store: Store, data: Data, model: str, *, settings: dict[str, Any], budget: float, seed: int, device: str = "cpu"
) -> Artefact:
    """A fitted model; the outcome has seconds, parameters, what its loss is called, and the training curve."""
    graphs, contender = data.fitting, Contender(model, data.name)
    about_model = contender.inputs(settings, device)
    inputs = {"graphs": graphs.content_hash(), "contender": about_model, "budget": budget, "seed": seed}

    def make(folder: Path) -> dict[str, Any]:
        curve: list[dict[str, Any]] = []
        generator = contender.new(settings, report=curve.append, device=device)
        started = time.perf_counter()
        generator.fit(graphs, seed=seed, budget=budget)
        seconds = time.perf_counter() - started
        generator.save(folder / SAVED)
        about = {"seconds": seconds, "parameters": generator.parameters(), "curve": thin_curve(curve)}
        return json_ready(about | {"loss": contender.loss, "code": about_model["code"]})

    return store.step("fit", inputs, make)


def sample_fit(store: Store, fit: Artefact, *, num_samples: int, seed: int) -> tuple[GraphSet, float]:
    """Samples of a fitted model, and the seconds that they took."""
    saved = fit.folder / SAVED
    model = saved_model(saved)
    family = family_of(model)

    def make(folder: Path) -> dict[str, Any]:
        generator = GENERATORS[model].load(saved)
        generator.sample(1, seed=seed)  # what is compiled or loaded at the first graph is not what sampling takes
        started = time.perf_counter()
        graphs = generator.sample(num_samples, seed=seed)
        seconds = time.perf_counter() - started
        write_graphs(graphs, folder / "graphs.parquet")
        return {"seconds": seconds}

    inputs = {
        "fit": fit.content,
        "computed_by": None if family is None else family.computed_by("cpu"),
        "code": fit.outcome["code"],
        "num_samples": num_samples,
        "seed": seed,
    }
    made = store.step("samples", inputs, make)
    return read_graphs(made.folder / "graphs.parquet"), made.outcome["seconds"]


def config_of(run: Path) -> Config:
    """What a run was trained with."""
    return load_config(run / "config.toml")


def sample_trained_run(store: Store, run: Path, data: Data, *, num_samples: int, seed: int) -> tuple[GraphSet, float]:
    """Samples of a run's newest checkpoint, and the seconds that they took.

    Raises:
        InputError: there is no such run, or its test graphs are not those of the benchmark.
    """
    from gengraph.runs.folders import find_checkpoint, read_run

    checkpoint, about = find_checkpoint(run), read_run(run)
    if about["content_hash"].get("test") != data.split.test.content_hash():
        msg = (
            f"run {run} was split otherwise (split seed {about.get('split_seed')} of {about['dataset']}), so it may have seen "
            f"the test graphs of {data.name}; give that data set and split seed, or train a run on this split"
        )
        raise InputError(msg)

    def make(folder: Path) -> dict[str, Any]:
        from gengraph.runs.sample import sample_run
        from gengraph.sampling.job import SampleRequest
        from gengraph.storage import Folder

        started = time.perf_counter()
        sample_run(run, Folder(str(folder / "shards")), SampleRequest(num_graphs=num_samples, seed=seed))
        return {"seconds": time.perf_counter() - started}

    inputs = {
        "weights": hash_tree(checkpoint),
        "computed_by": config_of(run).own_family.computed_by("cpu"),
        "num_samples": num_samples,
        "seed": seed,
    }
    made = store.step("samples", inputs, make)
    return read_graphs(made.folder / "shards"), made.outcome["seconds"]


def thin_curve(metrics: list[dict[str, Any]]) -> list[dict[str, float]]:
    """About a hundred of the points that training reported, those with a validation loss among them; no NaN."""
    every = max(1, math.ceil(len(metrics) / _CURVE_POINTS))
    named = [{present_name(name): value for name, value in m.items()} for m in metrics]
    kept = [m for i, m in enumerate(named) if i % every == 0 or i == len(named) - 1 or "validation_loss" in m]
    names = ("step", "seconds", "loss", "validation_loss")
    return [{name: m[name] for name in names if name in m and math.isfinite(m[name])} for m in kept]


def json_ready(values: dict[str, Any]) -> dict[str, Any]:
    """The values with None for numbers that JSON has not."""
    return {name: _json_ready(value) for name, value in values.items()}


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return json_ready(value)
    if isinstance(value, list | tuple):
        return [_json_ready(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
