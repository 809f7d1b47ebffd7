"""The `gengraph` command: a command's module is imported when the command is called, and heavy libraries by the command."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer

from gengraph.cli.guard import guarded, interrupt_again, interrupt_on_sigterm, set_debug
from gengraph.cli.help import WIDTH, Command, Group

COMMANDS = {
    "Train": {
        "train": "Train a model on a data set",
        "resume": "Go on with a run where its newest checkpoint stands",
        "tune": "Search for good settings of a model",
    },
    "Generate and compare": {
        "sample": "Sample graphs from a run, a ready-made model, or one that is fitted first",
        "grow": "Fit a model to one very large graph, and draw a graph like it",
        "pieces": "Part one very large graph into small ones that any model can learn, and the links between them",
        "compare": "Compare two large graphs by degrees, clustering, orbits and spectra",
        "plot": "Draw a grid of graphs into a picture",
        "evaluate": "Compare generated graphs with real ones by squared MMD",
        "score": "Compute the reward of graphs: the mean, and the best with their sizes",
        "likelihood": "Bound the negative log-likelihood of a run's train, validation and test graphs",
        "benchmark": "Fit models, sample from them and score the samples against held-out graphs",
    },
    "Look around": {
        "datasets": "List the named data sets, or look into one",
        "models": "List every model, with what it can do",
        "pretrained": "List the ready-made models, look into one, or make one of a run",
        "runs": "List the training runs, the latest first, or look into one",
        "sweeps": "List the sweeps that `gengraph tune` made, the latest first, or go on with one",
        "samples": "Look after samples",
        "info": "Show what computes",
    },
}
"""Name and beginning of the help of each command, by group: what `gengraph --help` shows without importing any."""
SUMMARIES = {name: summary for group in COMMANDS.values() for name, summary in group.items()}


class Commands(Mapping[str, Any]):
    """The commands by name; one is imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        SUMMARIES[name]  # there is none of another name, whatever modules there are
        found = getattr(import_module(f"gengraph.cli.{name}"), name)
        if isinstance(found, typer.Typer):
            command = typer.main.get_group(found)
            command.name = name
            return command
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name, cls=Command)(guarded(found))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class Program(Group):
    """`gengraph` itself."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands()  # type: ignore[assignment]  # nothing is added to it

    def list_commands(self, _ctx: Any) -> list[str]:
        """The names."""
        return [*self.commands]

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """A section a group."""
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([*group.items()])


app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDTH},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from gengraph.versions import OWN

        typer.echo(f"gengraph {OWN}")
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
    """Learn to generate graphs that look like yours, and say honestly how well that went.

    Examples:

      gengraph train --dataset grid --budget 2m

      gengraph sample --run grid-graphrnn -n 100 --out samples/grid

      gengraph evaluate runs/grid-graphrnn/data/test.parquet samples/grid
    """
    set_debug(debug)


def main() -> None:
    """Entry point of the console script."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: threads that wait leave the processor to others
    sys.unraisablehook = interrupt_again
    interrupt_on_sigterm()
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) < len(sys.argv) - 1:
        arguments = ["--debug", *arguments]
    app(args=arguments, prog_name="gengraph")


if __name__ == "__main__":
    main()
