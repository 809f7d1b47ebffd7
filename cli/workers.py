"""Ray for the time of a command that asked for workers."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from gengraph.cli.guard import Debug
from gengraph.errors import InputError
from gengraph.tables import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerGroup:
    """Workers that train together, as the options of the same names say.

    Raises:
        InputError: more must be there than are asked for.
    """

    workers: int
    min_workers: int | None
    cpus_per_worker: float
    gpus_per_worker: float
    wait_for_resources: float | None
    max_failures: int
    address: str | None

    def __post_init__(self) -> None:
        if self.min_workers is not None and self.min_workers > self.workers:
            msg = f"--min-workers must be <= --workers, got {self.min_workers} and {self.workers}; give more --workers"
            raise InputError(msg)

    @property
    def per_worker(self) -> dict[str, float]:
        """What each needs."""
        return resources(self.cpus_per_worker, self.gpus_per_worker)

    def session(self) -> contextlib.AbstractContextManager[int]:
        """A Ray that can hold them; none if there are none."""
        wait = self.wait_for_resources or 0.0
        return workers_session(self.workers, self.per_worker, self.address, min_workers=self.min_workers, wait=wait)


def resources(cpus: float, gpus: float) -> dict[str, float]:
    """What each worker needs, as Ray names it."""
    return {"CPU": cpus, **({"GPU": gpus} if gpus else {})}


@contextlib.contextmanager
def workers_session(
    workers: int,
    per_worker: dict[str, float],
    address: str | None,
    *,
    min_workers: int | None = None,
    wait: float = 0.0,
) -> Iterator[int]:
    """A Ray that can hold the workers; yields their number. With 0 nothing is started, and Ray is not imported.

    Args:
        workers: how many.
        per_worker: CPU and GPU of each.
        address: of a running cluster; None starts Ray on this machine.
        min_workers: so many will do if the cluster has no more.
        wait: seconds to wait for nodes of a running cluster.

    Raises:
        NotEnoughResources: the machine or the cluster is too small, or this process is to use a GPU and finds none.
    """
    from gengraph.cli.progress import busy

    if workers == 0:
        if per_worker.get("GPU"):
            from gengraph.training.checkpoint import find_device

            find_device("cuda")
        yield 0
        return
    with contextlib.ExitStack() as ray:
        with busy("starting Ray" if address is None else f"joining the Ray cluster at {address}"):
            from gengraph.distributed.cluster import check_local, fit_workers, session

            if address is None:
                check_local(min_workers or workers, per_worker)
            ray.enter_context(session(address, debug=Debug.on))
        with busy(f"waiting for room for {counted(min_workers or workers, 'worker')}"):
            found = fit_workers(workers, per_worker, at_least=min_workers, wait=wait if address else 0.0)
        yield found


def shards_writer(workers: int, per_worker: dict[str, float]) -> Any:
    """What writes shards: this process, or workers of the Ray that it is connected to."""
    if workers == 0:
        from gengraph.sampling.writing import write_here

        return write_here

    from gengraph.distributed.sample import sample_shards  # Ray, which the session has prepared

    return partial(sample_shards, workers=workers, per_worker=per_worker)
