"""The TU collection's text files, in a zip or a folder.

NAME_A.txt holds "i, j" a line, every edge in both directions; NAME_graph_indicator.txt the graph of each node, from 1; an id
that no node has is no graph, and the nodes of a graph need not stand together. Labels and attributes of nodes and edges
(node_label, node_attribute, edge_label, edge_attribute) are counted or kept. NAME_graph_labels.txt has the class of each graph;
attributes of whole graphs are left in their file.

Reference:
    C. Morris et al. TUDataset: a collection of benchmark datasets for learning with graphs. 2020.
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.csv

from gengraph.errors import InputError
from gengraph.formats.labels import labels_of
from gengraph.formats.text import MAX_BYTES, decode
from gengraph.graphs import Int64Array
from gengraph.graphs.classes import Classes
from gengraph.graphs.collection import Policy, RawGraphs
from gengraph.graphs.schema import LabelArrays

MAX_MEMBER_BYTES = MAX_BYTES  # of one unpacked file of a zip: the largest TU collections stay below
_SHOWN = 5  # names of files
_ATTRIBUTES = ("node_label", "node_attribute", "edge_label", "edge_attribute")  # with an s in the names of files


def check_members(where: str, archive: zipfile.ZipFile) -> None:
    """Refuse a zip whose members leave its folder, share a name or unpack to absurd sizes.

    Nothing is ever unpacked to disk; a path that leaves the folder still means that the file is not what it seems.

    Raises:
        InputError: one of these.
    """
    names: set[str] = set()
    for info in _members(archive):
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts):
            msg = f"{where}: member {info.filename!r} leaves the folder of the zip; get the file from its source again"
            raise InputError(msg)
        if info.file_size > MAX_MEMBER_BYTES:
            msg = f"{where}: {info.filename} unpacks to more than {MAX_MEMBER_BYTES} bytes; unpack it by hand, pass the folder"
            raise InputError(msg)
        if path.name in names:
            msg = f"{where} holds two files named {path.name}; keep one collection a zip"
            raise InputError(msg)
        names.add(path.name)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Its files, but for those that a Mac puts beside them."""
    return [info for info in archive.infolist() if not info.is_dir() and not is_of_a_mac(info.filename)]


def is_of_a_mac(name: str) -> bool:
    """Whether a file only holds what the Finder knows about another one: __MACOSX/, ._NAME, .DS_Store."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def read_tu_zip(path: Path, policy: Policy) -> RawGraphs:
    """A zip of one collection, members in any folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_members(str(path), archive)
            members = {Path(info.filename).name: info for info in _members(archive)}
            return _parse(str(path), {name: partial(archive.read, info) for name, info in members.items()}, policy)
    except zipfile.BadZipFile as error:
        msg = f"{path} is not a whole zip file: {error}"
        raise InputError(msg) from error


def read_tu_folder(folder: Path, policy: Policy) -> RawGraphs:
    """The unpacked files."""
    files = {file.name: file.read_bytes for file in folder.glob("*.txt") if not is_of_a_mac(file.name)}
    return _parse(str(folder), files, policy)


