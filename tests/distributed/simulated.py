"""A simulated cluster: its nodes are processes of this machine, and any but the head can be lost."""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gengraph.distributed.cluster import capacity_for, session

CPU = {"CPU": 1.0}


class Nodes:
    """Nodes with a CPU each, beside the head."""

    def __init__(self, cluster: Any) -> None:
        self._cluster, self._there = cluster, []

    def __len__(self) -> int:
        return len(self._there)

    def add(self) -> None:
        self._there.append(self._cluster.add_node(num_cpus=1))

    def lose_one(self) -> None:
        """As when its power fails."""
        self._cluster.remove_node(self._there.pop(), allow_graceful=False)


@contextlib.contextmanager
def simulated_cluster(count: int) -> Iterator[Nodes]:
    """A connection to a cluster of so many nodes, the head among them."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes = Nodes(cluster)
    for _ in range(count - 1):
        nodes.add()
    with session(cluster.address):
        wait_for_cpus(count)
        yield nodes
    cluster.shutdown()


def wait_for_cpus(count: int) -> None:
    while capacity_for(CPU) < count:
        time.sleep(0.2)


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script of this folder in a process of its own, since a process can join one Ray only."""
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "15",  # how long Ray waits for the lost node's room
    }
    script = str(Path(__file__).with_name(name))
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, timeout=390, env=environment, check=False
    )
