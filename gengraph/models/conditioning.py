"""What a model is told of graphs, as numbers that its network reads (`gengraph.rewards.conditions` says what is told).

Legend: B graphs, C columns that conditions are told in, D numbers of a code.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

CODE_SIZE = 16
"""D."""
_HIDDEN = 32


class ConditionCode(nn.Module):
    """A perceptron of standardised values, 0 where one is not told, and of whether it is.

    Args:
        num_columns: C >= 1.
    """

    def __init__(self, num_columns: int) -> None:
        super().__init__()
        self.num_columns = num_columns
        self.network = nn.Sequential(nn.Linear(2 * num_columns, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, CODE_SIZE))

    def forward(self, told: npt.NDArray[np.float64] | Tensor | None, count: int) -> Tensor:
        """float[B, D] of values float64[B, C], NaN for what is not told; None tells nothing of `count` graphs."""
        weight = next(self.parameters())
        nothing = weight.new_full((count, self.num_columns), torch.nan)
        values = nothing if told is None else torch.as_tensor(told).to(weight)
        code: Tensor = self.network(torch.cat([values.nan_to_num(0.0), (~values.isnan()).to(weight)], 1))
        return code


def condition_code(num_columns: int) -> ConditionCode | None:
    """What a model reads that is told so many columns; None without any."""
    return ConditionCode(num_columns) if num_columns else None
