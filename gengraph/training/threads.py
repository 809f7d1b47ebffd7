"""The threads of the CPU that a training takes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_MOST_ENCODING = 4


def num_training_threads() -> int:
    """How many threads a training takes: one, or what torch has where the environment sets OMP_NUM_THREADS."""
    return torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1


def num_encoding_threads(device: torch.device) -> int:
    """How many threads make what a step reads ahead of it: none on a CPU, which has the step itself to compute."""
    if device.type == "cpu":
        return 0
    return num_training_threads() if "OMP_NUM_THREADS" in os.environ else min(_MOST_ENCODING, os.cpu_count() or 1)


@contextmanager
def training_threads() -> Iterator[None]:
    """Within the block torch and the native kernels compute in as many threads as a training takes.

    A step is made of many small operations. A second thread makes it hardly faster for twice the CPU time, and several times
    slower where other programs are busy: at the end of each operation all threads wait for the one that was interrupted
    (docs/kernels.md has figures). Ray sets the variable for its workers, to the CPUs of each.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(num_training_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)
