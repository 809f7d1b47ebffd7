"""A sample without isomorphic graphs, made of one that has them.

Graphs are looked at in the order of their indices. One whose class was seen before is drawn anew, by going on with its
attempts until one is of no class seen so far; what is new goes through the same again. So the result depends on nothing but
(source, seed, conditions).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gengraph.graphs.isomorphism import canonical_keys
from gengraph.sampling.attempts import Source, sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.shards import Samples, Shard, missing_shards, read_shard, write_shard
from gengraph.storage import Folder


def write_unique(
    source: Source,
    conditions: Conditions,
    candidates: Folder,
    folder: Folder,
    shards: Sequence[Shard],
) -> None:
    """Write the shards of a sample without isomorphic graphs.

    Args:
        source: that drew the candidates.
        conditions: of the sample.
        candidates: a sample under these conditions, all shards done.
        folder: for the result; shards that are done stay.
        shards: of both samples.

    Raises:
        InputError: the source has too few classes; see `sample_graphs`.

    Complexity: a canonical form a graph; 100 bytes of memory a graph for the classes that were seen.
    """
    seen = set(conditions.refused)
    pending = np.concatenate([shard.indices[_known(read_shard(candidates, shard), seen)] for shard in shards])
    places, drawn_anew = [pending[:0]], [read_shard(candidates, shards[0])[pending[:0]]]
    while len(pending):
        narrower = dataclasses.replace(conditions, refused=frozenset(seen))
        drawn = sample_graphs(source, pending, seed=shards[0].seed, conditions=narrower)
        known = _known(drawn, seen)
        places.append(pending[~known])
        drawn_anew.append(drawn[~known])
        pending = pending[known]
    place, new = np.concatenate(places), Samples.concatenate(drawn_anew)
    for shard in missing_shards(folder, shards):
        inside = np.flatnonzero((place >= shard.first) & (place < shard.first + shard.count))
        chosen = np.arange(shard.count)
        chosen[place[inside] - shard.first] = shard.count + np.arange(len(inside))
        both = Samples.concatenate([read_shard(candidates, shard), new[inside]])
        write_shard(folder, shard, both[chosen])


def _known(samples: Samples, seen: set[bytes]) -> npt.NDArray[np.bool_]:
    """bool[G], whether each graph's class was seen before, or cannot be told; the classes are seen from now on."""
    known = np.empty(len(samples.graphs), np.bool_)
    for i, key in enumerate(canonical_keys(samples.graphs)):
        known[i] = key is None or key in seen
        if key is not None:
            seen.add(key)
    return known
