"""The benchmark: every model is fitted on the same training graphs of every data set, sampled, and scored on the test graphs.

A cell is one fit of one model on one data set (or a run, or outside samples, or the training set itself), a pure function of
its data and settings, made of the steps in `steps.py` and `scores.py`. Cells run one after the other in this process, or on
Ray workers. One that fails is reported with its reason, the others go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gengraph.benchmarks import bits, molecules, scores, steps
from gengraph.benchmarks.artefacts import Store
from gengraph.benchmarks.contender import Contender
from gengraph.benchmarks.molecules import MOLECULES
from gengraph.benchmarks.scores import StoredSet
from gengraph.benchmarks.settings import FLOOR, Kind, Settings
from gengraph.benchmarks.steps import Data
from gengraph.data import load_collection
from gengraph.files import file_lock
from gengraph.formats.molecules import are_molecules
from gengraph.graphs import GraphSet
from gengraph.graphs.drawing import choose
from gengraph.metrics.descriptions import STATISTICS, of_labels
from gengraph.metrics.significance import Uncertainty
from gengraph.metrics.statistics import FloatArray
from gengraph.models.registry import CLOSED_FORMS
from gengraph.runs.history import read_metrics


@dataclass(frozen=True, slots=True)
class Cell:
    """What is computed as one piece: a model (or an entry, or the floor) on a data set with a seed."""

    dataset: str
    model: str
    kind: Kind
    seed: int
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a cell found.

    Attributes:
        cell: which one.
        record: JSON-ready, see docs/benchmark.md; with `error` alone if the cell failed.
        replicates: float64[P] by protocol and statistic, see `scores.score`.
    """

    cell: Cell
    record: dict[str, Any]
    replicates: dict[str, dict[str, FloatArray]] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.record.get("error")


class _Work:
    """A cell at work: its graphs, and what is known about where they came from."""

    def __init__(self, store: Store, data: Data, cell: Cell, settings: Settings) -> None:
        self.store, self.data, self.cell, self.settings = store, data, cell, settings

    @cached_property
    def num_samples(self) -> int:
        return self.settings.num_samples or molecules.usual_samples(self.data)

    @cached_property
    def certainty(self) -> Uncertainty:
        return Uncertainty(num_bootstrap=self.settings.bootstrap, seed=self.settings.seeds[0])

    def graphs(self) -> tuple[GraphSet, dict[str, Any]]:
        """The graphs that are compared, and a record of how they were made."""
        if self.cell.kind == "floor":
            fitting = self.data.fitting
            return (choose(fitting, self.num_samples, seed=self.cell.seed) if are_molecules(fitting) else fitting), {}
        if self.cell.kind == "samples":
            collection = load_collection(self.cell.source, policy=self.settings.policy)
            return collection.graphs, {"source": self.cell.source, "reading": collection.record()}
        return self._of_run() if self.cell.kind == "run" else self._of_model()

    def _of_model(self) -> tuple[GraphSet, dict[str, Any]]:
        budget, seeds, seed = self.settings.budget, self.settings.seeds, self.cell.seed
        model, trials = self.cell.model, self.settings.tune
        where: dict[str, Any] = {"budget": budget, "device": "cuda" if self.settings.gpus else "cpu"}
        settings = steps.tune_model(self.store, self.data, model, trials=trials, seed=seeds[0], **where)
        fit = steps.fit_model(self.store, self.data, model, settings=settings, seed=seed, **where)
        graphs, seconds = steps.sample_fit(self.store, fit, num_samples=self.num_samples, seed=seed)
        about = {"fit_seconds": fit.outcome["seconds"], "sample_seconds": seconds, "tuned": settings}
        about |= {name: fit.outcome[name] for name in ("parameters", "loss", "curve")}
        parts = {"train": self.data.fitting, "test": self.data.split.test}
        return graphs, about | {"bits": bits.of_fit(self.store, fit.folder / steps.SAVED, parts)}

    def _of_run(self) -> tuple[GraphSet, dict[str, Any]]:
        from gengraph.runs.folders import find_checkpoint

        run, num_samples = Path(self.cell.source), self.num_samples
        graphs, seconds = steps.sample_trained_run(self.store, run, self.data, num_samples=num_samples, seed=self.cell.seed)
        reported = read_metrics(run)
        last = reported[-1] if reported else {}
        about = {"source": self.cell.source, "fit_seconds": last.get("seconds"), "sample_seconds": seconds}
        learned = {"parameters": {"steps": last.get("step")}, "loss": steps.config_of(run).own_family.loss}
        parts = {part: getattr(self.data.split, part) for part in ("train", "validation", "test")}
        found = bits.of_checkpoint(self.store, find_checkpoint(run), parts)
        return graphs, about | learned | {"curve": steps.thin_curve(reported), "bits": found}

    def run(self) -> Outcome:
        graphs, about = self.graphs()
        test, generated = StoredSet(_like(self.data.split.test, graphs), self.store), StoredSet(graphs, self.store)
        record = {
            "num_graphs": len(graphs),
            "content_hash": generated.key,
            "mean_num_nodes": float(graphs.num_nodes.mean()),
            **about,
        }
        found, replicates = self._compared(test, generated)
        record |= found
        if MOLECULES in self.settings.protocols:
            record[MOLECULES], replicates[MOLECULES] = self._as_molecules(graphs)
        if self.cell.seed == self.settings.seeds[0]:
            record |= scores.look_at(self.store, generated)
        if self.cell.kind == "floor":
            record |= {f"test_{name}": shown for name, shown in scores.look_at(self.store, test).items()}
        return Outcome(cell=self.cell, record=steps.json_ready(record), replicates=replicates)

    def _compared(self, test: StoredSet, generated: StoredSet) -> tuple[dict[str, Any], dict[str, dict[str, FloatArray]]]:
        """What the protocols of the MMD say, and of novelty by isomorphism; nothing where none of them is asked for."""
        if not self.settings.of_structure:
            return {"mmd2": {}, "size_mmd2": None, "novelty": None}, {}
        mmd2, replicates, schema = {}, {}, generated.graphs.schema
        for protocol in self.settings.of_structure:
            compared = self.settings.compared(protocol)
            there = tuple(name for name in compared if not STATISTICS[name].labelled or name in of_labels(schema))
            found, replicates[protocol] = scores.score(self.store, test, generated, protocol, there, uncertainty=self.certainty)
            mmd2[protocol] = dict.fromkeys(compared) | found
        sizes, _ = scores.score(self.store, test, generated, "rbf", ("nodes",), uncertainty=Uncertainty())
        novel = scores.count_novel(self.store, self.data, generated)
        return {"mmd2": mmd2, "size_mmd2": sizes["nodes"], "novelty": novel}, replicates

    def _as_molecules(self, graphs: GraphSet) -> tuple[dict[str, Any] | None, dict[str, FloatArray]]:
        """What the protocol molecules says; None of graphs without the labels of molecules, those of a closed form say."""
        seed = self.settings.seeds[0]
        real = molecules.real_molecules(self.store, self.data, num_reference=self.settings.num_reference, seed=seed)
        if self.cell.kind == "samples":
            path = Path(self.cell.source)
            found = molecules.score_file(self.store, real, path, self.settings.policy, uncertainty=self.certainty)
            if found is not None:
                return found
        if not are_molecules(graphs):
            return None, {}
        return molecules.score_graphs(self.store, real, graphs, uncertainty=self.certainty)


