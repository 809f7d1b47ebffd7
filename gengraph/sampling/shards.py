"""A large sample as a folder of Parquet shards with a manifest; run again, it finishes what is missing.

    OUT/
      manifest.json        seed, sizes, config, checkpoint hash, conditions; rows and content hash of each shard when complete
      shard-000000.parquet graphs 0..shard_size-1, and so on

A shard has one row a graph: num_nodes, edges, attempts (how many it took), cut (its sequence did not end by itself). What it
holds follows from (weights, seed, conditions, shard) alone. It is written whole or not at all, with the hash of its content
inside, so one that is there and keeps its hash is done.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gengraph.errors import InputError
from gengraph.formats import write_files
from gengraph.formats.codecs import WRITES_LABELS, writer_of
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.schema import LabelArrays, LabelSchema
from gengraph.storage import Folder
from gengraph.versions import OWN

FORMAT = 2
MANIFEST = "manifest.json"
_USUAL_SHARDS, _LEAST_SHARD, _MOST_SHARD = 16, 500, 10_000
_HASH_KEY = b"gengraph.content_hash"


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

    @property
    def indices(self) -> Int64Array:
        """int64[count], the indices of its graphs."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Samples:
    """Sampled graphs.

    Attributes:
        graphs: one for each index asked for, in that order.
        attempts: int64[G], how many it took to get each.
        cut: bool[G], whether it was cut because its sequence did not end by itself.
    """

    graphs: GraphSet
    attempts: Int64Array
    cut: npt.NDArray[np.bool_]

    @property
    def num_cut(self) -> int:
        """How many graphs were cut."""
        return int(self.cut.sum())

    def __getitem__(self, index: npt.ArrayLike) -> "Samples":
        where = np.asarray(index)
        return Samples(self.graphs[where], self.attempts[where], self.cut[where])

    @classmethod
    def concatenate(cls, parts: "Sequence[Samples]") -> Self:
        """All of several, in order."""
        return cls(
            GraphSet.concatenate(part.graphs for part in parts),
            np.concatenate([part.attempts for part in parts]),
            np.concatenate([part.cut for part in parts]),
        )


