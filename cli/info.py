"""`gengraph info`."""

import json
from typing import Annotated

import typer

from gengraph.errors import InputError


def info(output: Annotated[str, typer.Option("--format", help="table or json.")] = "table") -> None:
    """Show what computes: back-end and why, versions, processor, threads, GPUs.

    The back-end is the fastest that works here. GENGRAPH_BACKEND=torch (or native, or reference) chooses another.

    Examples:

      gengraph info

      GENGRAPH_BACKEND=torch gengraph info --format json
    """
    import platform
    from importlib.metadata import version

    import torch

    from gengraph.kernels import backend

    if output not in {"table", "json"}:
        msg = f"--format must be table or json, got {output!r}"
        raise InputError(msg)
    facts = {
        "back-end": f"{backend().label}: {backend().reason}",
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
