"""What tests of the native library share."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.kernels import build, edge_rnn, independent, library, native_context, native_gru, rowwise

INSTRUCTION_SETS = list(build.instruction_sets())
MEASURED = {"AVX512": "avx512", "AVX2": "avx2"}.get(torch.backends.cpu.get_cpu_capability(), "baseline")


@pytest.fixture(autouse=True)
def chosen_anew() -> Iterator[None]:
    kernels.use("")
    yield
    kernels.use("")


@pytest.fixture(params=INSTRUCTION_SETS)
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The native back-end, compiled for an instruction set that this processor has."""
    name: str = request.param
    path = library.HERE / build.library_name(name)
    if not path.exists():
        pytest.skip(f"{path.name} is not compiled")
    if INSTRUCTION_SETS.index(name) < INSTRUCTION_SETS.index(MEASURED):
        pytest.skip(f"this processor lacks {name}")
    loaded = library.Library(path, name)
    for module in (library, native_context, edge_rnn, native_gru, independent, rowwise):
        monkeypatch.setattr(module, "native_library", lambda: loaded)
    kernels.use("native")
    return name


def assert_near(ours: Tensor, exact: Tensor, tolerance: float) -> None:
    """The largest difference is small beside the largest value, or beside 1."""
    assert ours.dtype == torch.float32
    assert exact.dtype == torch.float64
    scale = max(1.0, float(exact.detach().abs().max()))
    assert float((ours.double() - exact).detach().abs().max()) <= tolerance * scale
