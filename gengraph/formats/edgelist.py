"""Edge lists: a line an edge, cells set apart by commas, semicolons or tabs, as the file has them, else by white space.

Without a first line of names there are two columns, and the file is one graph. With one, `graph source target` say, the
columns may be named graph, source, target and anything else, which is an attribute (a weight that is always 1 is none). A
line that names a node alone is a node without (further) edges, one that names a graph alone a graph without nodes. The data of
networkx (`0 1 {'weight': 2}`) and the comments of KONECT and SNAP are understood.

Names of any kind are numbered from 0: in ascending order if all are whole numbers, else in order of appearance.
"""

import ast
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.columns import Layout, Row, find_layout, is_known
from gengraph.formats.labels import check_texts, told
from gengraph.formats.nauty import are_codes
from gengraph.formats.plainlist import LONG_BYTES, numbered_from_0, raw_graph, read_columns
from gengraph.formats.rows import GRAPH_CLASS, Rows
from gengraph.formats.text import head_of, numbered_lines, read_text, suffix_of
from gengraph.graphs import GraphSet
from gengraph.graphs.attributes import says_more
from gengraph.graphs.collection import Policy, RawGraphs

_SAMPLE_BYTES = 1 << 16  # of a long file, that its columns are taken from
_SAMPLE = 1000  # lines that the delimiter is taken from
_DATA = re.compile(r"(.*?)[\s,;]+(\{.*\})\s*")
_SEPARATOR = re.compile(r"sep=.?")  # by which Excel is told the delimiter
_MISSING = {"na", "n/a", "<na>", "nan", "null", "none", "nil"}


def read_edgelist(path: Path, policy: Policy) -> RawGraphs:
    """Edges are undirected: one that stands in both directions is a parallel edge. `policy.columns` names the columns.

    A column `graph_class` has the class of the graph that an edge is of.
    """
    plain = _plain(path, policy) if path.stat().st_size >= LONG_BYTES and not policy.edge_label else None
    if plain is not None:
        return plain
    return edges_of(path, read_text(path), policy).numbered(path, policy)


def _plain(path: Path, policy: Policy) -> RawGraphs | None:
    """The graph of a file of whole numbers in two columns, whatever its first lines say; None if it is anything else."""
    head = head_of(path, _SAMPLE_BYTES)
    lines = head.decode("ascii", "replace").split("\n")[:-1]
    start = next((i for i, line in enumerate(lines) if line.strip() and line.lstrip()[0] not in "#%"), len(lines))
    try:
        rows = rows_of(path, list(enumerate(lines[start:])))
        layout = find_layout(path, lines[:start], rows, policy.columns) if rows else Layout()
    except InputError:  # which the whole file is needed for
        return None
    start += layout.has_header
    cells = re.match(r"\d+([ ,;|\t])\d+(\r?)$", lines[start]) if start < len(lines) else None
    if cells is None or layout.bipartite or sorted(layout.names) != ["source", "target"] or not head.isascii():
        return None
    skip = sum(len(line) + 1 for line in lines[:start])
    line_end = cells[2].encode() + b"\n"
    columns = read_columns(path, cells[1], skip=skip, types=(pa.int64(), pa.int64()), line_end=line_end)
    if columns is None:
        return None
    first, second = columns if layout.names[0] == "source" else columns[::-1]
    counted = numbered_from_0(first, second, policy.nodes)
    if counted is None:
        return None
    n, gaps = counted
    return raw_graph(n, first, second, directed=layout.directed, left_out={"nodes": gaps} if gaps else {})


def read_ncol(path: Path, policy: Policy) -> RawGraphs:
    """A line `node node`, or `node node weight`; no line of names, no comments."""
    rows = [(number, line.split()) for number, line in numbered_lines(read_text(path))]
    for number, cells in rows:
        if len(cells) not in (2, 3):
            msg = f"{path}, line {number} has {len(cells)} words; a line of NCOL is: node node [weight]"
            raise InputError(msg)
    weights = [cells[2] if len(cells) == 3 else None for _, cells in rows]
    is_label = policy.edge_label == "weight" and any(weights)
    more = 0 if is_label else sum(says_more("weight", weight, of="edge") for weight in weights if weight is not None)
    ends = [cells[0] for _, cells in rows], [cells[1] for _, cells in rows]
    attributes = Counter({"weight": more} if more else {})
    labels = weights if is_label else None
    return Rows(graphs=None, sources=ends[0], targets=ends[1], attributes=attributes, edge_labels=labels).numbered(path, policy)


