"""Start a local Ray or join a running one, and ask whether it is large enough.

Authentication: Ray's daemons listen on every interface of the machine and cannot be told not to, so every local session gets
a token of its own that lives as long as the process. It has no dashboard.
"""

import contextlib
import logging
import math
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gengraph.errors import NotEnoughResources

logger = logging.getLogger(__name__)

_ENVIRONMENT = {  # set before Ray is imported; what the user has set stays
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # else workers print twice
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # how often the driver looks; 2 s by default
    "RAY_TRAIN_COLLECTIVE_TIMEOUT_S": "600",  # ranks that diverge would wait for ever
    "RAY_worker_niceness": "0",  # as nice as the command; 15 by default, which beside other programs is next to no CPU
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a task without GPUs leaves the variables of GPUs alone
}

_DEAD = re.compile(r"node id: (?P<node>\w+) and address: (?P<address>\S+) .*has been marked dead", re.DOTALL)
_ANSWER_S = 10.0  # for a cluster to accept a connection


def _set_authentication(address: str | None) -> None:
    if "RAY_AUTH_MODE" in os.environ or "ray" in sys.modules:
        return
    known = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ) or (Path.home() / ".ray" / "auth_token").exists()
    if address is None:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    elif known:
        os.environ["RAY_AUTH_MODE"] = "token"


@contextlib.contextmanager
def session(address: str | None = None, *, num_cpus: int | None = None, debug: bool = False) -> Iterator[None]:
    """A connection to Ray for the time of the block; one that is there already is used and left as it is.

    Args:
        address: None starts a local Ray, "auto" or "host:port" joins a running one.
        num_cpus: of a local Ray; by default those that this process may use.
        debug: show what workers log.

    Raises:
        NotEnoughResources: no Ray runs at the address.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if address is not None:
        _check_answer(address)
    _set_authentication(address)
    import ray

    if ray.is_initialized():
        yield
        return
    if not debug:
        ray._private.worker.print_to_stdstream = _tell_of_nodes  # with it the driver prints the daemons' last lines
    options: dict[str, Any] = {"log_to_driver": debug, "logging_level": "INFO" if debug else "ERROR"}
    if address is None:
        options |= {"address": "local", "num_cpus": num_cpus or local_cpus(), "include_dashboard": False}
    else:
        options["address"] = address
    try:
        with _own_sigterm():
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address is None:
            raise
        raise _no_answer(address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """The process's own answer to SIGTERM stays; Ray aborts the process with a trace of its C++ instead."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _tell_of_nodes(data: dict[str, Any], **_how: Any) -> None:
    """Of what Ray's daemons report, one line where a node has died; Ray prints the state of their C++ on standard output."""
    found = _DEAD.search("\n".join(data["lines"]))
    if found:
        logger.warning("node %s (%s) of the cluster has died", found["address"], found["node"][:8])


def _check_answer(address: str) -> None:
    """Whether anything listens at host:port; Ray itself tries for many minutes.

    Raises:
        NotEnoughResources: nothing does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(address, error) from error


def _no_answer(address: str, error: Exception) -> NotEnoughResources:
    why = str(error).partition("\n")[0].strip()
    return NotEnoughResources(
        f"no Ray cluster answers at {address} ({why}); start one with `ray start`, check the address, or leave it out"
    )


def check_local(wanted: int, per_worker: dict[str, float]) -> None:
    """Check that a Ray started on this machine can hold the workers, before it is started, which takes a while.

    Raises:
        NotEnoughResources: it has too few CPUs.
    """
    ray = sys.modules.get("ray")  # not imported here: the environment must be set before
    if ray is not None and ray.is_initialized():
        return
    cpus = local_cpus()
    capacity = math.floor(cpus / per_worker["CPU"] + 1e-9)
    if capacity < wanted:
        raise _too_small(wanted, per_worker, capacity, {"CPU": cpus}, "this machine")


def local_cpus() -> int:
    """CPUs that this process may use: of the machine, its affinity and the quota of its container."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cpus = min(cpus, math.ceil(int(quota) / int(period)))
    return max(1, cpus)


def fit_workers(wanted: int, per_worker: dict[str, float], *, at_least: int | None = None, wait: float = 0.0) -> int:
    """How many workers the cluster can hold now, each on one node; Ray itself would wait for ever.

    Args:
        wanted: number of workers.
        per_worker: what each needs, {"CPU": 1.0} say.
        at_least: the least number that will do; by default all.
        wait: seconds to wait for nodes that are still joining; an autoscaler is asked for them.

    Returns:
        A number from at_least to wanted.

    Raises:
        NotEnoughResources: it cannot hold enough, with the numbers and the ways out.
    """
    import ray

    deadline = time.monotonic() + wait
    least = wanted if at_least is None else at_least
    asked = False
    while (capacity := capacity_for(per_worker)) < least:
        if time.monotonic() >= deadline:
            raise _too_small(least, per_worker, capacity, ray.cluster_resources(), "the cluster")
        if not asked:
            asked = _ask_autoscaler([per_worker] * wanted)
        time.sleep(0.5)
    if asked:
        _ask_autoscaler([])
    return min(wanted, capacity)


def _ask_autoscaler(bundles: list[dict[str, float]]) -> bool:
    from ray.autoscaler.sdk import request_resources

    request_resources(bundles=bundles)
    return True


def _too_small(
    wanted: int, per_worker: dict[str, float], capacity: int, resources: dict[str, float], place: str
) -> NotEnoughResources:
    need = " and ".join(f"{amount:g} {name}" for name, amount in per_worker.items())
    have = " and ".join(f"{resources.get(name, 0):g} {name}" for name in per_worker)
    share = _shared(resources.get("CPU", 0), wanted)
    return NotEnoughResources(
        f"asked for {wanted} worker{'' if wanted == 1 else 's'} with {need} each, but {place} with {have} can hold {capacity}; "
        f"use {max(capacity, 0)} workers, let workers share CPUs with {share:g} CPUs each, or join a larger cluster"
    )


def _shared(cpus: float, workers: int) -> float:
    """A share of a CPU that lets all workers in."""
    return max(0.01, math.floor(100 * cpus / workers) / 100)


def capacity_for(per_worker: dict[str, float]) -> int:
    """How many such workers the cluster can hold, each on one node."""
    import ray

    total = 0
    for node in ray.nodes():
        if node["Alive"]:
            resources = node["Resources"]
            total += min(math.floor(resources.get(name, 0.0) / amount + 1e-9) for name, amount in per_worker.items())
    return total
