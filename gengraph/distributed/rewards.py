"""Rewards that are computed on Ray workers, for those that are slow."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import ray

from gengraph.graphs import GraphSet
from gengraph.rewards.find import FloatArray, Reward, find_reward

_PIECES = 4  # of a batch, for each worker: so that none waits long for the slowest


def reward_on_ray(name: str, *, workers: int, per_worker: dict[str, float]) -> Reward:
    """A reward whose graphs are spread over workers; the same numbers as in this process.

    Args:
        name: as `gengraph.rewards.find_reward` has it; a file must be readable by every worker.
        workers: tasks at a time.
        per_worker: what each needs, {"CPU": 1.0} say.

    Raises:
        InputError: there is no such reward.
    """
    find_reward(name)  # an error now, not on a worker
    path, colon, function = name.rpartition(":")
    placed = f"{Path(path).resolve()}:{function}" if colon and path.endswith(".py") else name
    task = ray.remote(num_cpus=per_worker["CPU"], num_gpus=per_worker.get("GPU", 0.0))(_score)

    def reward(graphs: GraphSet) -> FloatArray:
        bounds = np.linspace(0, len(graphs), min(len(graphs), _PIECES * workers) + 1).astype(int).tolist()
        pieces = [graphs[first:last] for first, last in pairwise(bounds)]
        scores: FloatArray = np.concatenate([np.zeros(0), *ray.get([task.remote(placed, piece) for piece in pieces])])
        return scores

    return reward


@cache
def _loaded(name: str) -> Reward:
    return find_reward(name)


def _score(name: str, graphs: GraphSet) -> FloatArray:
    return _loaded(name)(graphs)
