"""`gengraph info`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.models.graphrnn.kernels import Backend


def info(output: Annotated[str, typer.Option("--format", help="table or json.")] = "table") -> None:
    """Show what computes: back-end and why, on the CPU and on CUDA devices, versions, processor, threads, GPUs.

    The back-end is the fastest that works here. GENGRAPH_BACKEND=torch (or native, triton, reference) chooses another.

    Examples:

      gengraph info

      GENGRAPH_BACKEND=torch gengraph info --format json
    """
    import platform
    from importlib.metadata import version

    import torch

    from gengraph.models.graphrnn.kernels import backend

    if output not in {"table", "json"}:
        msg = f"--format must be table or json, got {output!r}"
        raise InputError(msg)
    facts = {
        "back-end": _why(backend()),
        "on CUDA": _why(backend("cuda")) if torch.cuda.is_available() else "no CUDA device",
        **{name: version(name) for name in ("gengraph", "torch", "numpy", "numba", "ray")},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "GPUs": ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none",
    }
    if output == "json":
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        typer.echo(f"{name + ':':12}{value}")


def _why(chosen: "Backend") -> str:
    return f"{chosen.label}: {chosen.reason}"
