"""`gengraph benchmark`."""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.board import Board
from gengraph.cli.guard import in_options
from gengraph.cli.models import model_help
from gengraph.cli.options import (
    Address,
    CpusPerWorker,
    DataDir,
    GpusPerWorker,
    RunsDir,
    Seed,
    SplitSeed,
    Workers,
    duration,
    names,
    takes_policy,
)
from gengraph.cli.workers import resources, workers_session
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.models.registry import LISTED

if TYPE_CHECKING:
    from rich.table import Table

    from gengraph.benchmarks.results import Failed
    from gengraph.benchmarks.steps import Data
    from gengraph.benchmarks.suite import Entry
    from gengraph.graphs.collection import Policy

_STYLES = {"measured": "", "floor": "", "failed": "red", "published": "bright_black"}
_UNLIMITED = 10_000


@takes_policy
def benchmark(
    policy: "Policy",
    datasets: Annotated[str, typer.Option(help="Names or paths, separated by commas.")] = "ladder,grid,community",
    models: Annotated[str | None, typer.Option(help=model_help("Names, separated by commas; by default all.", LISTED))] = None,
    trained: Annotated[
        list[str] | None, typer.Option(metavar="DATASET=RUN", help="A trained run in the same table. Repeatable.")
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Samples of another program; NAME@DATASET=PATH with several. Repeatable."),
    ] = None,
    budget: Annotated[float, typer.Option(parser=duration, metavar="TIME", help="Time to fit one model: 60s, 10m.")] = "60s",  # type: ignore[assignment]
    num_graphs: Annotated[
        int | None, typer.Option("-n", "--num-graphs", min=1, help="Graphs to sample; by default as many as were trained on.")
    ] = None,
    protocols: Annotated[
        str, typer.Option("--protocols", "--protocol", help="emd (GraphRNN 2018), tv (GRAN 2019), rbf; separated by commas.")
    ] = "emd",
    statistics: Annotated[str | None, typer.Option(help="Some of the protocols', separated by commas.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Fits of each model, with the seeds from --seed up.")] = 1,
    tune: Annotated[int, typer.Option(min=0, help="Settings to try before a network is fitted, each for the budget.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Bootstrap samples for intervals and for what is best.")] = 1000,
    out: Annotated[Path, typer.Option(help="Folder for results, report and what was computed on the way.")] = Path("results"),
    workers: Workers = 0,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    runs_dir: RunsDir = Path("runs"),
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: GpusPerWorker = 0.0,
    address: Address = None,
) -> None:
    """Fit models, sample from them and score the samples against held-out graphs, in parallel; print the table.

    Run again after an interruption or with other options, it computes only what is missing. docs/benchmark.md says how to
    read the table and the report.

    Examples:

      gengraph benchmark --datasets ladder,grid,protein --models graphrnn,er,ba --budget 2m --workers 8

      gengraph benchmark --datasets grid --trained grid=grid-graphrnn --samples GRAN=gran_grid.g6 --protocols emd,tv --seeds 3

      gengraph benchmark --datasets protein,ego --models graphrnn,graphrnn-c,er --budget 10m --workers 4 --gpus-per-worker 0.25
    """
    from gengraph.benchmarks.report import write_results
    from gengraph.benchmarks.results import assemble
    from gengraph.benchmarks.suite import Settings, run_benchmark
    from gengraph.files import check_writable

    chosen = names(datasets)
    if not chosen:
        msg = "--datasets names no data set; `gengraph datasets` lists them"
        raise InputError(msg)
    entries = _runs(trained or [], chosen, runs_dir) + _samples(samples or [], chosen)
    settings = Settings(
        **({} if models is None else {"models": tuple(names(models))}),
        entries=tuple(entries),
        protocols=tuple(names(protocols)),
        statistics=None if statistics is None else tuple(names(statistics)),
        budget=budget,
        seeds=tuple(range(seed, seed + seeds)),
        num_samples=num_graphs,
        tune=tune,
        bootstrap=bootstrap,
        gpus=gpus_per_worker,
        policy=policy,
    )
    cache = out / "cache"
    data, missing = _load(cache, chosen, data_dir, policy, split_seed)
    with workers_session(workers, {"CPU": cpus_per_worker}, address) as found:
        _check_gpus(found, resources(cpus_per_worker, gpus_per_worker))
        check_writable(out)
        try:
            with Board(settings.models, entries, data) as board:
                outcomes = run_benchmark(
                    data, settings, cache, workers=found, cpus=cpus_per_worker, started=board.started, finished=board.finished
                )
        except KeyboardInterrupt:
            msg = f"What was computed stays in {cache}; the same command goes on from there."
            raise KeyboardInterrupt(msg) from None
    results = assemble(settings, data, missing, outcomes, shlex.join(["gengraph", *sys.argv[1:]]))
    write_results(out, results)
    _show(results, out)


