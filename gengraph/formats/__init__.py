"""Read and write graph sets; the suffix says the format.

| suffix | what |
|---|---|
| .parquet | native: one row a graph, columns num_nodes and edges, if wanted split |
| .jsonl, .json | {"n": 3, "edges": [[0, 1], [1, 2]]} or {"nodes": ["a", "b"], ...}, one a line, or a list of them |
| .g6, .s6 | graph6 and sparse6 of nauty, one graph a line |
| .graphml, .gml | one graph or several; nodes have any names |
| .edgelist, .csv, .tsv, .txt | a line an edge; several graphs with a column that names the graph |
| .npz | scipy's sparse adjacency matrix; of several graphs the block-diagonal one, with num_nodes |
| .mtx | Matrix Market: the sparse adjacency matrix of one graph (read only) |
| .zip, or a folder with NAME_A.txt | the TU collection's text files (read only) |

Text formats are also read gzipped (.csv.gz). A folder is a set too: with files for train, validation and test it has given
parts, else its files, of one format, hold shards or one graph each.
"""

import errno
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.formats.edgelist import read_edgelist, write_edgelist
from gengraph.formats.folders import read_folder
from gengraph.formats.markup import read_gml, read_graphml, write_gml, write_graphml
from gengraph.formats.matrix import read_mtx, read_npz, write_npz
from gengraph.formats.native import read_json, read_jsonl, read_parquet, write_json_list, write_jsonl, write_parquet
from gengraph.formats.nauty import read_nauty, write_nauty
from gengraph.formats.tu import read_tu_zip
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Collection, Policy, RawGraphs, Refused, simplify
from gengraph.graphs.taken import as_graph_set

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_collection", "read_graphs", "write_graphs"]

Reader = Callable[[Path, Policy], RawGraphs]
Writer = Callable[[GraphSet, Path], None]

_CODECS: dict[str, tuple[Reader, Writer | None]] = {
    ".parquet": (read_parquet, write_parquet),
    ".jsonl": (read_jsonl, write_jsonl),
    ".json": (read_json, write_json_list),
    ".g6": (read_nauty, write_nauty),
    ".s6": (read_nauty, write_nauty),
    ".graphml": (read_graphml, write_graphml),
    ".gml": (read_gml, write_gml),
    ".edgelist": (read_edgelist, write_edgelist),
    ".csv": (read_edgelist, write_edgelist),
    ".tsv": (read_edgelist, write_edgelist),
    ".txt": (read_edgelist, None),
    ".npz": (read_npz, write_npz),
    ".mtx": (read_mtx, None),
    ".zip": (read_tu_zip, None),
}
_IN_FOLDERS = set(_CODECS) - {".txt", ".zip"}  # a text in a folder is most often about it
_BINARY = {".parquet", ".npz", ".zip"}
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".gpickle"}


def read_graphs(path: str | Path, policy: Policy | None = None) -> GraphSet:
    """Read the graph set that a file or folder holds; arguments and errors as for `read_collection`."""
    return read_collection(path, policy).graphs


def read_collection(path: str | Path, policy: Policy | None = None) -> Collection:
    """Read a graph set, and what is known about it.

    Args:
        path: by suffix, as the table at the top of this module says.
        policy: what to do with what is not simple, undirected and bare; by default it is refused.

    Raises:
        InputError: nothing is there, the suffix is unknown, the file is damaged or holds no graphs, or a graph has
            something that the policy refuses. Nothing is repaired silently.
    """
    place, policy = Path(path), policy or Policy()
    if not str(path) or not place.exists():
        msg = f"no such file or folder: {place}"
        raise InputError(msg)
    if place.is_dir():
        collection = read_folder(
            place,
            _IN_FOLDERS,
            read=lambda file: _read_file(file, policy),
            simplified=lambda folder, raw: _simplified(folder, raw, policy),
        )
    else:
        collection = _read_file(place, policy)
    if not len(collection.graphs):
        msg = f"{place} holds no graphs"
        raise InputError(msg)
    return collection


def write_graphs(graphs: "GraphSet | Iterable[nx.Graph[Any]]", path: str | Path) -> None:
    """Write a graph set to one file, whole or not at all.

    Args:
        graphs: a GraphSet, or networkx graphs that one can hold whole.
        path: a file with a suffix of the table at the top of this module, but for .zip.

    Raises:
        InputError: another suffix, or graphs that would lose something as a GraphSet.
        OSError: the file cannot be written (a full disk, say); nothing half-written stays.
    """
    place = Path(path)
    write = None if place.suffix == ".gz" else _codec(place)[1]
    if write is None:
        writable = ", ".join(suffix for suffix, (_, writer) in _CODECS.items() if writer)
        msg = f"{place.suffix} can be read but not written; choose one of {writable}"
        raise InputError(msg)
    write(as_graph_set(graphs), place)


def _codec(path: Path) -> tuple[Reader, Writer | None]:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in _PICKLES:
        msg = (
            f"{path} is a pickle, which can run any program when it is loaded, so gengraph reads none; load it where you trust "
            "it, and write it: of networkx graphs (one graph: [graph])\n"
            f"  import gengraph, pathlib, pickle; graphs = pickle.loads(pathlib.Path({str(path)!r}).read_bytes())\n"
            "  gengraph.write_graphs(graphs, 'graphs.parquet')\nand of PyTorch Geometric's\n"
            "  gengraph.write_graphs(GraphSet.from_edge_index(data.edge_index, batch), 'graphs.parquet')"
        )
        raise InputError(msg)
    if path.name.startswith("out."):  # as the lists of KONECT are called
        suffix = ".edgelist"
    if path.suffix == ".gz" and suffix in _BINARY:
        msg = f"{path}: {suffix} files are not read gzipped; unpack it"
        raise InputError(msg)
    if suffix not in _CODECS:
        msg = f"unknown graph format {suffix!r} of {path}; known are {', '.join(_CODECS)} and folders of such files"
        raise InputError(msg)
    return _CODECS[suffix]


def _read_file(path: Path, policy: Policy) -> Collection:
    read = _codec(path)[0]
    if path.stat().st_size == 0:
        msg = f"{path} is empty"
        raise InputError(msg)
    return _simplified(path, _read_raw(path, read, policy), policy)


def _read_raw(path: Path, read: Reader, policy: Policy) -> RawGraphs:
    """What a reader makes of a file; whatever a library raises over its content is bad input."""
    try:
        return read(path, policy)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the system, not the file
        suffixes = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
        msg = f"{path} is damaged, or no {suffixes} file ({type(error).__name__}: {error}); get it from its source again"
        raise InputError(msg) from error


def _simplified(path: Path, raw: RawGraphs, policy: Policy) -> Collection:
    try:
        return simplify(raw, policy)
    except Refused as error:
        raise error.at(path) from None
    except InputError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from None
