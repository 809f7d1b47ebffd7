"""`gengraph evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.likelihood import show_likelihood
from gengraph.cli.options import (
    Address,
    CpusPerWorker,
    DataDir,
    RunsDir,
    Seed,
    Workers,
    allow_none_of,
    allow_only,
    names,
    takes_policy,
)
from gengraph.cli.workers import workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy
    from gengraph.metrics import Spread

FORMATS = ("table", "json", "csv", "markdown", "latex")
_OF_NLL = {"nll", "orderings", "checkpoint", "runs_dir", "output", "seed"}
_OF_BOTH = {"output", "seed"}
COLUMNS = ("protocol", "statistic", "mmd²", "floor", "ratio", "interval", "p (Holm)")


@takes_policy
def evaluate(
    context: typer.Context,
    policy: "Policy",
    reference: Annotated[
        str | None, typer.Argument(help="Real graphs: a file, a folder of shards, or the name of a data set.")
    ] = None,
    generated: Annotated[str | None, typer.Argument(help="Generated graphs, likewise.")] = None,
    protocol: Annotated[
        str, typer.Option(help="emd (GraphRNN 2018), tv (GRAN 2019), rbf; several separated by commas.")
    ] = "emd",
    statistics: Annotated[str | None, typer.Option(help="Some of the protocol's, separated by commas.")] = None,
    train: Annotated[str | None, typer.Option(help="Training graphs: the floor, and what is new against them.")] = None,
    novelty: Annotated[bool, typer.Option("--novelty", help="Count unique and new graphs; needs --train.")] = False,
    valid: Annotated[
        str | None, typer.Option(help="Count valid ones too: grid, ladder, tree, lobster, planar, community, sbm.")
    ] = None,
    permutations: Annotated[int, typer.Option(min=0, help="Permutations for a p-value, 10000 say.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Bootstrap samples for an interval, 1000 say.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Reproduce the quirks of the original programs.")] = False,
    nll: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Instead of graphs: the likelihood of a run's train, validation and test parts."),
    ] = None,
    orderings: Annotated[int, typer.Option(min=1, help="With --nll, node orderings drawn for each graph.")] = 8,
    checkpoint: Annotated[str, typer.Option(help="With --nll: last, or best, that of the best evaluation.")] = "last",
    runs_dir: RunsDir = Path("runs"),
    output: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "table",
    data_dir: DataDir = None,
    workers: Workers = 0,
    seed: Seed = 0,
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Compare generated graphs with real ones by squared MMD; lower is better.

    The floor is what more real graphs would get: the training set's value with --train, else an estimate.

    Examples:

      gengraph evaluate runs/grid-graphrnn/data/test.parquet samples/grid

      gengraph evaluate test.g6 generated.g6 --train train.g6 --valid planar

      gengraph evaluate --nll grid-graphrnn --orderings 32
    """
    from gengraph.data import load_dataset
    from gengraph.metrics import DescribedSet, Uncertainty
    from gengraph.metrics import evaluate as compare

    if output not in FORMATS:
        msg = f"--format must be one of {', '.join(FORMATS)}, got {output!r}"
        raise InputError(msg)
    if nll is not None and reference is None:
        allow_only(context, _OF_NLL, "--nll takes --orderings, --checkpoint, --seed and --format; the rest is for graphs")
        show_likelihood(runs_dir / nll, checkpoint=checkpoint, num_orderings=orderings, seed=seed, output=output)
        return
    if nll is not None or reference is None or generated is None:
        msg = "give the REFERENCE and the GENERATED graphs, or --nll RUN alone"
        raise InputError(msg)
    allow_none_of(context, _OF_NLL - _OF_BOTH, "these are options of --nll RUN, which takes no graphs")
    if (valid or novelty) and not train:
        msg = "--novelty and --valid count what is new against the training graphs; name these with --train"
        raise InputError(msg)
    paths = {"reference": reference, "generated": generated, "train": train}
    graphs = {name: load_dataset(path, data_dir=data_dir, policy=policy) for name, path in paths.items() if path is not None}
    with workers_session(workers, {"CPU": cpus_per_worker}, address):
        spread = _spread(workers, cpus_per_worker)
        sets = {name: DescribedSet(part, spread=spread) for name, part in graphs.items()}
        results = [
            compare(
                sets["reference"],
                sets["generated"],
                name,
                statistics=names(statistics) if statistics else None,
                train=sets.get("train"),
                strict=strict,
                uncertainty=Uncertainty(num_permutations=permutations, num_bootstrap=bootstrap, seed=seed),
            ).to_dict()
            for name in names(protocol)
        ]
        if valid or novelty:
            from gengraph.metrics import novelty as count

            counts = count(graphs["train"], graphs["generated"], valid=valid, spread=spread).to_dict()
            results = [{**result, "novelty": counts} for result in results]
    if output == "json":
        typer.echo(json.dumps(results[0] if len(results) == 1 else results, indent=2))
    else:
        _show(results, output)


def _spread(workers: int, cpus: float) -> "Spread":
    """Where statistics are computed: here, or on the Ray that this process is connected to."""
    if workers == 0:
        return map
    from gengraph.distributed.score import ray_map

    return ray_map(workers, cpus)


def _rows(results: list[dict[str, Any]]) -> list[list[str]]:
    """The texts under COLUMNS; p-values are corrected over all of them."""
    from gengraph.metrics import holm

    metrics = [(result["protocol"], name, metric) for result in results for name, metric in result["metrics"].items()]
    tested = [metric["p_value"] for _, _, metric in metrics if metric["p_value"] is not None]
    corrected = iter(holm(tested)) if tested else iter(())
    return [
        [
            protocol,
            name,
            _number(metric["mmd2"]),
            _number(metric["floor"]),
            _number(metric["ratio"]),
            "-" if metric["interval"] is None else "{} .. {}".format(*map(_number, metric["interval"])),
            "-" if metric["p_value"] is None else _number(float(next(corrected))),
        ]
        for protocol, name, metric in metrics
    ]


def _show(results: list[dict[str, Any]], output: str) -> None:
    from gengraph.tables import to_csv, to_latex, to_markdown

    rows, first = _rows(results), results[0]
    if output == "csv":
        typer.echo(to_csv(COLUMNS, rows), nl=False)
        return
    if output != "table":
        render = to_markdown if output == "markdown" else to_latex
        typer.echo(render(COLUMNS, rows, num_text=2), nl=False)
        return
    from rich.table import Table

    from gengraph.cli.progress import results as results_console

    floor = f"the {first['num_train']} training graphs" if first["num_train"] else "estimated from the real graphs"
    title = f"squared MMD of {first['num_generated']} generated against {first['num_reference']} real graphs; floor: {floor}"
    table = Table(box=None, pad_edge=False)
    shown = [i for i, _ in enumerate(COLUMNS) if any(row[i] != "-" for row in rows)]
    for i in shown:
        table.add_column(COLUMNS[i], justify="left" if i < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[i] for i in shown))
    console = results_console()
    console.print(title)
    console.print(table)
    for name in ("valid", "unique", "novel", "valid_unique_novel"):
        share = first.get("novelty", {}).get(name)
        if share:
            percent, low, high = (100 * x for x in (share["count"] / share["total"], share["low"], share["high"]))
            label = name.replace("_", ", ")
            console.print(f"{label}: {share['count']} of {share['total']}, {percent:.1f}% ({low:.1f} .. {high:.1f}%)")
    if first.get("novelty", {}).get("approximate"):
        console.print("The test of validity fits a model: an approximation.")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
