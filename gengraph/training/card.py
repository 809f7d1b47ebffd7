"""The model card of a checkpoint: what the weights are, what they were trained on and how, how good they are, how to use them.

Reference:
    M. Mitchell et al. Model cards for model reporting. FAT* 2019.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gengraph.tables import to_markdown
from gengraph.training.checkpoint import Checkpoint
from gengraph.versions import versions

_VERSIONED = ("gengraph", "torch", "numpy", "numba")


def write_card(
    checkpoint: Checkpoint,
    about: Mapping[str, Any] | None,
    *,
    rows: Iterable[tuple[str, str]] = (),
    usage: str | None = None,
) -> str:
    """The card as Markdown.

    Args:
        checkpoint: what it is about.
        about: the content of run.json and the run's name as `run`; None where there is no run.
        rows: what else is known.
        usage: how to sample from it; None says how to do so from the run and in the checkpoint's folder.
    """
    title = f"# {checkpoint.config.model_name}, step {checkpoint.step}"
    parts = [
        title + (f" of the run {about['run']}" if about else ""),
        _table(("what", "value"), [*_data(about), *_model(checkpoint), *_training(checkpoint), *rows]),
        _losses(checkpoint),
        _mmd(checkpoint.metrics),
        _usage(checkpoint, about) if usage is None else usage,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    columns = list(columns)
    return to_markdown(columns, list(rows), num_text=len(columns)).rstrip("\n")


def _data(about: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not about:
        return [("data set", "not recorded: fitted to graphs in memory")]
    counts = ", ".join(f"{count} {name}" for name, count in about["num_graphs"].items())
    seed = "" if about["split_seed"] is None else f", seed {about['split_seed']}"
    beginnings = [
        (key.replace("_", " "), ", ".join(f"{name} {value}" for name, value in about[key].items()))
        for key in ("begun_with", "origin")
        if key in about
    ]
    return [
        ("data set", f"{about['dataset']}: {counts} graphs"),
        ("split", f"{about['split']}{seed}; the graphs are in the run's folder data/"),
        *beginnings,
    ]


def _model(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    config, facts = checkpoint.config, checkpoint.facts
    count = sum(value.numel() for value in checkpoint.weights.values())
    averaged = "" if checkpoint.raw_weights is None else f", averaged over training (decay {config.training.ema})"
    return [
        ("family", config.family),
        *config.describe(facts).items(),
        ("largest training graph", f"{facts['max_num_node']} nodes"),
        ("weights", f"{count}{averaged}"),
    ]


def _training(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    training = checkpoint.config.training
    selection = checkpoint.selection
    best = [] if selection.step is None else [("best evaluation so far", f"step {selection.step}, by {training.select}")]
    known = [f"python {platform.python_version()}", *(f"{name} {found}" for name, found in versions(*_VERSIONED).items())]
    return [
        ("training", f"{checkpoint.step} steps of {training.batch_size} graphs, {training.optimizer}, seed {training.seed}"),
        ("time", f"{checkpoint.wall_seconds:.0f} s of wall time, {checkpoint.cpu_seconds:.0f} s of CPU time"),
        *best,
        ("versions", ", ".join(known)),
    ]


def _losses(checkpoint: Checkpoint) -> str:
    metrics, family = checkpoint.metrics, checkpoint.config.own_family
    prefixes = {"training, mean over the last epoch": "", "validation, one coding a graph": "validation_"}
    bare = {name.removeprefix("validation_") for name in metrics}
    units = ["loss", *sorted(name for name in bare if name.startswith("loss_per_"))]
    rows = [
        [part, *(f"{metrics[prefix + unit]:.4g}" if prefix + unit in metrics else "-" for unit in units)]
        for part, prefix in prefixes.items()
        if f"{prefix}loss" in metrics
    ]
    if not rows:
        return ""
    note = f"The loss: {family.loss}"
    if "likelihood" in family.capabilities(checkpoint.config.model):
        note += ", of the sequences that the model reads, an upper bound on that of the graphs (`gengraph likelihood`)"
    titles = ["part", *(unit.removeprefix("loss_").replace("loss", "per graph").replace("_", " ") for unit in units)]
    return f"{note}:\n\n{_table(titles, rows)}"


def _mmd(metrics: Mapping[str, float]) -> str:
    prefix = "validation_mmd_"
    values = {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}
    if not values:
        return ""
    note = "Squared MMD of as many samples to the validation part, protocol emd, when it was last measured:"
    return f"{note}\n\n{_table(values, [[f'{value:.3g}' for value in values.values()]])}"


def _usage(checkpoint: Checkpoint, about: Mapping[str, Any] | None) -> str:
    command = ""
    if about:
        best = " --checkpoint last" if checkpoint.selection.step not in {None, checkpoint.step} else ""
        command = (
            f"    gengraph sample --run {about['run']}{best} -n 1000 --out samples/{about['run']}\n\nor, in this folder,\n\n"
        )
    return (
        f"To sample from it:\n\n{command}"
        "    from pathlib import Path\n"
        "    import numpy as np\n"
        "    from gengraph.training.checkpoint import load_checkpoint\n"
        "    from gengraph.sampling.attempts import sample_graphs\n\n"
        '    model = load_checkpoint(Path(".")).build_model()\n'
        "    graphs = sample_graphs(model, np.arange(1000), seed=0).graphs\n\n"
        "config.json has every setting."
    )
