"""Fast back-ends of the hot loops behind one interface: models and training do not know which one runs.

- triton: programs for CUDA devices, float32; what they do not cover runs in torch.
- native: the C++ library, float32 on the CPU; what it does not cover runs in torch.
- torch: plain PyTorch, on any device.
- reference: recurrent layers in float64 by elementary operations, slow.

What computes depends on where a tensor is. For each kind of device the best that works is chosen at the first use;
GENGRAPH_BACKEND, or `use`, names another: native leaves CUDA devices alone, and triton the CPU (unless Triton interprets).
"""

import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.models.graphrnn.kernels.unavailable import NativeUnavailable, TritonUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from torch import Tensor

BACKENDS = ("triton", "native", "torch", "reference")
VARIABLE = "GENGRAPH_BACKEND"
_MOST_UNITS = 64  # of an edge-level network in Triton
_MOST_CONTEXT_UNITS, _MOST_PLACES = 128, 512  # of the head of GraphRNN-C there, and of its window


@dataclass(frozen=True, slots=True)
class Backend:
    """What computes.

    Attributes:
        name: one of BACKENDS.
        reason: why it was chosen.
    """

    name: str
    reason: str

    @property
    def label(self) -> str:
        """The name with the instruction set: where it differs, results may round differently."""
        if self.name != "native":
            return self.name
        from gengraph.models.graphrnn.kernels.library import native_library

        return f"native {native_library().instruction_set}"


class _Chosen:
    name = ""
    backends: "dict[str, Backend]" = {}  # noqa: RUF012 (`use` replaces it)


def backend(device: str = "cpu") -> Backend:
    """The back-end in use on a kind of device, cpu or cuda; chosen now if it has not been.

    Raises:
        InputError: GENGRAPH_BACKEND names none, or one that cannot be used here.
    """
    if device not in _Chosen.backends:
        name = _Chosen.name or os.environ.get(VARIABLE, "")
        reason = "asked for" if _Chosen.name else f"{VARIABLE}={name}"
        _Chosen.backends[device] = _named(name, reason, device) if name else _best(device)
    return _Chosen.backends[device]


def use(name: str) -> None:
    """Compute with the named back-end from now on, or, for the name "", with what is chosen by itself.

    Raises:
        InputError: there is no such back-end, or it cannot be used here.
    """
    kinds = ("cpu", "cuda") if _is_of_other_device(name, "cpu") else ("cpu",)  # what is named is checked where it computes
    chosen = {kind: _named(name, "asked for", kind) for kind in kinds} if name else {}
    _Chosen.name, _Chosen.backends = name, chosen


def _named(name: str, reason: str, device: str) -> Backend:
    if name not in BACKENDS:
        msg = f"the back-end must be one of {', '.join(BACKENDS)}, got {name!r}"
        raise InputError(msg)
    if _is_of_other_device(name, device):
        return _best(device)
    try:
        if name == "native":
            _check()
        if name == "triton":
            _check_triton(device)
    except (NativeUnavailable, TritonUnavailable) as error:
        msg = f"the back-end {name} cannot be used: {error}; or leave {VARIABLE} out"
        raise InputError(msg) from None
    return Backend(name, reason)


def _is_of_other_device(name: str, device: str) -> bool:
    """Whether the named back-end is not for this kind of device, but for one that is here."""
    if name == "native":
        return device == "cuda"
    return name == "triton" and device == "cpu" and not _interprets() and _has_cuda()


def _best(device: str) -> Backend:
    return _best_on_cuda() if device == "cuda" else _best_on_cpu()


def _best_on_cuda() -> Backend:
    try:
        _find_triton("cuda")
    except TritonUnavailable as error:
        return Backend("torch", str(error))
    try:
        _check_triton("cuda")
    except TritonUnavailable as error:
        warnings.warn(f"computing with torch instead of Triton on the CUDA device: {error}", stacklevel=4)
        return Backend("torch", str(error))
    return Backend("triton", "its programs are compiled and agree with torch")


