"""What the growing of one large graph costs on this machine, and runs of it beside what is predicted."""

import contextlib
import os
import tempfile
import time
from functools import partial
from typing import Any

import numpy as np

from gengraph.benchmarks.scale.model import Cluster, Costs, beside, growing
from gengraph.graphs import Int64Array
from gengraph.large.folder import EdgeShard, EdgeWriter, ShardsWriter, grow_into, shards_of
from gengraph.large.matching import MatchingPlan
from gengraph.sampling.writing import write_here
from gengraph.storage import Folder

_EDGES = 10_000_000
_MEAN_DEGREE = 20
_TURNS = 3


def degrees_of(num_edges: int) -> Int64Array:
    """int64[n] with a heavy tail, falling, their mean about 20 and their sum even."""
    n = 2 * num_edges // _MEAN_DEGREE
    degrees = np.minimum(_MEAN_DEGREE / 2 / np.sqrt((np.arange(n) + 0.5) / n), 1000).astype(np.int64)
    degrees[0] += degrees.sum() % 2
    return degrees


def grow_costs(num_edges: int = _EDGES) -> dict[str, float]:
    """CPU seconds a node of a plan, and CPU seconds and bytes an edge of its shards."""
    degrees = degrees_of(num_edges)
    start = time.process_time()
    plan = MatchingPlan.of(degrees)
    planned = time.process_time() - start
    with tempfile.TemporaryDirectory() as temporary:
        write, shards = EdgeWriter(plan, 0, Folder(temporary)), shards_of(plan)
        write(shards[0])  # compiles
        seconds = min(_cpu_seconds(write, shards) for _ in range(_TURNS))
        stored = sum(len(Folder(temporary).read(shard.filename)) for shard in shards)
    edges = sum(shard.count for shard in shards)
    return {"edge_s": seconds / edges, "edge_bytes": stored / edges, "plan_node_s": planned / len(degrees)}


def _cpu_seconds(write: EdgeWriter, shards: list[EdgeShard]) -> float:
    start = time.process_time()
    for shard in shards:
        write(shard)
    return time.process_time() - start


def check_growing(costs: Costs, num_edges: int, *, turns: int) -> dict[str, Any]:
    """Seconds of this process alone (0), and of 1 and 2 workers, beside the prediction."""
    cores, degrees = os.cpu_count() or 1, degrees_of(num_edges)
    report: dict[str, Any] = {"cores": cores, "load_before": os.getloadavg()[0]}
    for workers in (0, 1, 2):
        cluster = Cluster(workers=max(workers, 1), cores=cores)
        expected = growing(costs, cluster, edges=int(degrees.sum()) // 2, nodes=len(degrees))
        predicted = {"work_s": expected.work_s}
        if not workers:
            predicted["cpu_s"] = costs.edge_s * float(degrees.sum()) / 2 + expected.end_s
        report[str(workers)] = beside(predicted, [grown(degrees, workers) for _ in range(turns)])
    return report | {"load_after": os.getloadavg()[0]}


def grown(degrees: Int64Array, workers: int) -> dict[str, float]:
    """Wall seconds of all shards, by the pace from the tenth part on, and CPU seconds of this process."""
    marks: list[tuple[float, int]] = []
    plan, cpu = MatchingPlan.of(degrees), time.process_time()
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        write_shards: ShardsWriter = write_here
        if workers:
            from gengraph.distributed.cluster import session
            from gengraph.distributed.sample import sample_shards

            stack.enter_context(session())
            write_shards = partial(sample_shards, workers=workers, per_worker={"CPU": 1.0})
        grow_into(
            Folder(temporary),
            plan,
            {},
            write_shards=write_shards,
            report=lambda count: marks.append((time.perf_counter(), marks[-1][1] + count if marks else count)),
        )
    last, total = marks[-1]
    warm, done = next(mark for mark in marks if mark[1] >= total / 10)
    return {"work_s": (last - warm) / (1 - done / total), "cpu_s": time.process_time() - cpu}