def _like(reference: GraphSet, graphs: GraphSet) -> GraphSet:
    """The reference as graphs are compared with it: without labels where these have none, as a model of structure alone."""
    return reference if graphs.schema else reference.bare()


def run_cell(store: Store, data: Data, cell: Cell, settings: Settings) -> Outcome:
    """Everything about one cell; what is in the store already is taken from there."""
    try:
        return _Work(store, data, cell, settings).run()
    except Exception as error:  # one failed cell must not take the table with it
        return Outcome(cell=cell, record={"error": f"{type(error).__name__}: {error}"})


def plan_cells(data: list[Data], settings: Settings) -> list[Cell]:
    """All cells in the order of the table: models and entries as they were named, then the floors.

    Raises:
        InputError: the protocol molecules, and a data set that is not of them.
    """
    if MOLECULES in settings.protocols:
        molecules.check_molecules(data)
    seeds, first = settings.seeds, settings.seeds[0]
    names = [part.name for part in data]
    models = [Cell(name, model, "model", seed) for model in settings.models for name in names for seed in seeds]
    entries = [
        Cell(entry.dataset, entry.name, entry.kind, first, entry.source) for entry in settings.entries if entry.dataset in names
    ]
    return [*models, *entries, *(Cell(name, FLOOR, "floor", first) for name in names)]


def run_benchmark(
    data: list[Data],
    settings: Settings,
    cache: Path,
    *,
    workers: int,
    cpus: float = 1.0,
    started: Callable[[Cell], None] = lambda _cell: None,
    finished: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """The outcome of every cell, in the order of `plan_cells`.

    Args:
        data: data sets.
        settings: of the benchmark.
        cache: the folder of the artefacts, which all workers see; a second benchmark on it waits for the first to end.
        workers: 0 runs here; else Ray workers on the Ray that this process is connected to. Where fits take a GPU, as many of
            them as have one do these first.
        cpus: of each worker.
        started: told when a cell starts.
        finished: told when a cell is done.
    """
    cells = plan_cells(data, settings)
    parts = {part.name: part for part in data}
    store = Store(cache.absolute())

    def run(cell: Cell) -> Outcome:
        return run_cell(store, parts[cell.dataset], cell, settings)

    outcomes: dict[Cell, Outcome] = {}
    with file_lock(store.root):
        store.sweep()
        for part in data:
            steps.keep_data(store, part)
        for cell, result in _spread(run, _in_pools(cells, settings), workers, cpus, started):
            failed = Outcome(cell=cell, record={"error": str(result)})
            outcomes[cell] = result if isinstance(result, Outcome) else failed
            finished(outcomes[cell])
        store.sweep()
    return [outcomes[cell] for cell in cells]


def _in_pools(cells: list[Cell], settings: Settings) -> dict[float, list[Cell]]:
    """The cells by the GPUs that each of their workers needs, those with a GPU first; what may be slow is started first."""
    slow_first = sorted(cells, key=lambda cell: cell.kind != "model" or cell.model in CLOSED_FORMS)
    fits = [
        cell for cell in slow_first if settings.gpus and cell.kind == "model" and Contender(cell.model, cell.dataset).takes_gpu
    ]
    return {settings.gpus: fits, 0.0: [cell for cell in slow_first if cell not in fits]}


def _spread(
    run: Callable[[Cell], Outcome],
    cells_by_gpus: dict[float, list[Cell]],
    workers: int,
    cpus: float,
    started: Callable[[Cell], None],
) -> Iterator[tuple[Cell, Outcome | Exception]]:
    for gpus, cells in cells_by_gpus.items():
        if workers and cells:
            from gengraph.distributed.cluster import capacity_for
            from gengraph.distributed.tasks import spread

            count = min(workers, capacity_for({"CPU": cpus, "GPU": gpus})) if gpus else workers
            yield from spread(lambda: run, cells, workers=count, cpus=cpus, gpus=gpus, on_start=started)
            continue
        for cell in cells:
            started(cell)
            yield cell, run(cell)
