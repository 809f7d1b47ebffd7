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


def seed_number(text: str) -> int:
    """The seed that a text says."""
    if not re.fullmatch(r"\d+", str(text)) or int(text) >= 2**63:
        msg = f"{text!r} is no seed; write a whole number from 0 to {2**63 - 1}"
        raise typer.BadParameter(msg)
    return int(text)


def names(text: str) -> list[str]:
    """The names in a comma-separated list, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


DATASET_HELP = "A name from `gengraph datasets`, tu:NAME, or a file or folder of graphs."
SETTINGS = "Seeds and places"
_ON_RAY = "Several processes or machines (Ray)"
_READING = "Reading graphs (directions, weights, loops, ...)"

Checkpoint = Literal["last", "best"]


def seed_option(text: str) -> Any:
    """An option that takes a seed."""
    return typer.Option(parser=seed_number, metavar="INT", help=text, rich_help_panel=SETTINGS)


def start_option(what: str, panel: str) -> Any:
    """An option that takes one graph."""
    text = f"A molecule, or a file with one graph, that {what} keeps and goes on from (`gengraph models`)."
    return typer.Option(metavar="SMILES|FILE", help=text, rich_help_panel=panel)


def _place_option(text: str, **checks: Any) -> Any:
    return typer.Option(metavar="FOLDER", help=text, rich_help_panel=SETTINGS, **checks)


def _of_workers(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
    """The value of an option that says nothing without workers: then it is refused rather than ignored."""
    source = context.get_parameter_source(str(option.name))
    if source is not None and source.name == "COMMANDLINE" and context.params.get("workers") == 0:
        msg = "it is about Ray workers, and there are none; give --workers 1 or more, or leave it out"
        raise typer.BadParameter(msg)
    return value


DataDir = Annotated[
    Path | None,
    _place_option("Where files of named data sets are looked for first.", exists=True, file_okay=False),
]
RunsDir = Annotated[Path, _place_option("The folder that runs live in.")]
SweepsDir = Annotated[Path, _place_option("The folder that sweeps live in.")]
Seed = Annotated[int, seed_option("Seed of everything random.")]
SplitSeed = Annotated[int, seed_option("Seed of the split, where the data does not bring its own.")]
Steps = Annotated[int | None, typer.Option(min=1, metavar="INT", help="Optimiser steps to train for.")]
Budget = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="TIME", help="Time to train for: 90s, 10m, 2h; by default the config's length."),
]
ConfigName = Annotated[
    str | None,
    typer.Option(
        metavar="PRESET|FILE",
        help="A preset (graphrnn/paper, graphrnn-c/grid) or a TOML file; by default the model's for the data set.",
    ),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a field: model.hidden_size=64. Repeatable.")
]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        metavar="NAME",
        help="Also hand the metrics to tensorboard or mlflow (gengraph[tracking]). Repeatable.",
    ),
]
Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="Keep the run there too, s3://bucket/runs say, so that any machine can go on with it.",
        rich_help_panel=SETTINGS,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="INT",
        help="Ray workers; 0 does everything in this process, without Ray.",
        rich_help_panel=_ON_RAY,
        is_eager=True,  # before the options that need to know of them
    ),
]
TrialsAtATime = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        metavar="INT",
        help="Trials at a time on Ray; 0: one by one in this process.",
        rich_help_panel=_ON_RAY,
        is_eager=True,
    ),
]
MinWorkers = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="INT",
        help="Train with so few while the cluster has no room for more, or loses nodes; by default all are needed.",
        rich_help_panel=_ON_RAY,
        callback=_of_workers,
    ),
]
MaxFailures = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="INT",
        help="How often workers that die are started again.",
        rich_help_panel=_ON_RAY,
        callback=_of_workers,
    ),
]
WaitForResources = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="TIME",
        help="How long to wait for nodes that are still joining the cluster at --address: 90s, 10m; by default not at all.",
        rich_help_panel=_ON_RAY,
        callback=_of_workers,
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="A running Ray cluster, or `auto`. Without it Ray starts on this machine.",
        rich_help_panel=_ON_RAY,
        callback=_of_workers,
    ),
]
GpusPerWorker = Annotated[
    float,
    typer.Option(
        min=0.0,
        metavar="NUMBER",
        help="GPUs of each worker, 0.25 say; with --workers 0, more than 0 means the GPU.",
        rich_help_panel=_ON_RAY,
    ),
]
CpusPerWorker = Annotated[
    float,
    typer.Option(
        min=0.01,
        metavar="NUMBER",
        help="CPUs of each worker; below 1, workers share them.",
        rich_help_panel=_ON_RAY,
        callback=_of_workers,
    ),
]

Options = dict[str, tuple[Any, Any]]
"""Type and default by name."""

_GROUP: Options = {
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


def _name_option(metavar: str, text: str) -> Any:
    return Annotated[str, typer.Option(metavar=metavar, help=text, rich_help_panel=_READING, show_default=False)]


_POLICY: Options = {
    "on_directed": (_read(Literal["error", "symmetrize", "keep"], "Edges that stand in one direction."), "error"),
    "on_loops": (_read(_ErrorOrDrop, "Edges from a node to itself."), "error"),
    "on_multi_edges": (_read(_ErrorOrDrop, "All but one of parallel edges."), "error"),
    "on_attributes": (_read(_ErrorOrDrop, "Weights and features of nodes and edges, but for labels."), "error"),
    "node_label": (_name_option("NAME", "The attribute of nodes (element, say) that is kept as their label."), ""),
    "edge_label": (_name_option("NAME", "The attribute of edges that is kept as their label."), ""),
    "bins": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--bin",
                metavar="NAME=K",
                help="Of a label that is a real number: K categories by quantiles. Repeatable.",
                rich_help_panel=_READING,
            ),
        ],
        None,
    ),
    "on_isolated": (_read(_KeepOrNot, "Nodes without edges."), "keep"),
    "on_components": (_read(Literal["keep", "largest", "error"], "Graphs of several components."), "keep"),
    "on_empty": (_read(_KeepOrNot, "Graphs without nodes."), "keep"),
    "on_spellings": (_read(Literal["error", "unite"], "Ids that are one number in several spellings, 2 and 2.0."), "error"),
    "on_invalid": (_read(_ErrorOrDrop, "SMILES and SDF records that are no molecules."), "error"),
    "on_stereo": (_read(Literal["drop", "error"], "Stereo, isotopes and atom maps of molecules."), "drop"),
    "bonds": (_read(Literal["kekule", "aromatic"], "Those of molecules."), "kekule"),
    "max_atoms": (
        Annotated[
            int,
            typer.Option(
                min=1, metavar="INT", help="Heavy atoms of the largest molecule that is taken.", rich_help_panel=_READING
            ),
        ],
        1000,
    ),
    "smiles": (_name_option("COLUMN", "Of a table of molecules: that of their SMILES, where its name does not say it."), ""),
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
    "nodes": (
        Annotated[
            int | None,
            typer.Option(
                min=0,
                metavar="INT",
                help="Of a list of edges between the nodes 0..n-1 or 1..n: n, so that nodes without edges count.",
                rich_help_panel=_READING,
            ),
        ],
        None,
    ),
    "file_format": (
        Annotated[
            str,
            typer.Option(
                "--from",
                metavar="FORMAT",
                help="The format of a file whose name says another or none: metis, pajek, edgelist, ...",
                rich_help_panel=_READING,
                show_default=False,
            ),
        ],
        "",
    ),
}


def takes_policy(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options that say what is done with graphs that are not simple, undirected and bare.

    It is called with what they make, a `gengraph.graphs.collection.Policy`, as its argument `policy`.
    """

    def make(**values: Any) -> "Policy":
        from gengraph.graphs.collection import Policy

        columns, bins = values.pop("columns"), values.pop("bins")
        return Policy(**values, columns=tuple(names(columns)) if columns else (), bins=tuple(bins or ()))

    return taking(command, "policy", _POLICY, make)


def takes_group(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for workers that train together, made into its argument `group`, a `WorkerGroup`."""
    return taking(command, "group", _GROUP, WorkerGroup)


def taking(command: Callable[..., None], argument: str, options: Options, make: Callable[..., object]) -> Callable[..., None]:
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