def edges_of(path: Path, text: str, policy: Policy) -> Rows:
    """The rows of an edge list."""
    data = _Data(policy.edge_label)
    marked, lines = _lines(text, data)
    rows = rows_of(path, lines)
    if not rows:
        return Rows(graphs=None, sources=[], targets=[])
    _check_comments(path, marked, lines, rows)
    comments = [line for number, line in marked if number < lines[0][0]]
    _check_codes(path, rows)
    _check_brackets(path, rows)
    layout = find_layout(path, comments, rows, policy.columns)
    if layout.has_header:
        rows = rows[1:]
    graphs, sources, targets = _ends(path, rows, layout)
    labels: Sequence[Any] | None = None
    directed: bool | Sequence[bool] = layout.directed
    names = [None if name in ("graph", "source", "target") else name.strip() for name in layout.names]
    if policy.edge_label in names:
        labels = _column(rows, names.index(policy.edge_label))
    elif data.labels:
        labels = [data.labels.get(number) for number, _ in rows]
    classes = _column(rows, names.index(GRAPH_CLASS)) if GRAPH_CLASS in names else None
    kinds = next((i for i, name in enumerate(names) if name and name.lower() == "type" and name != policy.edge_label), None)
    ways = [] if kinds is None else [str(cell or "undirected").lower() for cell in _column(rows, kinds)]
    if ways and {*ways} <= {"directed", "undirected"}:  # as Gephi's tables say it
        directed = [way == "directed" for way in ways]
        names[kinds or 0] = None
    for place, name in enumerate(names):
        if name not in (None, policy.edge_label, GRAPH_CLASS):
            _count_attribute(rows, place, name, data.attributes)
    return Rows(
        graphs=graphs,
        sources=sources,
        targets=targets,
        directed=directed,
        attributes=data.attributes,
        edge_labels=labels,
        classes=classes,
    )


def _check_codes(path: Path, rows: Sequence[Row]) -> None:
    """Refuse what would be nodes without edges alone, and is the text of nauty."""
    if all(len(cells) == 1 for _, cells in rows) and are_codes(cells[0] for _, cells in rows):
        msg = f"{path} names no edges, and its lines are graph6 or sparse6; rename it, or set file_format = graph6"
        raise InputError(msg)


def _check_brackets(path: Path, rows: Sequence[Row]) -> None:
    """Refuse edges as Python prints them, whose brackets would be parts of names."""
    number, cells = rows[0]
    first, last = cells[0], cells[-1]
    if len(cells) > 1 and first[:1] in set("([") and last[-1:] in set(")]") and first[-1:] not in ")]" and last[:1] not in "([":
        msg = f"{path}, line {number} stands in brackets ({', '.join(cells)}); write the two ends of an edge alone: 1,2"
        raise InputError(msg)


@dataclass(slots=True)
class _Data:
    """What stands in the dictionaries at the ends of lines.

    Attributes:
        label: the name of the label of edges; empty if they have none.
        attributes: how many values there are of each other name.
        labels: by the number of the line.
    """

    label: str
    attributes: Counter[str] = field(default_factory=Counter)
    labels: dict[int, Any] = field(default_factory=dict)