def usual_shard_size(num_graphs: int) -> int:
    """Graphs in a shard: shards enough for several workers, and each of enough graphs to be drawn side by side.

    It follows from the number of graphs alone, so that the files are the same on any number of workers.
    """
    return min(max(-(-num_graphs // _USUAL_SHARDS), _LEAST_SHARD), _MOST_SHARD)


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


def open_folder(folder: Folder, manifest: dict[str, Any]) -> None:
    """Make the folder of a sample, or check that the one that is there belongs to the same sample.

    Raises:
        InputError: the folder holds something else, or cannot be read or written.
    """
    wanted = {"format": FORMAT, "gengraph": OWN, **manifest}
    names = folder.names()
    if MANIFEST in names:
        found = json.loads(folder.read(MANIFEST))
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        if differing:
            pairs = ", ".join(f"{key}: {found.get(key)} there, {wanted[key]} asked for" for key in differing)
            msg = f"{folder} holds another sample ({pairs}); choose another folder, or delete this one"
            raise InputError(msg)
    elif names:
        msg = f"{folder} is not empty and has no {MANIFEST}; choose a new folder"
        raise InputError(msg)
    else:
        folder.check_writable()
        write_manifest(folder, wanted)


def abandon_folder(folder: Folder) -> None:
    """Remove the manifest of a sample that has no shard, so that another can take the folder."""
    if folder.names() == [MANIFEST]:
        folder.remove(MANIFEST)


def write_manifest(folder: Folder, manifest: dict[str, Any]) -> None:
    """Write the manifest, whole or not at all."""
    folder.write(MANIFEST, (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode())


def remove_left_overs(folder: Folder) -> None:
    """Remove the temporary files of processes that were killed."""
    for name in folder.names():
        if name.startswith(".") and name.endswith(".tmp"):
            folder.remove(name)


def missing_shards(folder: Folder, shards: Iterable[Shard]) -> list[Shard]:
    """The shards whose file is not there, or damaged; left-over temporary files are removed."""
    remove_left_overs(folder)
    names = set(folder.names())
    return [shard for shard in shards if shard.filename not in names or _damage(folder, shard.filename, shard.count)]


def _damage(folder: Folder, name: str, count: int, wanted: str | None = None) -> str | None:
    """What is wrong with a shard that should have this content hash, by default the one in it; None if nothing is."""
    try:
        table = _read_table(folder, name)
        found = GraphSet.from_arrow(table).content_hash()
        wanted = wanted or table.schema.metadata[_HASH_KEY].decode()
    except (pa.ArrowException, OSError, KeyError, TypeError, InputError) as error:
        return f"no whole shard ({type(error).__name__})"
    if table.num_rows != count:
        return f"{table.num_rows} rows, not {count}"
    return None if found == wanted else f"content hash {found[:12]}.., not {wanted[:12]}.."


def _read_table(folder: Folder, name: str, columns: list[str] | None = None) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(folder.read(name))).read(columns=columns)


def read_shard(folder: Folder, shard: Shard) -> Samples:
    """What a shard that is done holds."""
    table = _read_table(folder, shard.filename)
    return Samples(GraphSet.from_arrow(table), table["attempts"].to_numpy().astype(np.int64), table["cut"].to_numpy())


def write_shard(folder: Folder, shard: Shard, samples: Samples) -> None:
    """Write one shard, whole or not at all."""
    table = samples.graphs.to_arrow()
    # Not pa.array, which imports pandas where that is installed; Arrow packs truth values into bits.
    for name, kind, values in (
        ("attempts", pa.int32(), samples.attempts.astype(np.int32)),
        ("cut", pa.bool_(), np.packbits(samples.cut, bitorder="little")),
    ):
        table = table.append_column(name, pa.Array.from_buffers(kind, len(samples.cut), [None, pa.py_buffer(values)]))
    metadata = {**(table.schema.metadata or {}), _HASH_KEY: samples.graphs.content_hash().encode()}
    table = table.replace_schema_metadata(metadata)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    folder.write(shard.filename, buffer.getvalue())


def close_folder(folder: Folder, shards: Iterable[Shard]) -> dict[str, Any]:
    """Write rows, hash, attempts and cut sequences of every shard into the manifest, and return it."""
    manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
    described = manifest["shards"] = [_describe(folder, shard) for shard in shards]
    for name in ("num_attempts", "num_cut"):
        manifest[name] = sum(shard[name] for shard in described)
    manifest["acceptance_rate"] = sum(shard["rows"] for shard in described) / manifest["num_attempts"]
    write_manifest(folder, manifest)
    return manifest


def _describe(folder: Folder, shard: Shard) -> dict[str, Any]:
    table = _read_table(folder, shard.filename, ["attempts", "cut"])
    return {
        "file": shard.filename,
        "rows": table.num_rows,
        "content_hash": table.schema.metadata[_HASH_KEY].decode(),
        "num_attempts": pc.sum(table["attempts"]).as_py(),
        "num_cut": pc.sum(table["cut"]).as_py(),
    }


def verify_folder(folder: Folder) -> dict[str, Any]:
    """Read every shard of a sample again, and compare it with the manifest, which is returned.

    Raises:
        InputError: it is no finished sample, or a shard is missing, damaged or not in the manifest; every one is named.
    """
    names = folder.names()
    if MANIFEST not in names:
        msg = f"{folder} has no {MANIFEST}; name a folder that `gengraph sample` wrote"
        raise InputError(msg)
    manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
    if "shards" not in manifest:
        msg = f"the sample in {folder} is not finished; run the same `gengraph sample` again"
        raise InputError(msg)
    listed = {shard["file"]: shard for shard in manifest["shards"]}
    faults = {name: "not in the manifest" for name in names if name.endswith((".parquet", ".tmp")) and name not in listed}
    for name, shard in listed.items():
        fault = "missing" if name not in names else _damage(folder, name, shard["rows"], shard["content_hash"])
        if fault:
            faults[name] = fault
    if faults:
        shown = "; ".join(f"{name}: {fault}" for name, fault in sorted(faults.items())[:10])
        msg = (
            f"{folder} differs from its manifest in {len(faults)} file{'' if len(faults) == 1 else 's'} ({shown}); delete "
            "those that are not in it, and run the same `gengraph sample` again: it writes the others anew"
        )
        raise InputError(msg)
    return manifest


def check_format(suffix: str) -> None:
    """Check that graphs can be written in a format.

    Raises:
        InputError: no format with this suffix can be written.
    """
    try:
        writer_of(Path(f"graphs{suffix}"))
    except InputError as error:
        msg = f"graphs cannot be written as {suffix.removeprefix('.')!r}; choose parquet, g6, s6, jsonl or another format"
        raise InputError(msg) from error


def check_form(path: Path, schema: LabelSchema) -> None:
    """Refuse, before any is drawn, a format that cannot say what the graphs of a model have.

    Args:
        path: whose suffix says the format.
        schema: of the graphs.

    Raises:
        InputError: labels or directions would be lost, or they are no molecules.
    """
    keeps, names = writer_of(path).keeps, {"nodes": schema.nodes, "edges": schema.edges}
    lost = [f"{kind[:-1]} labels ({labels.name})" for kind, labels in names.items() if labels and kind not in keeps]
    lost += ["directions"] * (schema.directed and "directions" not in keeps)
    if lost:
        msg = f"{path.suffix} cannot say the {' and '.join(lost)} of the graphs; choose one of {', '.join(WRITES_LABELS)}"
        raise InputError(msg)
    nothing = np.zeros(0, np.int8)
    labels = LabelArrays.of(schema, np.zeros(1, np.int32), nothing, nothing if schema.directed else None)
    graph = GraphSet.from_edge_lists([1], [[]]).labelled(labels if schema else None)
    with TemporaryDirectory() as temporary:
        write_files(graph, Path(temporary, path.name))


def export_shards(folder: Folder, shards: Iterable[Shard], suffix: str) -> None:
    """Write every shard of a finished sample once more, beside the Parquet file, in a format of `gengraph.formats`.

    A format that holds one graph makes a file a graph.
    """
    with TemporaryDirectory() as temporary:
        for shard in shards:
            write_files(read_shard(folder, shard).graphs, Path(temporary, shard.filename).with_suffix(suffix))
            for path in sorted(Path(temporary).iterdir()):
                folder.write(path.name, path.read_bytes())
                path.unlink()
