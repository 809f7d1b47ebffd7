"""The context head by the plainest evaluation: a networkx graph, one candidate at a time."""

import networkx as nx
import torch

from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.context_head import ContextEdges


def context_features(graph: nx.Graph, newest: int, window: list[int], node: int, chosen: list[int]) -> dict[str, int]:
    """What is said about a candidate when the nodes `chosen` of the window were chosen before it."""
    neighbours = set(graph[node])
    return {
        "distance": newest - node,
        "far_end": node - window[0],
        "gap": node - chosen[-1] if chosen else 0,
        "chosen": min(len(chosen), 7),
        "chosen_adjacent": min(len(neighbours.intersection(chosen)), 5),
        "degree": min(len(neighbours), 11),
        "last_adjacent": int(newest in neighbours),
        "common_first": min(len(neighbours & set(graph[chosen[0]])), 5) if chosen else 0,
        "common_last": min(len(neighbours & set(graph[newest])), 5),
    }


def context_logits(head: ContextEdges, states: torch.Tensor, graph: nx.Graph, row: int, bits: dict[int, int]) -> torch.Tensor:
    """The logits of a row, oldest candidate first: states float[row + 1, H], the graph of nodes 0..row, bits by candidate."""
    window, logits = sorted(bits), []
    bound = (len(head.table) - 108) // 3
    for node in window:
        chosen = [other for other in window if other < node and bits[other]]
        features = context_features(graph, row, window, node, chosen)
        features = {name: value if used else 0 for (name, value), used in zip(features.items(), head.used, strict=True)}
        assert tuple(features) == CONTEXT_FEATURES
        entries = [
            features["distance"],
            bound + features["far_end"],
            2 * bound + features["gap"],
            3 * bound + 6 * features["chosen"] + features["chosen_adjacent"],
            3 * bound + 48 + 2 * features["degree"] + features["last_adjacent"],
            3 * bound + 72 + 6 * features["common_first"] + features["common_last"],
        ]
        first = torch.relu(head.now(states[row]) + head.then(states[node]) + head.table[entries].sum(0))
        logits.append(head.output(torch.relu(head.hidden(first))))
    return torch.cat(logits)
