"""The `gengraph` command. Heavy libraries are imported by the commands that need them, so that --help is instant."""

import sys
from typing import Annotated

import typer

import gengraph
from gengraph.cli.benchmark import benchmark
from gengraph.cli.datasets import datasets
from gengraph.cli.evaluate import evaluate
from gengraph.cli.guard import guarded, set_debug
from gengraph.cli.info import info
from gengraph.cli.likelihood import likelihood
from gengraph.cli.models import models
from gengraph.cli.plot import plot
from gengraph.cli.resume import resume
from gengraph.cli.runs import runs
from gengraph.cli.sample import sample
from gengraph.cli.samples import samples
from gengraph.cli.sweeps import sweeps
from gengraph.cli.train import train
from gengraph.cli.tune import tune

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn to generate graphs that look like yours, and say honestly how well that went.",
)
for command in (train, resume, tune, sample, evaluate, likelihood, plot, benchmark, models, info):
    app.command()(guarded(command))
for name, group in {"datasets": datasets, "runs": runs, "samples": samples, "sweeps": sweeps}.items():
    app.add_typer(group, name=name)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gengraph {gengraph.__version__}")
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
