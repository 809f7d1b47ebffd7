"""The data of a command that fits a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.data import Split
    from gengraph.graphs import GraphSet
    from gengraph.graphs.collection import Collection, Policy


def named(dataset: str | None) -> str:
    """The data set, as a part of the name of what is made of it.

    Raises:
        InputError: none was given.
    """
    if not dataset:
        msg = "--dataset is missing: a name from `gengraph datasets`, or a file or folder of graphs"
        raise InputError(msg)
    return Path(dataset).stem.replace(":", "-")


def read_split(dataset: str, data_dir: Path | None, policy: "Policy", split_seed: int) -> "tuple[Split, dict[str, Any]]":
    """The parts of a data set, and what is recorded about them; what reading has changed is said."""
    from gengraph.cli.progress import errors
    from gengraph.data import split_collection

    collection = _read(dataset, data_dir, policy)
    if collection.num_files > 1:
        errors.print(f"{len(collection.graphs)} graphs in {collection.num_files} files")
    split = split_collection(collection, seed=split_seed)
    return split, {"dataset": dataset, "split_seed": split_seed, "reading": collection.record()}


def one_graph(dataset: str, data_dir: Path | None, policy: "Policy") -> "GraphSet":
    """A set of one graph, without labels and directions; what reading has changed, and what is left aside, is said.

    Raises:
        InputError: there are several.
    """
    from gengraph.cli.progress import errors

    graphs = _read(dataset, data_dir, policy).graphs
    if len(graphs) != 1:
        msg = f"one graph is wanted, {dataset} has {len(graphs)}; write one of them to a file of its own"
        raise InputError(msg)
    if graphs.schema:
        errors.print(f"left aside: {graphs.schema}")
    return graphs.bare()


def _read(dataset: str, data_dir: Path | None, policy: "Policy") -> "Collection":
    from gengraph.cli.progress import download_bar, errors
    from gengraph.data import load_collection

    errors.print(f"reading {dataset}")
    with download_bar() as report:
        collection = load_collection(dataset, data_dir=data_dir, report=report, policy=policy)
    for kind, count in collection.found.items():
        errors.print(_told(kind, count, policy))
    return collection


def _told(kind: str, count: int, policy: "Policy") -> str:
    """What reading has met, and what the policy has made of it."""
    if kind == "nodes":
        return (
            f"the numbers of nodes skip {count}: a list of edges does not say nodes without edges; if these are some, add them "
            "with --nodes N"
        )
    return f"{kind} {getattr(policy, kind)}: {count} found"


def read_start(text: str, policy: "Policy") -> "GraphSet":
    """The graph that a file holds, or a SMILES says.

    Raises:
        InputError: it is neither.
    """
    if Path(text).exists():
        from gengraph.formats import read_graphs

        return read_graphs(Path(text))
    from gengraph.chemistry.molecules import MoleculeOptions
    from gengraph.chemistry.reading import graphs_of_texts

    read = graphs_of_texts([text], MoleculeOptions(bonds="aromatic" if policy.bonds == "aromatic" else "kekule"))
    if read.faults:
        msg = f"--start must be a SMILES or a file with one graph, got {text!r}: {read.faults[0].reason}"
        raise InputError(msg)
    return read.graphs
