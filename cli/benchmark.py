"""`gengraph benchmark`."""

import itertools
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.board import Board, Journal
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
from gengraph.models.registry import LEARNED, LISTED
from gengraph.tables import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

    from gengraph.benchmarks.results import Failed
    from gengraph.benchmarks.settings import Entry, Settings
    from gengraph.benchmarks.steps import Data
    from gengraph.benchmarks.suite import Outcome
    from gengraph.benchmarks.table import Table
    from gengraph.graphs.collection import Policy

_STYLES = {"measured": "", "floor": "", "failed": "red", "published": "bright_black"}
_GAP = 2  # between columns


@takes_policy
def benchmark(
    policy: "Policy",
    datasets: Annotated[
        str, typer.Option(metavar="NAMES", help="Names or paths, separated by commas.")
    ] = "ladder,grid,community",
    models: Annotated[
        str | None, typer.Option(metavar="NAMES", help=model_help("Names, separated by commas; by default all.", LISTED))
    ] = None,
    trained: Annotated[
        list[str] | None, typer.Option(metavar="DATASET=RUN", help="A trained run in the same table. Repeatable.")
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="Samples of another program; NAME@DATASET=PATH with several. Repeatable."),
    ] = None,
    budget: Annotated[float, typer.Option(parser=duration, metavar="TIME", help="Time to fit one model: 60s, 10m.")] = "60s",  # type: ignore[assignment]
    num_graphs: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--num-graphs",
            min=1,
            metavar="INT",
            help="Graphs to sample; by default as many as were trained on, of molecules at most 1000.",
        ),
    ] = None,
    protocols: Annotated[
        str,
        typer.Option(
            "--protocols",
            "--protocol",
            metavar="NAMES",
            help="emd (GraphRNN 2018), tv (GRAN 2019), rbf, molecules; separated by commas.",
        ),
    ] = "emd",
    max_graphs: Annotated[
        int,
        typer.Option(min=0, metavar="INT", help="Under molecules: test molecules to compare with, drawn by seed; 0: all."),
    ] = 3000,
    statistics: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Some of the protocols', separated by commas.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="INT", help="Fits of each model, with the seeds from --seed up.")] = 1,
    tune: Annotated[
        int, typer.Option(min=0, metavar="INT", help="Settings to try before a network is fitted, each for the budget.")
    ] = 0,
    bootstrap: Annotated[
        int, typer.Option(min=0, metavar="INT", help="Bootstrap samples for intervals and for what is best.")
    ] = 1000,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for results, report and what was computed on the way.")
    ] = Path("results"),
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

      gengraph benchmark --datasets qm9 --models graphrnn,gran,digress --protocols molecules --budget 10m

      gengraph benchmark --datasets protein,ego --models graphrnn,graphrnn-c,er --budget 10m --workers 4 --gpus-per-worker 0.25
    """
    journal = Journal()
    journal.say(f"loading what computes, then the data sets {datasets}")
    from gengraph.benchmarks.folder import CACHE, check_own
    from gengraph.benchmarks.settings import Settings
    from gengraph.files import check_writable

    chosen = names(datasets)
    if not chosen:
        msg = "--datasets names no data set; `gengraph datasets` lists them"
        raise InputError(msg)
    check_own(out)
    settings = Settings(
        **({} if models is None else {"models": tuple(names(models))}),
        entries=tuple(_runs(trained or [], chosen, runs_dir) + _samples(samples or [], chosen)),
        protocols=tuple(names(protocols)),
        statistics=None if statistics is None else tuple(names(statistics)),
        budget=budget,
        seeds=tuple(range(seed, seed + seeds)),
        num_samples=num_graphs,
        num_reference=max_graphs,
        tune=tune,
        bootstrap=bootstrap,
        gpus=gpus_per_worker,
        policy=policy,
    )
    data, missing = _load(out / CACHE, chosen, data_dir, policy, split_seed)
    with workers_session(workers, {"CPU": cpus_per_worker}, address) as found:
        _check_gpus(found, resources(cpus_per_worker, gpus_per_worker))
        check_writable(out)
        outcomes = _run(journal, data, settings, out / CACHE, found, cpus_per_worker)
    _show(_written(journal, out, settings, data, missing, outcomes), out)


def _run(journal: Journal, data: "list[Data]", settings: "Settings", cache: Path, workers: int, cpus: float) -> "list[Outcome]":
    """All cells, with a word about each."""
    from gengraph.benchmarks.suite import plan_cells, run_benchmark

    cells = plan_cells(data, settings)
    fits = sum(cell.kind == "model" and cell.model in LEARNED for cell in cells)
    seconds = fits * settings.budget * (1 + settings.tune) / max(1, workers)
    of_them = f", {counted(fits, 'network')} among them to train for {settings.budget:g} s each" if fits else ""
    at_least = f": {seconds:.0f} s and what the rest takes" if fits else ""
    journal.say(f"{counted(len(cells), 'row')} to find{of_them}{at_least}; what {cache} has is not done again")
    try:
        with Board(journal, settings.models, settings.entries, data, len(cells)) as board:
            return run_benchmark(
                data, settings, cache, workers=workers, cpus=cpus, started=board.started, finished=board.finished
            )
    except KeyboardInterrupt:
        msg = f"What was computed stays in {cache}; the same command goes on from there."
        raise KeyboardInterrupt(msg) from None


def _written(
    journal: Journal,
    out: Path,
    settings: "Settings",
    data: "list[Data]",
    missing: "list[Failed]",
    outcomes: "list[Outcome]",
) -> dict[str, Any]:
    """The results, in their files."""
    from gengraph.benchmarks.folder import set_aside
    from gengraph.benchmarks.report import write_results
    from gengraph.benchmarks.results import assemble

    journal.say("writing tables and report")
    results = assemble(settings, data, missing, outcomes, shlex.join(["gengraph", *sys.argv[1:]]))
    earlier = set_aside(out, results)
    write_results(out, results)
    if earlier:
        journal.say(f"{out} held the report of another comparison, which is now {earlier / 'report.html'}")
    return results


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
    from gengraph.benchmarks.settings import Entry
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
    from gengraph.benchmarks.settings import Entry

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
    from gengraph.benchmarks.notes import failures, notes_of
    from gengraph.cli.progress import errors
    from gengraph.cli.progress import results as results_console

    console = results_console()
    for protocol in results["statistics"]:
        _show_table(console, results, protocol)
        for note in notes_of(results, protocol):
            console.print(note, style="dim", soft_wrap=not console.is_terminal)
    for line in failures(results):
        errors.print(f"Failed: {in_options(line, settable=False)}", style="red")
    typer.echo(f"written: {out / 'results.json'}, results.csv, results.parquet, results.md, results.tex")
    typer.echo(f"report: {out / 'report.html'}")
    if results["failures"]:
        raise typer.Exit(1)


def _show_table(console: "Console", results: dict[str, Any], protocol: str) -> None:
    """The table, all of it: as wide as it is into a file; in a terminal that is too narrow a piece for each data set."""
    from gengraph.benchmarks.table import table_of

    found = table_of(results, protocol)
    widths = [max(map(len, texts)) + _GAP for texts in zip(found.columns, *(line.texts for line in found.lines), strict=True)]
    if not console.is_terminal:
        console.width = max(console.width, sum(widths))
    if sum(widths) - _GAP <= console.width:
        console.print(_rendered(found, range(len(widths))))
        return
    for start, end in itertools.pairwise([*found.starts, len(found.lines)]):
        console.print(f"\n{found.lines[start].texts[0]}", style="bold")
        part = replace(found, lines=found.lines[start:end], starts=[])
        for columns in _blocks(widths, console.width):
            console.print(_rendered(part, columns))


def _blocks(widths: list[int], width: int) -> list[list[int]]:
    """The columns behind the models' in as few blocks as fit, of about one width; each begins with the models."""
    fewest = len(_packed(widths, width))
    return next(blocks for least in range(width + 1) if len(blocks := _packed(widths, least)) <= fewest)


def _packed(widths: list[int], width: int) -> list[list[int]]:
    head = 1  # the names of data sets stand above
    blocks: list[list[int]] = [[head]]
    for column in range(head + 1, len(widths)):
        if len(blocks[-1]) > 1 and sum(widths[i] for i in (*blocks[-1], column)) - _GAP > width:
            blocks.append([head])
        blocks[-1].append(column)
    return blocks


def _rendered(found: "Table", columns: Iterable[int]) -> "RichTable":
    """Some columns of a table; where even one is too wide its texts take several lines."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=None, pad_edge=False)
    chosen = list(columns)
    for i in chosen:
        table.add_column(found.columns[i], justify="left" if i < 2 else "right", overflow="fold")
    for number, line in enumerate(found.lines):
        texts = [Text(line.texts[i], style="bold" if i in line.bold else _STYLES[line.kind]) for i in chosen]
        table.add_row(*texts, end_section=number + 1 in found.starts)
    return table
