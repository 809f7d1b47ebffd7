"""The ranks of a training: what they agree on, and whether they still train the same model."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from gengraph.errors import RanksDiverged
from gengraph.training.log import StepLoss

_TOLERANCE = 1e-4  # of a tensor's absolute sum: processors may round differently, and no more than that


@dataclass(frozen=True, slots=True)
class Ranks:
    """One rank among those that train together; they call each method together.

    Attributes:
        rank: of this process.
        world: how many there are.
        device: where they talk.
    """

    rank: int
    world: int
    device: torch.device

    def agreed(self, number: float) -> float:
        """What rank 0 says."""
        if self.world == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(shared, src=0)
        return shared.item()

    def share(self, loss: StepLoss, *decisions: float) -> tuple[StepLoss, list[float]]:
        """A step's loss over all ranks, and what rank 0 has decided."""
        if self.world == 1:
            return loss, list(decisions)
        decided = decisions if self.rank == 0 else [0.0] * len(decisions)
        counts = [*loss.units.values(), *loss.losses_of_data.values(), loss.guess, *decided]
        measured = torch.stack([loss.total.double(), *(part.double() for part in loss.parts.values())])
        numbers = torch.cat([measured, torch.tensor(counts, dtype=torch.float64, device=self.device)])
        torch.distributed.all_reduce(numbers)
        sums, shared = numbers[: len(measured)], iter(numbers[len(measured) :].tolist())
        whole = replace(
            loss,
            total=sums[0],
            parts=dict(zip(loss.parts, sums[1:], strict=True)),
            units={name: int(next(shared)) for name in loss.units},
            losses_of_data={name: int(next(shared)) for name in loss.losses_of_data},
            guess=next(shared),
        )
        return whole, list(shared)

    def check(self, step: int, model: nn.Module) -> None:
        """Compare step and weights of all ranks.

        Raises:
            RanksDiverged: they differ by more than rounding.
        """
        if self.world == 1:
            return
        sums = [parameter.detach().abs().sum(dtype=torch.float64) for parameter in model.parameters()]
        mine = torch.stack([torch.tensor(float(step), dtype=torch.float64, device=self.device), *sums])
        ranks = [torch.empty_like(mine) for _ in range(self.world)]
        torch.distributed.all_gather(ranks, mine)
        names = ["step", *(f"sum of |{name}|" for name, _ in model.named_parameters())]
        for rank, theirs in enumerate(ranks):
            differ = ~torch.isclose(theirs, ranks[0], rtol=_TOLERANCE, atol=0.0, equal_nan=True)
            if differ.any():
                k = int(differ.nonzero()[0])
                msg = (
                    f"ranks 0 and {rank} of {self.world} no longer train the same model: at step {step} their {names[k]} "
                    f"is {ranks[0][k]:.9g} and {theirs[k]:.9g}; the newest checkpoint is from before: resume the run, and "
                    "if it happens again leave out that rank's machine"
                )
                raise RanksDiverged(msg)
