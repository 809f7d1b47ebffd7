"""The `gengraph` command. Heavy libraries are imported by the commands that need them, so that --help is instant."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from gengraph.cli.benchmark import benchmark
from gengraph.cli.datasets import datasets
from gengraph.cli.evaluate import evaluate
from gengraph.cli.guard import guarded, set_debug
from gengraph.cli.info import info
from gengraph.cli.plot import plot
from gengraph.cli.runs import runs
from gengraph.cli.sample import sample, verify
from gengraph.cli.train import train
from gengraph.cli.tune import tune

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn to generate graphs that look like yours, and say honestly how well that went.",
)
for command in (train, tune, sample, evaluate, plot, benchmark, info):
    app.command()(guarded(command))
samples = typer.Typer(no_args_is_help=True, help="Look after samples.")
samples.command()(guarded(verify))
app.add_typer(samples, name="samples")
app.add_typer(datasets, name="datasets")
app.add_typer(runs, name="runs")


@samples.callback()
def _samples() -> None:
    """Look after samples."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gengraph {version('gengraph')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and what libraries log; anywhere in a command.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learn to generate graphs that look like yours, and say honestly how well that went."""
    set_debug(debug)


def main() -> None:
    """Entry point of the console script."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) < len(sys.argv) - 1:
        arguments = ["--debug", *arguments]
    app(args=arguments, prog_name="gengraph")


if __name__ == "__main__":
    main()
