"""What is asked of sampled graphs: how they are drawn, and which of them are taken."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import CLASS
from gengraph.models.family import Decoding, Drawn
from gengraph.rewards.find import find_property, in_range

_SIZE_MARGIN = 2  # where only the largest component counts, a graph may grow to so many times the largest training graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What is drawn, and which of it is taken.

    Attributes:
        temperature: as `gengraph.models.family.Decoding` has it.
        within: (least, most) of rewards by name (`gengraph.rewards`), nodes or edges or qed say; attempts outside are rejected.
        components: keep all, take the largest, or reject attempts with several.
        stop: as Decoding has it.
        max_num_node: nodes at which a graph is cut; with a range of nodes, that bounds it.
        constraint: as Decoding has it.
        steps: as Decoding has it.
        start: as Decoding has it.
        given: as Decoding has it.
        refused: canonical keys (`gengraph.graphs.isomorphism`) of graphs that are not taken.

    Raises:
        InputError: a value out of range.
    """

    temperature: float = 1.0
    within: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    components: Literal["keep", "largest", "reject"] = "keep"
    stop: Literal["model", "reference"] = "model"
    max_num_node: int | None = None
    constraint: Literal["none", "planar"] = "none"
    steps: int | None = None
    start: GraphSet | None = None
    given: Mapping[str, float | str] = field(default_factory=dict)
    refused: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        for name, (least, most) in self.within.items():
            find_property(name)  # an error now, not when graphs have been drawn
            if not -np.inf < least <= most < np.inf:
                msg = (
                    f"a range of {name} must be least..most with least <= most, got {least:g}..{most:g}; give two numbers, the "
                    "smaller first"
                )
                raise InputError(msg)
        if "nodes" in self.within and self.within["nodes"][1] < 1:
            msg = f"a range of nodes must reach 1, got {_in_words(self.within['nodes'])}; graphs that are drawn have a node"
            raise InputError(msg)
        if self.components not in {"keep", "largest", "reject"}:
            msg = f"components must be one of keep, largest, reject, got {self.components!r}"
            raise InputError(msg)
        self.decoding(1)  # checks the rest

    @property
    def selective(self) -> bool:
        """Whether an attempt can be rejected."""
        return bool(self.within or self.refused or self.components == "reject")

    def decoding(self, largest: int) -> Decoding:
        """How graphs are drawn from a model whose largest training graph has so many nodes."""
        limit = self.max_num_node
        if "nodes" in self.within and self.stop == "model":  # what is too large need not be grown to its end
            most = int(self.within["nodes"][1])
            limit = most if self.components != "largest" else max(limit or _SIZE_MARGIN * largest, most)
        return Decoding(
            temperature=self.temperature,
            max_num_node=limit,
            stop=self.stop,
            constraint=self.constraint,
            steps=self.steps,
            start=self.start,
            given=self.given,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the refused keys."""
        return {
            "temperature": self.temperature,
            "components": self.components,
            "stop": self.stop,
            "max_num_node": self.max_num_node,
            "constraint": self.constraint,
            **({} if self.steps is None else {"steps": self.steps}),
            **({} if self.start is None else {"start": self.start.content_hash()}),
            **({"given": dict(self.given)} if self.given else {}),
            **({"within": {name: list(ends) for name, ends in self.within.items()}} if self.within else {}),
        }

    def judge(self, drawn: Drawn) -> tuple[npt.NDArray[np.bool_], GraphSet]:
        """Which graphs are taken, and all of them as they would be."""
        graphs = drawn.graphs
        taken = np.ones(len(graphs), np.bool_)
        if self.components == "largest":
            graphs = graphs.largest_components()
        elif self.components == "reject":
            taken &= graphs.num_components() == 1
        if "nodes" in self.within and self.components != "largest" and self.stop == "model":
            taken &= ~drawn.cut
        for name, ends in self.within.items():
            if taken.any():
                taken[taken] = in_range(name, *ends)(graphs[taken])
        if self.refused and taken.any():
            from gengraph.graphs.isomorphism import canonical_keys

            keys = canonical_keys(graphs[taken])  # None where it is not known whether the graph is one of those
            taken[taken] = [key is not None and key not in self.refused for key in keys]
        return taken, graphs

    def named(self, graphs: GraphSet) -> GraphSet:
        """Graphs that were drawn, with the class that the model was told; without one if it was told none."""
        return graphs.classified([self.given[CLASS]] * len(graphs)) if CLASS in self.given else graphs

    def in_words(self) -> str:
        """The conditions that an attempt may fail, for messages."""
        wanted = [f"{_in_words(ends)} {name}" for name, ends in self.within.items()]
        wanted += ["one component"] * (self.components == "reject") + ["no graph that is known already"] * bool(self.refused)
        return ", ".join(wanted)


def _in_words(ends: tuple[float, float]) -> str:
    return "{:g}..{:g}".format(*ends)
