"""`gengraph evaluate`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.options import takes_policy
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.collection import Policy


@takes_policy
def evaluate(
    reference: Annotated[str, typer.Argument(help="Real graphs: a file, a folder of shards, or the name of a data set.")],
    generated: Annotated[str, typer.Argument(help="Generated graphs, likewise.")],
    policy: "Policy",
    protocol: Annotated[str, typer.Option(help="emd (GraphRNN 2018) or tv (GRAN 2019).")] = "emd",
    output: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Compare generated graphs with real ones: squared MMD of degree, clustering and orbit counts; lower is better.

    Examples:

      gengraph evaluate runs/grid-graphrnn/data/test.parquet samples/grid

      gengraph evaluate test.g6 generated.g6 --protocol tv --format json
    """
    from gengraph.data import load_dataset
    from gengraph.metrics import evaluate as compare

    if output not in {"table", "json"}:
        msg = f"--format must be table or json, got {output!r}"
        raise InputError(msg)
    real, made = (load_dataset(graphs, policy=policy) for graphs in (reference, generated))
    evaluation = compare(real, made, protocol=protocol).to_dict()
    if output == "json":
        typer.echo(json.dumps(evaluation, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    sizes = f"{evaluation['num_reference']} real and {evaluation['num_generated']} generated graphs"
    table = Table(title=f"MMD², protocol {evaluation['protocol']}, {sizes}", box=None, title_justify="left")
    for column in ("statistic", "mmd²", "floor", "kernel", "sigma"):
        table.add_column(column, justify="left" if column in {"statistic", "kernel"} else "right")
    for name, metric in evaluation["metrics"].items():
        values = [_number(metric["mmd2"]), _number(metric["floor"])]
        table.add_row(name, *values, metric["kernel"], f"{metric['sigma']:g}")
    Console().print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
