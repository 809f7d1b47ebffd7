"""Read and write graph sets; the suffix, in any case, says the format, or else what is in the file.

| suffix | what |
|---|---|
| .parquet | native: one row a graph, columns num_nodes and edges, if wanted split; or a row an edge, source and target |
| .jsonl, .json | {"n": 3, "edges": [[0, 1], [1, 2]]} or {"nodes": ["a", "b"], ...}, one a line, or a list of them |
| .g6, .s6 | graph6 and sparse6 of nauty, one graph a line |
| .graphml, .gml | one graph or several; nodes have any names |
| .gexf | Gephi's; one graph |
| .net, .paj | Pajek's; several graphs in a project |
| .metis, .graph | METIS; one graph |
| .node-link.json, .cyjs | JSON of objects: node-link, adjacency, Cytoscape's; also read from .json |
| .edgelist, .edges, .csv, .tsv | a line an edge; several graphs with a column that names the graph |
| .edges.csv | a table of edges, with one of nodes (.nodes.csv) beside it |
| .ncol, .lgl, .adjlist, .multiline_adjlist, .adjacency | lists of igraph and networkx, one graph (read only) |
| .dimacs, .col, .gr, .lgr, .dot, .gv | DIMACS, LEDA, DOT (read only) |
| .npz | scipy's sparse adjacency matrix; of several graphs the block-diagonal one, with num_nodes |
| .mtx | Matrix Market: the sparse adjacency matrix of one graph |
| .rb, .mat | Harwell-Boeing, MATLAB: the same (read only) |
| .npy | a dense adjacency matrix of numpy, or a stack of them (read only) |
| .smi, .sdf, or a .csv with a column of SMILES | molecules, with the package rdkit |
| .zip, or a folder with NAME_A.txt | the TU collection's text files (read only) |

`gengraph.formats.codecs` has them all. A .txt is a list of edges, unless it begins as another format does. Text formats are
also read gzipped (.csv.gz). A folder is a set too: with files for train, validation and test it has given parts, else its
files, of one format, hold shards or one graph each; one that `gengraph grow` wrote holds one graph in shards of edges.
"""

import errno
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.formats.codecs import IN_FOLDERS, WRITES_LABELS, Reader, codec_of, format_named, writer_of
from gengraph.formats.edge_shards import holds_edges, read_edge_shards
from gengraph.formats.folders import read_folder, shard_files
from gengraph.formats.labels import categorical, check_labelled, check_writable
from gengraph.formats.text import suffix_of
from gengraph.formats.tu import read_tu_folder
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Collection, Policy, RawGraphs, Refused, simplify
from gengraph.graphs.taken import as_graph_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import networkx as nx

_MANY, _SMALL = 100, 1 << 14  # files, and bytes of each, that are simplified together

__all__ = ["holds", "holds_classes", "read_collection", "read_graphs", "shard_readers", "write_files", "write_graphs"]


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
    if not place.is_dir() and not place.is_file():
        msg = f"{place} is a pipe or a device, and files are read more than once; write it to a file, and give that"
        raise InputError(msg)
    if place.is_dir() and holds_edges(place):
        collection = _simplified(place, read_edge_shards(place), policy)
    elif place.is_dir():
        collection = read_folder(
            place,
            {suffix_of(file) for file in place.iterdir()} if policy.file_format else IN_FOLDERS,
            read=lambda file: _read_file(file, policy),
            read_tu=lambda folder: _simplified(folder, _checked(folder, read_tu_folder(folder, policy), policy), policy),
            together=lambda files: _read_together(files, policy),
        )
    else:
        collection = _read_file(place, policy)
    if not len(collection.graphs):
        msg = f"{place} holds no graphs"
        raise InputError(msg)
    try:
        return categorical(collection, policy)
    except InputError as error:
        msg = f"{place}: {error}"
        raise InputError(msg) from None


def shard_readers(path: str | Path, policy: Policy | None = None) -> "list[Callable[[], GraphSet]]":
    """What reads each shard of a folder of Parquet files, in order; none where the path is something else.

    For sets that are looked at a shard at a time. Arguments and errors as for `read_collection`.
    """
    place = Path(path)
    if place.is_dir() and holds_edges(place):
        return []
    return [partial(read_graphs, file, policy) for file in shard_files(place, IN_FOLDERS)]


