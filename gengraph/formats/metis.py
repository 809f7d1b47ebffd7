"""METIS (.graph, .metis): a line a node with its neighbours, counted from 1, after a line with the numbers of both and flags.

The flags are three digits: nodes have sizes, nodes have weights (as many as a fourth number says), edges have weights.

Reference:
    G. Karypis. METIS, a software package for partitioning unstructured graphs. Version 5.1.0, section 4.1. 2013.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.text import read_text
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs


def read_metis(path: Path, _policy: Policy) -> RawGraphs:
    """Edges stand at both ends; one that does not is directed. Sizes and weights other than 1 are attributes."""
    lines = [line.split() for line in read_text(path).split("\n") if not line.lstrip().startswith("%")]
    head = next((i for i, cells in enumerate(lines) if cells), None)
    try:
        n, m, flags, constraints = _header(lines[head] if head is not None else [])
        rows = lines[(head or 0) + 1 :]
        if any(rows[n:]):
            msg = f"there are more lines than its {n} nodes"
            raise ValueError(msg)
        rows += [[]] * (n - len(rows))  # an editor has cut blank lines off: the number of edges says whether that is all
        return _graph(rows[:n], m, flags, constraints)
    except (ValueError, IndexError) as error:
        msg = f"{path} is not METIS: {error}; its first line is: nodes edges [flags [weights of a node]]"
        raise InputError(msg) from error


def _header(cells: Sequence[str]) -> tuple[int, int, str, int]:
    """Nodes, edges, the three flags and the weights of each node."""
    if not 2 <= len(cells) <= 4:
        msg = f"its first line has {len(cells)} numbers"
        raise ValueError(msg)
    n, m, *more = map(int, cells)
    flags = cells[2].zfill(3) if more else "000"
    if len(flags) > 3 or set(flags) - {"0", "1"} or min(n, m) < 0:
        msg = f"its first line is {' '.join(cells)}"
        raise ValueError(msg)
    return n, m, flags, (more[1] if len(more) > 1 else 1) if flags[1] == "1" else 0


def _graph(rows: Sequence[Sequence[str]], m: int, flags: str, constraints: int) -> RawGraphs:
    before, step = int(flags[0]) + constraints, 1 + int(flags[2])
    entries = [row[before:] for row in rows]
    if any(len(row) % step for row in entries) or (before and any(0 < len(row) < before for row in rows)):
        msg = f"a line has fewer numbers than its flags {flags} say"
        raise ValueError(msg)
    counts = [len(row) // step for row in entries]
    source = np.repeat(np.arange(len(rows)), counts)
    target = np.array([int(cell) for row in entries for cell in row[::step]], np.int64) - 1
    strange = target[(target < 0) | (target >= len(rows))]
    if len(strange):
        msg = f"a line names the node {strange[0] + 1}, and nodes are 1..{len(rows)}"
        raise ValueError(msg)
    loops = int((source == target).sum())
    if 2 * m not in (len(target), len(target) + loops):
        msg = f"its first line says {m} edges, its lines have {len(target)} ends of edges"
        raise ValueError(msg)
    attributes = {
        "sizes": sum(row[0] != "1" for row in rows if row) if flags[0] == "1" else 0,
        "node weights": sum(cell != "1" for row in rows for cell in row[int(flags[0]) : before]),
        "edge weights": sum(float(cell) != 1 for row in entries for cell in row[1::step]) if step == 2 else 0,
    }
    return RawGraphs.from_lists(
        [len(rows)],
        [np.column_stack([source, target])],
        directed=True,
        attributes={name: count for name, count in attributes.items() if count},
    )


def write_metis(graphs: GraphSet, path: Path) -> None:
    """The one graph."""
    matrix = graphs.to_csr()
    rows = (_row(matrix.indices[start:end]) for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True))
    write_text(path, f"{int(graphs.num_nodes[0])} {len(graphs.edges)}\n" + "".join(rows))


def _row(neighbours: npt.NDArray[np.integer]) -> str:
    return " ".join(map(str, (neighbours + 1).tolist())) + "\n"
