"""`gengraph likelihood`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gengraph.cli.models import capabilities_of
from gengraph.cli.options import Checkpoint, RunsDir, Seed
from gengraph.cli.output import TextFormat, plain_table, show_as_text, show_json
from gengraph.errors import InputError
from gengraph.models.registry import LEARNED

COLUMNS = ("part", "nll", "a node", "an edge bit", "nll (distinct)", "nll (weighted)", "sequences", "graphs", "cut edges")
_FIGURES = ("nll", "nll_per_node", "nll_per_edge_bit", "nll_distinct", "nll_weighted", "num_distinct")


def likelihood(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `gengraph runs` names it.")],
    orderings: Annotated[int, typer.Option(min=1, metavar="INT", help="Node orderings drawn for each graph.")] = 8,
    checkpoint: Annotated[
        Checkpoint | None, typer.Option(help="That of the best evaluation, or the newest one; by default the best.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    seed: Seed = 0,
    output: TextFormat = "table",
) -> None:
    """Bound the negative log-likelihood of a run's train, validation and test graphs from above, in nats a graph.

    nll is the mean over orderings, which papers report; nll (distinct) sums over the distinct sequences and is tighter;
    nll (weighted), of models that know how likely they draw each sequence, estimates the sum over all, a bound on average;
    sequences says how many of these a graph had on average.
    For models that have a likelihood (`gengraph models`).

    Examples:

      gengraph likelihood grid-graphrnn

      gengraph likelihood grid-graphrnn --orderings 32 --checkpoint last --format json
    """
    from gengraph.cli.progress import busy, results
    from gengraph.runs.folders import bound_likelihood

    folder = runs_dir / run
    _check_capable(folder)
    with busy("evaluating the model"):
        path, bounds = bound_likelihood(folder, checkpoint=checkpoint, num_orderings=orderings, seed=seed)
    parts = {name: bound.to_dict() for name, bound in bounds.items()}
    if output == "json":
        show_json({"run": run, "checkpoint": path.name, "num_orderings": orderings, "seed": seed, "parts": parts})
        return
    rows = [_row(name, values) for name, values in parts.items()]
    if output != "table":
        show_as_text(output, COLUMNS, rows, num_text=1)
        return
    console = results()
    console.print(f"-log p in nats, an upper bound: {path}, {orderings} orderings of each graph")
    console.print(plain_table(COLUMNS, rows, left=("part",)))


def _check_capable(folder: Path) -> None:
    """Whether the run's model has a likelihood.

    Raises:
        InputError: it has none, or there is no such run.
    """
    from gengraph.runs.folders import read_run
    from gengraph.training.config import load_config

    read_run(folder)
    config = load_config(folder / "config.toml")
    if "likelihood" not in config.own_family.capabilities(config.model):
        able = ", ".join(name for name in LEARNED if "likelihood" in capabilities_of(name))
        msg = (
            f"a bound needs a model with a likelihood, {folder} is a {config.model_name}, which has none; {able} have one, and "
            "`gengraph evaluate` compares the samples of any model"
        )
        raise InputError(msg)


def _row(name: str, values: dict[str, Any]) -> list[str]:
    """The texts under COLUMNS."""
    figures = [values.get(key) for key in _FIGURES]
    counts = [str(values["num_graphs"]), str(values["num_cut"])]
    return [name, *("-" if figure is None else f"{figure:.4g}" for figure in figures), *counts]
