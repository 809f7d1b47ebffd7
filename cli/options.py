"""Options that several commands share."""

import functools
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gengraph.cli.workers import WorkerGroup

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy

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
_ON_RAY, _READING = "Workers", "Graphs that are more than a GraphSet"

Checkpoint = Literal["last", "best"]
DataDir = Annotated[Path | None, typer.Option(help="Where files of named data sets are looked for first.")]
RunsDir = Annotated[Path, typer.Option(help="The folder that runs live in.")]
SweepsDir = Annotated[Path, typer.Option(help="The folder that sweeps live in.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="INT", help="Seed of everything random.")]
SplitSeed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, metavar="INT", help="Seed of the split, where the data does not bring its own.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps to train for.")]
Budget = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="TIME", help="Time to train for: 90s, 10m, 2h; by default the config's length"),
]
ConfigName = Annotated[
    str | None,
    typer.Option(help="A preset (graphrnn/paper, graphrnn-c/grid) or a TOML file; by default the model's for the data set"),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field: model.hidden_size=64. Repeatable.")
]
Trackers = Annotated[
    list[str] | None,
    typer.Option("--tracker", help="Also hand the metrics to tensorboard or mlflow (gengraph[tracking]). Repeatable."),
]
Storage = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Keep the run there too, s3://bucket/runs say, so that any machine can go on with it."),
]
Workers = Annotated[
    int, typer.Option(min=0, help="Ray workers; 0 does everything in this process, without Ray.", rich_help_panel=_ON_RAY)
]
TrialsAtATime = Annotated[
    int,
    typer.Option("--workers", min=0, help="Trials at a time on Ray; 0: one by one in this process.", rich_help_panel=_ON_RAY),
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

_Options = dict[str, tuple[Any, Any]]  # type and default by name
_GROUP: _Options = {
    "workers": (Workers, 0),
    "min_workers": (MinWorkers, None),
    "cpus_per_worker": (CpusPerWorker, 1.0),
    "gpus_per_worker": (GpusPerWorker, 0.0),
    "wait_for_resources": (WaitForResources, None),
    "max_failures": (MaxFailures, 3),
    "address": (Address, None),
}
_ErrorOrDrop, _KeepOrNot = Literal["error", "drop"], Literal["keep", "drop", "error"]


def _read(kind: Any, text: str) -> Any:
    return Annotated[kind, typer.Option(help=text, rich_help_panel=_READING)]


_POLICY: _Options = {
    "on_directed": (_read(Literal["error", "symmetrize"], "Edges that stand in one direction."), "error"),
    "on_loops": (_read(_ErrorOrDrop, "Edges from a node to itself."), "error"),
    "on_multi_edges": (_read(_ErrorOrDrop, "All but one of parallel edges."), "error"),
    "on_attributes": (_read(_ErrorOrDrop, "Weights and features of nodes and edges."), "error"),
    "on_isolated": (_read(_KeepOrNot, "Nodes without edges."), "keep"),
    "on_components": (_read(Literal["keep", "largest", "error"], "Graphs of several components."), "keep"),
    "on_empty": (_read(_KeepOrNot, "Graphs without nodes."), "keep"),
    "on_spellings": (_read(Literal["error", "unite"], "Ids that are one number in several spellings, 2 and 2.0."), "error"),
    "columns": (
        Annotated[
            str | None,
            typer.Option(
                metavar="A,B",
                help="Of a table of edges: the columns of both ends, with that of the graph before them if there is one.",
                rich_help_panel=_READING,
            ),
        ],
        None,
    ),
}


def takes_policy(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options that say what is done with graphs that are not simple, undirected and bare.

    It is called with what they make, a `gengraph.graphs.collection.Policy`, as its argument `policy`.
    """

    def make(**values: Any) -> "Policy":
        from gengraph.graphs.collection import Policy

        columns = values.pop("columns")
        return Policy(**values, columns=tuple(names(columns)) if columns else ())

    return _taking(command, "policy", _POLICY, make)


def takes_group(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for workers that train together, made into its argument `group`, a `WorkerGroup`."""
    return _taking(command, "group", _GROUP, WorkerGroup)


def _taking(command: Callable[..., None], argument: str, options: _Options, make: Callable[..., object]) -> Callable[..., None]:
    """The command with one of its arguments made of several options."""

    @functools.wraps(command)
    def run(**values: Any) -> None:
        made = make(**{name: values.pop(name) for name in options})
        command(**values, **{argument: made})

    parameters = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != argument]
    for name, (kind, default) in options.items():
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
