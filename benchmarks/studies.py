"""Studies of quality: `python -m gengraph.benchmarks.studies graphrnn-c` trains, samples and judges; `--table` prints.

A trial is one training of one variant on one data set with one seed, for so many CPU seconds in one thread. Its line goes to
`OUT/STUDY.jsonl`; trials that have a line already are not run again, so a study can be stopped and gone on with. Trials that
decide on a preset are judged on the validation graphs with 100 samples, published ones on the test graphs with as many samples
as training graphs, at least 100. Nothing is filtered, sizes are not matched.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.models.graphrnn import kernels
from gengraph.benchmarks.study_pictures import PICTURES
from gengraph.training.checkpoint import save_checkpoint
from gengraph.config import BREADTH_FIRST, CONTEXT_FEATURES, Config, load_config, preset_for
from gengraph.data import load_dataset, split_graphs
from gengraph.graphs import GraphSet
from gengraph.models.likelihood import log_prob_bound
from gengraph.metrics import VALIDITY, evaluate, novelty, validity_of
from gengraph.runs.folders import HEADS
from gengraph.sampling.attempts import Conditions, sample_graphs
from gengraph.tables import to_markdown
from gengraph.training.trainer import Trainer, prepare_graphs, prepare_part

if TYPE_CHECKING:
    from gengraph.training.checkpoint import Checkpoint
    from gengraph.models.graphrnn.network import GraphRNNModel

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
        minutes: CPU minutes of training, one thread; None trains for as many steps as the preset says.
        seed: of weights, batches, orderings and samples; the split is always that of seed 0.
        part: what it is judged on, validation or test.
        samplers: what samples are drawn from and judged: the checkpoint, best or last, and the constraint of the decoder if it
            has one, as in "best planar".
        backend: of `gengraph.models.graphrnn.kernels`; "" takes the best there is.
    """

    dataset: str
    variant: str
    preset: str
    settings: tuple[str, ...] = ()
    minutes: float | None
    seed: int
    part: str
    samplers: tuple[str, ...] = ("last",)
    backend: str = ""

    def config(self) -> Config:
        """The preset with its changes."""
        length: tuple[str, ...] = ()
        if self.minutes is not None:
            length = ("training.steps=none", "training.clock=cpu", f"training.budget={60 * self.minutes}")
        return load_config(self.preset).replace([*self.settings, *length, f"training.seed={self.seed}"])


def run_trial(trial: Trial, checkpoints: Path | None = None) -> dict[str, Any]:
    """Train, sample and judge; what was found of each sampler stands under its name.

    Args:
        trial: what to train.
        checkpoints: where the last checkpoint is left; None leaves none.
    """
    import torch

    torch.set_num_threads(1)
    kernels.use(trial.backend)
    config = trial.config()
    split = split_graphs(load_dataset(trial.dataset), seed=0)
    train, facts, _ = prepare_graphs(split.train, config)
    validation = prepare_part(split.validation, config)
    trainer = Trainer(config, facts, train, validation)
    curve: list[dict[str, Any]] = []
    kept: dict[str, Checkpoint] = {}

    def keep(made: "Checkpoint") -> None:
        kept["last"] = made
        if made.selection.step in {None, made.step}:
            kept["best"] = made

    trainer.run(curve.append, keep)
    if checkpoints is not None:
        save_checkpoint(kept["last"], checkpoints / f"{trial.dataset}-{trial.variant}-{trial.seed}".replace(" ", "-"), keep=1)
    parts = {"train": train, "validation": validation, "test": prepare_part(split.test, config)}
    judged = {}
    for sampler in trial.samplers:
        name, _, constraint = sampler.partition(" ")
        model, start, count = kept[name].build_model(), time.process_time(), _num_samples(trial, len(train))
        conditions = Conditions(constraint=constraint or "none")
        samples = sample_graphs(model, np.arange(count), seed=trial.seed, conditions=conditions).graphs
        judged[sampler] = {
            "step": kept[name].step,
            "sample_seconds": (time.process_time() - start) / count,
            "nll": {name: mean_nll(model, graphs, config) for name, graphs in parts.items()},
            **judge(samples, train, parts[trial.part], trial.dataset),
        }
    return asdict(trial) | {
        "config": config.to_dict(),
        "steps": trainer.step,
        "cpu_minutes": kept["last"].cpu_seconds / 60,
        "curve": [[line["seconds"], line["nll"], line["validation_nll"]] for line in curve if "validation_nll" in line],
        "judged": judged,
        "computed_by": kernels.backend().label,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED},
    }