def _check_gpus(workers: int, per_worker: dict[str, float]) -> None:
    """At least one worker must find the GPU that it is to have."""
    if not per_worker.get("GPU"):
        return
    if workers:
        from gengraph.distributed.cluster import fit_workers

        fit_workers(1, per_worker)
        return
    from gengraph.training.checkpoint import find_device

    find_device("cuda")


def _load(
    cache: Path, chosen: list[str], data_dir: Path | None, policy: "Policy", split_seed: int
) -> "tuple[list[Data], list[Failed]]":
    """The data sets, and why others cannot be had."""
    from gengraph.benchmarks.artefacts import Store
    from gengraph.benchmarks.steps import find_data
    from gengraph.cli.progress import download_bar

    data, missing, store = [], [], Store(cache.absolute())
    with download_bar() as report:
        for name in chosen:
            try:
                data.append(find_data(store, name, data_dir=data_dir, report=report, policy=policy, split_seed=split_seed))
            except DatasetUnavailable as error:
                missing.append((name, str(error)))
    return data, missing


def _runs(texts: list[str], datasets: list[str], runs_dir: Path) -> "list[Entry]":
    from gengraph.benchmarks.suite import Entry
    from gengraph.runs.folders import newest_checkpoint

    entries = []
    for text in texts:
        dataset, equals, name = text.partition("=")
        if not equals or dataset not in datasets:
            msg = f"--trained must be DATASET=RUN with one of {', '.join(datasets)}, got {text!r}"
            raise InputError(msg)
        newest_checkpoint(runs_dir / name)  # an error now, not after the fits
        entries.append(Entry("run", name, dataset, str((runs_dir / name).absolute())))
    return entries


def _samples(texts: list[str], datasets: list[str]) -> "list[Entry]":
    from gengraph.benchmarks.suite import Entry

    entries = []
    for text in texts:
        match = re.fullmatch(r"([^=@]+)(?:@([^=]+))?=(.+)", text)
        dataset = (match[2] or (datasets[0] if len(datasets) == 1 else None)) if match else None
        if match is None or dataset not in datasets:
            msg = f"--samples must be NAME=PATH, or NAME@DATASET=PATH with one of {', '.join(datasets)}, got {text!r}"
            raise InputError(msg)
        if not Path(match[3]).exists():
            msg = f"--samples {text}: there is no {match[3]}; name a file or folder of graphs"
            raise InputError(msg)
        entries.append(Entry("samples", match[1], dataset, str(Path(match[3]).absolute())))
    return entries


def _show(results: dict[str, Any], out: Path) -> None:
    """Tables on standard output, failures on standard error; exit code 1 if there are any."""
    from gengraph.benchmarks.table import failures, notes_of
    from gengraph.cli.progress import errors
    from gengraph.cli.progress import results as results_console

    console = results_console()
    for protocol in results["statistics"]:
        tables = (_table(results, protocol, detail=detail) for detail in (2, 1, 0))
        unlimited = console.options.update(width=_UNLIMITED)
        fitting = (table for table in tables if console.measure(table, options=unlimited).maximum <= console.width)
        console.print(next(fitting, None) or _table(results, protocol, detail=0))
        for note in notes_of(results, protocol):
            console.print(note, style="dim", soft_wrap=not console.is_terminal)
    for line in failures(results):
        errors.print(f"Failed: {in_options(line)}", style="red")
    typer.echo(f"written: {out / 'results.json'}, results.csv, results.parquet, results.md, results.tex")
    typer.echo(f"report: {out / 'report.html'}")
    if results["failures"]:
        raise typer.Exit(1)


def _table(results: dict[str, Any], protocol: str, *, detail: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from gengraph.benchmarks.table import table_of

    found = table_of(results, protocol, detail=detail)
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(found.columns):
        table.add_column(column, justify="left" if i < 2 else "right", no_wrap=True)
    for number, line in enumerate(found.lines):
        texts = [Text(text, style="bold" if i in line.bold else _STYLES[line.kind]) for i, text in enumerate(line.texts)]
        table.add_row(*texts, end_section=number + 1 in found.starts)
    return table
