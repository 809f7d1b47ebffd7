"""Fast back-ends of the hot loops behind one interface: models and training do not know which one runs.

- native: the C++ library, float32 on the CPU; what it does not cover runs in torch.
- torch: plain PyTorch, on any device.
- reference: recurrent layers in float64 by elementary operations, slow.

The best that works is chosen at the first use; GENGRAPH_BACKEND, or `use`, names another.
"""

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gengraph.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

BACKENDS = ("native", "torch", "reference")
VARIABLE = "GENGRAPH_BACKEND"


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
        from gengraph.kernels.library import native_library

        return f"native {native_library().instruction_set}"


class NativeUnavailable(RuntimeError):
    """The native library cannot be used; the message says why."""


class _Chosen:
    backend: Backend | None = None


def backend() -> Backend:
    """The back-end in use; chosen now if it has not been.

    Raises:
        InputError: GENGRAPH_BACKEND names none, or one that cannot be used here.
    """
    if _Chosen.backend is None:
        name = os.environ.get(VARIABLE, "")
        _Chosen.backend = _named(name, f"{VARIABLE}={name}") if name else _best()
    return _Chosen.backend


def use(name: str) -> None:
    """Compute with the named back-end from now on, or, for the name "", with what is chosen by itself.

    Raises:
        InputError: there is no such back-end, or it cannot be used here.
    """
    _Chosen.backend = _named(name, "asked for") if name else None


def _named(name: str, reason: str) -> Backend:
    if name not in BACKENDS:
        msg = f"the back-end must be one of {', '.join(BACKENDS)}, got {name!r}"
        raise InputError(msg)
    if name == "native":
        try:
            _check()
        except NativeUnavailable as error:
            msg = f"the back-end native cannot be used: {error}; or leave {VARIABLE} out"
            raise InputError(msg) from None
    return Backend(name, reason)


def _best() -> Backend:
    from gengraph.kernels.library import native_library

    try:
        native_library()
    except NativeUnavailable as error:
        return Backend("torch", str(error))
    try:
        _check()
    except NativeUnavailable as error:
        warnings.warn(f"computing with torch instead of the native library: {error}", stacklevel=3)
        return Backend("torch", str(error))
    return Backend("native", "the library is compiled and agrees with torch")


def _check() -> None:
    """Compare the native library with float64 on small networks.

    Raises:
        NativeUnavailable: there is none, or it differs.
    """
    from gengraph.kernels.check import largest_difference
    from gengraph.kernels.library import native_library

    native_library()
    before, _Chosen.backend = _Chosen.backend, Backend("torch", "the check's own yardstick")
    try:
        difference = largest_difference()
    finally:
        _Chosen.backend = before
    if not difference < 1e-4:
        msg = f"the native library differs from torch by {difference:.1e} in its self-check"
        raise NativeUnavailable(msg)


def is_native(tensor: "Tensor") -> bool:
    """Whether the native library computes with tensors like this one."""
    import torch

    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and backend().name == "native"


def gru_layer(tensor: "Tensor") -> "Callable[..., Tensor] | None":
    """What computes a recurrent layer (`gengraph.kernels.gru`) of tensors like this one; None if torch does."""
    from gengraph.kernels.gru import NativeLayer, reference_layer

    if is_native(tensor):
        return NativeLayer.apply
    return reference_layer if backend().name == "reference" else None
