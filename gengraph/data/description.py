"""What a data set holds, in numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.data.catalogue import DATASETS
from gengraph.data.splits import split_indices
from gengraph.errors import InputError
from gengraph.graphs.collection import PARTS, Collection
from gengraph.graphs.isomorphism import UNKNOWN, first_isomorphic
from gengraph.graphs.pieces import chunks

_BLOCK_NODES = 1 << 19  # that are looked at at a time


def describe(name: str, collection: Collection, *, split_seed: int = 0) -> dict[str, Any]:
    """Counts, ranges, connectedness, classes, split and content hash of a collection, JSON-ready.

    Args:
        name: of the data set, for its description if it is a named one.
        collection: at least one graph.
        split_seed: of the split, if the source brings none.
    """
    graphs = collection.graphs
    n, m = graphs.num_nodes.astype(np.int64), graphs.num_edges
    base = name.partition(":")[0]
    try:
        parts = split_indices(collection, seed=split_seed)
        origin = "seeded" if collection.part is None else "given"
        sizes = {"origin": origin, "sizes": {name: len(part) for name, part in zip(PARTS, parts, strict=True)}}
    except InputError:
        sizes = {"origin": "too few graphs", "sizes": {"graphs": len(graphs)}}
    return {
        "description": DATASETS[base].description if base in DATASETS else "",
        "graphs": len(graphs),
        "nodes": _range(n),
        "edges": _range(m),
        "density": _range(2 * m / np.maximum(n * (n - 1), 1)),
        "connected": int((graphs.num_components() == 1).sum()),
        "isolated_nodes": sum(int((part.degrees() == 0).sum()) for part in chunks(graphs, num_nodes=_BLOCK_NODES)),
        **({} if graphs.classes is None else {"classes": graphs.classes.counts()}),
        "split": sizes,
        "content_hash": graphs.content_hash(),
        "reading": collection.record(),
    }


def _range(values: npt.NDArray[Any]) -> dict[str, float]:
    return {"min": values.min().item(), "max": values.max().item(), "mean": float(values.mean())}


def count_leaks(collection: Collection, *, split_seed: int = 0) -> dict[str, int]:
    """How many graphs of the validation and of the test part have an isomorphic twin in the part before them.

    Returns:
        By name: `validation in train`, `test in train`, `test in validation`; and `repeated`, graphs of the whole set that are
        isomorphic to an earlier one. A graph of which this is not known in time (`isomorphism.canonical_keys`) has none.

    Raises:
        InputError: too few graphs for a split.
    """
    first = first_isomorphic(collection.graphs)
    train, validation, test = (first[part] for part in split_indices(collection, seed=split_seed))
    pairs = {
        "validation in train": (validation, train),
        "test in train": (test, train),
        "test in validation": (test, validation),
    }
    found = {name: int((np.isin(some, others) & (some != UNKNOWN)).sum()) for name, (some, others) in pairs.items()}
    return found | {"repeated": int(((first != np.arange(len(first))) & (first != UNKNOWN)).sum())}
