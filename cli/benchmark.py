"""`gengraph benchmark`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.options import Address, CpusPerWorker, DataDir, Seed, SplitSeed, duration, names, takes_policy
from gengraph.cli.workers import workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from gengraph.benchmarks.suite import Cell, Data, Row, Settings
    from gengraph.collection import Policy


@takes_policy
def benchmark(
    policy: "Policy",
    datasets: Annotated[str, typer.Option(help="Names or paths, separated by commas.")] = "ladder,grid,community",
    models: Annotated[str | None, typer.Option(help="Names, separated by commas; by default all.")] = None,
    budget: Annotated[float, typer.Option(parser=duration, metavar="TIME", help="Time to fit one model: 60s, 10m.")] = "60s",  # type: ignore[assignment]
    num_graphs: Annotated[
        int | None, typer.Option("-n", "--num-graphs", min=1, help="Graphs to sample; by default as many as were trained on.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="emd (GraphRNN 2018), tv (GRAN 2019) or rbf.")] = "emd",
    out: Annotated[Path, typer.Option(help="Folder for results.json, results.csv and results.md.")] = Path("results"),
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Ray workers, by default as many as fit; 0 does everything in this process."),
    ] = None,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Fit models, sample from them and score the samples against held-out graphs, in parallel; print the table.

    Example:

      gengraph benchmark --datasets ladder,grid,protein --models graphrnn,er,ba --budget 2m
    """
    from gengraph.benchmarks.suite import MODELS, Data, Settings, load_data, run_benchmark
    from gengraph.benchmarks.table import describe_sets, failures, write_results
    from gengraph.cli.progress import download_bar, errors
    from gengraph.files import check_writable

    settings = Settings(
        models=MODELS if models is None else tuple(names(models)),
        budget=budget,
        num_samples=num_graphs,
        protocol=protocol,
        seed=seed,
    )
    if not names(datasets):
        msg = "--datasets names no data set; `gengraph datasets` lists them"
        raise InputError(msg)
    check_writable(out)
    with download_bar() as report:
        loaded = list(load_data(names(datasets), data_dir=data_dir, report=report, policy=policy, split_seed=split_seed))
    data = [part for part in loaded if isinstance(part, Data)]
    unavailable = [part for part in loaded if not isinstance(part, Data)]
    with workers_session(workers, {"CPU": cpus_per_worker}, address) as found, _Board(data, settings) as board:
        rows = run_benchmark(
            data, settings, workers=found, cpus=cpus_per_worker, started=board.started, finished=board.finished
        )
    rows += unavailable
    _print(rows, f"squared MMD, protocol {protocol}, lower is better; {'; '.join(describe_sets(rows))}")
    write_results(out, rows, settings, shlex.join(["gengraph", *sys.argv[1:]]))
    typer.echo(f"written: {out / 'results.json'}, results.csv, results.md")
    for line in failures(rows):
        errors.print(f"Failed: {line}", style="red")
    if failures(rows):
        raise typer.Exit(1)


def _table(title: str | None = None) -> "Table":
    from rich.table import Table

    from gengraph.benchmarks.table import COLUMNS

    table = Table(box=None, pad_edge=False, caption=title, caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"data set", "model"} else "right", no_wrap=True)
    return table


def _print(rows: "list[Row]", caption: str) -> None:
    from gengraph.benchmarks.table import cells_of
    from gengraph.cli.progress import results

    table = _table(caption)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(*cells_of(row), end_section=following is not None and following.dataset != row.dataset)
    results().print(table)


class _Board:
    """A live table on standard error of what is queued, running and done."""

    def __init__(self, data: "list[Data]", settings: "Settings") -> None:
        from rich.live import Live

        from gengraph.benchmarks.suite import FLOOR
        from gengraph.cli.progress import errors

        self._cells: dict[Cell, list[str]] = {
            (part.name, model): [part.name, model, "queued"] for part in data for model in (*settings.models, FLOOR)
        }
        self._live = Live(self._draw(), console=errors, transient=True)

    def __enter__(self) -> "_Board":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, cell: "Cell") -> None:
        self._cells[cell][2] = "running"
        self._live.update(self._draw())

    def finished(self, row: "Row") -> None:
        from gengraph.benchmarks.table import cells_of

        self._cells[row.dataset, row.model] = cells_of(row)
        self._live.update(self._draw())

    def _draw(self) -> "Table":
        table = _table()
        for cells in self._cells.values():
            table.add_row(*cells)
        return table
