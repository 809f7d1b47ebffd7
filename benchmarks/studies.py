"""Studies of quality: `python -m gengraph.benchmarks.studies graphrnn-c` trains, samples and judges; `--table` prints.

A study is a list of trainings, each of one variant on one data set with one seed, for so many CPU seconds in one thread. The
line of each goes to `OUT/STUDY.jsonl`; one that has a line already is not run again, so a study can be stopped and gone on
with. Those that decide on a preset are judged on the validation graphs with 100 samples, published ones on the test graphs with
as many samples as training graphs, at least 100. Nothing is filtered, sizes are not matched.
"""

import argparse
import itertools
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.benchmarks.study_pictures import PICTURES
from gengraph.data import load_dataset, split_graphs
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.order_names import BREADTH_FIRST
from gengraph.metrics import VALIDITY, evaluate, novelty, validity_of
from gengraph.models.graphrnn import kernels
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.registry import LEARNED
from gengraph.sampling.attempts import sample_graphs, validation_mmd
from gengraph.sampling.conditions import Conditions
from gengraph.tables import to_markdown
from gengraph.training.card import write_card
from gengraph.training.checkpoint import save_checkpoint
from gengraph.training.config import Config, load_config, preset_for, usual_config
from gengraph.training.likelihood import log_prob_bound
from gengraph.training.trainer import Trainer, prepare_graphs
from gengraph.versions import versions

if TYPE_CHECKING:
    from gengraph.training.checkpoint import Checkpoint

