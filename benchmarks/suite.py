"""The benchmark: every model is fitted on the same training graphs of every data set, sampled, and scored on the test graphs.

A cell is one model on one data set, a pure function of its data and settings; cells run one after the other in this process,
or on Ray workers. A cell that fails is reported with its reason, the others go on.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gengraph.collection import Policy
from gengraph.data import load_collection, split_collection
from gengraph.data.download import Report
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.generator import GENERATORS
from gengraph.graphs import GraphSet
from gengraph.metrics import DescribedSet, evaluate
from gengraph.metrics.protocols import find_protocol

STATISTICS = ("degree", "clustering", "orbit")
FLOOR = "train set"
MODELS = tuple(GENERATORS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a benchmark is run with.

    Attributes:
        models: names in GENERATORS.
        budget: seconds that the fit of a model may take.
        num_samples: graphs to sample; None takes as many as there are training graphs, the size of the floor's set.
        protocol: of the MMD.
        seed: of fits and samples.
    """

    models: tuple[str, ...] = MODELS
    budget: float = 60.0
    num_samples: int | None = None
    protocol: str = "emd"
    seed: int = 0

    def __post_init__(self) -> None:
        for model in self.models:
            if model not in GENERATORS:
                msg = f"unknown model {model!r}; choose from {', '.join(GENERATORS)}"
                raise InputError(msg)
        if not self.models:
            msg = f"name at least one model of {', '.join(GENERATORS)}"
            raise InputError(msg)
        find_protocol(self.protocol)
        if self.num_samples is not None and self.num_samples < 1:
            msg = f"num_samples must be >= 1, got {self.num_samples}"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Data:
    """The two parts of a data set that the benchmark uses: training and validation to fit, test to compare with.

    `reading` says how it was read and split, for the record.
    """

    name: str
    train: GraphSet
    test: DescribedSet
    reading: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        dataset: its name.
        model: a name in GENERATORS, or FLOOR: the training set compared with the test set.
        mmd2: squared MMD by statistic; empty if the cell failed.
        num_test: graphs in the test set.
        num_graphs: graphs that were compared with it.
        mean_num_nodes: of these, beside the test set's, since a good MMD can hide wrong sizes.
        fit_seconds: wall time of the fit.
        sample_seconds: wall time of the sampling.
        parameters: what was fitted.
        reading: the policy that the data set was read with, what it was applied to, and the split.
        error: why the cell failed.
    """

    dataset: str
    model: str
    mmd2: dict[str, float | None]
    num_test: int = 0
    num_graphs: int = 0
    mean_num_nodes: float | None = None
    fit_seconds: float | None = None
    sample_seconds: float | None = None
    parameters: dict[str, Any] | None = None
    reading: dict[str, Any] | None = None
    error: str | None = None


def load_data(
    names: Iterable[str],
    *,
    data_dir: Path | None,
    report: Report | None,
    policy: Policy | None = None,
    split_seed: int = 0,
) -> Iterator[Data | Row]:
    """The parts of each data set; a failed Row for one that can be neither found nor downloaded.

    Raises:
        InputError: a name that is no data set, or a file that cannot be read.
    """
    for name in names:
        try:
            collection = load_collection(name, data_dir=data_dir, report=report, policy=policy)
        except DatasetUnavailable as error:
            yield Row(dataset=name, model="-", mmd2={}, error=str(error))
        else:
            try:
                split = split_collection(collection, seed=split_seed)
            except InputError as error:
                msg = f"{name}: {error}"
                raise InputError(msg) from error
            train = GraphSet.concatenate([split.train, split.validation])
            reading = collection.record() | {"split": split.origin, "split_seed": split_seed}
            yield Data(name, train, DescribedSet(split.test), reading)


def score(data: Data, graphs: GraphSet, protocol: str) -> dict[str, float | None]:
    """Squared MMD between the test graphs and others, by statistic."""
    metrics = evaluate(data.test, graphs, protocol=protocol).to_dict()["metrics"]
    return {name: metrics[name]["mmd2"] for name in STATISTICS}


def run_cell(data: Data, model: str, settings: Settings) -> Row:
    """Fit, sample and score one model on one data set; FLOOR scores the training set itself."""
    try:
        if model == FLOOR:
            return _row(data, model, data.train, settings)
        started = time.perf_counter()
        generator = GENERATORS[model]().fit(data.train, seed=settings.seed, budget=settings.budget)
        fitted = time.perf_counter()
        graphs = generator.sample(settings.num_samples or len(data.train), seed=settings.seed)
        sampled = time.perf_counter()
        times = {"fit_seconds": fitted - started, "sample_seconds": sampled - fitted}
        return _row(data, model, graphs, settings, parameters=generator.parameters(), **times)
    except Exception as error:  # one failed cell must not take the table with it
        return Row(dataset=data.name, model=model, mmd2={}, error=f"{type(error).__name__}: {error}")


def _row(data: Data, model: str, graphs: GraphSet, settings: Settings, **more: Any) -> Row:
    return Row(
        dataset=data.name,
        model=model,
        mmd2=score(data, graphs, settings.protocol),
        num_test=len(data.test.graphs),
        num_graphs=len(graphs),
        mean_num_nodes=float(graphs.num_nodes.mean()),
        reading=data.reading,
        **more,
    )


Cell = tuple[str, str]
"""(data set, model)."""


def run_benchmark(
    data: list[Data],
    settings: Settings,
    *,
    workers: int,
    cpus: float = 1.0,
    started: Callable[[Cell], None] = lambda _cell: None,
    finished: Callable[[Row], None] = lambda _row: None,
) -> list[Row]:
    """All rows, by data set in the order given, then by model, the floor last.

    Args:
        data: data sets.
        settings: of the benchmark.
        workers: 0 runs here; else Ray workers on the Ray that this process is connected to.
        cpus: of each worker.
        started: told when a cell starts.
        finished: told when a row is known.
    """
    models = (*settings.models, FLOOR)
    cells = [(part.name, model) for model in models for part in data]  # the registry names the slow ones first
    parts = {part.name: part for part in data}

    def run(cell: Cell) -> Row:
        return run_cell(parts[cell[0]], cell[1], settings)

    rows: dict[Cell, Row] = {}
    for cell, outcome in _spread(run, cells, workers, cpus, started):
        row = outcome if isinstance(outcome, Row) else Row(dataset=cell[0], model=cell[1], mmd2={}, error=str(outcome))
        rows[cell] = row
        finished(row)
    return [rows[part.name, model] for part in data for model in models]


def _spread(
    run: Callable[[Cell], Row], cells: list[Cell], workers: int, cpus: float, started: Callable[[Cell], None]
) -> Iterator[tuple[Cell, Row | Exception]]:
    if workers:
        from gengraph.distributed.tasks import spread

        yield from spread(lambda: run, cells, workers=workers, cpus=cpus, on_start=started)
        return
    for cell in cells:
        started(cell)
        yield cell, run(cell)
