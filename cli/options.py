"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated

import typer

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


DatasetOption = Annotated[
    str, typer.Option("--dataset", help="A name from `gengraph datasets`, or a file or folder of graphs.")
]
DataDir = Annotated[Path | None, typer.Option(help="Where files of named data sets are looked for first.")]
RunsDir = Annotated[Path, typer.Option(help="The folder that runs live in.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Workers = Annotated[int, typer.Option(min=0, help="Ray workers; 0 does everything in this process, without Ray.")]
Address = Annotated[
    str | None, typer.Option(help="A running Ray cluster, `auto` or host:port. Without it Ray starts on this machine.")
]
CpusPerWorker = Annotated[float, typer.Option(min=0.01, help="CPUs of each worker; below 1, workers share them.")]
