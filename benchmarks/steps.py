"""The steps of a benchmark, each a function of what it is given and kept as an artefact.

They are: data, tune, fit, samples, statistics, scores, novelty, looks.

Legend: G graphs of a set, P bootstrap samples.
"""

import inspect
import math
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import gengraph
from gengraph.benchmarks.artefacts import Artefact, Store, key_of
from gengraph.graphs.collection import Policy
from gengraph.config import load_config, preset_for
from gengraph.data import Split, load_collection, split_collection
from gengraph.data.download import Report
from gengraph.graphs.drawing import choose, layout
from gengraph.errors import InputError, TrainingDiverged
from gengraph.files import hash_file
from gengraph.formats import read_graphs, write_graphs
from gengraph.models.generator import GENERATORS, GraphGenerator, load_generator
from gengraph.graphs import GraphSet
from gengraph.models.graphrnn.kernels import backend
from gengraph.metrics import STATISTICS, DescribedSet, evaluate, novelty, validity_of
from gengraph.metrics.kernels import pad_and_normalise, points
from gengraph.metrics.protocols import find_protocol
from gengraph.metrics.significance import Uncertainty, bootstrap_replicates
from gengraph.metrics.statistics import FloatArray
from gengraph.tuning.space import Setting, apply_point, default_space, draw_point

_PARTS = ("train", "validation", "test")
_CURVE_POINTS = 100
_CLUSTERING_BARS = 25
_NUM_PICTURES = 4
_MAX_PICTURE_EDGES = 5000  # a larger drawing would be black, and its file large


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


class StoredSet(DescribedSet):
    """A graph set whose statistics lie in a store: each is computed once, whoever asks."""

    def __init__(self, graphs: GraphSet, store: Store) -> None:
        super().__init__(graphs)
        self.key = graphs.content_hash()
        self._store = store

    def rows(self, name: str, *, strict: bool = False) -> FloatArray:
        """float64[G, D], a statistic of each graph; NaN where it is undefined."""
        assert not strict
        artefact = self._store.step("statistics", {"graphs": self.key, "statistic": name}, partial(self._write, name))
        rows: FloatArray = np.load(artefact.folder / "rows.npy", allow_pickle=False)
        return rows

    def seconds(self, name: str, *, strict: bool = False) -> float:
        """Nothing is measured here."""
        return 0.0

    def _write(self, name: str, folder: Path) -> dict[str, Any]:
        np.save(folder / "rows.npy", super().rows(name), allow_pickle=False)
        return {}


def find_data(
    store: Store, name: str, *, data_dir: Path | None, report: Report | None, policy: Policy, split_seed: int
) -> Data:
    """A data set from the store, or read, or downloaded; nothing is written yet (`keep_data`).

    Raises:
        DatasetUnavailable: its file can be neither found nor downloaded.
        InputError: a name that is no data set, or a file that cannot be read.
    """
    inputs = {"name": name, "files": _hash_tree(Path(name)), "policy": key_of(str(policy)), "split_seed": split_seed}
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


def _hash_tree(path: Path) -> Any:
    """Hashes of a file, or of the files in a folder; None where there is nothing."""
    if path.is_dir():
        return {str(file.relative_to(path)): hash_file(file) for file in sorted(path.rglob("*")) if file.is_file()}
    return hash_file(path) if path.is_file() else None


def tune_model(
    store: Store, data: Data, model: str, *, trials: int, budget: float, seed: int, device: str = "cpu"
) -> dict[str, Any]:
    """The settings with the least validation loss of some trials, each as long as a fit; none for a model without a config.

    Raises:
        RuntimeError: every trial failed.
    """
    if not trials or not _is_network(model):
        return {}
    inputs = {
        "train": data.split.train.content_hash(),
        "validation": data.split.validation.content_hash(),
        "model": model,
        "preset": preset_for(model, data.name),
        "backend": _computed_by(model, device),
        "trials": trials,
        "budget": budget,
        "seed": seed,
    }

    def make(_folder: Path) -> dict[str, Any]:
        settings = [draw_point(default_space(samples=False), seed, trial) for trial in range(trials)]
        losses = [_validation_nll(data, model, drawn, budget, seed, device) for drawn in settings]
        best = min(range(trials), key=losses.__getitem__)
        if not math.isfinite(losses[best]):
            msg = f"all {trials} trials failed; leave out --tune, or give a longer --budget"
            raise RuntimeError(msg)
        return {"settings": settings[best], "validation_nll": losses[best]}

    settings: dict[str, Any] = store.step("tune", inputs, make).outcome["settings"]
    return settings


def _validation_nll(data: Data, model: str, settings: dict[str, Any], budget: float, seed: int, device: str) -> float:
    """The last validation loss of a trial; infinite if it failed."""
    from gengraph.training.checkpoint import find_device
    from gengraph.tuning.sweep import run_trial
    from gengraph.training.trainer import Place

    losses: list[float] = []
    length = {"training.steps": None, "training.budget": budget, "training.seed": seed}
    config = _new(model, data.name, settings | length).config  # type: ignore[attr-defined]

    def report(metrics: dict[str, float], _checkpoint: object) -> None:
        losses.append(metrics["validation_nll"])

    place = Place(device=find_device(device))
    try:
        run_trial(Setting(config=config), data.split, report, metric="nll", place=place)
    except (InputError, TrainingDiverged):
        return math.inf
    return losses[-1] if losses and math.isfinite(losses[-1]) else math.inf


