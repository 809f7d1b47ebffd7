"""What `gengraph evaluate --links` does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.config import configure
from gengraph.cli.models import capabilities_of
from gengraph.cli.options import Options, taking
from gengraph.cli.output import TextStyle, plain_table, show_as_text, show_json
from gengraph.errors import InputError
from gengraph.models.registry import LEARNED

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy
    from gengraph.training.config import Config

COLUMNS = ("part", "auc", "ap", "accuracy")
_PRESET = "links"
_SEEDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class LinksAsked:
    """Whose links are predicted, and by what.

    Attributes:
        dataset: a name or a path; one graph.
        model: a name of the registry.
        seeds: how many fits, each on a split of its own.
        assignments: fields of the config that are set.
    """

    dataset: str
    model: str
    seeds: int
    assignments: list[str]


def _option(*name: str, metavar: str, text: str, **checks: Any) -> Any:
    return typer.Option(*name, metavar=metavar, help=text, rich_help_panel="Links of one graph", **checks)


_OPTIONS: Options = {
    "links": (
        Annotated[
            str | None, _option(metavar="NAME|PATH", text="Measure how well a model predicts edges of this graph instead.")
        ],
        None,
    ),
    "model": (Annotated[str | None, _option(metavar="NAME", text="The model, which is trained for it: vgae, say.")], None),
    "seeds": (Annotated[int | None, _option(metavar="INT", text=f"Splits and fits; by default {_SEEDS}.", min=1)], None),
    "assign": (
        Annotated[
            list[str] | None,
            _option("--set", metavar="KEY=VALUE", text="Set a field of its config: model.latent_size=32. Repeatable."),
        ],
        None,
    ),
}


def takes_links(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for link prediction, made into its argument `links`: a `LinksAsked`, or None."""
    return taking(command, "links", _OPTIONS, _asked)


def _asked(links: str | None, model: str | None, seeds: int | None, assign: list[str] | None) -> LinksAsked | None:
    if links is None and model is None and seeds is None and not assign:
        return None
    if links is None or model is None:
        msg = "links are predicted in a graph and by a model; name both: --links citeseer --model vgae"
        raise InputError(msg)
    return LinksAsked(dataset=links, model=model, seeds=seeds or _SEEDS, assignments=assign or [])


def evaluate_links(asked: LinksAsked, policy: "Policy", data_dir: Path | None, *, seed: int, output: TextStyle) -> None:
    """Predict links and show how well that went.

    Args:
        asked: what and by whom.
        policy: how the graph is read.
        data_dir: where files of named sets are looked for first.
        seed: the first.
        output: the format.

    Raises:
        InputError: a model without link scores, a set of several graphs, or what training and splitting refuse.
    """
    from gengraph.cli.progress import counting_bar, download_bar, results
    from gengraph.data import load_dataset
    from gengraph.training.links import predict_links

    config = _config(asked)
    with download_bar() as report:
        graphs = load_dataset(asked.dataset, data_dir=data_dir, report=report, policy=policy).bare()
    with counting_bar(f"links of {asked.dataset}", 100 * asked.seeds, "percent of a fit") as advance:
        done = 0

        def tell(share: float) -> None:
            nonlocal done
            advance(int(100 * asked.seeds * share) - done)
            done = int(100 * asked.seeds * share)

        tell(0.0)
        scores = predict_links(graphs, config, seeds=range(seed, seed + asked.seeds), report=tell).to_dict()
    if output == "json":
        show_json({"dataset": asked.dataset, "model": asked.model, "config": config.to_dict(), **scores})
        return
    rows = [[part, *(_percent(scores[part][name]) for name in COLUMNS[1:])] for part in ("test", "validation")]
    if output != "table":
        show_as_text(output, COLUMNS, rows, num_text=1)
        return
    console = results()
    console.print(f"held-out links of {asked.dataset} by {asked.model}, %: mean ± standard error over {asked.seeds} splits")
    console.print(plain_table(COLUMNS, rows, left=("part",)))


def _config(asked: LinksAsked) -> "Config":
    """The config that the model predicts links with: its preset for them, where it has one."""
    config = configure(None, asked.model, _PRESET, asked.assignments)
    if "links" not in config.own_family.capabilities(config.model):
        able = ", ".join(name for name in LEARNED if "links" in capabilities_of(name))
        msg = f"--model must be one that scores pairs of nodes ({able}), got {asked.model}; name one of these"
        raise InputError(msg)
    return config


def _percent(summary: dict[str, Any]) -> str:
    error = "" if summary["error"] is None else f" ± {100 * summary['error']:.1f}"
    return f"{100 * summary['mean']:.1f}{error}"