def _parse(where: str, files: Mapping[str, Callable[[], bytes]], policy: Policy) -> RawGraphs:
    names = [name.removesuffix("_A.txt") for name in files if name.endswith("_A.txt")]
    if len(names) != 1 or f"{names[0]}_graph_indicator.txt" not in files:
        listed = sorted(files)
        got = ", ".join(listed[:_SHOWN] + [f"and {len(listed) - _SHOWN} more"] * (len(listed) > _SHOWN)) or "nothing"
        msg = (
            f"{where} must hold one NAME_A.txt and its NAME_graph_indicator.txt, as the TU collection has them, got {got}; if "
            "these are graphs in another format, unpack them and give the folder"
        )
        raise InputError(msg)
    name = names[0]
    ends = _whole_numbers(where, f"{name}_A.txt", files[f"{name}_A.txt"](), 2) - 1
    indicator = _whole_numbers(where, f"{name}_graph_indicator.txt", files[f"{name}_graph_indicator.txt"](), 1)[:, 0] - 1
    if indicator.min(initial=0) < 0:
        msg = f"{where}: {name}_graph_indicator.txt must number the graphs from 1, got {int(indicator.min()) + 1}"
        raise InputError(msg)
    if len(ends) and (ends.min() < 0 or ends.max() >= len(indicator)):
        msg = f"{where}: {name}_A.txt names a node outside 1..{len(indicator)}"
        raise InputError(msg)
    values = _Values(where, name, files)
    attributes = {kind: values.count(kind) for kind in _ATTRIBUTES if f"{name}_{kind}s.txt" in files}
    kept = [label if label in attributes else "" for label in (policy.node_label, policy.edge_label)]
    of_nodes = values.read(kept[0], len(indicator)) if kept[0] else None
    of_edges = values.read(kept[1], len(ends)) if kept[1] else None
    classes = values.classes(int(indicator.max(initial=-1)) + 1)
    present, indicator = np.unique(indicator, return_inverse=True)  # an id that no node has is no graph
    classes = classes and classes.taken(present)
    if (np.diff(indicator) < 0).any():  # the nodes of a graph do not stand together
        order = np.argsort(indicator, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        ends, indicator = place[ends], indicator[order]
        of_nodes = of_nodes and [of_nodes[node] for node in order.tolist()]
    labels = labels_of(where, nodes=(kept[0], of_nodes), edges=(kept[1], of_edges))
    raw = _graphs_of(where, ends, indicator, {kind: n for kind, n in attributes.items() if kind not in kept}, labels)
    return replace(raw, classes=classes)


@dataclass(frozen=True, slots=True)
class _Values:
    """The files of labels and attributes."""

    where: str
    name: str
    files: Mapping[str, Callable[[], bytes]]

    def count(self, kind: str) -> int:
        """Their lines."""
        return self.files[f"{self.name}_{kind}s.txt"]().count(b"\n")

    def classes(self, expected: int) -> Classes | None:
        """Those of the graphs; None if there is no such file.

        Raises:
            InputError: it has fewer lines than there are graphs.
        """
        file = f"{self.name}_graph_labels.txt"
        if file not in self.files:
            return None
        said = [line.strip() for line in decode(self.files[file](), f"{self.where}: {file}").rstrip().split("\n")]
        if len(said) < expected:
            msg = f"{self.where}: {file} must have a line for each of {expected} graphs, got {len(said)}; mend it, or remove it"
            raise InputError(msg)
        return Classes.of(said)

    def read(self, kind: str, expected: int) -> list[str]:
        """The values of one.

        Raises:
            InputError: there are fewer or more than expected, or several in a line.
        """
        file = f"{self.name}_{kind}s.txt"
        lines = decode(self.files[file](), f"{self.where}: {file}").rstrip().split("\n") if expected else []
        if len(lines) != expected or any("," in line for line in lines):
            columns = max((line.count(",") + 1 for line in lines), default=1)
            msg = f"{self.where}: {file} must have one value in each of {expected} lines, got {columns} in {len(lines)} lines"
            raise InputError(msg)
        return [line.strip() for line in lines]


def _graphs_of(
    where: str, ends: Int64Array, indicator: Int64Array, attributes: dict[str, int], labels: LabelArrays | None
) -> RawGraphs:
    graph = indicator[ends]
    crossing = int((graph[:, 0] != graph[:, 1]).sum())
    if crossing:
        msg = f"{where}: {crossing} edges join nodes of two graphs"
        raise InputError(msg)
    num_nodes = np.bincount(indicator)
    order = np.argsort(graph[:, 0], kind="stable")
    first_node = np.concatenate([[0], np.cumsum(num_nodes)])[graph[order, 0]]
    return RawGraphs(
        num_nodes=num_nodes,
        edge_offsets=np.searchsorted(graph[order, 0], np.arange(len(num_nodes) + 1)),
        edges=ends[order] - first_node[:, None],
        directed=True,
        attributes=attributes,
        labels=labels and labels.taken(slice(None), order),
    )


def _whole_numbers(where: str, name: str, content: bytes, columns: int) -> Int64Array:
    """int64[lines, columns] of a comma-separated text."""
    if not content.strip():
        return np.zeros((0, columns), np.int64)
    names = [str(i) for i in range(columns)]
    if not content.isascii():
        content = decode(content, f"{where}: {name}").encode()
    squeezed = pa.py_buffer(content.replace(b" ", b""))
    types = dict.fromkeys(names, pa.int64())
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(squeezed),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types),
        )
    except pa.ArrowInvalid as error:
        msg = f"{where}: {name} must hold {columns} whole numbers a line: {error}"
        raise InputError(msg) from error
    return np.column_stack([table.column(name).to_numpy() for name in names])
