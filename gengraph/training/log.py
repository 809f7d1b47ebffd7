"""What a training loop keeps an eye on: its clocks, the losses of its steps, its speed, and Ctrl-C."""

import math
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from gengraph.errors import TrainingDiverged
from gengraph.training.likelihood import per_unit

_EXPLODED = 10.0  # times what guessing costs: a bad batch stays far below that, weights that have run away do not
_UNCHECKED = 16  # losses on a GPU that are not waited for yet


class Clock:
    """Wall and CPU seconds of training, those before a resumption included."""

    def __init__(self, wall: float = 0.0, cpu: float = 0.0) -> None:
        self.wall, self.cpu = wall, cpu
        self.start()

    def start(self) -> None:
        """What passes from here on counts."""
        self._wall, self._cpu = time.monotonic() - self.wall, time.process_time() - self.cpu

    def tick(self) -> None:
        """Read the clocks."""
        self.wall, self.cpu = time.monotonic() - self._wall, time.process_time() - self._cpu


@dataclass(frozen=True, slots=True)
class StepLoss:
    """What a step's graphs cost on all ranks; it may still be computed.

    Attributes:
        total: float[], summed over the graphs.
        parts: float[] each, by name, likewise.
        units: what they are divided by in reports (`gengraph.models.family.Loss`).
        guess: what a model that has learned nothing would cost.
        num_graphs: of the step.
        losses_of_data: what the coding could not keep, by name.
        step: its number.
        learning_rate: it was made with.
    """

    total: Tensor
    parts: Mapping[str, Tensor]
    units: Mapping[str, int]
    guess: float
    num_graphs: int
    losses_of_data: Mapping[str, int]
    step: int
    learning_rate: float

    def check(self) -> float:
        """The total, once it is there.

        Raises:
            TrainingDiverged: it is not finite, or ten times what guessing costs.
        """
        total = self.total.item()
        became = f"the loss became {{}} a graph at step {self.step}, learning rate {self.learning_rate:.2g}"
        check_loss(total, self.guess, self.num_graphs, became)
        return total


def check_loss(total: float, guess: float, num_graphs: int, became: str) -> None:
    """Whether a loss of so many graphs is one that can be trained on.

    Raises:
        TrainingDiverged: it is not finite, or ten times what guessing costs; `became` says which it is.
    """
    if math.isfinite(total) and total <= _EXPLODED * guess:
        return
    guessing = f" (guessing would cost {guess / num_graphs:.4g})" if math.isfinite(guess) else ""
    msg = (
        f"{became.format(f'{total / num_graphs:.4g}')}{guessing}; the last good checkpoint is kept; train again with a smaller "
        "training.learning_rate"
    )
    raise TrainingDiverged(msg)


class Log:
    """Speed since the last report, and the loss over the last epoch."""

    def __init__(self, epoch_steps: int, clock: Clock) -> None:
        self._clock, self._reported = clock, clock.wall
        self._graphs = 0
        self._unchecked: list[StepLoss] = []
        self._last: deque[tuple[float, dict[str, float], Mapping[str, int]]] = deque(maxlen=epoch_steps)

    @property
    def waited(self) -> float:
        """Seconds since the last report."""
        return self._clock.wall - self._reported

    def add(self, loss: StepLoss) -> None:
        """Note a step's loss; on a GPU only that of some steps before is asked for, which is there by now."""
        self._unchecked.append(loss)
        self._graphs += loss.num_graphs
        if loss.total.device.type == "cpu":
            self.check()
        elif len(self._unchecked) >= _UNCHECKED:
            self.check(but=_UNCHECKED // 2)

    def check(self, *, but: int = 0) -> None:
        """Wait for the losses that were added, but for the last few.

        Raises:
            TrainingDiverged: one of them is not finite, or has exploded.
        """
        checked = self._unchecked[: len(self._unchecked) - but]
        for loss in checked:
            parts = {name: part.item() for name, part in loss.parts.items()}
            self._last.append((loss.check(), parts, loss.units))
        del self._unchecked[: len(checked)]

    def flush(self) -> dict[str, float]:
        """Speed and loss; the speed is measured anew from here on."""
        self.check()
        values = {"graphs_per_s": self._graphs / max(self.waited, 1e-9)}
        self._reported, self._graphs = self._clock.wall, 0
        losses: Counter[str] = Counter()
        units: Counter[str] = Counter()
        for total, parts, of_step in self._last:
            losses.update({"loss": total, **parts})
            units.update(of_step)
        return values | describe_losses(losses, units)


def describe_losses(losses: Mapping[str, float], units: Mapping[str, int], prefix: str = "") -> dict[str, float]:
    """The loss by every unit, and its parts a graph, as reports have them."""
    per_graph = {prefix + name: value / units["graph"] for name, value in losses.items() if name != "loss" and units["graph"]}
    return per_unit(losses["loss"], units, f"{prefix}loss") | per_graph


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that a step is never left half done; a second Ctrl-C interrupts at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def handle(_signal: int, _frame: object) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
