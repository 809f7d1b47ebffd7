"""Named data sets, and graph sets by path."""

import difflib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gengraph.data.catalogue import DATASETS, Dataset, Files, read_tu
from gengraph.data.download import Report
from gengraph.data.splits import Split, split_collection, split_graphs
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Collection, Policy, RawGraphs, simplify

__all__ = ["DATASETS", "Dataset", "Split", "load_collection", "load_dataset", "load_parts", "split_collection", "split_graphs"]

_MAX_COUNT = 10_000_000


def load_dataset(
    name_or_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    report: Report | None = None,
    policy: Policy | None = None,
) -> GraphSet:
    """The graphs of a named data set, or of a file or folder; arguments and errors as for `load_collection`."""
    return load_collection(name_or_path, data_dir=data_dir, report=report, policy=policy).graphs


def load_parts(
    name_or_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    report: Report | None = None,
    policy: Policy | None = None,
) -> list[Callable[[], GraphSet]]:
    """As `load_dataset`, for sets that are looked at a part at a time: what reads each shard of a folder of Parquet files.

    Anything else is read here, and is one part.
    """
    name = str(name_or_path)
    if name.partition(":")[0] not in DATASETS and Path(name).is_dir():
        from gengraph.formats import shard_readers

        readers = shard_readers(name, policy)
        if len(readers) > 1:
            return readers
    graphs = load_dataset(name_or_path, data_dir=data_dir, report=report, policy=policy)
    return [lambda: graphs]


def load_collection(
    name_or_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    report: Report | None = None,
    policy: Policy | None = None,
) -> Collection:
    """A named data set, or a file or folder, with what is known about it.

    Args:
        name_or_path: a name of DATASETS, for random families with a number of graphs if you like (`planar:8192`); `tu:NAME`, a
            collection of https://chrsmrrs.github.io/datasets; or a path for `gengraph.read_graphs`. A name wins over a path of
            the same spelling.
        data_dir: where files of named data sets are looked for first; then $GENGRAPH_DATA, the user cache, the network.
        report: called while a file is downloaded.
        policy: what to do with what is not simple, undirected and bare; by default it is refused.

    Raises:
        InputError: neither a name nor a path, a file that cannot be read, or what the policy refuses.
        DatasetUnavailable: the file of a named data set is nowhere and cannot be downloaded.
    """
    name, policy = str(name_or_path), policy or Policy()
    if data_dir is not None and not Path(data_dir).is_dir():
        msg = f"there is no folder {data_dir}, which is named as data_dir; name one that has the files, or leave it out"
        raise InputError(msg)
    files = Files(data_dir=data_dir, report=report, policy=policy)
    base, colon, rest = name.partition(":")
    if base in DATASETS:
        graphs = _build(base, rest if colon else None, files)
        parts = DATASETS[base].parts
        raw = RawGraphs(
            num_nodes=graphs.num_nodes,
            edge_offsets=graphs.edge_offsets,
            edges=graphs.edges,
            labels=graphs.labels,
            classes=graphs.classes,
            part=None if parts is None else np.repeat(np.arange(len(parts), dtype=np.int8), parts),
        )
        return simplify(raw, policy)
    if base == "tu" and colon:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", rest):
            msg = f"tu:NAME names a TU collection by letters, digits, _ and -, got {name!r}; MUTAG is one"
            raise InputError(msg)
        return read_tu(rest, files, policy)
    if Path(name).exists():
        from gengraph.formats import read_collection

        return read_collection(name, policy)
    near = _near(name)
    way_out = f"; {near} is one" if near else ""
    msg = f"unknown data set {name!r}: neither a name ({', '.join(DATASETS)}, tu:NAME) nor a file or folder{way_out}"
    raise InputError(msg)


def _near(name: str) -> str:
    """A data set, or a path in the folder that is meant, which is spelled much like this; empty if there is none."""
    folder = Path(name).parent
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    known = [*(DATASETS if folder == Path() else ()), *there]
    near = difflib.get_close_matches(Path(name).name, known, n=1, cutoff=0.8)
    return str(folder / near[0]) if near else ""


def _build(name: str, count_text: str | None, files: Files) -> GraphSet:
    dataset = DATASETS[name]
    count = dataset.num_graphs
    if count_text is not None:
        if not dataset.family:
            msg = f"data set {name} has {count} graphs and no others; leave out :{count_text}"
            raise InputError(msg)
        if not count_text.isdecimal() or not 1 <= int(count_text) <= _MAX_COUNT:
            msg = f"{name}:COUNT takes a number of graphs from 1 to {_MAX_COUNT}, got {count_text!r}"
            raise InputError(msg)
        count = int(count_text)
    graphs = dataset.build(files, count)
    if len(graphs) != count:
        msg = f"data set {name} must hold {count} graphs, got {len(graphs)}"
        raise DatasetUnavailable(msg)
    return graphs
