"""Studies of quality: `python -m gengraph.benchmarks.studies goals --out results` trains, samples and judges; `--table` prints.

A trial is one training of one variant on one data set with one seed, for so many CPU seconds in one thread. Its line goes to
`OUT/STUDY.jsonl`; trials that have a line already are not run again, so a study can be stopped and gone on with. Samples are
as many as the training graphs, at least 100; nothing is filtered, sizes are not matched. Trials whose choice the results
decide are judged on the validation graphs, published ones on the test graphs.
"""

import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from gengraph.config import Config, load_config
from gengraph.data import load_dataset, split_graphs
from gengraph.graphs import GraphSet
from gengraph.metrics import VALIDITY, evaluate, novelty
from gengraph.sampling import sample_graphs
from gengraph.training import Trainer, prepare_graphs, prepare_part

LEAST_SAMPLES = 100
_VERSIONED = ("gengraph", "torch", "numpy", "numba")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training.

    Attributes:
        dataset: a named data set.
        variant: what is special about it, for the table.
        preset: of the config.
        settings: changes of the preset, as `--set` takes them.
        minutes: CPU minutes of training, one thread.
        seed: of weights, batches, orderings and samples; the split is always that of seed 0.
        part: what it is judged on, validation or test.
    """

    dataset: str
    variant: str
    preset: str
    settings: tuple[str, ...] = ()
    minutes: float
    seed: int
    part: str

    def config(self) -> Config:
        """The preset with its changes, trained for the minutes."""
        length = ("training.clock=cpu", f"training.budget={60 * self.minutes}", f"training.seed={self.seed}")
        return load_config(self.preset).replace([*self.settings, *length])


def run_trial(trial: Trial) -> dict[str, Any]:
    """Train, sample and judge."""
    import torch

    torch.set_num_threads(1)
    config = trial.config()
    split = split_graphs(load_dataset(trial.dataset), seed=0)
    train, facts, _ = prepare_graphs(split.train, config)
    validation = prepare_part(split.validation, config)
    trainer = Trainer(config, facts, train, validation)
    curve: list[dict[str, Any]] = []
    trainer.run(curve.append, lambda _checkpoint: None)
    checkpoint = trainer.checkpoint()
    start = time.process_time()
    count = max(LEAST_SAMPLES, len(train))
    samples = sample_graphs(checkpoint.build_model(), np.arange(count), seed=trial.seed).graphs
    seconds = (time.process_time() - start) / count
    return asdict(trial) | {
        "config": config.to_dict(),
        "steps": trainer.step,
        "nll": curve[-1]["nll"] if curve else None,
        "validation_nll": [[c["seconds"], c["validation_nll"]] for c in curve if "validation_nll" in c],
        "sample_seconds": seconds,
        **judge(samples, train, validation if trial.part == "validation" else split.test, trial.dataset),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED},
    }


def judge(samples: GraphSet, train: GraphSet, reference: GraphSet, dataset: str) -> dict[str, Any]:
    """Squared MMD under `emd` and `tv`, sizes, and the shares of valid, unique and novel samples."""
    test = dataset.partition(":")[0].removesuffix("-small")
    counts = novelty(train, samples, valid=test if test in VALIDITY else None).to_dict()
    shares = {name: value["count"] / value["total"] for name, value in counts.items() if isinstance(value, dict)}
    new_sizes = ~np.isin(samples.num_nodes, np.unique(train.num_nodes))
    report: dict[str, Any] = {
        "num_samples": len(samples),
        "mean_num_nodes": [float(samples.num_nodes.mean()), float(reference.num_nodes.mean())],
        "unseen_size": float(new_sizes.mean()),
        **shares,
    }
    if test in VALIDITY:
        report["valid_of_unseen_size"] = float((new_sizes & VALIDITY[test](samples)).mean())
    for protocol in ("emd", "tv"):
        result = evaluate(reference, samples, protocol=protocol, train=train).to_dict()["metrics"]
        report[protocol] = {name: metric["mmd2"] for name, metric in result.items()}
        report[f"{protocol}_floor"] = {name: metric["floor"] for name, metric in result.items()}
    return report
