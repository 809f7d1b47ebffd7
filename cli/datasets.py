"""`gengraph datasets`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gengraph.cli.guard import guarded
from gengraph.cli.help import Command, group
from gengraph.cli.options import DATASET_HELP, DataDir, Seed, SplitSeed, takes_policy
from gengraph.cli.output import Format, plain_table, show_facts, show_json

if TYPE_CHECKING:
    from gengraph.graphs.collection import Collection, Policy

datasets = group(invoke_without_command=True)
_SHOWN = 20  # classes
DatasetArgument = Annotated[str, typer.Argument(metavar="NAME|PATH", help=DATASET_HELP)]


@datasets.callback()
@guarded
def listing(context: typer.Context, output: Format = "table") -> None:
    """List the named data sets, or look into one.

    Any command that takes a data set also takes a path: Parquet, JSON lines, graph6, sparse6, GraphML, GML, an edge list,
    scipy's .npz or a TU zip. Random families have any number of graphs: `planar:8192`. `tu:NAME` is any TU collection.

    Examples:

      gengraph datasets

      gengraph datasets show grid

      gengraph datasets export grid --split test --out test.g6
    """
    if context.invoked_subcommand is not None:
        return
    from gengraph.cli.progress import results
    from gengraph.data import DATASETS

    if output == "json":
        listed = {name: {"graphs": one.num_graphs, "nodes": one.nodes, "what": one.summary} for name, one in DATASETS.items()}
        show_json(listed)
        return
    rows = [(name, str(data.num_graphs), "{}-{}".format(*data.nodes), data.summary) for name, data in DATASETS.items()]
    results().print(plain_table(("name", "graphs", "nodes", "what"), rows, left=("name", "what"), wrap=("what",)))


@datasets.command(cls=Command)
@guarded
@takes_policy
def show(
    dataset: DatasetArgument,
    policy: "Policy",
    output: Format = "table",
    split_seed: SplitSeed = 0,
    orderings: Annotated[
        bool, typer.Option("--orderings", help="Also max_prev_node and candidates by node ordering, which takes seconds.")
    ] = False,
    leaks: Annotated[
        bool, typer.Option("--leaks", help="Also how many test graphs have an isomorphic twin in the training part.")
    ] = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Show what a data set holds: sizes, density, connectedness, classes, split and content hash.

    With --orderings also how far back edges reach in the rows of GraphRNN; docs/orderings.md says what that is good for.

    Examples:

      gengraph datasets show enzymes

      gengraph datasets show grid --orderings

      gengraph datasets show my_graphs.graphml --on-loops drop --format json
    """
    from gengraph.cli.progress import busy
    from gengraph.data.description import count_leaks, describe

    collection = _load(dataset, data_dir, policy)
    about = {"dataset": dataset} | describe(dataset, collection, split_seed=split_seed)
    if leaks:
        with busy("looking for isomorphic graphs"):
            about["leaks"] = count_leaks(collection, split_seed=split_seed)
    if orderings:
        from gengraph.models.graphrnn.bandwidth import describe_orderings

        with busy("drawing node orderings"):
            about["orderings"] = describe_orderings(collection.graphs, seed=seed)
    if output == "json":
        show_json(about)
        return
    _print(about)


@datasets.command(cls=Command)
@guarded
@takes_policy
def export(
    dataset: DatasetArgument,
    policy: "Policy",
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write; its suffix says the format.")],
    split: Annotated[Literal["train", "validation", "test", "all"], typer.Option(help="The part of it.")] = "all",
    unique: Annotated[
        bool, typer.Option("--unique", help="Leave out graphs that are isomorphic to an earlier one of the part.")
    ] = False,
    split_seed: SplitSeed = 0,
    data_dir: DataDir = None,
) -> None:
    """Write a data set, or the part of it that training, validation or the test uses, to a file.

    Examples:

      gengraph datasets export grid --split test --out test.g6

      gengraph datasets export my_graphs.gml --on-directed symmetrize --out graphs.parquet
    """
    from gengraph.data import split_collection
    from gengraph.errors import InputError
    from gengraph.formats import holds, holds_classes, write_files

    if out.exists() and Path(dataset).exists() and out.samefile(dataset):
        msg = f"{out} is the file that is read, which would be lost; choose another name"
        raise InputError(msg)
    collection = _load(dataset, data_dir, policy)
    graphs = collection.graphs if split == "all" else getattr(split_collection(collection, seed=split_seed), split)
    if unique:
        from gengraph.graphs.isomorphism import without_twins

        graphs = without_twins(graphs)
    if policy.on_attributes == "drop" and not holds(graphs, out):
        graphs = graphs.bare()
    files = write_files(graphs, out)
    where = out if len(files) == 1 else f"{files[0]} to {files[-1].name}"
    lost = graphs.classes is not None and not holds_classes(out)
    typer.echo(f"{len(graphs)} graphs: {where}" + ", without their classes, which .parquet or .jsonl holds" * lost)


