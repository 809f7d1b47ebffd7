"""A large sample as a folder of Parquet shards with a manifest; run again, it finishes what is missing.

    OUT/
      manifest.json        seed, sizes, checkpoint hash, component policy; rows and content hash of each shard when complete
      shard-000000.parquet graphs 0..shard_size-1, and so on

What a shard holds follows from (weights, seed, shard) alone. A shard is written whole or not at all, so one that is there and
readable is done.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import gengraph
from gengraph.arrow import SCHEMA
from gengraph.errors import InputError
from gengraph.files import atomic_path, write_json
from gengraph.graphs import GraphSet

FORMAT = 1
_CUT_KEY = b"gengraph.num_cut"


@dataclass(frozen=True, slots=True)
class Shard:
    """Graphs first..first+count-1 of a sample.

    Attributes:
        index: number of the shard.
        first: index of its first graph.
        count: graphs in it.
        seed: of the whole sample.
    """

    index: int
    first: int
    count: int
    seed: int

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"shard-{self.index:06d}.parquet"


def plan_shards(num_graphs: int, shard_size: int, seed: int) -> list[Shard]:
    """Cut 0..num_graphs-1 into shards.

    Raises:
        InputError: a negative number of graphs or seed, or a shard size below one.
    """
    for name, value, least in (("num_graphs", num_graphs, 1), ("shard_size", shard_size, 1), ("seed", seed, 0)):
        if value < least:
            msg = f"{name} must be >= {least}, got {value}"
            raise InputError(msg)
    starts = range(0, num_graphs, shard_size)
    return [Shard(i, first, min(shard_size, num_graphs - first), seed) for i, first in enumerate(starts)]


def open_folder(out: Path, manifest: dict[str, Any]) -> None:
    """Make the folder of a sample, or check that the one that is there belongs to the same sample.

    Raises:
        InputError: the folder holds something else.
    """
    path = out / "manifest.json"
    wanted = {"format": FORMAT, "gengraph": gengraph.__version__, **manifest}
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        if differing:
            pairs = ", ".join(f"{key}: {found.get(key)} there, {wanted[key]} asked for" for key in differing)
            msg = f"{out} holds another sample ({pairs}); choose another --out, or delete the folder"
            raise InputError(msg)
        return
    if out.is_dir() and any(out.iterdir()):
        msg = f"{out} is not empty and has no manifest.json; choose a new folder with --out"
        raise InputError(msg)
    if out.exists() and not out.is_dir():
        msg = f"{out} is a file; choose a folder with --out"
        raise InputError(msg)
    write_json(path, wanted)


def missing_shards(out: Path, shards: Iterable[Shard]) -> list[Shard]:
    """The shards whose file is not there, or damaged; left-over temporary files are removed."""
    for left_over in out.glob(".*.tmp"):
        left_over.unlink()
    return [shard for shard in shards if not _is_whole(out / shard.filename, shard.count)]


def _is_whole(path: Path, count: int) -> bool:
    try:
        return path.is_file() and pq.read_metadata(path).num_rows == count
    except (pa.ArrowInvalid, OSError):
        return False


def write_shard(out: Path, shard: Shard, graphs: GraphSet, num_cut: int) -> None:
    """Write one shard, whole or not at all."""
    table = graphs.to_arrow().cast(SCHEMA).replace_schema_metadata({_CUT_KEY: str(num_cut).encode()})
    with atomic_path(out / shard.filename) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def close_folder(out: Path, shards: Iterable[Shard]) -> dict[str, Any]:
    """Write rows, hash and cut sequences of every shard into the manifest, and return it."""
    path = out / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    manifest["shards"] = list(_describe(out, shards))
    manifest["num_cut"] = sum(shard["num_cut"] for shard in manifest["shards"])
    write_json(path, manifest)
    return manifest


def _describe(out: Path, shards: Iterable[Shard]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        table = pq.read_table(out / shard.filename)
        yield {
            "file": shard.filename,
            "rows": table.num_rows,
            "content_hash": GraphSet.from_arrow(table).content_hash(),
            "num_cut": int(table.schema.metadata[_CUT_KEY]),
        }


def shard_indices(shard: Shard) -> np.ndarray[Any, np.dtype[np.int64]]:
    """int64[count], the graph indices of a shard."""
    return np.arange(shard.first, shard.first + shard.count, dtype=np.int64)
