"""`gengraph info`."""

from typing import TYPE_CHECKING

from gengraph.cli.output import Format, show_facts, show_json
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.models.graphrnn.kernels import Backend

_SAMPLING_ON_CUDA = "whole graphs on the device, without going to and fro: GraphRNN, -S and -C"
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

        cpu, on_cuda = backend(), _on_cuda() if torch.cuda.is_available() else {"on CUDA": "no CUDA device"}
    except ImportError as error:
        return {"back-end": f"none: {error.name or error} is not installed"}, {}
    return {"back-end": _why(cpu), **on_cuda}, {
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "training": f"{counted(num_training_threads(), 'thread')}; OMP_NUM_THREADS sets another number",
        "GPUs": ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none",
    }


def _on_cuda() -> dict[str, str]:
    """What computes where there is a CUDA device."""
    import torch

    from gengraph.models.graphrnn.kernels import backend
    from gengraph.training.threads import num_encoding_threads

    edges = backend("cuda")
    nodes = (
        f"cuDNN {torch.backends.cudnn.version()}" if torch.backends.cudnn.is_available() else "torch, for cuDNN is not there"
    )
    threads = counted(num_encoding_threads(torch.device("cuda")), "thread")
    return {
        "on CUDA": _why(edges),
        "training on CUDA": f"GraphRNN's edge level by {edges.name}, its node level by {nodes}, all else by torch; batches are "
        f"made by {threads} of the CPU ahead of the steps; OMP_NUM_THREADS sets another number",
        "sampling on CUDA": _SAMPLING_ON_CUDA,
    }


def _why(chosen: "Backend") -> str:
    return f"{chosen.label}: {chosen.reason}"
