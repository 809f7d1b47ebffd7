"""Options that several commands share."""

import functools
import inspect
import re
from collections.abc import Callable, Container
from pathlib import Path
from typing import Annotated, Any

import typer

from gengraph.errors import InputError

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Seconds of "90", "90s", "10m" or "2h"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or float(match[1]) <= 0:
        msg = f"{text!r} is no duration; write 90s, 10m or 2h"
        raise typer.BadParameter(msg)
    return float(match[1]) * _UNITS[match[2]]


def names(text: str) -> list[str]:
    """The names in a comma-separated list, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


DATASET_HELP = "A name from `gengraph datasets`, tu:NAME, or a file or folder of graphs."
DatasetOption = Annotated[str, typer.Option("--dataset", help=DATASET_HELP)]
DataDir = Annotated[Path | None, typer.Option(help="Where files of named data sets are looked for first.")]
RunsDir = Annotated[Path, typer.Option(help="The folder that runs live in.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")]
SplitSeed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the split, where the data does not bring its own.")]
_ON_RAY = "Workers"
Workers = Annotated[
    int, typer.Option(min=0, help="Ray workers; 0 does everything in this process, without Ray.", rich_help_panel=_ON_RAY)
]
MinWorkers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Train with so few while the cluster has no room for more, or loses nodes; by default all are needed.",
        rich_help_panel=_ON_RAY,
    ),
]
MaxFailures = Annotated[int, typer.Option(min=0, help="How often workers that die are started again.", rich_help_panel=_ON_RAY)]
WaitForResources = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="TIME",
        help="How long to wait for nodes that are still joining the cluster at --address: 90s, 10m; by default not at all.",
        rich_help_panel=_ON_RAY,
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="A running Ray cluster, `auto` or host:port. Without it Ray starts on this machine.", rich_help_panel=_ON_RAY
    ),
]
GpusPerWorker = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="GPUs of each worker, 0.25 say; with --workers 0, more than 0 means the GPU.",
        rich_help_panel=_ON_RAY,
    ),
]
CpusPerWorker = Annotated[
    float, typer.Option(min=0.01, help="CPUs of each worker; below 1, workers share them.", rich_help_panel=_ON_RAY)
]

_POLICY = {
    "on_directed": ("error", "error or symmetrize: edges that stand in one direction."),
    "on_loops": ("error", "error or drop: edges from a node to itself."),
    "on_multi_edges": ("error", "error or drop: all but one of parallel edges."),
    "on_attributes": ("error", "error or drop: weights and features of nodes and edges."),
    "on_isolated": ("keep", "keep, drop or error: nodes without edges."),
    "on_components": ("keep", "keep, largest or error: graphs of several components."),
}


def allow_only(context: typer.Context, allowed: Container[str], rule: str) -> None:
    """Options that would be ignored are refused.

    Args:
        context: of the command.
        allowed: parameters of the command that count.
        rule: why others do not.

    Raises:
        InputError: another was given.
    """
    _refuse([name for name in _given(context) if name not in allowed], context, rule)


def allow_none_of(context: typer.Context, refused: Container[str], rule: str) -> None:
    """The other way round: of the options that were given, these would be ignored.

    Args:
        context: of the command.
        refused: parameters of the command that do not count.
        rule: why they do not.

    Raises:
        InputError: one of them was given.
    """
    _refuse([name for name in _given(context) if name in refused], context, rule)


def _given(context: typer.Context) -> list[str]:
    """The parameters that stand in the command line."""
    names = [str(parameter.name) for parameter in context.command.params]
    return [name for name in names if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]


def _refuse(given: list[str], context: typer.Context, rule: str) -> None:
    if given:
        options = [max(parameter.opts, key=len) for parameter in context.command.params if parameter.name in given]
        msg = f"{rule}; leave out {', '.join(options)}"
        raise InputError(msg)


def takes_policy(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options that say what is done with graphs that are not simple, undirected and bare.

    It is called with what they make, a `gengraph.graphs.collection.Policy`, as its argument `policy`.
    """

    @functools.wraps(command)
    def run(**values: Any) -> None:
        from gengraph.graphs.collection import Policy

        policy = Policy(**{name: values.pop(name) for name in _POLICY})
        command(**values, policy=policy)

    parameters = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "policy"]
    for name, (default, text) in _POLICY.items():
        option = Annotated[str, typer.Option(metavar="WHAT", help=text, rich_help_panel="Graphs that are more than a GraphSet")]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
