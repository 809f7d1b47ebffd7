"""`gengraph info`."""

from typing import TYPE_CHECKING

from gengraph.cli.output import Format, show_facts, show_json
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.models.graphrnn.kernels import Backend

_REST_ON_CUDA = "; it has GraphRNN's edge level, torch all else there; whole graphs are sampled without going to and fro"
_PACKAGES = ("gengraph", "torch", "numpy", "numba", "ray")


def info(output: Format = "table") -> None:
    """Show what computes: back-end and why, on the CPU and on CUDA devices, versions, processor, threads, GPUs.

    The back-end is the fastest that works here. GENGRAPH_BACKEND=torch (or native, triton, reference) chooses another. It needs
    no installation: what is missing is named.

    Examples:

      gengraph info

      GENGRAPH_BACKEND=torch gengraph info --format json
    """
    import platform

    from gengraph.versions import versions

    computing, machine = _computing()
    facts = {
        **computing,
        **versions(*_PACKAGES),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **machine,
    }
    if output == "json":
        show_json(facts)
    else:
        show_facts(facts)


def _computing() -> tuple[dict[str, str], dict[str, str]]:
    """The back-ends, and what torch finds in the machine."""
    try:
        import torch

        from gengraph.models.graphrnn.kernels import backend
        from gengraph.training.threads import num_training_threads

        cpu, cuda = backend(), backend("cuda") if torch.cuda.is_available() else None
    except ImportError as error:
        return {"back-end": f"none: {error.name or error} is not installed"}, {}
    return {"back-end": _why(cpu), "on CUDA": _why(cuda) + _REST_ON_CUDA if cuda else "no CUDA device"}, {
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "training": f"{counted(num_training_threads(), 'thread')}; OMP_NUM_THREADS sets another number",
        "GPUs": ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none",
    }


def _why(chosen: "Backend") -> str:
    return f"{chosen.label}: {chosen.reason}"
