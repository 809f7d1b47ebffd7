"""Arrays on their way to a device: one copy for all, from memory that the device reads while the host goes on.

Records (frozen dataclasses) say in `MOVED` which of their fields move: arrays, or records that have such fields themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

AnyArray = npt.NDArray[Any]
_ALIGNED = 16  # bytes


def on(array: AnyArray | Tensor, device: torch.device) -> Tensor:
    """An array, or a tensor that has been moved, as a tensor on a device."""
    return torch.as_tensor(array, device=device)


Record = TypeVar("Record", bound=Any)


@dataclass(frozen=True, slots=True)
class Packed(Generic[Record]):
    """A record whose arrays lie side by side.

    Attributes:
        record: with its arrays.
        memory: uint8, a copy of them.
    """

    record: Record
    memory: Tensor

    @classmethod
    def of(cls, record: Record, *, pinned: bool) -> Self:
        """Copy the arrays of a record; pinned memory is what a CUDA device reads by itself."""
        places = _places(record)
        memory = torch.empty(sum(_room(array) for array in places.values()), dtype=torch.uint8, pin_memory=pinned)
        for array, view in zip(places.values(), _views(places, memory), strict=True):
            np.copyto(view.numpy(), array)  # in this thread alone
        return cls(record, memory)

    @property
    def losses_of_data(self) -> Any:
        """Those of the record, a batch."""
        return self.record.losses_of_data

    def moved(self, device: torch.device) -> Record:
        """The record with tensors on a device instead of arrays; nothing waits for it where the memory is pinned."""
        places = _places(self.record)
        views = _views(places, self.memory.to(device, non_blocking=True))
        moved: Record = _with(self.record, dict(zip(places, views, strict=True)))
        return moved


def _places(record: Any) -> dict[int, AnyArray]:
    """The arrays of a record by their identity: one that stands in several places is copied once."""
    return {id(array): array for array in _arrays(record)}


def _arrays(record: Any) -> Iterator[AnyArray]:
    if isinstance(record, np.ndarray):
        yield record
    for name in getattr(record, "MOVED", ()):
        yield from _arrays(getattr(record, name))


def _room(array: AnyArray) -> int:
    return -(-array.nbytes // _ALIGNED) * _ALIGNED


def _views(places: dict[int, AnyArray], memory: Tensor) -> Iterator[Tensor]:
    start = 0
    for array in places.values():
        kind = torch.from_numpy(array[:0]).dtype
        yield memory[start : start + array.nbytes].view(kind).view(array.shape)
        start += _room(array)


def _with(record: Any, tensors: dict[int, Tensor]) -> Any:
    """The record with tensors in the places of arrays."""
    if isinstance(record, np.ndarray):
        return tensors[id(record)]
    moved = {name: _with(getattr(record, name), tensors) for name in getattr(record, "MOVED", ())}
    return replace(record, **moved) if moved else record