def _takes(model: str, argument: str) -> bool:
    """Whether the model's constructor has an argument of this name."""
    return argument in inspect.signature(GENERATORS[model]).parameters


def _is_network(model: str) -> bool:
    """Whether it is a network of gengraph, which has a config."""
    return GENERATORS[model].__module__ == "gengraph.learned"


def _foreign_code(model: str) -> dict[str, str] | None:
    """Hashes of the Python files of the package that a generator comes from; None for gengraph's own (`code_version`)."""
    module = GENERATORS[model].__module__
    top = module.partition(".")[0]
    if top == gengraph.__name__:
        return None
    path = Path(sys.modules[top].__file__ or str(sys.modules[module].__file__))
    if path.name != "__init__.py":
        return {path.name: hash_file(path)}
    return {str(file.relative_to(path.parent)): hash_file(file) for file in sorted(path.parent.rglob("*.py"))}


def has_device(model: str) -> bool:
    """Whether a model can be told where to fit, on the CPU or on a GPU."""
    return _takes(model, "device")


def _computed_by(model: str, device: str) -> str | None:
    """What computes a network, which rounds otherwise than another; None for a closed form."""
    if has_device(model) and device != "cpu":
        return device
    return backend().label if _is_network(model) else None


def _new(model: str, dataset: str, settings: dict[str, Any], **arguments: Any) -> GraphGenerator:
    """A generator; one with a config has the preset for the data set, changed by the settings."""
    if _is_network(model):
        arguments["config"] = apply_point(load_config(preset_for(model, dataset)), settings).config
    return GENERATORS[model](**{name: value for name, value in arguments.items() if _takes(model, name)})


def fit_model(
    store: Store, data: Data, model: str, *, settings: dict[str, Any], budget: float, seed: int, device: str = "cpu"
) -> Artefact:
    """A fitted model; the outcome has seconds, parameters and the training curve."""
    graphs = data.fitting
    inputs = {
        "graphs": graphs.content_hash(),
        "model": model,
        "preset": preset_for(model, data.name),
        "backend": _computed_by(model, device),
        "code": _foreign_code(model),
        "settings": settings,
        "budget": budget,
        "seed": seed,
    }

    def make(folder: Path) -> dict[str, Any]:
        curve: list[dict[str, Any]] = []
        generator = _new(model, data.name, settings, report=curve.append, device=device)
        started = time.perf_counter()
        generator.fit(graphs, seed=seed, budget=budget)
        seconds = time.perf_counter() - started
        generator.save(folder / "fit.json")
        about = {"seconds": seconds, "parameters": generator.parameters(), "curve": thin_curve(curve)}
        return json_ready(about | {"code": inputs["code"]})

    return store.step("fit", inputs, make)


def sample_fit(store: Store, fit: Artefact, *, num_samples: int, seed: int) -> tuple[GraphSet, float]:
    """Samples of a fitted model, and the seconds that they took."""

    def make(folder: Path) -> dict[str, Any]:
        generator = load_generator(fit.folder / "fit.json")
        generator.sample(1, seed=seed)  # what is compiled or loaded at the first graph is not what sampling takes
        started = time.perf_counter()
        graphs = generator.sample(num_samples, seed=seed)
        seconds = time.perf_counter() - started
        write_graphs(graphs, folder / "graphs.parquet")
        return {"seconds": seconds}

    inputs = {"fit": fit.content, "code": fit.outcome["code"], "num_samples": num_samples, "seed": seed}
    made = store.step("samples", inputs, make)
    return read_graphs(made.folder / "graphs.parquet"), made.outcome["seconds"]


def sample_trained_run(store: Store, run: Path, data: Data, *, num_samples: int, seed: int) -> tuple[GraphSet, float]:
    """Samples of a run's newest checkpoint, and the seconds that they took.

    Raises:
        InputError: there is no such run, or its test graphs are not those of the benchmark.
    """
    from gengraph.runs.folders import newest_checkpoint, read_run

    checkpoint, about = newest_checkpoint(run), read_run(run)
    if about["content_hash"].get("test") != data.split.test.content_hash():
        msg = (
            f"run {run} was split otherwise (split seed {about.get('split_seed')} of {about['dataset']}), so it may have seen "
            f"the test graphs of {data.name}; give that data set and --split-seed, or train a run on this split"
        )
        raise InputError(msg)

    def make(folder: Path) -> dict[str, Any]:
        from gengraph.sampling.job import Request, sample_run
        from gengraph.storage import Folder

        started = time.perf_counter()
        sample_run(run, Folder(str(folder / "shards")), Request(num_graphs=num_samples, seed=seed))
        return {"seconds": time.perf_counter() - started}

    inputs = {"weights": _hash_tree(checkpoint), "backend": backend().label, "num_samples": num_samples, "seed": seed}
    made = store.step("samples", inputs, make)
    return read_graphs(made.folder / "shards"), made.outcome["seconds"]


