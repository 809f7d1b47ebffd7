"""The order in which nodes join, by what held-out graphs cost after a short training under each.

Legend: n nodes and m edges of a graph, P = n (n - 1) / 2 pairs.
"""

from dataclasses import replace

import numpy as np
import torch
from scipy.special import gammaln

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.attachment.config import AttachmentConfig
from gengraph.models.attachment.network import AttachmentModel
from gengraph.models.attachment.orders import ORDERS
from gengraph.models.family import Facts

_SHARE, _MOST_HELD_OUT = 5, 12  # every fifth graph is held out, of these so many are measured
_BATCH, _STEPS, _RATE, _HIDDEN = 4, 48, 0.02, 24
_WORK = 2_000_000  # n m of all graphs that are trained on under an order: fewer steps for large graphs
_LEAST_STEPS = 4


def order_costs(graphs: GraphSet, config: AttachmentConfig, facts: Facts, *, seed: int) -> dict[str, float]:
    """Nats a graph without its size, by order: the bound of `AttachmentModel.forward` on held-out graphs.

    Args:
        graphs: of training.
        config: of the model.
        facts: but for the order.
        seed: of weights, batches and orders.
    """
    held_out = np.arange(len(graphs)) % _SHARE == _SHARE - 1 if len(graphs) >= _SHARE else np.ones(len(graphs), np.bool_)
    rest = np.flatnonzero(~held_out) if len(graphs) >= _SHARE else np.arange(len(graphs))
    measured = np.flatnonzero(held_out)[:_MOST_HELD_OUT]
    short = replace(config, hidden_size=min(_HIDDEN, config.hidden_size))
    found: dict[str, float] = {}
    for order in ORDERS:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            model = AttachmentModel(short, facts | {"order": order})
            _train(model, graphs, rest, seed)
        with torch.no_grad():
            parts = model.eval()(model.encoder(graphs)(measured, key=(seed, 0))).parts
        found[order] = float(parts["bound"] - parts["sizes"]) / len(measured)
    return found


def _train(model: AttachmentModel, graphs: GraphSet, chosen: Int64Array, seed: int) -> None:
    work = float((graphs.num_nodes * np.maximum(graphs.num_edges, 1)).mean()) * _BATCH
    steps = int(np.clip(_WORK / work, _LEAST_STEPS, _STEPS))
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    encode, rng = model.encoder(graphs), np.random.default_rng(seed)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _RATE * (1 - step / steps)
        loss = model(encode(rng.choice(chosen, _BATCH), key=(seed, step + 1)))
        optimiser.zero_grad()
        (loss.total / _BATCH).backward()
        optimiser.step()


def cost_of_edges_alike(graphs: GraphSet) -> float:
    """Nats a graph, without its size and up to the numbering of its nodes, if all pairs are edges alike; O(1) a graph."""
    n, m = graphs.num_nodes.astype(np.float64), graphs.num_edges.astype(np.float64)
    pairs = n * (n - 1) / 2
    share = (m.sum() + 0.5) / (pairs.sum() + 1)
    return float((-m * np.log(share) - (pairs - m) * np.log1p(-share) - gammaln(n + 1)).mean())
