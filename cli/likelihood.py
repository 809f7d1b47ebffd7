"""`gengraph evaluate --nll`."""

import json
from pathlib import Path

import typer

COLUMNS = ("part", "nll", "a node", "an edge bit", "nll (distinct)", "orderings", "graphs", "cut edges")


def show_likelihood(folder: Path, *, checkpoint: str, num_orderings: int, seed: int, output: str) -> None:
    """Print bounds on the negative log-likelihood of each part of a run's data, in nats, in one of evaluate's formats."""
    from gengraph.runs.folders import bound_likelihood
    from gengraph.tables import to_csv, to_latex, to_markdown

    path, bounds = bound_likelihood(folder, checkpoint=checkpoint, num_orderings=num_orderings, seed=seed)
    parts = {name: bound.to_dict() for name, bound in bounds.items()}
    if output == "json":
        about = {"run": folder.name, "checkpoint": path.name, "num_orderings": num_orderings, "seed": seed}
        typer.echo(json.dumps(about | {"parts": parts}, indent=2))
        return
    rows = [_row(name, values) for name, values in parts.items()]
    if output == "csv":
        typer.echo(to_csv(COLUMNS, rows), nl=False)
    elif output in {"markdown", "latex"}:
        render = to_markdown if output == "markdown" else to_latex
        typer.echo(render(COLUMNS, rows, num_text=1), nl=False)
    else:
        _print(rows, f"-log p in nats, an upper bound: {path}, {num_orderings} orderings of each graph")


def _row(name: str, values: dict[str, float]) -> list[str]:
    """The texts under COLUMNS."""
    figures = [values.get(key) for key in ("nll", "nll_per_node", "nll_per_edge_bit", "nll_distinct", "num_distinct")]
    counts = [str(values["num_graphs"]), str(values["num_cut"])]
    return [name, *("-" if figure is None else f"{figure:.4g}" for figure in figures), *counts]


def _print(rows: list[list[str]], title: str) -> None:
    from rich.table import Table

    from gengraph.cli.progress import results

    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "part" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = results()
    console.print(title)
    console.print(table)
