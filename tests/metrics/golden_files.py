"""The golden files: graph sets, and values that other programs computed for them."""

import json
from pathlib import Path
from typing import Any

from gengraph.graphs import GraphSet

FOLDER = Path(__file__).parent / "goldens"


def golden_set(name: str) -> GraphSet:
    graphs = json.loads((FOLDER / "sets" / f"{name}.json").read_text())
    return GraphSet.from_edge_lists([graph["n"] for graph in graphs], [graph["edges"] for graph in graphs])


def golden_values(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
