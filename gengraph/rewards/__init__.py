"""Rewards, what graphs are to reach, and rules, what they are to obey: the names; `find` has what they name.

A reward is any function `GraphSet -> float[G]`, the higher the better, NaN for a graph that has none (no molecule, say). A rule
is any function `GraphSet -> bool[G]`. Both are black boxes: they are called with many graphs at a time and nothing else is
asked of them. A name is one of the lists below, `FILE.py:FUNCTION`, or an entry point of the group `gengraph.rewards` or
`gengraph.rules`. `NAME=VALUE` rewards being near a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """A named reward or rule.

    Attributes:
        place: "module:function".
        summary: a line about it.
    """

    place: str
    summary: str


REWARDS: Mapping[str, Listed] = {
    "qed": Listed("gengraph.chemistry.scores:qed", "molecules: drug-likeness (Bickerton 2012), 0 to 1"),
    "logp": Listed("gengraph.chemistry.scores:log_p", "molecules: Crippen's logP"),
    "plogp": Listed("gengraph.chemistry.scores:penalised_log_p", "molecules: penalised logP, normalised; RDKit's rings"),
    "plogp-published": Listed(
        "gengraph.chemistry.scores:published_penalised_log_p", "molecules: the same by the published rule for rings"
    ),
    "synthesis": Listed("gengraph.chemistry.scores:easy_synthesis", "molecules: 10 - SA (Ertl 2009), 0 hard to 9 easy"),
    "weight": Listed("gengraph.chemistry.scores:weight", "molecules: g/mol"),
    "validity": Listed("gengraph.chemistry.scores:validity", "molecules: 1 for a possible one, else 0"),
    "nodes": Listed("gengraph.metrics.scalars:node_counts", "nodes of a graph"),
    "edges": Listed("gengraph.metrics.scalars:edge_counts", "edges of a graph"),
    "density": Listed("gengraph.metrics.scalars:densities", "share of the pairs of nodes that are edges, 0 to 1"),
    "mean-degree": Listed("gengraph.metrics.scalars:mean_degrees", "neighbours of a node, the mean over the nodes"),
    "max-degree": Listed("gengraph.metrics.scalars:largest_degrees", "neighbours of the node that has the most"),
    "components": Listed("gengraph.metrics.scalars:component_counts", "connected components of a graph"),
    "assortativity": Listed(
        "gengraph.metrics.scalars:assortativity", "correlation of the degrees at the ends of an edge, -1 to 1"
    ),
    "triangles": Listed("gengraph.metrics.scalars:triangle_counts", "triangles of a graph"),
    "clustering": Listed("gengraph.metrics.scalars:mean_clustering", "clustering, the mean over the nodes, 0 to 1"),
    "diameter": Listed("gengraph.metrics.scalars:diameters", "diameter of a connected graph"),
}
RULES: Mapping[str, Listed] = {
    "valences": Listed("gengraph.rewards.find:possible", "molecules: RDKit takes them, in one part"),
    "connected": Listed("gengraph.metrics.validity:is_connected", "one component"),
    "planar": Listed("gengraph.graphs.planarity:is_planar", "without crossings in some drawing"),
    "tree": Listed("gengraph.metrics.validity:is_tree", "connected, without cycles"),
}
BOUNDS: Mapping[str, str] = {
    "nodes": "nodes=10, or nodes=5..20",
    "edges": "edges=30, or edges=20..40",
    "max-degree": "max-degree=4, or max-degree=2..4",
    "similar": "similar=0.4:SMILES, molecules at least as similar as that to one",
}
REWARD_POINTS, RULE_POINTS = "gengraph.rewards", "gengraph.rules"
