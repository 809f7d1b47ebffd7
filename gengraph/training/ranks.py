"""The ranks of a training: what they agree on, and whether they still train the same model."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from gengraph.errors import RanksDiverged
from gengraph.training.log import StepLoss

_TOLERANCE = 1e-4  # of a tensor's absolute sum: processors may round differently, and no more than that
Shared = tuple[StepLoss, list[float]]
"""A step's loss over all ranks, and what rank 0 has decided after it."""


class Ranks:
    """One rank among those that train together; all call each method in the same places.

    Args:
        rank: of this process.
        world: how many there are.
        device: where they talk.
        late: whether a step is known to all only when the next is taken, so that none waits for the device.
    """

    def __init__(self, rank: int, world: int, device: torch.device, *, late: bool) -> None:
        self.rank, self.world, self._device, self._late = rank, world, device, late
        self._coming: Callable[[], Shared] | None = None

    def agreed(self, number: float) -> float:
        """What rank 0 says."""
        if self.world == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=self._device)
        torch.distributed.broadcast(shared, src=0)
        return shared.item()

    def share(self, loss: StepLoss, *decisions: float) -> Shared | None:
        """What a step has cost and what was decided after it, on all ranks; late, that of the step before, None at first."""
        if self.world == 1:
            return loss, list(decisions)
        before, self._coming = self._coming, self._send(loss, decisions)
        if self._late:
            return before() if before else None
        return self.rest()

    def rest(self) -> Shared | None:
        """What was not told yet."""
        coming, self._coming = self._coming, None
        return coming() if coming else None

    def _send(self, loss: StepLoss, decisions: tuple[float, ...]) -> Callable[[], Shared]:
        """Add the numbers of all ranks, and return what reads the sums."""
        decided = decisions if self.rank == 0 else [0.0] * len(decisions)
        counts = [*loss.units.values(), *loss.losses_of_data.values(), loss.guess, *decided]
        told = torch.tensor(counts, dtype=torch.float64).to(self._device, non_blocking=True)
        numbers = torch.cat([torch.stack([loss.total.double(), *(part.double() for part in loss.parts.values())]), told])
        torch.distributed.all_reduce(numbers)
        here, arrived = numbers.to("cpu", non_blocking=True), None
        if numbers.is_cuda:
            arrived = torch.cuda.Event()
            arrived.record(torch.cuda.current_stream(numbers.device))

        def read() -> Shared:
            if arrived is not None:
                arrived.synchronize()
            return _told(loss, here)

        return read

    def check(self, step: int, model: nn.Module) -> None:
        """Compare step and weights of all ranks.

        Raises:
            RanksDiverged: they differ by more than rounding.
        """
        if self.world == 1:
            return
        sums = [parameter.detach().abs().sum(dtype=torch.float64) for parameter in model.parameters()]
        mine = torch.stack([torch.tensor(float(step), dtype=torch.float64, device=self._device), *sums])
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


def _told(loss: StepLoss, numbers: Tensor) -> Shared:
    """A step's loss with the sums of all ranks, and what rank 0 has decided."""
    sums, shared = numbers[: 1 + len(loss.parts)], iter(numbers[1 + len(loss.parts) :].tolist())
    whole = replace(
        loss,
        total=sums[0],
        parts=dict(zip(loss.parts, sums[1:], strict=True)),
        units={name: int(next(shared)) for name in loss.units},
        losses_of_data={name: int(next(shared)) for name in loss.losses_of_data},
        guess=next(shared),
    )
    return whole, list(shared)
