"""The data of a command that fits a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.data import Split
    from gengraph.graphs.collection import Policy


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
    from gengraph.cli.progress import download_bar, errors

    errors.print(f"reading {dataset}")
    from gengraph.data import load_collection, split_collection

    with download_bar() as report:
        collection = load_collection(dataset, data_dir=data_dir, report=report, policy=policy)
    if collection.num_files > 1:
        errors.print(f"{len(collection.graphs)} graphs in {collection.num_files} files")
    for kind, count in collection.found.items():
        errors.print(_told(kind, count, policy))
    split = split_collection(collection, seed=split_seed)
    return split, {"dataset": dataset, "split_seed": split_seed, "reading": collection.record()}


def _told(kind: str, count: int, policy: "Policy") -> str:
    """What reading has met, and what the policy has made of it."""
    if kind == "nodes":
        return (
            f"the numbers of nodes skip {count}: a list of edges does not say nodes without edges; if these are some, add them "
            "with --nodes N"
        )
    return f"{kind} {getattr(policy, kind)}: {count} found"
