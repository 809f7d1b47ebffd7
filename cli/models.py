"""`gengraph models`, and how options name the models."""

from collections.abc import Iterable
from typing import Any, get_args

from gengraph.cli.output import Format, plain_table, show_json
from gengraph.errors import InputError
from gengraph.models.registry import CLOSED_FORMS, LISTED, family_of, offered_models


def model_help(first: str, listed: Iterable[str]) -> str:
    """The help of an option that takes a model: a line, then a line for each of them."""
    lines = "\n".join(f"{name}: {LISTED[name].summary}" for name in listed)
    return f"{first}\n\n\b\n{lines}"


def models(output: Format = "table") -> None:
    """List every model, with what it can do beside being fitted and sampled.

    fit says whether a model is trained (`gengraph train`, `gengraph tune`), in closed form, or in a way of its own. can lists:
    labels, it learns those of the graphs; likelihood, `gengraph likelihood` bounds it; temperature, planar, overrun and steps,
    `gengraph sample` takes --temperature, --constraint planar, --stop reference and --denoising-steps; gpu, it can use one;
    links, `gengraph evaluate --links` takes it; joint, labels are drawn with the structure and not after it; policy,
    `gengraph train --reward` trains it towards a goal; start, `gengraph sample --start` goes on from a graph; conditions,
    trained with model.conditions it takes values of them, `gengraph sample --given`. Of a learned model it is that of the
    config that it is usually trained with. All keep to --num-nodes, and to a range that is --given, by rejection.

    Examples:

      gengraph models

      gengraph models --format json
    """
    from gengraph.cli.progress import busy, results

    with busy("looking at the models"):
        rows = [_describe(name) for name in (*LISTED, *offered_models())]
    if output == "json":
        show_json(rows)
        return
    columns = ("model", "fit", "can", "summary")
    texts = [[row["model"], row["fit"], _listed(row), row["summary"]] for row in rows]
    results().print(plain_table(columns, texts, left=columns, wrap=("can", "summary")))


def _listed(row: dict[str, Any]) -> str:
    return ", ".join(name for name, value in row.items() if value is True) or "-"


def capabilities_of(model: str) -> frozenset[str]:
    """What a model with its usual config can do; a closed form nothing of it.

    Raises:
        InputError: an installed package offers it, and it cannot be imported.
    """
    family = family_of(model)
    if family is None:
        return frozenset()
    from gengraph.training.config import usual_config

    return frozenset(family.capabilities(usual_config(model).model))


def _describe(model: str) -> dict[str, Any]:
    """A row of the table, JSON-ready."""
    from gengraph.models.family import Capability

    summary = LISTED[model].summary if model in LISTED else "of an installed package"
    try:
        able = capabilities_of(model)
        fit = "closed form" if model in CLOSED_FORMS else "its own" if family_of(model) is None else "trained"
    except InputError as error:  # of another package: the others are listed all the same
        able, fit, summary = frozenset(), "-", str(error)
    can = {name: name in able for name in get_args(Capability)}
    # Any number of nodes can be asked of all of them: what has another is drawn anew.
    return {"model": model, "fit": fit, "labels": fit == "trained", "sizes": "rejection", **can, "summary": summary}
