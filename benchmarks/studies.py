"""Studies of quality: `python -m gengraph.benchmarks.studies goals --out results` trains, samples and judges; `--table` prints.

A trial is one training of one variant on one data set with one seed, for so many CPU seconds in one thread. Its line goes to
`OUT/STUDY.jsonl`; trials that have a line already are not run again, so a study can be stopped and gone on with. Samples are
as many as the training graphs, at least 100; nothing is filtered, sizes are not matched. The model that samples is the one with
the least validation NLL of ten evaluations. Trials that decide on a preset are judged on the validation graphs, published ones
on the test graphs.
"""

import argparse
import itertools
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.config import BREADTH_FIRST, CONTEXT_FEATURES, Config, load_config, preset_for
from gengraph.data import load_dataset, split_graphs
from gengraph.graphs import GraphSet
from gengraph.likelihood import log_prob_bound
from gengraph.metrics import VALIDITY, evaluate, novelty
from gengraph.runs import MODEL_NAMES
from gengraph.sampling import Conditions, sample_graphs
from gengraph.training import Trainer, prepare_graphs, prepare_part

if TYPE_CHECKING:
    from gengraph.checkpoint import Checkpoint

LEAST_SAMPLES = 100
_VERSIONED = ("gengraph", "torch", "numpy", "numba")
HEADS = {model: head for head, model in MODEL_NAMES.items()}


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
        constraints: of the decoder; samples are drawn and judged under each.
    """

    dataset: str
    variant: str
    preset: str
    settings: tuple[str, ...] = ()
    minutes: float
    seed: int
    part: str
    constraints: tuple[str, ...] = ("none",)

    def config(self) -> Config:
        """The preset with its changes, trained for the minutes."""
        length = ("training.clock=cpu", f"training.budget={60 * self.minutes}", f"training.seed={self.seed}")
        return load_config(self.preset).replace([*self.settings, *length])


def run_trial(trial: Trial) -> dict[str, Any]:
    """Train, sample and judge; what was found under each constraint stands under its name."""
    import torch

    torch.set_num_threads(1)
    config = trial.config()
    split = split_graphs(load_dataset(trial.dataset), seed=0)
    train, facts, _ = prepare_graphs(split.train, config)
    validation = prepare_part(split.validation, config)
    trainer = Trainer(config, facts, train, validation)
    curve: list[dict[str, Any]] = []
    kept: dict[bool, Checkpoint] = {}  # by whether it is the best so far
    trainer.run(curve.append, lambda made: kept.update({made.selection.step == made.step: made}))
    checkpoint = kept.get(True, kept.get(False))
    assert checkpoint is not None
    model = checkpoint.build_model()
    parts = {"train": train, "validation": validation, "test": prepare_part(split.test, config)}
    judged = {}
    for constraint in trial.constraints:
        start, count = time.process_time(), max(LEAST_SAMPLES, len(train))
        conditions = Conditions(constraint=constraint)
        samples = sample_graphs(model, np.arange(count), seed=trial.seed, conditions=conditions).graphs
        seconds = (time.process_time() - start) / count
        judged[constraint] = {"sample_seconds": seconds, **judge(samples, train, parts[trial.part], trial.dataset)}
    return asdict(trial) | {
        "config": config.to_dict(),
        "steps": trainer.step,
        "step_of_model": checkpoint.step,
        "nll": {name: log_prob_bound(model, part, config, num_orderings=1).to_dict()["nll"] for name, part in parts.items()},
        "curve": [[line["seconds"], line["nll"], line["validation_nll"]] for line in curve if "validation_nll" in line],
        "judged": judged,
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


GOAL_MINUTES = {
    "ladder": 2,
    "grid": 10,
    "protein": 4,
    "community": 4,
    "community-small": 4,
    "ego": 4,
    "ego-small": 4,
    "enzymes": 4,
    "tree": 2,
    "lobster": 2,
    "planar": 20,
    "sbm": 20,
}
ORDERING_SETS = ("grid", "ladder", "community-small", "ego-small", "enzymes", "protein")
SEEDS = (0, 1, 2)


def goals(model: str) -> Iterator[Trial]:
    """A model with its presets on every data set, three seeds, on the test graphs."""
    for dataset, minutes in GOAL_MINUTES.items():
        preset = preset_for(model, dataset)
        settings = () if model in preset else (f"model.head={HEADS[model]}",)
        for seed in SEEDS:
            yield Trial(
                dataset=dataset,
                variant=model,
                preset=preset,
                settings=settings,
                minutes=minutes,
                seed=seed,
                part="test",
                constraints=("none", "planar") if (model, dataset) == ("graphrnn-c", "planar") else ("none",),
            )


def orderings() -> Iterator[Trial]:
    """GraphRNN and GraphRNN-S under four orderings, the same CPU time, on the validation graphs."""
    for dataset, ordering, model in itertools.product(
        ORDERING_SETS, ("cm", "bfs", "dfs", "degree"), ("graphrnn", "graphrnn-s")
    ):
        window = "adaptive" if ordering in BREADTH_FIRST else "fixed"
        settings = (f"model.head={HEADS[model]}", f"sequence.ordering={ordering}", f"sequence.window={window}")
        variant = f"{model} {ordering}"
        yield Trial(dataset=dataset, variant=variant, preset="default", settings=settings, minutes=1, seed=0, part="validation")


def ablation() -> Iterator[Trial]:
    """GraphRNN-C on proteins without one thing at a time, three seeds, on the validation graphs."""
    variants: dict[str, tuple[str, ...]] = {"graphrnn-c": ()}
    for feature in CONTEXT_FEATURES:
        kept = [name for name in CONTEXT_FEATURES if name != feature]
        variants[f"without {feature}"] = (f"model.context={json.dumps(kept)}",)
    variants["without any"] = ("model.context=[]",)
    variants["bfs instead of cm"] = ("sequence.ordering=bfs",)
    variants |= {f"{layers} layers": (f"model.num_layers={layers}",) for layers in (2, 4)}
    for (variant, settings), seed in itertools.product(variants.items(), SEEDS):
        yield Trial(
            dataset="protein", variant=variant, preset="graphrnn-c", settings=settings, minutes=1, seed=seed, part="validation"
        )


STUDIES: dict[str, Callable[[], Iterator[Trial]]] = {
    **{model: partial(goals, model) for model in HEADS},
    "orderings": orderings,
    "ablation": ablation,
}


def main() -> None:
    """Run the trials of a study that have no line yet, or print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the lines")
    parser.add_argument("--datasets", type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], help="only these")
    parser.add_argument("--minutes", type=float, help="CPU minutes of each trial, other than the study's")
    parser.add_argument("--table", action="store_true", help="print the table of the lines there are; run nothing")
    options = parser.parse_args()
    lines = options.out / f"{options.study}.jsonl"
    if options.table:
        print(table(read_lines(lines)))
        return
    for planned in STUDIES[options.study]():
        trial = planned if options.minutes is None else replace(planned, minutes=options.minutes)
        if (options.datasets and trial.dataset not in options.datasets) or (options.seeds and trial.seed not in options.seeds):
            continue
        if any(trial == Trial(**{k: _frozen(line[k]) for k in Trial.__slots__}) for line in read_lines(lines)):
            continue
        print(f"{trial.dataset}: {trial.variant}, seed {trial.seed}, {trial.minutes:g} CPU minutes", flush=True)
        lines.parent.mkdir(parents=True, exist_ok=True)
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run_trial(trial)) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the trials that were run."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: the mean over seeds, and in brackets the least and the greatest where there are several."""
    columns: dict[str, Callable[[dict[str, Any]], float | None]] = {
        **{f"{name} NLL": _metric("nll", name) for name in ("train", "validation", "test")},
        **{f"emd {name}": _metric("emd", name) for name in ("degree", "clustering", "orbit")},
        **{f"tv {name}": _metric("tv", name) for name in ("degree", "clustering", "orbit", "spectral")},
        **{name: methodcaller("get", name) for name in ("valid", "valid_unique_novel", "unique", "novel")},
        "nodes": lambda line: line["mean_num_nodes"][0],
    }
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = {}
    for line in lines:
        for constraint, found in line["judged"].items():
            variant = line["variant"] + (f", {constraint} decoder" if constraint != "none" else "")
            groups.setdefault((line["dataset"], variant, line["minutes"]), []).append(line | found)
    rows = [["data set", "variant", "CPU min", "seeds", *columns]]
    for (dataset, variant, minutes), members in groups.items():
        cells = [_cell([column(line) for line in members]) for column in columns.values()]
        rows.append([dataset, variant, f"{minutes:g}", str(len(members)), *cells])
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _metric(protocol: str, name: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda line: line[protocol][name]


def _cell(values: list[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return ""
    mean = f"{np.mean(numbers):.2g}"
    return mean if len(numbers) == 1 else f"{mean} ({min(numbers):.2g}..{max(numbers):.2g})"


if __name__ == "__main__":
    main()
