"""The numbers of `gengraph.streams` as tensors: the same bits on any device.

Words of 64 bits are int64 here: their products wrap around, and what a shift to the right brings in is masked away.

Legend: shapes of keys and counters go together as torch's do.
"""

import torch
from torch import Tensor


def _signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)


def _shifted(words: Tensor, bits: int) -> Tensor:
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _mix(words: Tensor) -> Tensor:
    words = (words ^ _shifted(words, 30)) * _MIX_1
    words = (words ^ _shifted(words, 27)) * _MIX_2
    return words ^ _shifted(words, 31)


def uniform_at(keys: Tensor, counters: Tensor) -> Tensor:
    """float64 in [0, 1): the numbers that stand at counters int64 of the streams of keys int64."""
    return _shifted(_mix(keys + (counters + 1) * _GOLDEN), 11).double() * 2.0**-53


def threshold_at(keys: Tensor, counters: Tensor, temperature: float) -> Tensor:
    """float32: T log(u / (1 - u)), which a logit exceeds with the probability that its sigmoid at temperature T has."""
    uniforms = uniform_at(keys, counters)
    return (temperature * (uniforms.log() - torch.log1p(-uniforms))).float()
