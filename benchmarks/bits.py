"""How many bits a learned model takes to say graphs that it was trained on, and graphs that it has never seen.

A model that knows its training graphs by heart says these in fewer bits a node than others, long before an MMD shows it.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.benchmarks.artefacts import Store
from gengraph.benchmarks.steps import hash_tree, json_ready
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.generator import read_saved, saved_model
from gengraph.models.registry import family_of

MOST_GRAPHS = 256  # of each part, evenly over it
Bits = dict[str, dict[str, float | None]]
"""By part `graph` and `node`: bits, at most (`gengraph.training.likelihood`), a graph and a node; None if there is no end."""


def of_fit(store: Store, saved: Path, parts: Mapping[str, GraphSet]) -> Bits | None:
    """Of a saved generator; None where it has no likelihood."""
    model = saved_model(saved)
    if family_of(model) is None:
        return None
    _, state = read_saved(saved, model)
    return of_checkpoint(store, saved.parent / state["checkpoint"], parts)


def of_checkpoint(store: Store, checkpoint: Path, parts: Mapping[str, GraphSet]) -> Bits | None:
    """Of a checkpoint; None where its model has no likelihood, or cannot say some of the graphs."""
    from gengraph.training.checkpoint import load_checkpoint

    made = load_checkpoint(checkpoint)
    family = made.config.own_family
    if "likelihood" not in family.capabilities(made.config.model):
        return None

    def make(_folder: Path) -> dict[str, Any]:
        model = made.build_model()
        try:
            selected = {part: family.select(_some(graphs), made.config.model) for part, graphs in parts.items()}
        except InputError:
            return {"bits": None}
        return {"bits": json_ready({part: _bits(model, graphs) for part, graphs in selected.items() if len(graphs)})}

    inputs = {
        "weights": hash_tree(checkpoint),
        "computed_by": family.computed_by("cpu"),
        "parts": {part: graphs.content_hash() for part, graphs in parts.items()},
    }
    found: Bits | None = store.step("bits", inputs, make).outcome["bits"]
    return found


def _some(graphs: GraphSet) -> GraphSet:
    if len(graphs) <= MOST_GRAPHS:
        return graphs
    return graphs[np.linspace(0, len(graphs) - 1, MOST_GRAPHS).astype(np.int64)]


def _bits(model: Any, graphs: GraphSet) -> dict[str, float]:
    from gengraph.training.likelihood import log_prob_bound

    found = log_prob_bound(model, graphs, num_orderings=1).to_dict()
    nats = found.get("nll_weighted", found["nll"])
    return {"graph": nats / math.log(2), "node": nats / math.log(2) / graphs.num_nodes.mean()}