def score(
    store: Store, test: StoredSet, graphs: StoredSet, protocol: str, statistics: tuple[str, ...], *, uncertainty: Uncertainty
) -> tuple[dict[str, float | None], dict[str, FloatArray]]:
    """Squared MMD by statistic, and float64[P] for each: what it is when the graphs are drawn again, its mean taken away.

    The test graphs are drawn again alike for all models, so that differences between models can be judged.
    """
    inputs = {
        "test": test.key,
        "graphs": graphs.key,
        "protocol": protocol,
        "statistics": statistics,
        "num_bootstrap": uncertainty.num_bootstrap,
        "seed": uncertainty.seed,
    }

    def make(folder: Path) -> dict[str, Any]:
        evaluation = evaluate(test, graphs, protocol, statistics=statistics)
        if uncertainty.num_bootstrap:
            drawn = {
                name: _replicates(test, graphs, protocol, name, metric.sigma, uncertainty)
                for name, metric in evaluation.metrics.items()
                if not math.isnan(metric.mmd2)
            }
            np.savez(folder / "replicates.npz", allow_pickle=False, **drawn)
        return {name: metric["mmd2"] for name, metric in evaluation.to_dict()["metrics"].items()}

    made = store.step("scores", inputs, make)
    if not uncertainty.num_bootstrap:
        return made.outcome, {}
    with np.load(made.folder / "replicates.npz", allow_pickle=False) as file:
        return made.outcome, dict(file)


def _replicates(
    test: StoredSet, graphs: StoredSet, protocol: str, name: str, sigma: float, uncertainty: Uncertainty
) -> FloatArray:
    kernel = find_protocol(protocol).kernels[name]
    kept = [rows[np.isfinite(rows).all(axis=1)] for rows in (test.rows(name), graphs.rows(name))]
    first, second = pad_and_normalise(*kept) if STATISTICS[name].histogram else kept
    rngs = (
        np.random.default_rng([uncertainty.seed, 0]),
        np.random.default_rng([uncertainty.seed, 1, *bytes.fromhex(graphs.key)]),
    )
    return bootstrap_replicates(
        points(first, kernel), points(second, kernel), kernel, sigma, count=uncertainty.num_bootstrap, rngs=rngs
    )


def count_novel(store: Store, data: Data, graphs: StoredSet) -> dict[str, Any] | None:
    """Shares of valid, unique and novel graphs; None without igraph, which tells graphs apart."""
    if not find_spec("igraph"):
        return None
    fitting = data.fitting
    inputs = {"train": fitting.content_hash(), "graphs": graphs.key, "valid": data.validity}
    return store.step("novelty", inputs, lambda _folder: novelty(fitting, graphs.graphs, valid=data.validity).to_dict()).outcome


def look_at(store: Store, graphs: StoredSet) -> dict[str, Any]:
    """What a report shows of a set: a few graphs with a layout, and the means of three distributions.

    `pictures`, of graphs with at most 5000 edges, are dicts of num_nodes, points "x,y x,y" in 0..1000 and edges "u-v u-v".
    `distributions` are lists: the mean histogram of degrees from 0 up, that of clustering coefficients in 25 bins on [0, 1],
    and the mean of the 15 orbit counts.
    """

    def make(_folder: Path) -> dict[str, Any]:
        chosen = choose(graphs.graphs[graphs.graphs.num_edges <= _MAX_PICTURE_EDGES], _NUM_PICTURES)
        return {"pictures": [_picture(graph) for graph in chosen], "distributions": _means(graphs)}

    return store.step("looks", {"graphs": graphs.key}, make).outcome


def _picture(graph: GraphSet) -> dict[str, Any]:
    positions = np.rint(1000 * layout(graph)).astype(int)
    return {
        "num_nodes": int(graph.num_nodes[0]),
        "points": " ".join(f"{x},{y}" for x, y in positions.tolist()),
        "edges": " ".join(f"{u}-{v}" for u, v in graph.edges.tolist()),
    }


def _means(graphs: StoredSet) -> dict[str, list[float]]:
    histograms = {name: graphs.rows(name) for name in ("degree", "clustering")}
    means = {name: (rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)).mean(axis=0) for name, rows in histograms.items()}
    means["clustering"] = means["clustering"].reshape(_CLUSTERING_BARS, -1).sum(axis=1)
    means["orbit"] = graphs.rows("orbit").mean(axis=0)
    return {name: [float(f"{value:.4g}") for value in values] for name, values in means.items()}


def thin_curve(metrics: list[dict[str, Any]]) -> list[dict[str, float]]:
    """About a hundred of the points that training reported, those with a validation loss among them; no NaN."""
    every = max(1, math.ceil(len(metrics) / _CURVE_POINTS))
    kept = [m for i, m in enumerate(metrics) if i % every == 0 or i == len(metrics) - 1 or "validation_nll" in m]
    names = ("step", "seconds", "nll", "validation_nll")
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
