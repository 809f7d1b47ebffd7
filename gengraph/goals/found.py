"""The best graphs that were drawn so far, no two isomorphic, and the files that hold them."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.files import write_json
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.rewards.find import Reward

KEPT = 100  # graphs
_GRAPHS, _SCORES = "best.parquet", "best.json"
_CLOSE = 1e-6  # of what is computed again


@dataclass(slots=True)
class Found:
    """Graphs with their rewards, the best first.

    Attributes:
        graphs: at most KEPT.
        scores: float64, descending.
        steps: int64, when each was drawn first.
    """

    graphs: GraphSet = field(default_factory=GraphSet.empty)
    scores: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    steps: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _keys: list[bytes | None] = field(default_factory=list)

    def add(self, graphs: GraphSet, scores: npt.NDArray[np.float64], step: int) -> None:
        """Take what is better than what is kept and not among it; NaN is not."""
        bar = self.scores[-1] if len(self.scores) == KEPT else -np.inf
        places = np.flatnonzero(np.nan_to_num(scores, nan=-np.inf) > bar)
        if not len(places):
            return
        known, fresh = set(self._keys), []
        keys = canonical_keys(graphs[places])
        for place, key in zip(places.tolist(), keys, strict=True):
            if key is not None and key not in known:
                known.add(key)
                fresh.append((place, key))
        if not fresh:
            return
        taken = np.array([place for place, _ in fresh])
        together = np.concatenate([self.scores, scores[taken]])
        order = np.argsort(-together, kind="stable")[:KEPT]
        both = graphs[taken] if not len(self.graphs) else GraphSet.concatenate([self.graphs, graphs[taken]])
        all_keys = [*self._keys, *(key for _, key in fresh)]
        self.graphs, self.scores = both[order], together[order]
        self.steps = np.concatenate([self.steps, np.full(len(taken), step)])[order]
        self._keys = [all_keys[place] for place in order.tolist()]

    def write(self, folder: Path) -> None:
        """Write best.parquet and best.json; nothing where nothing has a reward."""
        if len(self.graphs):
            write_graphs(self.graphs, folder / _GRAPHS)
            write_json(folder / _SCORES, {"scores": self.scores.tolist(), "steps": self.steps.tolist()})

    @classmethod
    def read(cls, folder: Path) -> "Found":
        """What `write` wrote; nothing where there is nothing."""
        if not (folder / _SCORES).is_file():
            return cls()
        graphs, record = read_graphs(folder / _GRAPHS), json.loads((folder / _SCORES).read_text(encoding="utf-8"))
        return cls(graphs, np.array(record["scores"]), np.array(record["steps"], np.int64), canonical_keys(graphs))

    @classmethod
    def checked(cls, folder: Path, reward: Reward) -> "Found":
        """What was written, with every reward computed again from the file.

        Raises:
            InputError: one is another than it was.
        """
        found = cls.read(folder)
        again = reward(found.graphs) if len(found.graphs) else found.scores
        differ = np.flatnonzero(~np.isclose(again, found.scores, rtol=_CLOSE, atol=_CLOSE))
        if len(differ):
            first = int(differ[0])
            msg = (
                f"a reward must be the same each time, graph {first} of {folder / _GRAPHS} had {found.scores[first]:g} and has "
                f"{again[first]:g} now; look for random numbers, state or an order of nodes in the reward"
            )
            raise InputError(msg)
        return found