def _num_samples(trial: Trial, num_train: int) -> int:
    """As many as the training graphs, at least 100; 100 where only variants are compared."""
    return LEAST_SAMPLES if trial.part == "validation" else max(LEAST_SAMPLES, num_train)


def mean_nll(model: "GraphRNNModel", graphs: GraphSet, config: Config) -> float:
    """Mean negative log-likelihood in nats a graph, one ordering each."""
    return float(log_prob_bound(model, graphs, config, num_orderings=1).to_dict()["nll"])


def judge(samples: GraphSet, train: GraphSet, reference: GraphSet, dataset: str) -> dict[str, Any]:
    """Squared MMD under `emd` and `tv`, sizes, and the shares of valid, unique and novel samples."""
    test = validity_of(dataset)
    counts = novelty(train, samples, valid=test).to_dict()
    shares = {name: value["count"] / value["total"] for name, value in counts.items() if isinstance(value, dict)}
    new_sizes = ~np.isin(samples.num_nodes, np.unique(train.num_nodes))
    report: dict[str, Any] = {
        "num_samples": len(samples),
        "mean_num_nodes": [float(samples.num_nodes.mean()), float(reference.num_nodes.mean())],
        "unseen_size": float(new_sizes.mean()),
        **shares,
    }
    if test is not None:
        report["valid_of_unseen_size"] = float((new_sizes & VALIDITY[test](samples)).mean())
    for protocol in ("emd", "tv"):
        result = evaluate(reference, samples, protocol=protocol, train=train).to_dict()["metrics"]
        report[protocol] = {name: metric["mmd2"] for name, metric in result.items()}
        report[f"{protocol}_floor"] = {name: metric["floor"] for name, metric in result.items()}
    return report


DATASETS = (
    "ladder-small",
    "ladder",
    "grid",
    "protein",
    "community",
    "community-small",
    "ego",
    "ego-small",
    "enzymes",
    "tree",
    "lobster",
    "planar",
    "sbm",
)
HEADLINE = ("ladder", "grid", "protein")
MINUTES = {"ladder-small": 0.5, "ladder": 1, "protein": 5, "community-small": 0.5, "ego-small": 0.5, "enzymes": 1, "lobster": 1}
WITHOUT_PRESET = 2.0  # CPU minutes of a model that has no preset for a data set, nor a number above
_OF_THE_RECIPE = 5.0  # CPU minutes
ORDERING_SETS = ("grid", "ladder", "community-small", "ego-small", "enzymes", "protein")
SEEDS = (0, 1, 2)


def goals(model: str) -> Iterator[Trial]:
    """A model with its presets on every data set, three seeds, on the test graphs.

    On the data sets of the headline the literal recipe of the paper stands beside GraphRNN, a mixture of 20 beside GraphRNN-S.
    """
    for dataset, seed in itertools.product(DATASETS, SEEDS):
        preset, head = preset_for(model, dataset), f"model.head={HEADS[model]}"
        planar = dataset == "planar" and model == "graphrnn-c"
        trial = Trial(
            dataset=dataset,
            variant=model,
            preset=preset,
            settings=(head,),
            minutes=None if preset.startswith(f"{model}/") else MINUTES.get(dataset, WITHOUT_PRESET),
            seed=seed,
            part="test",
            samplers=("last", "last planar") if planar else ("last",),
        )
        yield trial
        if model == "graphrnn-s" and dataset in HEADLINE:
            yield replace(trial, variant=f"{model}, mixture of 20", settings=(head, "model.mixture=20"))
        if model == "graphrnn" and dataset in HEADLINE:
            yield replace(trial, variant="the paper's recipe", preset="paper", minutes=_OF_THE_RECIPE)


def orderings() -> Iterator[Trial]:
    """GraphRNN and GraphRNN-S under four orderings, the same CPU time, on the validation graphs."""
    models = {"graphrnn": ("model.head=rnn",), "graphrnn-s": ("model.head=mlp", "model.mixture=20")}
    for dataset, ordering, model in itertools.product(ORDERING_SETS, ("cm", "bfs", "dfs", "degree"), models):
        window = "adaptive" if ordering in BREADTH_FIRST else "fixed"
        settings = (*models[model], f"sequence.ordering={ordering}", f"sequence.window={window}")
        variant = f"{model} {ordering}"
        yield Trial(
            dataset=dataset, variant=variant, preset="default", settings=settings, minutes=0.3, seed=0, part="validation"
        )


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
            dataset="protein",
            variant=variant,
            preset="graphrnn-c",
            settings=settings,
            minutes=0.3,
            seed=seed,
            part="validation",
        )


