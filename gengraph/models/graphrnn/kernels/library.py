"""The native library, called on the memory of tensors.

The sources are in native/, build.py compiles them. Every function takes sizes, then arrays with their sizes, and returns a
status; it checks the sizes before it touches the memory.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gengraph.models.graphrnn.kernels.build import HERE, instruction_sets, library_name, sources_hash
from gengraph.models.graphrnn.kernels.unavailable import NativeUnavailable

_STATUS = {1: "array sizes that do not fit together", 2: "sizes or widths out of order or range", 3: "not enough memory"}
_KINDS = {torch.float32, torch.uint8, torch.int32, torch.int64}
_threads: ContextVar[int] = ContextVar("_threads", default=0)
_OF_TORCH = {"AVX512": "avx512", "AVX2": "avx2"}


class Array(ctypes.Structure):
    """The memory of a tensor, which must be kept as long as this."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_int64))

    @classmethod
    def of(cls, tensor: Tensor) -> "Array":
        """That of a contiguous CPU tensor of float32, uint8, int32 or int64."""
        assert tensor.is_cpu
        assert tensor.dtype in _KINDS
        assert tensor.is_contiguous()
        return cls(tensor.data_ptr(), tensor.numel())


class Copies:
    """Contiguous copies of tensors, and where they are."""

    def __init__(self, *tensors: Tensor) -> None:
        self._tensors = [tensor.detach().clone(memory_format=torch.contiguous_format) for tensor in tensors]
        self.arrays = [Array.of(tensor) for tensor in self._tensors]


class Library:
    """A compiled library.

    Args:
        path: of the file.
        instruction_set: that it was compiled for.

    Raises:
        NativeUnavailable: it cannot be loaded, or its sources have changed.
    """

    def __init__(self, path: Path, instruction_set: str) -> None:
        self.instruction_set = instruction_set
        try:
            self._library = ctypes.CDLL(str(path))
            self._library.gengraph_sources.restype = ctypes.c_char_p
            sources = self._library.gengraph_sources().decode()
        except (OSError, AttributeError) as error:
            msg = f"{path.name} cannot be loaded: {error}"
            raise NativeUnavailable(msg) from None
        if sources != sources_hash():
            msg = f"{path.name} is older than its sources; run python -m gengraph.models.graphrnn.kernels.build"
            raise NativeUnavailable(msg)

    def call(self, name: str, *arguments: int | Tensor | Array) -> None:
        """Call a function with integers and arrays.

        Raises:
            ValueError: it refuses the arguments.
            MemoryError: there is not enough memory.
        """
        status = getattr(self._library, f"gengraph_{name}")(*map(_to_c, arguments))
        if status == 3:
            raise MemoryError(_STATUS[status])
        if status:
            msg = f"the native function {name} was given {_STATUS[status]}"
            raise ValueError(msg)


def _to_c(argument: int | Tensor | Array) -> ctypes.c_int64 | Array:
    if isinstance(argument, Tensor):
        return Array.of(argument)
    return argument if isinstance(argument, Array) else ctypes.c_int64(argument)


def integers(values: "list[int] | np.ndarray[tuple[int], np.dtype[np.int64]]") -> Tensor:
    """An int64 tensor of sizes."""
    return torch.from_numpy(np.asarray(values, np.int64))


def num_threads() -> int:
    """How many threads a call may use: those of torch, or those that it had before `one_torch_thread`."""
    return _threads.get() or torch.get_num_threads()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch computes in one thread, native calls in as many as before.

    Split over several threads torch rounds differently, and between small calls its idle threads spin in the way of others.
    """
    before = torch.get_num_threads()
    token = _threads.set(num_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _threads.reset(token)


@cache
def native_library() -> Library:
    """The library for this processor.

    Raises:
        NativeUnavailable: there is none, or it cannot be used.
    """
    capability = _OF_TORCH.get(torch.backends.cpu.get_cpu_capability(), "baseline")
    sets = list(instruction_sets())
    for name in sets[sets.index(capability) if capability in sets else -1 :]:
        path = HERE / library_name(name)
        if path.exists():
            return Library(path, name)
    msg = "the library is not compiled; run python -m gengraph.models.graphrnn.kernels.build (needs GCC or Clang)"
    raise NativeUnavailable(msg)
