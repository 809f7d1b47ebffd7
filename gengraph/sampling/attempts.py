"""Sampling graphs from any source: attempts are drawn until every graph asked for has one that meets the conditions.

Every random number belongs to (seed, graph index, attempt), and the first attempt that meets the conditions is the graph: it
depends neither on what is drawn beside it nor on who draws it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Drawn, Sampler, check_decoding
from gengraph.models.generator import GraphGenerator
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.shards import Samples
from gengraph.seeded import Stream

if TYPE_CHECKING:
    from gengraph.metrics import DescribedSet

_PATIENCE, _LEAST_RATE = 2000, 0.001  # attempts without success that are borne, and acceptance rate below which we give up
_MOST_AHEAD, _DRAWN_TOGETHER = 64, 4096  # attempts at one graph, and at all, that are drawn before the first is judged
_CHUNK = 1024  # graphs that a generator makes before they are reported


class Source(Protocol):
    """What graphs are drawn from: a model of a family, or a `GeneratorSource`."""

    @property
    def largest(self) -> int:
        """Nodes of the largest training graph; 0 where it does not matter."""
        ...

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs; InputError if it cannot draw them like this."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratorSource:
    """A fitted generator as a source; further attempts at a graph are graphs of other seeds.

    Attributes:
        generator: fitted.
        name: for messages.
        largest: not known.
    """

    generator: GraphGenerator
    name: str = "this generator"
    largest: int = 0

    def sampler(self, decoding: Decoding) -> "GeneratorSource":
        """Itself.

        Raises:
            InputError: something other than its own law is asked for.
        """
        check_decoding(decoding, frozenset(), self.name)
        return self

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """One graph for each pair of index and attempt, a chunk at a time."""
        for attempt in np.unique(attempts).tolist():
            of_attempt = np.flatnonzero(attempts == attempt)
            own_seed = seed if attempt == 0 else Stream(seed, attempt).integer(2**31)
            for start in range(0, len(of_attempt), _CHUNK):
                place = of_attempt[start : start + _CHUNK]
                yield Drawn(place, self.generator.sample(indices[place], seed=own_seed), np.zeros(len(place), np.bool_))


class _Found:
    """The attempts that are taken so far: of each graph the first."""

    def __init__(self, num_graphs: int) -> None:
        self._number = np.full(num_graphs, -1)
        self._where = np.zeros((num_graphs, 2), np.int64)  # the part that holds it, and its place there
        self._cut = np.zeros(num_graphs, np.bool_)
        self._parts: list[GraphSet] = []

    def add(self, place: Int64Array, number: Int64Array, cut: npt.NDArray[np.bool_], graphs: GraphSet) -> int:
        """Note attempts that were taken; returns for how many graphs there was none before."""
        new = 0
        for k, (graph, attempt) in enumerate(zip(place.tolist(), number.tolist(), strict=True)):
            before = self._number[graph]
            if before < 0 or attempt < before:
                new += before < 0
                self._number[graph], self._cut[graph], self._where[graph] = attempt, cut[k], (len(self._parts), k)
        self._parts.append(graphs)
        return new

    @property
    def missing(self) -> Int64Array:
        """The graphs of which no attempt was taken."""
        return np.flatnonzero(self._number < 0)

    def samples(self) -> Samples:
        """All graphs, in order."""
        firsts = np.concatenate([[0], np.cumsum([len(part) for part in self._parts])]).astype(np.int64)
        graphs = GraphSet.concatenate(self._parts)[firsts[self._where[:, 0]] + self._where[:, 1]]
        return Samples(graphs, self._number + 1, self._cut)


def sample_graphs(
    source: Source,
    indices: Int64Array,
    *,
    seed: int,
    conditions: Conditions | None = None,
    report: Callable[[int], None] = lambda _finished: None,
) -> Samples:
    """Sample the graphs with the given indices of the stream of a seed.

    Args:
        source: a trained model, or a fitted generator as a `GeneratorSource`.
        indices: int64[G] >= 0; graph k of a seed is the same whichever others are asked for.
        seed: >= 0.
        conditions: on the graphs; none by default.
        report: called with the number of graphs that have just been finished.

    Raises:
        InputError: fewer than one attempt in a thousand meets the conditions, or the source cannot draw such graphs.
    """
    indices = np.asarray(indices, np.int64)
    conditions = conditions or Conditions()
    sampler = source.sampler(conditions.decoding(source.largest))
    found, begun = _Found(len(indices)), 0
    num_judged = num_taken = 0
    pending = found.missing
    while len(pending):
        ahead = _ahead(len(pending), num_judged, num_taken)
        place, number = np.repeat(pending, ahead), np.tile(begun + np.arange(ahead), len(pending))
        for drawn in sampler.draw(indices[place], number, seed=seed):
            taken, graphs = conditions.judge(drawn)
            num_judged, num_taken = num_judged + len(taken), num_taken + int(taken.sum())
            if num_judged > _PATIENCE + num_taken / _LEAST_RATE:
                _give_up(conditions, num_taken, num_judged)
            which = drawn.place[taken]
            report(found.add(place[which], number[which], drawn.cut[taken], graphs[taken]))
        begun += ahead
        pending = found.missing
    samples = found.samples()
    return replace(samples, graphs=conditions.named(samples.graphs))


def first_graphs(source: Source, count: int) -> GraphSet:
    """The first graphs of seed 0, by which models are compared."""
    return sample_graphs(source, np.arange(count), seed=0).graphs


def _ahead(num_pending: int, num_judged: int, num_taken: int) -> int:
    """Attempts at each pending graph to draw together: about as many as it takes, and few where many graphs wait."""
    expected = num_judged // max(1, num_taken)
    return max(1, min(expected, _MOST_AHEAD, _DRAWN_TOGETHER // num_pending))


def mmd_of_samples(
    source: Source,
    reference: "GraphSet | DescribedSet",
    num_graphs: int,
    *,
    seed: int,
    conditions: Conditions | None = None,
) -> dict[str, float]:
    """Squared MMD (protocol emd) of degree, clustering and orbit between samples of a source and other graphs.

    Args:
        source: a trained model or a fitted generator.
        reference: graphs that it is compared with.
        num_graphs: samples to draw.
        seed: of the samples; with the same seed two models differ by what they learned and not by the draw.
        conditions: on the samples; none by default.
    """
    from gengraph.metrics import evaluate

    samples = sample_graphs(source, np.arange(num_graphs), seed=seed, conditions=conditions).graphs
    return {name: metric.mmd2 for name, metric in evaluate(reference, samples, "emd").metrics.items()}


def validation_mmd(model: Source, validation: GraphSet, seed: int) -> dict[str, float]:
    """What training measures where its config asks for it (`gengraph.training.trainer.MeasureMMD`)."""
    return mmd_of_samples(model, validation, len(validation), seed=seed)


def _give_up(conditions: Conditions, num_taken: int, num_judged: int) -> None:
    msg = (
        f"an attempt in a thousand must meet the conditions ({conditions.in_words()}), but {num_taken} of {num_judged} did; "
        "loosen them, or train on graphs that are like those"
    )
    raise InputError(msg)
