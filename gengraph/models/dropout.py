"""Dropout whose masks are part of what a checkpoint holds.

Reference:
    N. Srivastava et al. Dropout: a simple way to prevent neural networks from overfitting. JMLR 2014.
"""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets units to zero at random where gradients are taken, and scales the others up; elsewhere it does nothing.

    Every call has a number, and the number names the mask. The weights keep it, so that a resumed training draws the masks
    that an uninterrupted one would.

    Args:
        rate: share of units that are set to zero, in [0, 1).
    """

    number: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("number", torch.randint(2**62, ()))  # far from those of other modules

    def forward(self, inputs: Tensor) -> Tensor:
        """Units float[..] with zeros among them."""
        if not self.training or not torch.is_grad_enabled():
            return inputs
        generator = torch.Generator(inputs.device).manual_seed(int(self.number))
        self.number += 1
        kept = torch.rand(inputs.shape, generator=generator, device=inputs.device) >= self.rate
        return inputs * kept / (1 - self.rate)


def dropout(rate: float) -> nn.Module:
    """Dropout at a rate; nothing at rate 0."""
    return Dropout(rate) if rate else nn.Identity()
