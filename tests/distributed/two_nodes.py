"""A cluster of two nodes with a CPU each that loses one while it trains, gets another, and loses that while it samples."""

import logging
import sys
from pathlib import Path
from typing import Any

from simulated import CPU, simulated_cluster, wait_for_cpus

from gengraph.data import load_dataset, split_graphs
from gengraph.distributed.sample import sample_shards
from gengraph.distributed.train import train_on_ray
from gengraph.runs.folders import create_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import SampleRequest
from gengraph.storage import Folder
from gengraph.training.config import Config

STEPS = 400
SMALL = ["model.hidden_size=8", "model.embedding_size=4", "model.head.hidden_size=4", "model.head.num_layers=1"]


def main(folder: Path) -> None:
    logging.disable(logging.WARNING)
    config = Config().replace([*SMALL, f"training.steps={STEPS}", "training.checkpoint_every=0.3"])
    create_run(folder / "g", dataset="grid-small", split=split_graphs(load_dataset("grid-small")), split_seed=0, config=config)
    with simulated_cluster(2) as nodes:

        def lose_node_at(reached: bool) -> None:
            if reached and nodes:
                nodes.lose_one()

        def train_report(metrics: dict[str, Any]) -> None:
            lose_node_at(metrics["step"] >= STEPS // 8)

        done = train_on_ray(folder / "g", workers=2, min_workers=1, per_worker=CPU, max_failures=2, report=train_report)
        assert done == STEPS, done
        assert not nodes, "trained to the end before the node was lost"

        nodes.add()
        wait_for_cpus(2)
        sampled = 0

        def sample_report(count: int) -> None:
            nonlocal sampled
            sampled += count
            lose_node_at(sampled >= 2000)

        def write_shards(make: Any, shards: Any, report: Any) -> None:
            sample_shards(make, shards, workers=2, per_worker=CPU, report=report)

        request = SampleRequest(num_graphs=20_000, shard_size=500, conditions=Conditions(max_num_node=12))
        sample_run(folder / "g", Folder(str(folder / "s")), request, write_shards=write_shards, report=sample_report)
        assert not nodes, "sampled to the end before the node was lost"
        assert sampled == request.num_graphs, sampled


if __name__ == "__main__":
    main(Path(sys.argv[1]))
