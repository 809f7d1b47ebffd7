"""The family of planar maps."""

from typing import TYPE_CHECKING

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.family import Capability, Facts, Family
from gengraph.models.maps.config import CAPABILITIES, MapsConfig

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space

_TRIANGULATED = 0.01  # least share of virtual edges, of all that join nodes, for which the network is told what is real


class PlanarMaps(Family):
    """Planar graphs as triangulations of the sphere, a letter a triangle."""

    name = "maps"
    config = MapsConfig
    loss = "negative log-likelihood, nats a graph"

    def capabilities(self, config: MapsConfig) -> frozenset[Capability]:
        """All have a likelihood, take a temperature and draw planar graphs."""
        return CAPABILITIES

    def select(self, graphs: GraphSet, config: MapsConfig) -> GraphSet:
        """The graphs that are planar, or all if those that are not lose edges.

        Raises:
            InputError: a graph without nodes, or one that is not planar where the config does not say what to do with it.
        """
        from gengraph.graphs.planarity import is_planar

        graphs = super().select(graphs, config)
        if config.not_planar == "cut":
            return graphs
        planar = is_planar(graphs)
        if config.not_planar == "error" and not planar.all():
            msg = (
                f"maps takes planar graphs, {int((~planar).sum())} of {len(graphs)} are not; set model.not_planar = drop to "
                "leave them out or model.not_planar = cut to cut edges of them, or take another model"
            )
            raise InputError(msg)
        if len(graphs) and not planar.any():
            msg = f"maps needs a planar graph, none of {len(graphs)} is; set model.not_planar = cut, or take another model"
            raise InputError(msg)
        return graphs[np.flatnonzero(planar)]

    def prepare(self, graphs: GraphSet, config: MapsConfig, *, seed: int) -> Facts:
        """Sizes, and how many virtual edges the maps need."""
        from gengraph.models.maps.batches import count_virtual
        from gengraph.models.maps.plane import PlaneGraphs
        from gengraph.models.sizes import spread_facts

        plane = PlaneGraphs.of(graphs)
        virtual, real = count_virtual(plane, seed), len(plane.edges)
        return {
            "max_num_node": int(graphs.num_nodes.max()),
            "sizes": [list(pair) for pair in zip(*spread_facts(graphs.num_nodes), strict=True)],
            "has_edges": real > 0,
            "virtual_share": virtual / max(1, virtual + real),
            "triangulated": virtual < _TRIANGULATED * (virtual + real),
            "cut_edges": int(plane.num_cut.sum()),
        }

    def describe(self, config: MapsConfig, facts: Facts) -> dict[str, str]:
        """What the maps are like."""
        return {
            "virtual edges": f"{facts['virtual_share']:.1%} of all that join nodes",
            "end": "drawn from the sizes of the training graphs",
            "not planar": {"error": "refused", "drop": "left out", "cut": f"cut, {facts['cut_edges']} edges"}[
                config.not_planar
            ],
        }

    def suits(self, config: MapsConfig, facts: Facts) -> str:
        """Planar graphs; others are refused before."""
        return "all graphs are planar" if config.not_planar == "error" else ""

    def build(self, config: MapsConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.maps.network import MapsModel

        return MapsModel(config, facts)

    def space(self, config: MapsConfig) -> "Space":
        """Size, dropout and learning rate."""
        from gengraph.models.space import Choice, Range

        return {
            "model.hidden_size": Choice((32, 64, 96, 128)),
            "model.dropout": Choice((0.0, 0.1, 0.2)),
            "training.learning_rate": Range(5e-4, 5e-3, log=True),
        }
