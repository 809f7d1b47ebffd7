"""A large graph as a folder of Parquet shards (`gengraph.formats.edge_shards`); drawn again, it finishes what is missing.

What a shard holds follows from (plan, seed, shard) alone, and it is written whole or not at all. Loops are left out, and of
parallel edges all but one; as a pair of nodes is in one shard alone, that makes the whole graph simple. How many there were
stands in the manifest.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from gengraph.errors import InputError, NotEnoughResources
from gengraph.formats.edge_shards import LAYOUT, read_edges
from gengraph.graphs import Int32Array
from gengraph.large.cells import Keys
from gengraph.large.models import Plan
from gengraph.sampling.shards import MANIFEST, abandon_folder, open_folder, remove_left_overs, write_manifest
from gengraph.sampling.writing import CountReport
from gengraph.storage import Folder

_COUNTS = ("loops", "repetitions")
_ABOUT_KEY = b"gengraph.edges"


@dataclass(frozen=True, slots=True)
class EdgeShard:
    """A part of a large graph.

    Attributes:
        index: number of the shard.
        count: edges that it will have, about.
    """

    index: int
    count: int

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"shard-{self.index:06d}.parquet"


def shards_of(plan: Plan) -> list[EdgeShard]:
    """The shards of a plan."""
    return [EdgeShard(i, max(1, round(count))) for i, count in enumerate(plan.expected.tolist())]


def simple(keys: Keys) -> tuple[Keys, dict[str, int]]:
    """Sorted, without loops and repetitions, and how many of these there were; the keys may be changed in their place."""
    if (keys[1:] < keys[:-1]).any():
        keys.sort()
    kept, loops = _kept(keys)
    return keys[:kept], {"loops": loops, "repetitions": len(keys) - kept - loops}


@njit(cache=True)
def _kept(keys: Keys) -> tuple[int, int]:
    """Moves what is kept of sorted keys to their beginning; how many these are, and how many loops there were."""
    kept, loops = 0, 0
    for key in keys:
        if (key >> np.uint64(32)) == (key & np.uint64(0xFFFFFFFF)):
            loops += 1
        elif not kept or keys[kept - 1] != key:
            keys[kept] = key
            kept += 1
    return kept, loops


def columns_of(keys: Keys) -> dict[str, Int32Array]:
    """Sources and targets of edges u 2^32 + v, int32[E]."""
    halves = keys.astype("<u8", copy=False).view("<i4").reshape(-1, 2)
    return {"source": np.ascontiguousarray(halves[:, 1]), "target": np.ascontiguousarray(halves[:, 0])}


@dataclass(frozen=True, slots=True)
class EdgeWriter:
    """Draws shards and writes them.

    Attributes:
        plan: of the graph.
        seed: >= 0.
        folder: of the graph.
    """

    plan: Plan
    seed: int
    folder: Folder

    def __call__(self, shard: EdgeShard, report: CountReport = lambda _edges: None) -> None:
        """Draw and write one shard."""
        keys, dropped = simple(self.plan.draw(shard.index, self.seed))
        about = {**dropped, "hash": hashlib.sha256(keys.data).hexdigest()}
        table = pa.table(columns_of(keys)).replace_schema_metadata({_ABOUT_KEY: json.dumps(about)})
        buffer = pa.BufferOutputStream()
        pq.write_table(
            table,
            buffer,
            compression="none",
            use_dictionary=False,
            column_encoding={"source": "DELTA_BINARY_PACKED", "target": "PLAIN"},  # sources rise
            write_page_checksum=True,
            write_statistics=False,  # which take as long as the encoding
        )
        self.folder.write(shard.filename, buffer.getvalue())
        report(shard.count)


ShardsWriter = Callable[[Callable[[], EdgeWriter], Sequence[EdgeShard], CountReport], None]
"""What has the shards written, here or on workers: it is given what makes an EdgeWriter, the shards, and whom to tell."""


def grow_into(
    folder: Folder,
    plan: Plan,
    about: dict[str, Any],
    *,
    write_shards: ShardsWriter,
    seed: int = 0,
    report: CountReport = lambda _edges: None,
) -> dict[str, Any]:
    """Draw a graph into a folder, or finish the one that is there.

    Args:
        folder: new, or begun by the same call.
        plan: of the graph.
        about: what the plan follows from, JSON-ready, for the manifest.
        write_shards: where the shards are written.
        seed: of the edges.
        report: called with the number of edges that are done, those of an earlier try first.

    Returns:
        The manifest, with the number of edges, and of loops and repetitions that were left out.

    Raises:
        InputError: the folder holds something else.
        NotEnoughResources: too few workers fit.
        OSError: the folder cannot be written; shards that are done stay.
    """
    folder, shards = folder.absolute(), shards_of(plan)
    known = {"layout": LAYOUT, "num_nodes": plan.num_nodes, "seed": seed, "num_shards": len(shards), **about}
    open_folder(folder, known)
    remove_left_overs(folder)
    names = set(folder.names())
    todo = [shard for shard in shards if shard.filename not in names or _damage(folder, shard.filename)]
    report(sum(shard.count for shard in shards) - sum(shard.count for shard in todo))
    try:
        write_shards(partial(EdgeWriter, plan, seed, folder), todo, report)
    except (InputError, NotEnoughResources):
        abandon_folder(folder)
        raise
    remove_left_overs(folder)
    described = [_described(folder, shard.filename) for shard in shards]
    sums = {name: sum(shard[name] for shard in described) for name in ("rows", *_COUNTS)}
    manifest = {**json.loads(folder.read(MANIFEST)), "num_edges": sums.pop("rows"), **sums, "shards": described}
    write_manifest(folder, manifest)
    return manifest


def is_large(folder: Folder) -> bool:
    """Whether a folder holds one large graph, finished or not."""
    return MANIFEST in folder.names() and json.loads(folder.read(MANIFEST)).get("layout") == LAYOUT


def verify_edges(folder: Folder) -> dict[str, Any]:
    """Read every shard of a large graph again and compare it with the manifest, which is returned.

    Raises:
        InputError: it is not finished, or shards are missing, damaged or not in the manifest; they are named.
    """
    manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
    listed = {shard["file"]: shard for shard in manifest.get("shards", [])}
    there = {name for name in folder.names() if name.endswith((".parquet", ".tmp"))}
    damaged = {name for name in there & listed.keys() if _hash(folder, name) != listed[name]["hash"]}
    faults = sorted(there ^ listed.keys() | damaged)
    if faults or not listed:
        what = f"differs from its manifest in {', '.join(faults[:10])}" if listed else "is not finished"
        msg = (
            f"{folder} {what}; delete what is not in the manifest, and run the same `gengraph grow` again: it draws what is "
            "missing"
        )
        raise InputError(msg)
    return manifest


def _hash(folder: Folder, name: str) -> str | None:
    try:
        table = read_edges(pa.py_buffer(folder.read(name)))
    except InputError:
        return None
    u, v = (table[column].to_numpy().astype(np.uint64) for column in ("source", "target"))
    return hashlib.sha256(((u << np.uint64(32)) | v).tobytes()).hexdigest()


def _damage(folder: Folder, name: str) -> bool:
    """Whether a shard cannot be read whole."""
    try:
        read_edges(pa.py_buffer(folder.read(name)))
        _described(folder, name)
    except (InputError, OSError, KeyError, ValueError):
        return True
    return False


def _described(folder: Folder, name: str) -> dict[str, Any]:
    about = pq.read_metadata(pa.BufferReader(folder.read(name)))
    return {"file": name, "rows": about.num_rows, **json.loads(about.metadata[_ABOUT_KEY])}
