"""Pictures of studies: `python -m gengraph.benchmarks.studies orderings --picture orderings.png`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Lines = list[dict[str, Any]]
_LEAST = 1e-6  # smaller values of MMD stand at the axis
_COLOURS = {"cm": "#1b6ca8", "bfs": "#e07a1f", "dfs": "#3f8f4f", "degree": "#8a5aa8"}


def draw_orderings(lines: Lines, path: Path) -> None:
    """Bars: the mean of the three squared MMD under `emd` and the validation NLL of each model, data set and ordering."""
    from matplotlib.figure import Figure

    datasets = list(dict.fromkeys(line["dataset"] for line in lines))
    models = list(dict.fromkeys(line["variant"].split()[0] for line in lines))
    figure = Figure(figsize=(4.8 * len(models), 6), layout="constrained")
    axes = figure.subplots(2, len(models), squeeze=False, sharex=True)
    for column, model in enumerate(models):
        for place, ordering in enumerate(_COLOURS):
            found = {line["dataset"]: line for line in lines if line["variant"] == f"{model} {ordering}"}
            positions = [x + 0.2 * (place - 1.5) for x, name in enumerate(datasets) if name in found]
            known = [found[name]["judged"]["last"] for name in datasets if name in found]
            mmd = [max(_LEAST, sum(judged["emd"].values()) / len(judged["emd"])) for judged in known]
            nll = [judged["nll"]["validation"] for judged in known]
            for row, values in enumerate((mmd, nll)):
                axes[row][column].bar(positions, values, width=0.2, color=_COLOURS[ordering], label=ordering)
        axes[0][column].set_title(model)
        for axis in axes[:, column]:
            axis.set_yscale("log")
            axis.set_xticks(range(len(datasets)), datasets, rotation=30, ha="right")
            axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("mean squared MMD (emd)")
    axes[1][0].set_ylabel("validation NLL, nats a graph")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", frameon=False, ncols=len(_COLOURS))
    figure.savefig(path, dpi=120)


def draw_backends(lines: Lines, path: Path) -> None:
    """Curves: validation NLL against CPU seconds, a panel for each data set and model."""
    from matplotlib.figure import Figure

    panels = list(dict.fromkeys((line["dataset"], line["variant"].split()[0]) for line in lines))
    figure = Figure(figsize=(3.4 * len(panels), 3), layout="constrained")
    for axis, (dataset, model) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for backend, style in (("native", "o-"), ("torch", "s--")):
            for line in lines:
                if (line["dataset"], line["variant"]) == (dataset, f"{model} {backend}"):
                    axis.plot(
                        [at[0] for at in line["curve"]], [at[2] for at in line["curve"]], style, markersize=3, label=backend
                    )
        axis.set_yscale("log")
        axis.set_title(f"{dataset}, {model}", fontsize=10)
        axis.set_xlabel("CPU seconds")
        axis.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("validation NLL, nats a graph")
    figure.axes[0].legend(frameon=False)
    figure.savefig(path, dpi=120)


PICTURES: dict[str, Callable[[Lines, Path], None]] = {"orderings": draw_orderings, "backends": draw_backends}
