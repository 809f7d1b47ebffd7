"""Edge lists: a line an edge, columns set apart by white space, commas or semicolons.

Without a first line of names there are two columns, and the file is one graph. With one, `graph source target` say, the
columns may be named graph, source, target and anything else, which is an attribute (a weight that is always 1 is none). A
line that names a node alone is a node without (further) edges, one that names a graph alone a graph without nodes.

Names of any kind are numbered from 0: in ascending order if all are whole numbers, else in order of appearance.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gengraph.errors import InputError
from gengraph.files import read_text, write_text
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import RawGraphs

_NAMES = {"graph_id": "graph", "src": "source", "dst": "target"}
_WHOLE = re.compile(r"[+-]?\d+")


def read_edgelist(path: Path) -> RawGraphs:
    """Edges are undirected: one that stands in both directions is a parallel edge."""
    lines = [
        (number, re.split(r"[\s,;]+", line.strip()))
        for number, line in enumerate(read_text(path).splitlines(), start=1)
        if line.strip() and not (line.lstrip().startswith(("#", "%")) and not _header(line))
    ]
    columns = ["source", "target"]
    if lines and _header(" ".join(lines[0][1])):
        columns = _header(" ".join(lines.pop(0)[1]))
    graphs: dict[str, dict[str, int]] = {} if "graph" in columns else {"": {}}
    edges: list[tuple[str, str, str]] = []
    attributes: Counter[str] = Counter()
    for number, values in lines:
        row = dict(zip(columns, values, strict=False))
        graph = row.pop("graph", "" if "graph" not in columns else None)
        if len(values) > len(columns) or graph is None:
            msg = (
                f"{path}, line {number} has {len(values)} columns, {len(columns)} are known ({', '.join(columns)}); name them "
                "in the first line: graph source target, or source target weight"
            )
            raise InputError(msg)
        nodes = graphs.setdefault(graph, {})
        ends = [row.pop(name) for name in ("source", "target") if name in row]
        for label in ends:
            nodes.setdefault(label, len(nodes))
        if len(ends) == 2:
            edges.append((graph, ends[0], ends[1]))
        attributes.update(name for name, value in row.items() if not (name == "weight" and value in ("1", "1.0")))
    return _numbered(graphs, edges, attributes)


def _header(line: str) -> list[str]:
    """The column names of a first line, none if it is not one."""
    words = [word.lower() for word in re.split(r"[\s,;]+", line.strip().lstrip("#%").strip())]
    names = [_NAMES.get(word, word) for word in words]
    return names if {"source", "target"} <= set(names) and len(set(names)) == len(names) else []


def _numbered(graphs: dict[str, dict[str, int]], edges: list[tuple[str, str, str]], attributes: Counter[str]) -> RawGraphs:
    """Graphs and nodes numbered, edges sorted by graph."""
    graph_number = _numbers(graphs)
    node_numbers = {graph: _numbers(nodes) for graph, nodes in graphs.items()}
    sizes = np.zeros(len(graphs), np.int64)
    for graph, nodes in graphs.items():
        sizes[graph_number[graph]] = len(nodes)
    owner = np.array([graph_number[graph] for graph, _, _ in edges], np.int64)
    pairs = np.array([(node_numbers[graph][u], node_numbers[graph][v]) for graph, u, v in edges], np.int64).reshape(-1, 2)
    order = np.argsort(owner, kind="stable")
    offsets = np.searchsorted(owner[order], np.arange(len(graphs) + 1))
    return RawGraphs(num_nodes=sizes, edge_offsets=offsets, edges=pairs[order], attributes=attributes)


def _numbers(labels: Iterable[str]) -> dict[str, int]:
    """A number from 0 for each of some distinct names."""
    ordered = list(labels)
    if all(_WHOLE.fullmatch(label) for label in ordered):
        ordered.sort(key=int)
    return {label: i for i, label in enumerate(ordered)}


def write_edgelist(graphs: GraphSet, path: Path) -> None:
    """With the columns graph, source and target; nodes without edges and graphs without nodes have lines of their own."""
    degrees, offsets = graphs.degrees(), graphs.node_offsets
    parts = ["graph source target\n"]
    for g in range(len(graphs)):
        isolated = np.flatnonzero(degrees[offsets[g] : offsets[g + 1]] == 0).tolist()
        pairs = graphs.edges[graphs.edge_offsets[g] : graphs.edge_offsets[g + 1]].tolist()
        parts += [f"{g} {u} {v}\n" for u, v in pairs] + [f"{g} {node}\n" for node in isolated]
        if not graphs.num_nodes[g]:
            parts.append(f"{g}\n")
    write_text(path, "".join(parts))