LEAST_SAMPLES = 100
_VERSIONED = ("gengraph", "torch", "numpy", "numba")


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyRun:
    """One training of a study.

    Attributes:
        dataset: a named data set.
        variant: what is special about it, for the table.
        model: its name in the registry.
        preset: of the config; None takes the usual one of the model on the data set.
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
    model: str
    preset: str | None = None
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
        base = usual_config(self.model, self.dataset) if self.preset is None else load_config(self.preset)
        return base.replace([*self.settings, *length, f"training.seed={self.seed}"])


def carry_out(run: StudyRun, checkpoints: Path | None = None) -> dict[str, Any]:
    """Train, sample and judge; what was found of each sampler stands under its name.

    Args:
        run: what to train.
        checkpoints: where the last checkpoint is left; None leaves none.
    """
    import torch

    torch.set_num_threads(1)
    kernels.use(run.backend)
    config = run.config()
    family = config.own_family
    split = split_graphs(load_dataset(run.dataset), seed=0)
    train, facts = prepare_graphs(split.train, config)
    validation, test = (family.select(part, config.model) for part in (split.validation, split.test))
    trainer = Trainer(config, facts, train, validation, measure_mmd=validation_mmd)
    curve: list[dict[str, Any]] = []
    kept: dict[str, Checkpoint] = {}

    def keep(made: "Checkpoint") -> None:
        kept["last"] = made
        if made.selection.step in {None, made.step}:
            kept["best"] = made

    trainer.run(curve.append, keep)
    if checkpoints is not None:
        folder = checkpoints / f"{run.dataset}-{run.variant}-{run.seed}".replace(" ", "-")
        save_checkpoint(kept["last"], folder, card=write_card(kept["last"], None), keep=1)
    parts = {"train": train, "validation": validation, "test": test}
    judged = {}
    for sampler in run.samplers:
        name, _, constraint = sampler.partition(" ")
        asked: Any = {"constraint": constraint} if constraint else {}
        model, start, count = kept[name].build_model(), time.process_time(), _num_samples(run, len(train))
        samples = sample_graphs(model, np.arange(count), seed=run.seed, conditions=Conditions(**asked)).graphs
        judged[sampler] = {
            "step": kept[name].step,
            "sample_seconds": (time.process_time() - start) / count,
            **judge(samples, train, parts[run.part], run.dataset),
        }
        if "likelihood" in family.capabilities(config.model):
            judged[sampler]["nll"] = {name: mean_nll(model, graphs) for name, graphs in parts.items()}
    return asdict(run) | {
        "config": config.to_dict(),
        "steps": trainer.step,
        "cpu_minutes": kept["last"].cpu_seconds / 60,
        "loss": family.loss,
        "curve": [[line["seconds"], line["loss"], line["validation_loss"]] for line in curve if "validation_loss" in line],
        "judged": judged,
        "computed_by": family.computed_by("cpu"),
        "versions": {"python": platform.python_version()} | versions(*_VERSIONED),
    }


def _num_samples(run: StudyRun, num_train: int) -> int:
    """As many as the training graphs, at least 100; 100 where only variants are compared."""
    return LEAST_SAMPLES if run.part == "validation" else max(LEAST_SAMPLES, num_train)


def mean_nll(model: Any, graphs: GraphSet) -> float:
    """Mean negative log-likelihood in nats a graph, one ordering each."""
    return float(log_prob_bound(model, graphs, num_orderings=1).to_dict()["nll"])


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
WITHOUT_PRESET = 2.0  # CPU minutes of a model that has no preset of its own for a data set, nor a number above
_OF_THE_RECIPE = 5.0  # CPU minutes
_MIXTURE = "model.head.mixture=20"
_NO_LIKELIHOOD = {"train": None, "validation": None, "test": None}
ORDERING_SETS = ("grid", "ladder", "community-small", "ego-small", "enzymes", "protein")
SEEDS = (0, 1, 2)


def goals(model: str) -> Iterator[StudyRun]:
    """A model with its presets on every data set, three seeds, on the test graphs.

    On the data sets of the headline the literal recipe of the paper stands beside GraphRNN, a mixture of 20 beside GraphRNN-S.
    """
    for dataset, seed in itertools.product(DATASETS, SEEDS):
        has_preset = preset_for(model, dataset) == f"{model}/{dataset}"
        planar = dataset == "planar" and model == "graphrnn-c"
        run = StudyRun(
            dataset=dataset,
            variant=model,
            model=model,
            minutes=None if has_preset else MINUTES.get(dataset, WITHOUT_PRESET),
            seed=seed,
            part="test",
            samplers=("last", "last planar") if planar else ("last",),
        )
        yield run
        if model == "graphrnn-s" and dataset in HEADLINE:
            yield replace(run, variant=f"{model}, mixture of 20", settings=(_MIXTURE,))
        if model == "graphrnn" and dataset in HEADLINE:
            yield replace(run, variant="the paper's recipe", preset="graphrnn/paper", minutes=_OF_THE_RECIPE)


def orderings() -> Iterator[StudyRun]:
    """GraphRNN and GraphRNN-S under four orderings, the same CPU time, on the validation graphs."""
    models = {"graphrnn": (), "graphrnn-s": (_MIXTURE,)}
    for dataset, ordering, model in itertools.product(ORDERING_SETS, ("cm", "bfs", "dfs", "degree"), models):
        window = "adaptive" if ordering in BREADTH_FIRST else "fixed"
        yield StudyRun(
            dataset=dataset,
            variant=f"{model} {ordering}",
            model=model,
            preset=f"{model}/default",
            settings=(*models[model], f"model.sequence.ordering={ordering}", f"model.sequence.window={window}"),
            minutes=0.3,
            seed=0,
            part="validation",
        )


def ablation() -> Iterator[StudyRun]:
    """GraphRNN-C on proteins without one thing at a time, three seeds, on the validation graphs."""
    variants: dict[str, tuple[str, ...]] = {"graphrnn-c": ()}
    for feature in CONTEXT_FEATURES:
        kept = [name for name in CONTEXT_FEATURES if name != feature]
        variants[f"without {feature}"] = (f"model.head.features={json.dumps(kept)}",)
    variants["without any"] = ("model.head.features=[]",)
    variants["bfs instead of cm"] = ("model.sequence.ordering=bfs",)
    variants |= {f"{layers} layers": (f"model.num_layers={layers}",) for layers in (2, 4)}
    for (variant, settings), seed in itertools.product(variants.items(), SEEDS):
        yield StudyRun(
            dataset="protein",
            variant=variant,
            model="graphrnn-c",
            preset="graphrnn-c/default",
            settings=settings,
            minutes=0.3,
            seed=seed,
            part="validation",
        )


def backends() -> Iterator[StudyRun]:
    """GraphRNN and GraphRNN-C for one minute of CPU, by the native kernels and by plain PyTorch, on the validation graphs."""
    for dataset, model, backend in itertools.product(("grid", "protein"), ("graphrnn", "graphrnn-c"), ("native", "torch")):
        yield StudyRun(
            dataset=dataset,
            variant=f"{model} {backend}",
            model=model,
            preset=f"{model}/default",
            minutes=1,
            seed=0,
            part="validation",
            backend=backend,
        )


STUDIES: dict[str, Callable[[], Iterator[StudyRun]]] = {
    **{model: partial(goals, model) for model in LEARNED},
    "orderings": orderings,
    "ablation": ablation,
    "backends": backends,
}


def main() -> None:
    """Carry out the runs of a study that have no line yet, or print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the lines")
    parser.add_argument("--datasets", type=lambda text: text.split(","), help="only these, separated by commas")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], help="only these")
    parser.add_argument("--variants", type=lambda text: text.split(";"), help="only these, separated by semicolons")
    parser.add_argument("--minutes", type=float, help="CPU minutes of each run, other than the study's")
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
        run = planned if options.minutes is None else replace(planned, minutes=options.minutes)
        asked = {"dataset": options.datasets, "seed": options.seeds, "variant": options.variants}
        if any(values and getattr(run, name) not in values for name, values in asked.items()):
            continue
        if is_done(run, read_lines(lines)):
            continue
        print(f"{run.dataset}: {run.variant}, seed {run.seed}", flush=True)
        lines.parent.mkdir(parents=True, exist_ok=True)
        try:
            found = json.dumps(carry_out(run, options.out / "checkpoints"))
        except InputError as error:  # graphs that the family does not take, too large ones say
            print(f"left out: {error}", flush=True)
            continue
        with lines.open("a", encoding="utf-8") as file:
            file.write(found + "\n")


def is_done(run: StudyRun, lines: list[dict[str, Any]]) -> bool:
    """Whether a run has a line; lines of gengraph 0.1.0, whose settings had other names, are of other runs."""
    asked = json.loads(json.dumps(asdict(run)))
    return any(line | asked == line for line in lines)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the runs that were carried out."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: means over seeds; with several seeds the standard deviation of each, after a plus-minus sign."""
    columns: dict[str, Callable[[dict[str, Any]], list[float | None]]] = {
        "CPU min": lambda line: [line["cpu_minutes"]],
        "NLL train / validation / test": lambda line: list(line.get("nll", _NO_LIKELIHOOD).values()),
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