def _lines(text: str, data: _Data) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The numbered lines that are marked as comments, and those of data without the dictionaries of networkx."""
    marked: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or (number == 1 and _SEPARATOR.fullmatch(stripped)):
            continue
        if stripped[0] in "#%":
            marked.append((number, line))
        else:
            lines.append((number, _without_data(number, line, data) if stripped[-1] == "}" else line))
    return marked, lines


def _check_comments(
    path: Path, marked: Sequence[tuple[int, str]], lines: Sequence[tuple[int, str]], rows: Sequence[Row]
) -> None:
    """Refuse comments that may be edges of a node whose name begins with the mark of a comment."""
    delimiter = _delimiter([line for _, line in lines[:_SAMPLE]], is_tsv=suffix_of(path) == ".tsv")
    width = len(rows[0][1])
    are_numbers = all(cell[:1] in "+-0123456789" for cell in rows[-1][1])
    for number, line in marked:
        if delimiter is None:
            looks_so = number > lines[0][0] and re.match(r"\s*[#%][^\s\d#%]\S*[\s,;]+\S+\s*$", line) is not None
        else:
            cells = [cell.strip() for cell in re.sub(r'"[^"]*"', '""', line).split(delimiter)]
            is_bare = not re.match(r"[#%]+\s", cells[0]) and not (are_numbers and cells[0][1:2].isdecimal())
            looks_so = is_bare and len(cells) == width > 1 and not is_known([cells[0][1:], *cells[1:]])
        if looks_so:
            node = line.strip().split(delimiter)[0]
            msg = f"{path}, line {number} may be a comment or an edge of a node {node}; remove it, or quote it"
            raise InputError(msg)


def _without_data(number: int, line: str, noted: _Data) -> str:
    """A line of `networkx.write_edgelist` without the dictionary at its end, which is noted."""
    match = _DATA.fullmatch(line)
    try:
        data = ast.literal_eval(match[2]) if match else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        data = None
    if match is None or not isinstance(data, dict):
        return line
    for name, value in data.items():
        if str(name) == noted.label:
            noted.labels[number] = value
        elif says_more(str(name), value, of="edge"):
            noted.attributes[str(name)] += 1
    return match[1]


def rows_of(path: Path, lines: Sequence[tuple[int, str]]) -> list[Row]:
    """The cells of every line, without columns at the end that are blank in all of them."""
    delimiter = _delimiter([line for _, line in lines[:_SAMPLE]], is_tsv=suffix_of(path) == ".tsv")
    rows = []
    for number, line in lines:
        if '"' in line and delimiter is not None:
            try:
                cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))
            except (csv.Error, StopIteration) as error:
                msg = f"{path}, line {number}: {error}; close every quotation mark in its line"
                raise InputError(msg) from error
        else:
            cells = line.split(delimiter)
        rows.append((number, [cell.strip() for cell in cells] if delimiter is not None else cells))
    if delimiter is not None:
        used = max((i + 1 for _, cells in rows for i, cell in enumerate(cells) if cell), default=0)
        rows = [(number, cells[:used]) for number, cells in rows if any(cells)]
    if len(rows) > 1 and len(rows[0][1]) == 1 < len(rows[1][1]):  # names above that are set apart by something else
        names = re.split(r"[\s,;]+", rows[0][1][0])
        if len(names) == len(rows[1][1]) and not any(name[:1].isdecimal() for name in names):
            rows[0] = rows[0][0], names
    return rows


def _delimiter(lines: Sequence[str], *, is_tsv: bool) -> str | None:
    """What most lines have between their cells; None for white space.

    Of several it is that which known names of columns have between them, else that which more lines have.
    """
    if any('"' in line for line in lines):
        lines = [re.sub(r'"[^"]*"', '""', line) for line in lines]
    having = {delimiter: sum(delimiter in line for line in lines) for delimiter in ";,|\t"}
    likely = sorted((delimiter for delimiter in having if 2 * having[delimiter] > len(lines)), key=lambda one: -having[one])
    if is_tsv and "\t" in likely:
        return "\t"
    header = lines[0] if lines else ""
    named = [delimiter for delimiter in likely if delimiter in header and is_known(header.split(delimiter))]
    if named:
        return named[0]
    if likely == ["\t"] and any(re.search(r"\d +\d|\d \t", line) for line in lines if "\t" in line):
        return None
    return likely[0] if likely else None


def _ends(path: Path, rows: Sequence[Row], layout: Layout) -> tuple[list[str] | None, list[str | None], list[str | None]]:
    """The graph, one end and the other of each row; an end that is missing is None."""
    names, width = layout.names, len(layout.names)
    graph = names.index("graph") if "graph" in names else None
    source, target = names.index("source"), names.index("target")
    graphs: list[str] = []
    ends: tuple[list[str | None], list[str | None]] = ([], [])
    for number, cells in rows:
        if len(cells) != width:
            cells = _short(path, number, cells, names)  # noqa: PLW2901 - filled up
        if graph is not None:
            if not cells[graph]:
                msg = f"{path}, line {number} has no graph; name it, or leave the line out"
                raise InputError(msg)
            graphs.append(cells[graph])
        elif not cells[source] and not cells[target]:
            msg = f"{path}, line {number} has neither {names[source]} nor {names[target]}; leave the line out"
            raise InputError(msg)
        ends[0].append(cells[source] or None)
        ends[1].append(cells[target] or None)
    _check_missing(path, rows, ends)
    if layout.bipartite:
        ends = [name and f"left {name}" for name in ends[0]], [name and f"right {name}" for name in ends[1]]
    return (None if graph is None else graphs), ends[0], ends[1]


def _short(path: Path, number: int, cells: list[str], names: Sequence[str]) -> list[str]:
    """A row that names a node alone, or a graph alone, filled up; any other of the wrong length is refused."""
    leading = list(names[: len(cells)])
    alone = leading in (["source"], ["graph"], ["graph", "source"])
    if len(cells) >= len(names) or not alone or any(re.search(r"[,;\s]", cell) for cell in cells):
        known = ", ".join(name.strip() for name in names)
        msg = (
            f"{path}, line {number} has {len(cells)} columns, {len(names)} are known ({known}); "
            "name all columns in the first line, and fill every cell or separate cells by commas"
        )
        raise InputError(msg)
    return cells + [""] * (len(names) - len(cells))


def _check_missing(path: Path, rows: Sequence[Row], ends: tuple[list[str | None], list[str | None]]) -> None:
    """Refuse words for missing values among ids that are numbers."""
    labels = {name for column in ends for name in column if name is not None}
    words = {name for name in labels if name.lower() in _MISSING}
    if words and all(re.match(r"[+-]?\d", name) for name in labels - words):
        for (number, _), *pair in zip(rows, *ends, strict=True):
            if words & set(pair):
                msg = f"{path}, line {number} has {min(words & set(filter(None, pair)))} for a node; leave the cell empty"
                raise InputError(msg)


def _column(rows: Sequence[Row], place: int) -> list[str | None]:
    """The cells of a column, None where it is blank."""
    return [cells[place] or None if place < len(cells) else None for _, cells in rows]


def _count_attribute(rows: Sequence[Row], place: int, name: str, attributes: Counter[str]) -> None:
    values = [value for value in _column(rows, place) if value]
    if not name and values == [str(i) for i in range(len(values))]:
        return  # the row numbers that pandas writes before all columns
    more = sum(says_more(name, value, of="edge") for value in values)
    if more:
        attributes[name or f"column {place + 1}"] += more


def check_cells(graphs: GraphSet, path: Path, *, quoted: bool = True) -> None:
    """Refuse labels that cells have no spelling for; names of columns that mean something else."""
    cell = r"[^\s\0](?:[^\n\r\0]*[^\s\0])?" if quoted else r"[^\s\0,;|\"#%{}]+"
    own = r"(?i:\W*(?:graph|source|target|type|id|node|name|key)\W*(?:id|index|idx)?\W*)"
    check_texts(path, graphs, names=rf"(?!{own}\Z).*", can_spell=re.compile(cell).fullmatch)


def spelled(labels: Sequence[str]) -> list[str]:
    """Cells of a table, in quotation marks where a letter might be read as something else."""
    return [label if re.fullmatch(r"[\w.+-]+", label) else '"' + label.replace('"', '""') + '"' for label in labels]


def write_edgelist(graphs: GraphSet, path: Path) -> None:
    """With the columns graph, source and target, Type if edges have directions, and that of their labels.

    Nodes without edges and graphs without nodes have lines of their own.
    """
    comma = suffix_of(path) == ".csv"
    check_cells(graphs, path, quoted=comma)
    degrees, offsets = graphs.degrees(), graphs.node_offsets
    between = "," if comma else "\t" if suffix_of(path) == ".tsv" else " "
    spell = spelled if comma else list  # elsewhere labels are words
    labels = graphs.schema.edges
    further = ["Type"] * graphs.schema.directed + (spell([labels.name]) if labels else [])
    alone = "," * (1 + len(further)) * comma
    kind = f"{between}Directed" * graphs.schema.directed
    parts = [between.join(["graph", "source", "target", *further]) + "\n"]
    for graph in told(graphs):
        g, ends = graph.number, [""] * len(graph.pairs)
        if graph.edges is not None:
            ends = [between + label for label in spell(graph.edges)]
        isolated = np.flatnonzero(degrees[offsets[g] : offsets[g + 1]] == 0).tolist()
        pairs = zip(graph.pairs, ends, strict=True)
        parts += [f"{g}{between}{u}{between}{v}{kind}{end}\n" for (u, v), end in pairs]
        parts += [f"{g}{between}{node}{alone}\n" for node in isolated]
        if not graph.num_nodes:
            parts.append(f"{g}{alone}{',' * comma}\n")
    write_text(path, "".join(parts))
