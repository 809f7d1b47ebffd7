"""What a training loop keeps an eye on: its clocks, the losses of its steps, its speed, and Ctrl-C."""

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from gengraph.errors import TrainingDiverged
from gengraph.models.likelihood import Extent

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
class Loss:
    """The negative log-likelihood of a step's graphs on this rank, which may still be computed.

    `num_graphs` counts those of all ranks, `num_cut` the edges of this rank's that did not fit into a window.
    """

    nll: Tensor
    extent: Extent
    num_graphs: int
    num_cut: int
    step: int
    learning_rate: float

    def check(self) -> float:
        """The number, once it is there.

        Raises:
            TrainingDiverged: it is not finite, or ten times what guessing costs: log 2 a bit, log 3 a decision of a row.
        """
        nll = self.nll.item()
        guess = self.extent.num_edge_bits * math.log(2) + self.extent.num_nodes * math.log(3)
        if nll <= _EXPLODED * guess:  # not so if it is nan
            return nll
        msg = (
            f"the loss became {nll / self.extent.num_graphs:.4g} nats a graph at step {self.step}, learning rate "
            f"{self.learning_rate:.2g} (guessing would cost {guess / self.extent.num_graphs:.4g}); the last good checkpoint is "
            "kept; train again with a smaller training.learning_rate"
        )
        raise TrainingDiverged(msg)


class Log:
    """Speed since the last report, and the loss over the last epoch."""

    def __init__(self, epoch_steps: int, clock: Clock) -> None:
        self._clock, self._reported = clock, clock.wall
        self._graphs = 0
        self._unchecked: list[Loss] = []
        self._last: deque[tuple[float, Extent]] = deque(maxlen=epoch_steps)

    @property
    def waited(self) -> float:
        """Seconds since the last report."""
        return self._clock.wall - self._reported

    def add(self, loss: Loss) -> None:
        """Note a step's loss; on a GPU it is waited for every few steps only."""
        self._unchecked.append(loss)
        self._graphs += loss.num_graphs
        if loss.nll.device.type == "cpu" or len(self._unchecked) >= _UNCHECKED:
            self.check()

    def check(self) -> None:
        """Wait for the losses that were added.

        Raises:
            TrainingDiverged: one of them is not finite, or has exploded.
        """
        for loss in self._unchecked:
            self._last.append((loss.check(), loss.extent))
        self._unchecked.clear()

    def flush(self) -> dict[str, float]:
        """Speed and loss; the speed is measured anew from here on."""
        self.check()
        values = {"graphs_per_s": self._graphs / max(self.waited, 1e-9)}
        self._reported, self._graphs = self._clock.wall, 0
        return values | sum((extent for _, extent in self._last), Extent()).divide(sum(nll for nll, _ in self._last))


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
