"""Codes of some graphs as the network reads them: what is read before each step, and what could have come.

Legend: B codes, S steps of the longest, R steps of all codes, Q decisions, C items to choose between, K names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gengraph.graphs import Int32Array, Int64Array
from gengraph.models.graphgen.codes import END, ROOT
from gengraph.models.graphgen.growth import Growth, Kind
from gengraph.models.graphgen.views import COMPLETE, NEW, NOT, ROOTED, Views


@dataclass(frozen=True, slots=True)
class Decisions:
    """Those of one component of the steps, where more than one item may come.

    Attributes:
        code: int64[Q], which code.
        step: int64[Q], which step of it.
        classes: int64[Q, C], of the items; NOT where one may not come.
        taken: int64[Q], the item that came.
        features: float32[Q, C, NUM_FEATURES], of items; None where the network does not read them.
    """

    code: Int64Array
    step: Int64Array
    classes: Int64Array
    taken: Int64Array
    features: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class CodeBatch:
    """A `Batch`.

    Attributes:
        graph: int64[B].
        codes: int32[steps, 4] each, the end among the steps.
        num_nodes: int64[B].
        read: int64[B, S, 4], classes of the steps; 0 for the end and behind.
        seen: float32[B, S, 3 K + 3] before each step; None where the network does not read it.
        sources, targets, labels: the decisions.
        beyond: float64[B], log p of how far degrees are beyond the largest class.
        num_inexact: graphs whose code may not be the least.
    """

    graph: Int64Array
    codes: list[Int32Array]
    num_nodes: Int64Array
    read: Int64Array
    seen: npt.NDArray[np.float32] | None
    sources: Decisions
    targets: Decisions
    labels: Decisions
    beyond: npt.NDArray[np.float64]
    num_inexact: int

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Graphs whose code is the least of those found only."""
        return {"inexact_codes": self.num_inexact}


def encode_codes(graph: Int64Array, codes: list[Int32Array], views: Views, *, state: bool, num_inexact: int) -> CodeBatch:
    """Follow the codes of some graphs step by step; O(S B T).

    Args:
        graph: int64[B].
        codes: int32[steps, 4] each.
        views: how they are seen.
        state: whether the network reads what the masks know.
        num_inexact: of these graphs.
    """
    lengths = np.array([len(code) for code in codes])
    step, code = np.nonzero(np.arange(lengths.max())[:, None] < lengths)
    steps = np.concatenate(codes)[(np.cumsum(lengths) - lengths)[code] + step].astype(np.int64)
    growth = _followed(steps, np.split(code, np.flatnonzero(np.diff(step)) + 1), views.kind)
    read = np.zeros((len(codes), lengths.max(), 4), np.int64)
    read[code, step] = np.where(steps[:, :1] == END, 0, views.read(steps))
    source, target, label = steps[:, 0], steps[:, 1], steps[:, 3]
    new, edge = np.maximum(source, target) > growth.newest, source != END
    new |= source == ROOT
    first = np.where(source == END, COMPLETE, np.where(source == ROOT, ROOTED, 2 + source))
    last = np.where(new, np.minimum(label, views.num_labels - 1), 0)
    seen = None
    if state:
        of_steps = views.seen(growth)
        seen = np.zeros((*read.shape[:2], of_steps.shape[1]), np.float32)
        seen[code, step] = of_steps
    at = code, step
    sources = _open(at, np.ones_like(edge), views.source_classes(growth), first)
    targets = _open(at, edge, views.target_classes(growth, source), np.where(new, NEW, 1 + target))
    if state:
        places = np.zeros(read.shape[:2], np.int64)
        places[code, step] = np.arange(len(code))
        sources = replace(sources, features=views.features(growth, places[sources.code, sources.step], 2))
        targets = replace(targets, features=views.features(growth, places[targets.code, targets.step], 1))
    return CodeBatch(
        graph=graph,
        codes=codes,
        num_nodes=np.array([num_nodes(code) for code in codes]),
        read=read,
        seen=seen,
        sources=sources,
        targets=targets,
        labels=_open(at, edge, views.label_classes(source, new), last),
        beyond=np.array([_beyond(code, views) for code in codes]),
        num_inexact=num_inexact,
    )


def _followed(steps: Int64Array, codes: list[Int64Array], kind: Kind) -> Growth:
    """Where codes stand before each of steps int64[R, 4]; codes: for each step in turn those that have one."""
    growth, seen, first = Growth(len(codes[0]), int(steps[:, 1].max()) + 1, kind), [], 0
    for some in codes:
        source, target, _, label = steps[first : first + len(some)].T
        seen.append(growth.seen(some))
        goes_on = source != END
        growth.add(some[goes_on], source[goes_on], target[goes_on], label[goes_on])
        first += len(some)
    return Growth.stacked(seen, kind)


def is_new(code: Int32Array) -> npt.NDArray[np.bool_]:
    """bool[S], whether a step finds a vertex."""
    new: npt.NDArray[np.bool_] = (code[:, 0] == ROOT) | ((code[:, 0] != END) & (code[:, 0] < code[:, 1]))
    return new


def num_nodes(code: Int32Array) -> int:
    """Vertices of a graph."""
    return int(is_new(code).sum())


def _beyond(code: Int32Array, views: Views) -> float:
    """Log p of the degrees that are larger than any of training: each further one is half as likely."""
    labels = code[is_new(code), 3]
    return float(-np.log(2) * (labels - views.most)[labels > views.most].sum()) if views.kind != "none" else 0.0


def _open(at: tuple[Int64Array, Int64Array], asked: npt.NDArray[np.bool_], classes: Int64Array, taken: Int64Array) -> Decisions:
    """What is open of the decisions at steps int64[R] of codes int64[R]."""
    rows = np.flatnonzero(asked & ((classes != NOT).sum(axis=1) > 1))
    return Decisions(at[0][rows], at[1][rows], classes[rows], taken[rows])