def write_graphs(graphs: "GraphSet | Iterable[nx.Graph[Any]]", path: str | Path) -> None:
    """Write a graph set to one file, whole or not at all.

    Args:
        graphs: a GraphSet, or networkx graphs that one can hold whole.
        path: a file with a suffix of the table at the top of this module, but for .zip.

    Raises:
        InputError: another suffix, graphs that would lose something as a GraphSet, or labels or directions that the format
            cannot say. Classes of graphs are left behind where it cannot say them (`holds_classes`).
        OSError: the file cannot be written (a full disk, say); nothing half-written stays.
    """
    place, made = Path(path), as_graph_set(graphs)
    codec = writer_of(place)
    if codec.one_graph and len(made) != 1:
        msg = (
            f"{place.suffix} holds one graph, got {len(made)}; write them one by one: for i, graph in enumerate(graphs): "
            f"write_graphs(graph, f'{place.stem}-{{i}}{place.suffix}')"
        )
        raise InputError(msg)
    assert codec.write is not None
    check_writable(made, place, codec.keeps, WRITES_LABELS)
    codec.write(made, place)


def holds(graphs: GraphSet, path: str | Path) -> bool:
    """Whether the format that a suffix says can say the labels and directions of a set.

    Raises:
        InputError: it is none that is written.
    """
    return graphs.labels is None or graphs.labels.arrays().keys() <= writer_of(Path(path)).keeps


def holds_classes(path: str | Path) -> bool:
    """Whether the format that a suffix says has a place for the class of a graph.

    Raises:
        InputError: it is none that is written.
    """
    return "classes" in writer_of(Path(path)).keeps


def write_files(graphs: "GraphSet | Iterable[nx.Graph[Any]]", path: str | Path) -> list[Path]:
    """Write a graph set to one file, or to numbered files (NAME-00.gexf) where the format holds one graph and there are more.

    Args:
        graphs: as for `write_graphs`.
        path: of the file; the numbers stand before its suffix.

    Raises:
        InputError: as for `write_graphs`.
        OSError: a file cannot be written; those before it stay.
    """
    place, made = Path(path), as_graph_set(graphs)
    if not writer_of(place).one_graph or len(made) <= 1:
        write_graphs(made, place)
        return [place]
    width = len(str(len(made) - 1))
    files = [place.with_name(f"{place.stem}-{i:0{width}d}{place.suffix}") for i in range(len(made))]
    for graph, file in zip(made, files, strict=True):
        write_graphs(graph, file)
    return files


def _read_file(path: Path, policy: Policy) -> Collection:
    read = _reader(path, policy)
    if path.stat().st_size == 0:
        msg = f"{path} is empty"
        raise InputError(msg)
    return _simplified(path, _read_raw(path, read, policy), policy)


def _reader(path: Path, policy: Policy) -> Reader:
    return codec_of(path, policy.file_format or ("smiles-table" if policy.smiles else "")).read


def _read_together(files: "Sequence[Path]", policy: Policy) -> Collection | None:
    """The graphs of many small files, simplified all at once; None if that is not the way, or something is refused.

    Then they are read one by one, and the message says in which file it was.
    """
    sizes = [file.stat().st_size for file in files]
    if len(files) < _MANY or sum(sizes) > _SMALL * len(files) or not all(sizes) or len(set(map(format_named, files))) > 1:
        return None
    try:
        read = _reader(files[0], policy)  # they have one suffix; a file that is none of its kind is read by itself
        raw = [_read_raw(file, read, policy) for file in files]
        if any(one.part is not None for one in raw):
            return None
        return simplify(RawGraphs.concatenate(raw), policy)
    except InputError:
        return None


def _read_raw(path: Path, read: Reader, policy: Policy) -> RawGraphs:
    """What a reader makes of a file; whatever a library raises over its content is bad input."""
    try:
        return _checked(path, read(path, policy), policy)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the system, not the file
        suffixes = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:])
        msg = f"{path} is damaged, or no {suffixes} file ({type(error).__name__}: {error}); get it from its source again"
        raise InputError(msg) from error


def _checked(path: Path, raw: RawGraphs, policy: Policy) -> RawGraphs:
    """The same, if it has the number of nodes and the labels that the policy asks for."""
    if policy.nodes is not None and raw.num_nodes.tolist() != [policy.nodes]:
        got = f"{len(raw.num_nodes)} graphs" if len(raw.num_nodes) != 1 else f"one of {int(raw.num_nodes[0])}"
        msg = f"{path}: nodes = {policy.nodes} says how many one list of edges has, got {got}; leave it out"
        raise InputError(msg)
    if policy.node_label or policy.edge_label:
        check_labelled(path, policy, raw.labels, list(raw.attributes), (int(raw.num_nodes.sum()), len(raw.edges)))
    return raw


def _simplified(path: Path, raw: RawGraphs, policy: Policy) -> Collection:
    try:
        return simplify(raw, policy)
    except Refused as error:
        raise error.at(path) from None
    except InputError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from None
