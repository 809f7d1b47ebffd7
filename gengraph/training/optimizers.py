"""What changes the weights: the optimiser, its learning rate, and a moving average of the weights.

References:
    [1] D. Kingma, J. Ba. Adam: a method for stochastic optimization. ICLR 2015.
    [2] I. Loshchilov, F. Hutter. Decoupled weight decay regularization. ICLR 2019 (AdamW).
    [3] B. Polyak, A. Juditsky. Acceleration of stochastic approximation by averaging. SIAM J. Control Optim. 30, 1992.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gengraph.training.config import TrainingConfig


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Adam [1] or AdamW [2]; only matrices decay, biases and scales are left alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2))


def learning_rate(config: TrainingConfig, progress: float) -> float:
    """The learning rate when a share `progress` in [0, 1] of the training is done."""
    factor = 1.0
    if config.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * progress))
    elif config.schedule == "milestones":
        factor = 0.3 ** ((progress >= 400 / 3000) + (progress >= 1000 / 3000))
    if progress < config.warmup:
        factor *= progress / config.warmup
    return config.learning_rate * factor


@contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Within the block, products of float32 matrices on a GPU are computed in float32 or tf32; sums are in float32 always."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def averaged_model(model: nn.Module, decay: float) -> AveragedModel:
    """A moving average [3] of a model's weights; buffers are taken over as they are.

    The decay at a step is at most (1 + step) / (10 + step), so that the first weights are forgotten.
    """

    @torch.no_grad()
    def average(means: Sequence[Tensor], values: Sequence[Tensor], step: int | Tensor) -> None:
        count = int(step) - 1  # torch counts the copy that it starts from
        torch._foreach_lerp_(list(means), list(values), 1 - min(decay, (1 + count) / (10 + count)))

    averaged = AveragedModel(model, multi_avg_fn=average)
    averaged.n_averaged.fill_(1)
    averaged.module.eval().requires_grad_(False)
    return averaged
