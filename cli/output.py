"""What a command shows: the styles, tables and JSON; standard output is for results alone."""

import json
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

Style = Literal["table", "json"]
TextStyle = Literal["table", "json", "csv", "markdown", "latex"]
Format = Annotated[Style, typer.Option("--format", help="How the result is shown.")]
TextFormat = Annotated[TextStyle, typer.Option("--format", help="How the result is shown.")]


def duration_text(seconds: float, *, whole: bool = False) -> str:
    """As `--budget` takes it, roughly: 40s, 12m, 3h; ages in days as well."""
    if not whole and seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f}d"
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(1, round(seconds)) if whole else round(seconds)}s"


def show_json(value: Any) -> None:
    """Print a JSON-ready value."""
    typer.echo(json.dumps(value, indent=2))


def show_facts(facts: dict[str, Any]) -> None:
    """Print a line a fact, names aligned."""
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        typer.echo(f"{name + ':':{width}}{value}")


def show_as_text(style: TextStyle, columns: Sequence[str], rows: Sequence[Sequence[str]], *, num_text: int) -> None:
    """Print a table as csv, markdown or latex.

    Args:
        style: one of these.
        columns: titles.
        rows: of texts.
        num_text: how many columns, from the left, are no numbers.
    """
    from gengraph.tables import to_csv, to_latex, to_markdown

    if style == "csv":
        typer.echo(to_csv(columns, rows), nl=False)
    else:
        render = to_markdown if style == "markdown" else to_latex
        typer.echo(render(columns, rows, num_text=num_text), nl=False)


def plain_table(
    columns: Iterable[str], rows: Iterable[Sequence[Any]], *, left: Container[str] = (), wrap: Container[str] = ()
) -> "Table":
    """A table without lines.

    Args:
        columns: titles.
        rows: of texts.
        left: the columns that are no numbers.
        wrap: the columns that may take several lines.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=column not in wrap)
    for row in rows:
        table.add_row(*row)
    return table
