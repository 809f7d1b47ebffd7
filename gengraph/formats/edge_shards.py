"""One large graph as a folder: Parquet shards of its edges, with a manifest.

FOLDER/
  manifest.json          {"layout": "edges", "num_nodes": ..., "shards": [{"file": ..., "rows": ...}, ...], ...}
  shard-000000.parquet   source and target, int32: edges u < v, each once in the whole folder
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gengraph.errors import InputError
from gengraph.files import read_text
from gengraph.graphs.collection import RawGraphs

MANIFEST, LAYOUT = "manifest.json", "edges"


def holds_edges(folder: Path) -> bool:
    """Whether a folder is laid out like this, finished or not."""
    manifest = folder / MANIFEST
    return manifest.is_file() and f'"layout": "{LAYOUT}"' in read_text(manifest)


def read_edge_shards(folder: Path) -> RawGraphs:
    """The graph of a folder; a shard at a time, into an array that is made once.

    Raises:
        InputError: shards are missing or damaged.
    """
    about = json.loads(read_text(folder / MANIFEST))
    if "shards" not in about:
        msg = f"{folder} is a large graph that is not finished; run the `gengraph grow` that began it again"
        raise InputError(msg)
    rows = [shard["rows"] for shard in about["shards"]]
    ends = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
    edges = np.empty((int(ends[-1]), 2), np.int32)
    for shard, start, stop in zip(about["shards"], ends[:-1], ends[1:], strict=True):
        table = read_edges(folder / shard["file"])
        if len(table) != stop - start:
            msg = f"{folder / shard['file']} has {len(table)} edges, its manifest says {stop - start}; grow the graph again"
            raise InputError(msg)
        edges[start:stop, 0], edges[start:stop, 1] = table["source"].to_numpy(), table["target"].to_numpy()
    return RawGraphs(num_nodes=np.array([about["num_nodes"]]), edge_offsets=np.array([0, len(edges)]), edges=edges)


def read_edges(file: Path | pa.Buffer) -> pa.Table:
    """A shard, its checksums compared.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        source = pa.BufferReader(file) if isinstance(file, pa.Buffer) else file
        table = pq.read_table(source, page_checksum_verification=True)
        if table.schema.names != ["source", "target"]:
            msg = f"its columns are {', '.join(table.schema.names)}, not source and target"
            raise pa.ArrowInvalid(msg)
    except (pa.ArrowException, OSError) as error:
        msg = f"{file} is no whole shard of edges ({error}); grow the graph again: it writes what is missing"
        raise InputError(msg) from error
    return table