def backends() -> Iterator[Trial]:
    """GraphRNN and GraphRNN-C for one minute of CPU, by the native kernels and by plain PyTorch, on the validation graphs."""
    for dataset, model, backend in itertools.product(("grid", "protein"), ("graphrnn", "graphrnn-c"), ("native", "torch")):
        yield Trial(
            dataset=dataset,
            variant=f"{model} {backend}",
            preset=model if model == "graphrnn-c" else "default",
            minutes=1,
            seed=0,
            part="validation",
            backend=backend,
        )


STUDIES: dict[str, Callable[[], Iterator[Trial]]] = {
    **{model: partial(goals, model) for model in HEADS},
    "orderings": orderings,
    "ablation": ablation,
    "backends": backends,
}


def main() -> None:
    """Run the trials of a study that have no line yet, or print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the lines")
    parser.add_argument("--datasets", type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], help="only these")
    parser.add_argument("--variants", type=lambda text: text.split(";"), help="only these, separated by semicolons")
    parser.add_argument("--minutes", type=float, help="CPU minutes of each trial, other than the study's")
    parser.add_argument("--table", action="store_true", help="print the table of the lines there are; run nothing")
    parser.add_argument("--picture", type=Path, help="draw the lines of orderings or backends to this file; run nothing")
    options = parser.parse_args()
    lines = options.out / f"{options.study}.jsonl"
    if options.table:
        print(table(read_lines(lines)), end="")
        return
    if options.picture:
        PICTURES[options.study](read_lines(lines), options.picture)
        return
    for planned in STUDIES[options.study]():
        trial = planned if options.minutes is None else replace(planned, minutes=options.minutes)
        asked = {"dataset": options.datasets, "seed": options.seeds, "variant": options.variants}
        if any(values and getattr(trial, name) not in values for name, values in asked.items()):
            continue
        if any(trial == Trial(**{k: _frozen(line[k]) for k in Trial.__slots__}) for line in read_lines(lines)):
            continue
        print(f"{trial.dataset}: {trial.variant}, seed {trial.seed}, {trial.preset}", flush=True)
        lines.parent.mkdir(parents=True, exist_ok=True)
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run_trial(trial, options.out / "checkpoints")) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the trials that were run."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: means over seeds; with several seeds the standard deviation of each, after a plus-minus sign."""
    columns: dict[str, Callable[[dict[str, Any]], list[float | None]]] = {
        "CPU min": lambda line: [line["cpu_minutes"]],
        "NLL train / validation / test": lambda line: list(line["nll"].values()),
        "emd degree / clustering / orbit": lambda line: list(line["emd"].values()),
        "tv degree / clustering / orbit / spectral": lambda line: list(line["tv"].values()),
        "valid / V.U.N. / unique / novel": lambda line: [
            line.get(name) for name in ("valid", "valid_unique_novel", "unique", "novel")
        ],
        "nodes (reference)": lambda line: line["mean_num_nodes"],
    }
    groups: dict[str, dict[tuple[str, float | None], list[dict[str, Any]]]] = {}
    for line in lines:
        for sampler, found in line["judged"].items():
            variant = line["variant"] + (f", {sampler}" if sampler != "last" else "")
            groups.setdefault(line["dataset"], {}).setdefault((variant, line["minutes"]), []).append(line | found)
    rows: list[list[str]] = []
    for dataset, variants in groups.items():
        for (variant, _), members in variants.items():
            cells = [_cell([column(line) for line in members]) for column in columns.values()]
            rows.append([dataset, variant, str(len(members)), *cells])
        floors = [_cell([list(members[0][f"{protocol}_floor"].values())]) for protocol in ("emd", "tv")]
        rows.append([dataset, "train set", "", "", "", *floors, "", ""])
    return to_markdown(["data set", "variant", "seeds", *columns], rows, num_text=2)


def _cell(values: list[list[float | None]]) -> str:
    """Numbers that stand together, from the seeds' lists of them."""
    return " / ".join(_number([number for number in numbers if number is not None]) for numbers in zip(*values, strict=True))


def _number(values: list[float]) -> str:
    if not values:
        return "-"
    mean, spread = np.mean(values), np.std(values, ddof=len(values) > 1)
    if mean >= 100:
        return f"{mean:.0f} ± {spread:.0f}" if len(values) > 1 else f"{mean:.0f}"
    return f"{mean:.2g} ± {spread:.1g}" if spread > 1e-12 else f"{mean:.2g}"


if __name__ == "__main__":
    main()