def _best_on_cpu() -> Backend:
    from gengraph.models.graphrnn.kernels.library import native_library

    try:
        native_library()
    except NativeUnavailable as error:
        return Backend("torch", str(error))
    try:
        _check()
    except NativeUnavailable as error:
        warnings.warn(f"computing with torch instead of the native library: {error}", stacklevel=4)
        return Backend("torch", str(error))
    return Backend("native", "the library is compiled and agrees with torch")


def _check() -> None:
    """Compare the native library with float64 on small networks.

    Raises:
        NativeUnavailable: there is none, or it differs.
    """
    from gengraph.models.graphrnn.kernels.library import native_library

    native_library()
    with _torch_computes():
        difference = _self_check().largest_difference()
    if not difference < 1e-4:
        msg = f"the native library differs from torch by {difference:.1e} in its self-check"
        raise NativeUnavailable(msg)


def _self_check() -> Any:
    """The module of the checks; by name, since the networks that they compute stand above this room."""
    return import_module("gengraph.models.graphrnn.selfcheck")


@contextmanager
def _torch_computes() -> "Iterator[None]":
    """Within the block torch computes: the yardstick of a check."""
    before, yardstick = _Chosen.backends, Backend("torch", "the check's own yardstick")
    _Chosen.backends = {"cpu": yardstick, "cuda": yardstick}
    try:
        yield
    finally:
        _Chosen.backends = before


def _interprets() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _find_triton(device: str) -> None:
    """See whether Triton is installed and has a device.

    Raises:
        TritonUnavailable: not so.
    """
    if find_spec("triton") is None:
        msg = "triton is not installed"
    elif not _has_cuda() and device == "cuda":
        msg = "no CUDA device"
    elif not _interprets() and device == "cpu":
        msg = "no CUDA device; TRITON_INTERPRET=1 interprets its programs on the CPU, slowly"
    else:
        return
    raise TritonUnavailable(msg)


def _check_triton(device: str) -> None:
    """Compare Triton's programs with float64 on a small network.

    Raises:
        TritonUnavailable: there is no Triton or no device, it fails, or it differs.
    """
    _find_triton(device)
    try:
        with _torch_computes():
            difference = _self_check().triton_difference(device)
    except Exception as error:  # a compiler and a driver may raise anything
        msg = f"its self-check fails ({type(error).__name__}: {error})"
        raise TritonUnavailable(msg) from error
    if not difference < 1e-4:
        msg = f"it differs from torch by {difference:.1e} in its self-check"
        raise TritonUnavailable(msg)


def is_native(tensor: "Tensor") -> bool:
    """Whether the native library computes with tensors like this one."""
    import torch

    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and backend().name == "native"


def is_triton(tensor: "Tensor") -> bool:
    """Whether Triton's programs compute with tensors like this one."""
    import torch

    kind = tensor.device.type
    return tensor.dtype == torch.float32 and kind in {"cpu", "cuda"} and backend(kind).name == "triton"


def triton_edge_level(tensor: "Tensor", hidden_size: int) -> "ModuleType | None":
    """What computes an edge-level network of so many units with tensors like this one; None if Triton does not.

    Wider ones are left to torch: their programs would take minutes to compile, and more memory than a processor has.
    """
    if hidden_size > _MOST_UNITS or not is_triton(tensor):
        return None
    from gengraph.models.graphrnn.kernels import triton_edge_rnn

    return triton_edge_rnn


def triton_context_level(table: "Tensor", max_prev_node: int) -> "ModuleType | None":
    """What draws the rows of GraphRNN-C with a table float[codes, F] like this one in Triton; None if it does not."""
    if table.shape[1] > _MOST_CONTEXT_UNITS or max_prev_node > _MOST_PLACES or not is_triton(table):
        return None
    from gengraph.models.graphrnn.kernels import triton_context

    return triton_context


def gru_layer(tensor: "Tensor") -> "Callable[..., Tensor] | None":
    """What computes a recurrent layer (`kernels.native_gru`) of tensors like this one; None if torch does."""
    from gengraph.models.graphrnn.kernels.native_gru import NativeLayer, reference_layer

    if is_native(tensor):
        return NativeLayer.apply
    return reference_layer if backend().name == "reference" else None
