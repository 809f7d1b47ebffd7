"""What changes the weights: the optimiser, its learning rate, and a moving average of the weights.

References:
    [1] D. Kingma, J. Ba. Adam: a method for stochastic optimization. ICLR 2015.
    [2] I. Loshchilov, F. Hutter. Decoupled weight decay regularization. ICLR 2019 (AdamW).
    [3] B. Polyak, A. Juditsky. Acceleration of stochastic approximation by averaging. SIAM J. Control Optim. 30, 1992.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gengraph.training.config import TrainingConfig


class Adam:
    """Adam [1] with decoupled weight decay [2], the numbers of torch.optim.AdamW to the last bit.

    The first step of torch's own imports its compiler, which takes as long and as much memory as torch itself.

    Attributes:
        param_groups: {"params", "lr", "weight_decay"} of each group.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], *, betas: tuple[float, float], eps: float = 1e-8) -> None:
        """Begin with groups as `param_groups` has them; without weight decay this is Adam."""
        self.param_groups = list(groups)
        self._betas, self._eps = betas, eps
        self._state: dict[Tensor, dict[str, Tensor]] = {}

    @property
    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters that have a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, group["lr"], group["weight_decay"])

    def _update(self, parameters: list[Tensor], rate: float, decay: float) -> None:
        beta1, beta2 = self._betas
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        states = [self._state.get(parameter) or self._begin(parameter) for parameter in parameters]
        means, squares = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
        for state in states:
            state["step"] += 1
        if decay:
            torch._foreach_mul_(parameters, 1 - rate * decay)
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        steps = [float(state["step"]) for state in states]
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, [(1 - beta2**step) ** 0.5 for step in steps])
        torch._foreach_add_(roots, self._eps)
        torch._foreach_addcdiv_(parameters, means, roots, [-(rate / (1 - beta1**step)) for step in steps])

    def _begin(self, parameter: Tensor) -> dict[str, Tensor]:
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        self._state[parameter] = {"step": torch.tensor(0.0), **moments}
        return self._state[parameter]

    def state_dict(self) -> dict[str, Any]:
        """The moments by the number of the parameter, as torch's optimisers have them."""
        state = {number: self._state[p] for number, p in enumerate(self._parameters) if p in self._state}
        return {"state": state, "param_groups": self.param_groups}

    def load_state_dict(self, found: dict[str, Any]) -> None:
        """Go on with moments that `state_dict` gave."""
        parameters = self._parameters
        self._state = {
            parameters[number]: {
                name: value.to("cpu" if name == "step" else parameters[number].device, copy=True)
                for name, value in moments.items()
            }
            for number, moments in found["state"].items()
        }


def build_optimizer(model: nn.Module, config: TrainingConfig) -> Adam:
    """Adam or AdamW; only matrices decay, biases and scales are left alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    decays = (matrices, config.weight_decay), (others, 0.0)
    groups = [{"params": params, "lr": config.learning_rate, "weight_decay": decay} for params, decay in decays]
    return Adam(groups, betas=(config.beta1, config.beta2))


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
    """Within the block, products of float32 matrices on a GPU are computed in float32 or tf32; sums are in float32 always.

    Those within cuDNN's recurrent layers, too, which torch lets be tf32 unless told otherwise.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


class Average:
    """A moving average [3] of a model's weights; buffers are taken over as they are.

    The decay at a step is at most (1 + step) / (10 + step), so that the first weights are forgotten.

    Args:
        model: whose weights it begins with.
        decay: of what was averaged before, in [0, 1).

    Attributes:
        module: a model of the averaged weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.module, self._decay = copy.deepcopy(model), decay
        self.module.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step, numbered from 0; nothing is asked of their device."""
        weight = 1 - min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.module.parameters()), list(model.parameters()), weight)
        for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
            own.copy_(other)
