"""Ray for the time of a command that asked for workers."""

import contextlib
from collections.abc import Iterator

from gengraph.cli.guard import Debug


def resources(cpus: float, gpus: float) -> dict[str, float]:
    """What each worker needs, as Ray names it."""
    return {"CPU": cpus, **({"GPU": gpus} if gpus else {})}


@contextlib.contextmanager
def workers_session(
    workers: int | None,
    per_worker: dict[str, float],
    address: str | None,
    *,
    min_workers: int | None = None,
    wait: float = 0.0,
) -> Iterator[int]:
    """A Ray that can hold the workers; yields their number. With 0 nothing is started, and Ray is not imported.

    Args:
        workers: None takes as many as the cluster can hold.
        per_worker: CPU and GPU of each.
        address: of a running cluster; None starts Ray on this machine.
        min_workers: so many will do if the cluster has no more.
        wait: seconds to wait for nodes of a running cluster.

    Raises:
        NotEnoughResources: the machine or the cluster is too small.
    """
    if workers == 0:
        yield 0
        return
    from gengraph.distributed.cluster import capacity_for, check_local, fit_workers, session

    if address is None:
        check_local(min_workers or workers or 1, per_worker)
    with session(address, debug=Debug.on):
        wanted = workers or max(1, capacity_for(per_worker))
        yield fit_workers(wanted, per_worker, at_least=min_workers, wait=wait if address else 0.0)
