"""The formats: what they are called, which suffixes say them, and what reads and writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gengraph.errors import InputError
from gengraph.formats.content import PICKLES, check_content, found_in, refuse_pickle, refuse_stand_in
from gengraph.formats.dot import read_dot
from gengraph.formats.edgelist import read_edgelist, read_ncol, write_edgelist
from gengraph.formats.gexf import read_gexf, write_gexf
from gengraph.formats.markup import read_gml, read_graphml, write_gml, write_graphml
from gengraph.formats.matrix import read_adjacency, read_hb, read_mat, read_mtx, read_npy, read_npz, write_mtx, write_npz
from gengraph.formats.metis import read_metis, write_metis
from gengraph.formats.molecules import (
    holds_smiles,
    read_sdf,
    read_smi,
    read_smiles_table,
    write_sdf,
    write_smi,
    write_smiles_table,
)
from gengraph.formats.native import read_json, read_jsonl, read_parquet, write_json_list, write_jsonl, write_parquet
from gengraph.formats.nauty import read_nauty, write_nauty
from gengraph.formats.neighbours import read_adjlist, read_lgl, read_multiline_adjlist
from gengraph.formats.objects import read_objects, write_node_link
from gengraph.formats.pajek import read_pajek, write_pajek
from gengraph.formats.solvers import read_dimacs, read_leda
from gengraph.formats.tables import read_table_pair, write_table_pair
from gengraph.formats.text import suffix_of
from gengraph.formats.tu import read_tu_zip
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy, RawGraphs

Reader = Callable[[Path, Policy], RawGraphs]
Writer = Callable[[GraphSet, Path], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """A format.

    Attributes:
        suffixes: that say it; the first is the usual one.
        read: makes raw graphs of a file.
        write: None if it is only read.
        one_graph: a file holds one graph.
        is_binary: it is not read gzipped.
        keeps: what is written of `nodes` and `edges` (their labels), `directions` and `classes`; these alone are left behind
            where a format has no place for them.
    """

    suffixes: tuple[str, ...]
    read: Reader
    write: Writer | None = None
    one_graph: bool = False
    is_binary: bool = False
    keeps: frozenset[str] = frozenset()


_LABELS = frozenset(("nodes", "edges"))
_ALL = _LABELS | {"directions"}
_MORE = _ALL | {"classes"}
_MOLECULES = _LABELS | {"classes"}
CODECS = {
    "parquet": Codec(suffixes=(".parquet",), read=read_parquet, write=write_parquet, is_binary=True, keeps=_MORE),
    "jsonl": Codec(suffixes=(".jsonl",), read=read_jsonl, write=write_jsonl, keeps=_MORE),
    "json": Codec(suffixes=(".json",), read=read_json, write=write_json_list, keeps=_MORE),
    "node-link": Codec(suffixes=(".node-link.json", ".cyjs"), read=read_objects, write=write_node_link, keeps=_MORE),
    "graph6": Codec(suffixes=(".g6",), read=read_nauty, write=write_nauty),
    "sparse6": Codec(suffixes=(".s6",), read=read_nauty, write=write_nauty),
    "graphml": Codec(suffixes=(".graphml", ".graphmlz"), read=read_graphml, write=write_graphml, keeps=_MORE),
    "gml": Codec(suffixes=(".gml",), read=read_gml, write=write_gml, keeps=_MORE),
    "gexf": Codec(suffixes=(".gexf",), read=read_gexf, write=write_gexf, one_graph=True, keeps=_ALL),
    "pajek": Codec(suffixes=(".net", ".paj", ".pajek"), read=read_pajek, write=write_pajek, keeps=_ALL - _LABELS),
    "metis": Codec(suffixes=(".metis", ".graph"), read=read_metis, write=write_metis, one_graph=True),
    "edgelist": Codec(
        suffixes=(".edgelist", ".edges", ".csv", ".tsv"), read=read_edgelist, write=write_edgelist, keeps=_ALL - {"nodes"}
    ),
    "tables": Codec(suffixes=(".edges.csv",), read=read_table_pair, write=write_table_pair, keeps=_ALL),
    "ncol": Codec(suffixes=(".ncol",), read=read_ncol),
    "lgl": Codec(suffixes=(".lgl",), read=read_lgl),
    "adjlist": Codec(suffixes=(".adjlist",), read=read_adjlist),
    "multiline-adjlist": Codec(suffixes=(".multiline_adjlist", ".multiline-adjlist"), read=read_multiline_adjlist),
    "adjacency": Codec(suffixes=(".adjacency", ".adj"), read=read_adjacency),
    "dimacs": Codec(suffixes=(".dimacs", ".col", ".clq", ".gr", ".max"), read=read_dimacs),
    "leda": Codec(suffixes=(".lgr", ".leda", ".gw"), read=read_leda),
    "dot": Codec(suffixes=(".dot", ".gv"), read=read_dot),
    "mtx": Codec(suffixes=(".mtx",), read=read_mtx, write=write_mtx, one_graph=True, keeps=_ALL - _LABELS),
    "hb": Codec(suffixes=(".rb", ".hb"), read=read_hb),
    "mat": Codec(suffixes=(".mat",), read=read_mat, is_binary=True),
    "npz": Codec(suffixes=(".npz",), read=read_npz, write=write_npz, is_binary=True, keeps=_ALL),
    "npy": Codec(suffixes=(".npy",), read=read_npy, is_binary=True),
    "tu": Codec(suffixes=(".zip",), read=read_tu_zip, is_binary=True),
    "smi": Codec(suffixes=(".smi", ".smiles"), read=read_smi, write=write_smi, keeps=_LABELS),
    "smiles-table": Codec(
        suffixes=(".smiles.csv",), read=read_smiles_table, write=write_smiles_table, keeps=_LABELS | {"classes"}
    ),
    "sdf": Codec(suffixes=(".sdf", ".mol"), read=read_sdf, write=write_sdf, keeps=_LABELS),
}
WRITES_LABELS = tuple(codec.suffixes[0] for codec in CODECS.values() if codec.write and codec.keeps >= _ALL)
_BY_SUFFIX = {suffix: name for name, codec in CODECS.items() for suffix in codec.suffixes}
SUFFIXES = tuple(_BY_SUFFIX)
IN_FOLDERS = {f".{suffix.rpartition('.')[2]}" for suffix in SUFFIXES} - {".zip"}  # a .txt in a folder is most often about it


def codec_of(path: Path, file_format: str = "") -> Codec:
    """The format of a file: the one that is asked for, else what its suffix says, else what is in it.

    Raises:
        InputError: nothing says it, or it is a format that is not read; then the message says what converts it.
    """
    if file_format and file_format not in CODECS:
        msg = f"file_format must be one of {', '.join(CODECS)}, got {file_format!r}"
        raise InputError(msg)
    refuse_stand_in(path)
    name = file_format or format_named(path)
    if name is None:
        name = found_in(path)
    elif not file_format and not CODECS[name].is_binary:
        check_content(path, name)
    if name is None:
        msg = (
            f"unknown graph format {suffix_of(path)!r} of {path}; known are {', '.join(SUFFIXES)}, .txt and folders of such "
            "files; if it is one of these, set file_format"
        )
        raise InputError(msg)
    if name == "edgelist" and not file_format and suffix_of(path) in (".csv", ".tsv") and holds_smiles(path):
        name = "smiles-table"
    codec = CODECS[name]
    if codec.is_binary and path.name[-3:].lower() == ".gz":
        msg = f"{path}: {codec.suffixes[0]} files are not read gzipped; unpack it"
        raise InputError(msg)
    return codec


def writer_of(path: Path) -> Codec:
    """The format to write a file in.

    Raises:
        InputError: it is none that is written.
    """
    if path.suffix.lower() in PICKLES:
        refuse_pickle(path)
    name = None if path.suffix.lower() == ".gz" else format_named(path)
    if name is None or CODECS[name].write is None:
        writable = ", ".join(suffix for suffix, known in _BY_SUFFIX.items() if CODECS[known].write)
        is_read = name is not None or path.suffix.lower() == ".gz"
        what = "can be read but not written" if is_read else "is no format that is written"
        msg = f"{path.suffix or path} {what}; choose one of {writable}"
        raise InputError(msg)
    return CODECS[name]


def format_named(path: Path) -> str | None:
    """What the suffix says, one of two parts (.edges.csv) before one; else whether it is called as the lists of KONECT are."""
    suffix = suffix_of(path)
    _, dot, before = path.name.lower().removesuffix(".gz").removesuffix(suffix).rpartition(".")
    konect = "edgelist" if path.name.startswith("out.") else None
    return _BY_SUFFIX.get(f"{dot}{before}{suffix}", _BY_SUFFIX.get(suffix, konect))
