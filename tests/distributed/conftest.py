import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "60")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One local Ray with four logical CPUs for all tests here."""
    from gengraph.distributed.cluster import session

    with session(num_cpus=4):
        yield
