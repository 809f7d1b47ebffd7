"""What a file holds whose name does not say it, by its first bytes; and the binary files that are not read, with a way out."""

import codecs
import re
from pathlib import Path

import numpy as np

from gengraph.errors import InputError
from gengraph.formats.metis import read_metis
from gengraph.formats.text import head_of, suffix_of
from gengraph.graphs.collection import Policy

_SIGNS = (  # at the beginning of a text, in the order in which they are tried
    ("mtx", r"%%MatrixMarket"),
    ("graphml", r"<(?s:.*?)<(\w+:)?graphml\b|<graphml\b"),
    ("gexf", r"<(?s:.*?)<(\w+:)?gexf\b|<gexf\b"),
    ("pajek", r"(%[^\n]*\s+)*\*(vertices|network)\b"),
    ("leda", r"(#[^\n]*\s+)*LEDA\.GRAPH"),
    ("dimacs", r"(c\b[^\n]*\s+)*p\s+(edge|col|sp|max|min|tw)\s+\d+\s+\d+|p\s+\d+\s+\d+\s+[ud]\s"),
    ("graph6", r">>(graph6|sparse6)<<"),
    ("dot", r"(\s|//[^\n]*|#[^\n]*|/\*(?s:.*?)\*/)*(strict\s+)?(di)?graph\b[^\[{\n]*\s*\{"),
    ("gml", r"(#[^\n]*\s+|(Creator|Version|Vendor|Comment|IsPlanar)\b[^\n]*\s+)*graph\s*\["),
    ("json", r"[{\[]\s*[{\"]"),
)
_MARKS = {b"MATLAB 5": "mat", b"PAR1": "parquet", b"\x93NUMPY": "npy"}  # of binary formats
_PACKED = {  # by the first bytes
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\xd0\xcf\x11\xe0": "Office",
}
_SPREADSHEETS = {".xlsx", ".xlsm", ".xls", ".ods"}
_ALIKE = ({"json", "jsonl", "node-link"}, {"graph6", "sparse6"})  # whose beginnings are
PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".gpickle", ".picklez"}
_SMALL = 1 << 20  # bytes of a text that is read as METIS to see whether it is that


def found_in(path: Path) -> str | None:
    """The name of the format that is found in a file, None if none is.

    Raises:
        InputError: it is a binary format that is not read, or one of two that cannot be told apart.
    """
    head = head_of(path)
    _refuse_binary(path, head)
    by_mark = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if by_mark is not None:
        return by_mark
    name = _sign(head)
    if name is None and suffix_of(path) == ".txt":
        return _of_numbers(path)
    return name


def refuse_stand_in(path: Path) -> None:
    """Raise InputError for what stands in a file's place where it was not fetched: a web page, a pointer of Git LFS."""
    head = head_of(path).removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        msg = f"{path} is a web page, and no graph; download the file that it speaks of, and look into it"
        raise InputError(msg)
    if head.startswith(b"version https://git-lfs"):
        msg = f"{path} only says where Git LFS keeps the file; fetch that with `git lfs pull`"
        raise InputError(msg)


def check_content(path: Path, name: str) -> None:
    """Refuse a text that begins as another format than the one that its suffix says.

    Raises:
        InputError: it does.
    """
    head = head_of(path)
    _refuse_packed(path, head)
    found = _sign(head)
    alike = next((formats for formats in _ALIKE if name in formats), {name})
    if found is not None and found not in alike:
        msg = f"{path} begins as {found}, and its suffix says {name}; set file_format = {found}, or rename it"
        raise InputError(msg)


def _sign(head: bytes) -> str | None:
    """The format of a text that its beginning says."""
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").lstrip()
    return next((name for name, sign in _SIGNS if re.match(sign, text, re.IGNORECASE)), None)


def _of_numbers(path: Path) -> str:
    """Whether lines of numbers are METIS or edges."""
    if path.stat().st_size > _SMALL:
        return "edgelist"
    try:
        raw = read_metis(path, Policy())
    except InputError:
        return "edgelist"
    first_line = head_of(path).split(b"\n", 1)[0].split()
    if len(first_line) > 2 or np.bincount(raw.edges[:, 0]).max(initial=0) > 2:
        return "metis"  # a line of three numbers is no edge
    msg = f"{path} may be METIS or a list of edges; set file_format = metis or file_format = edgelist"
    raise InputError(msg)


def _refuse_binary(path: Path, head: bytes) -> None:
    """Raise InputError for what only the program that wrote it should read."""
    name = str(path)
    _refuse_packed(path, head)
    if head.startswith(b"\xe2\x9b\xbe gt"):
        kind = "graph-tool's binary"
        lines = f"import graph_tool.all as gt\n  gt.load_graph({name!r}, fmt='gt').save('graph.graphml')"
    elif head.startswith(b"nkbg"):
        kind = "NetworKit's binary"
        lines = _networkit(name, "NetworkitBinary")
    elif suffix_of(path) in PICKLES or (head[:1] == b"\x80" and b"\x94" in head[:16]):
        refuse_pickle(path, head)
    elif b"\0" in head and not head.startswith((*_MARKS, b"\xff\xfe", b"\xfe\xff")) and b"<\0" not in head:
        kind = "binary, and in no format that is known"
        lines = "if NetworKit wrote it for Thrill:\n  " + _networkit(name, "ThrillBinary")
    else:
        return
    msg = f"{path} is {kind}; write it as text where it was made:\n  {lines}"
    raise InputError(msg)


def _refuse_packed(path: Path, head: bytes) -> None:
    """Raise InputError for an archive, or a file that something else than gzip has packed."""
    packed = "tar" if head[257:262] == b"ustar" else next((how for mark, how in _PACKED.items() if head.startswith(mark)), None)
    if packed is None:
        return
    if suffix_of(path) in _SPREADSHEETS:
        msg = f"{path} is a spreadsheet; save its sheet of edges as .csv, and give that"
    else:
        msg = f"{path} is packed by {packed}, and gzip alone is read; unpack it, and give the file or the folder that comes out"
    raise InputError(msg)


def _networkit(name: str, kind: str) -> str:
    return (
        f"import networkit as nk; graph = nk.readGraph({name!r}, nk.Format.{kind})\n"
        "  nk.writeGraph(graph, 'graph.graphml', nk.Format.GraphML)"
    )


def refuse_pickle(path: Path, head: bytes = b"") -> None:
    """Raise InputError with the lines that convert a pickle where it is trusted."""
    why = f"{path} is a pickle, which can run any program when it is loaded, so gengraph reads none; load it where you trust it"
    if b"igraph" in head:
        zipped = "z" if suffix_of(path) == ".picklez" else ""
        msg = (
            f"{why}:\n  import igraph; graph = igraph.Graph.Read_Pickle{zipped}({str(path)!r})\n  graph.write('graph.graphml')"
        )
        raise InputError(msg)
    msg = (
        f"{why}, and write it: of networkx graphs (one graph: [graph])\n"
        f"  import gengraph, pathlib, pickle; graphs = pickle.loads(pathlib.Path({str(path)!r}).read_bytes())\n"
        "  gengraph.write_graphs(graphs, 'graphs.parquet')\nand of PyTorch Geometric's\n"
        "  gengraph.write_graphs(GraphSet.from_edge_index(data.edge_index, batch), 'graphs.parquet')"
    )
    raise InputError(msg)
