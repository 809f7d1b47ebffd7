"""A cluster of four nodes that loses one in the middle of a large graph: `python four_nodes.py FOLDER EDGES`.

The folder holds the graph then as the cluster drew it, and as one process did. Says what both took.
"""

import json
import logging
import sys
import time
from functools import partial
from pathlib import Path

from simulated import CPU, simulated_cluster

from gengraph.benchmarks.scale.growing import degrees_of
from gengraph.distributed.sample import sample_shards
from gengraph.large.cells import SHARD_EDGES
from gengraph.large.folder import grow_into
from gengraph.large.matching import MatchingPlan
from gengraph.sampling.writing import write_here
from gengraph.storage import Folder

_SHARDS = 50  # at least


def main(folder: Path, num_edges: int) -> None:
    logging.disable(logging.WARNING)
    plan, took = MatchingPlan.of(degrees_of(num_edges), most=min(SHARD_EDGES, num_edges // _SHARDS)), {}
    with simulated_cluster(4) as nodes:
        done = 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            if len(nodes) == 3 and done > plan.expected.sum() / 2:
                took["lost at"] = done
                nodes.lose_one()

        before = time.perf_counter()
        spread = partial(sample_shards, workers=4, per_worker=CPU)
        drawn = grow_into(Folder(str(folder / "cluster")), plan, {}, write_shards=spread, report=report)
        took["cluster, s"] = round(time.perf_counter() - before, 1)
        assert len(nodes) == 2, "drawn to the end before the node was lost"
    before = time.perf_counter()
    alone = grow_into(Folder(str(folder / "one")), plan, {}, write_shards=write_here)
    took["one process, s"] = round(time.perf_counter() - before, 1)
    assert drawn == alone, "other hashes"
    print(json.dumps(took))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(float(sys.argv[2])))