@datasets.command(cls=Command)
@guarded
def fetch(
    dataset: Annotated[str, typer.Argument(metavar="NAME", help="A name from `gengraph datasets`, or tu:NAME.")],
    data_dir: DataDir = None,
) -> None:
    """Download what a named data set needs and check it, so that later commands need no network.

    Example:

      gengraph datasets fetch protein
    """
    from gengraph.graphs.collection import Policy

    collection = _load(dataset, data_dir, Policy(on_attributes="drop"))
    typer.echo(f"{dataset}: {len(collection.graphs)} graphs, content {collection.graphs.content_hash()}")


def _load(dataset: str, data_dir: Path | None, policy: "Policy") -> "Collection":
    from gengraph.cli.progress import download_bar
    from gengraph.data import load_collection

    with download_bar() as report:
        return load_collection(dataset, data_dir=data_dir, report=report, policy=policy)


def _print(about: dict[str, Any]) -> None:
    if about["description"]:
        typer.echo(about["description"] + "\n")
    facts = {}
    for name in ("graphs", "nodes", "edges", "density"):
        value = about[name]
        facts[name] = (
            f"{_figure(value['min'])} to {_figure(value['max'])}, mean {_figure(value['mean'])}"
            if isinstance(value, dict)
            else value
        )
    if "files" in about["reading"]:
        facts["files"] = about["reading"]["files"]
    facts["connected"] = f"{about['connected']} of {about['graphs']} graphs, {about['isolated_nodes']} isolated nodes"
    if "classes" in about:
        listed = [f"{name} ({count})" for name, count in about["classes"].items()]
        facts["classes"] = ", ".join(listed[:_SHOWN] + [f"and {len(listed) - _SHOWN} more"] * (len(listed) > _SHOWN))
    sizes = ", ".join(f"{count} {part}" for part, count in about["split"]["sizes"].items())
    facts["split"] = f"{about['split']['origin']}: {sizes}"
    facts["content"] = about["content_hash"]
    for kind, count in about["reading"]["found"].items():
        if kind == "nodes":
            facts["numbers"] = f"{count} between them name no node; if they are nodes without edges, --nodes N adds them"
        else:
            facts[kind] = f"{about['reading']['policy'][kind]}, {count} found"
    if "leaks" in about:
        facts["isomorphic"] = ", ".join(f"{count} {name}" for name, count in about["leaks"].items())
    show_facts(facts)
    if "orderings" in about:
        _print_orderings(about["orderings"])


def _figure(value: float) -> str:
    """A whole number, or a mean of large ones, in all its digits before the point."""
    return f"{value:.0f}" if isinstance(value, int) or value >= 10_000 else f"{value:.4g}"


def _print_orderings(orderings: dict[str, dict[str, Any]]) -> None:
    from gengraph.cli.progress import results

    typer.echo("\nmax_prev_node, and what rows choose among:")
    rows = []
    for name, values in orderings.items():
        bound = "-" if values["safe_bound"] is None else str(values["safe_bound"])
        shares = (f"{values['share_cut_at_p999']:.3%}", f"{values['candidates']:.0f}")
        rows.append((name, str(values["maximum"]), str(values["p999"]), bound, *shares))
    columns = ("ordering", "maximum", "p99.9", "safe bound", "cut at p99.9", "candidates a graph")
    results().print(plain_table(columns, rows, left=("ordering",)))
