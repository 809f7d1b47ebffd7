"""What a data set holds, in numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.data.catalogue import DATASETS
from gengraph.data.splits import split_collection
from gengraph.errors import InputError
from gengraph.graphs.collection import PARTS, Collection


def describe(name: str, collection: Collection, *, split_seed: int = 0) -> dict[str, Any]:
    """Counts, ranges, connectedness, split and content hash of a collection, JSON-ready.

    Args:
        name: of the data set, for its description if it is a named one.
        collection: at least one graph.
        split_seed: of the split, if the source brings none.
    """
    graphs = collection.graphs
    n, m = graphs.num_nodes.astype(np.int64), graphs.num_edges
    base = name.partition(":")[0]
    try:
        split = split_collection(collection, seed=split_seed)
        sizes = {"origin": split.origin, "sizes": {part: len(getattr(split, part)) for part in PARTS}}
    except InputError:
        sizes = {"origin": "too few graphs", "sizes": {"graphs": len(graphs)}}
    return {
        "description": DATASETS[base].description if base in DATASETS else "",
        "graphs": len(graphs),
        "nodes": _range(n),
        "edges": _range(m),
        "density": _range(2 * m / np.maximum(n * (n - 1), 1)),
        "connected": int((graphs.num_components() == 1).sum()),
        "isolated_nodes": int((graphs.degrees() == 0).sum()),
        "split": sizes,
        "content_hash": graphs.content_hash(),
        "reading": collection.record(),
    }


def _range(values: npt.NDArray[Any]) -> dict[str, float]:
    return {"min": values.min().item(), "max": values.max().item(), "mean": float(values.mean())}
