"""What a family of learned generators is: the one contract that training, sampling, tuning and the table know.

A family is one folder in gengraph/models/, an object that obeys `Family`, and a line in `gengraph.models.registry`. It owns
what a graph is to its network (orderings, rows, blocks, noise) from the data to the decoder; nobody else knows what a step is.

Legend: G graphs asked for, A graphs drawn.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array, LabelSchema

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gengraph.models.space import Space

Facts = dict[str, Any]
"""What a model takes from its training graphs: JSON-ready, and all that `build` needs beside the config."""

Capability = Literal[
    "likelihood", "temperature", "planar", "overrun", "gpu", "links", "joint", "steps", "policy", "start", "conditions"
]
"""What a model can do beside being trained and sampled.

- likelihood: its loss is a negative log-likelihood, and it obeys `HasLikelihood`.
- temperature: `Decoding.temperature` other than 1.
- planar: `Decoding.constraint = planar`.
- overrun: `Decoding.stop = reference`.
- gpu: trains and samples on a CUDA device.
- steps: `Decoding.steps`, fewer than it was trained with.
- joint: draws the labels of graphs itself, together with nodes and edges; what others draw is labelled afterwards.
- links: says which pairs of nodes of one graph are likely edges, and obeys `HasLinkScores`.
- policy: says by which decisions it drew graphs, and obeys `HasPolicy`: it can be trained towards a goal.
- start: `Decoding.start`, a graph that all drawn ones go on from.
- conditions: `Decoding.given`, if its config says which properties it is told of graphs (`gengraph.rewards.conditions`).
"""


def labels_of(facts: Facts) -> LabelSchema:
    """The labels of the training graphs."""
    return LabelSchema.from_json(facts["labels"]) if "labels" in facts else LabelSchema()


def _is_said(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, Real) and math.isfinite(value))


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """How graphs are drawn from a model.

    Attributes:
        temperature: divides the logits of edges, > 0; below 1 edges are surer than the model is. Stopping is left alone.
        max_num_node: nodes at which a graph is cut; None lets the family decide (twice the largest training graph, say).
        stop: model (its own rule), or reference: grow on whatever the model says, then delete nodes without an edge, as the
            GraphRNN code of 2018 did; for comparison.
        constraint: none, or planar: the decoder takes no edge that would cross another, whatever the model says. The law is
            then no longer that of the likelihood; name it beside every number.
        steps: of denoising, >= 1, for models that denoise; fewer than they were trained with are faster and coarser. None takes
            all.
        start: one graph that every drawn graph goes on from: its nodes come first, and nothing between them changes.
        given: values of conditions that the model was trained with, by name, of `class` a name: graphs that are likely to have
            them, near them and not exactly. Of the others nothing is told.

    Raises:
        InputError: a value out of range.
    """

    temperature: float = 1.0
    max_num_node: int | None = None
    stop: Literal["model", "reference"] = "model"
    constraint: Literal["none", "planar"] = "none"
    steps: int | None = None
    start: GraphSet | None = None
    given: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            msg = f"temperature must be > 0, got {self.temperature}; 1 leaves the model as it is"
            raise InputError(msg)
        if self.max_num_node is not None and self.max_num_node < 1:
            msg = f"max_num_node must be >= 1, got {self.max_num_node}"
            raise InputError(msg)
        if self.steps is not None and self.steps < 1:
            msg = f"steps must be >= 1, got {self.steps}"
            raise InputError(msg)
        if self.start is not None and len(self.start) != 1:
            msg = f"start must be one graph, got {len(self.start)}; give the one that all are to go on from"
            raise InputError(msg)
        for name, value in self.given.items():
            if not _is_said(value):
                msg = f"a value that is given must be finite, or a name, got {name} = {value}; leave {name} out to say nothing"
                raise InputError(msg)
        for name, choices in (("stop", ("model", "reference")), ("constraint", ("none", "planar"))):
            if getattr(self, name) not in choices:
                msg = f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                raise InputError(msg)

    @property
    def needs(self) -> list[Capability]:
        """What a model must be capable of to be drawn from like this."""
        asked: dict[Capability, bool] = {
            "temperature": self.temperature != 1,
            "planar": self.constraint == "planar",
            "overrun": self.stop == "reference",
            "steps": self.steps is not None,
            "start": self.start is not None,
            "conditions": bool(self.given),
        }
        return [name for name, wanted in asked.items() if wanted]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Graphs that a sampler has drawn.

    Attributes:
        place: int64[A], which of the graphs asked for each is.
        graphs: A graphs.
        cut: bool[A], whether a graph was cut because it did not end by itself.
    """

    place: Int64Array
    graphs: GraphSet
    cut: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.place)


class Sampler(Protocol):
    """Draws graphs by their index: a graph follows from (weights, seed, index, attempt), whatever is drawn beside it."""

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt; yields them in any order, some at a time, each once.

        Args:
            indices: int64[G] >= 0.
            attempts: int64[G] >= 0; where conditions are asked for, the next attempt is drawn if one does not meet them.
            seed: >= 0.
        """
        ...


class Batch(Protocol):
    """Graphs as a model reads them, on the CPU.

    Attributes:
        graph: int64[B], the index in the graph set of each graph, in whatever order the family keeps them.
        losses_of_data: what the coding could not keep, by name, summed over the batch ({"cut_edges": 3}); reported. The names
            are the same for all batches of a model.
    """

    @property
    def graph(self) -> Int64Array:
        """int64[B]."""
        ...

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Counts by name."""
        ...


@dataclass(frozen=True, slots=True)
class Loss:
    """What a batch costs.

    Attributes:
        total: float[], summed over the graphs of the batch; what training minimises.
        units: how many there are of what the total is divided by in reports: "graph" always, "node" or "edge_bit" besides.
        parts: float[] each, by name, without gradients: what else is reported, a graph (the terms of a variational bound,
            say). Units and parts have the same names for all batches of a model.
        guess: about what a model that has learned nothing would cost; a loss of ten times that has diverged.
    """

    total: "Tensor"
    units: Mapping[str, int]
    parts: "Mapping[str, Tensor]" = field(default_factory=dict)
    guess: float = np.inf


Encoder = Callable[..., Any]
"""encoder(indices, key=(seed, epoch)) -> Batch: graphs as a model reads them, anew for each epoch.

What is drawn for a graph (an ordering, noise) follows from (seed, epoch, index of the graph) alone, so that it depends neither
on the batch nor on the worker that the graph is encoded on."""


class GraphModel(Protocol):
    """A network of a family: a `torch.nn.Module` with three more methods.

    Attributes:
        largest: nodes of the largest training graph, as the facts have it.
    """

    largest: int

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of graphs, on the CPU; what all batches share is computed once, here."""
        ...

    def forward(self, batch: Any, progress: float) -> Loss:
        """The loss of a batch; progress in [0, 1] is the share of the training that is done.

        Random numbers, dropout say, come from torch's generators, which the trainer seeds for each step.
        """
        ...

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs, on the device of the weights.

        Raises:
            InputError: the decoding asks for something that models of this config cannot do (`check_decoding`).
        """
        ...


@runtime_checkable
class ReadiesBatches(Protocol):
    """A model that makes of a batch, ahead of its step, all that hangs on no weights.

    Where a GPU takes the steps, several threads call encoder and `ready` while it does; so both must stand that.
    """

    def ready(self, batch: Any) -> Any:
        """What `forward` takes in place of the batch, with its `losses_of_data`; of a GPU's model in pinned memory."""
        ...


@runtime_checkable
class HasLikelihood(Protocol):
    """A model whose loss is an exact negative log-likelihood of the sequences that its encoder makes.

    The loss of a model with conditions is that of sequences given what it is told of their graphs. Its log_prob is that of the
    law without conditions, which alone sums to one over all graphs, and is to be compared with that of other models.
    """

    def log_prob(self, batch: Any) -> "Tensor":
        """float[B], log p of each sequence in nats, in the order of `batch.graph`; no condition is given."""
        ...

    def sequences(self, batch: Any) -> list[bytes]:
        """A name for each sequence, in the same order: two are equal exactly when the sequences are."""
        ...

    def units(self, batch: Any) -> Mapping[str, int]:
        """What `Loss.units` has for the batch."""
        ...


@runtime_checkable
class HasWays(Protocol):
    """A model with a likelihood that says how many ways its encoder had to code a graph: all that is random in it is known."""

    def log_ways(self, batch: Any) -> npt.NDArray[np.float64]:
        """float64[B], -log of the probability with which the encoder drew how each graph is coded, in nats.

        Two drawings make the same sequence only where an automorphism of the graph takes one to the other.
        """
        ...


@runtime_checkable
class HasLinkScores(Protocol):
    """A model that, trained on one graph, says which pairs of its nodes are likely to be edges."""

    def link_scores(self, graph: GraphSet, pairs: Int64Array) -> npt.NDArray[np.float64]:
        """float64[P], the higher the likelier an edge, on any scale; the same each time.

        Args:
            graph: the one graph that the model was trained on, its nodes numbered as then.
            pairs: int64[P, 2], different nodes of it; (i, j) and (j, i) score alike.
        """
        ...


@runtime_checkable
class HasPolicy(Protocol):
    """A model whose graphs come of decisions, each of which has a probability."""

    def rollout(
        self, drawn: GraphSet, indices: Int64Array, attempts: Int64Array, *, seed: int, start: GraphSet | None = None
    ) -> Any:
        """The batch of decisions by which its sampler, without other conditions than a start, drew graphs.

        Args:
            drawn: G graphs as the sampler gave them, in the order of the indices.
            indices: int64[G].
            attempts: int64[G].
            seed: of the sampler.
            start: that it was given; of a model with the capability start. What is in it was not decided.
        """
        ...

    def decisions(self, batch: Any) -> "tuple[Tensor, Tensor]":
        """What was decided, with gradients.

        Returns:
            float[T] log p of each decision given those before it, in nats; and int64[T], which graph of the rollout it was for.
        """
        ...


class Family(Protocol):
    """A family of learned generators.

    Attributes:
        name: in the registry, in config files and in checkpoints.
        config: the frozen dataclass of the section [model] of a config; its __post_init__ refuses what is not valid.
        loss: what the loss is called, with its unit, "negative log-likelihood, nats a graph" say.
        widths: names of the facts that the shapes of weights follow from: training on other graphs keeps those of the model
            that it begins with, if they are wide enough.
    """

    name: str
    config: type[Any]
    loss: str
    widths: tuple[str, ...] = ()

    def model_name(self, config: Any) -> str:
        """The name that a model of this config has in tables: the family's, unless it has variants with names of their own."""
        return self.name

    def capabilities(self, config: Any) -> frozenset[Capability]:
        """What models of a config can do."""
        return frozenset()

    def select(self, graphs: GraphSet, config: Any) -> GraphSet:
        """The graphs of a part (training or validation) as a model sees them: checked, and cut if the config says so.

        Raises:
            InputError: graphs that models of this config cannot learn.
        """
        if (graphs.num_nodes == 0).any():
            msg = f"training graphs need at least one node, {int((graphs.num_nodes == 0).sum())} have none; set on_empty = drop"
            raise InputError(msg)
        return graphs

    @abstractmethod
    def prepare(self, graphs: GraphSet, config: Any, *, seed: int) -> Facts:
        """What the selected training graphs, at least one, say; `max_num_node` must be among it.

        Args:
            graphs: the training part, after `select`; without labels, unless models of this config draw these themselves.
            config: of the model.
            seed: of anything random.
        """
        ...

    def computed_by(self, device: str) -> str:
        """What computes on cpu or cuda: where it differs, results may round differently."""
        return f"torch on {device}"

    def describe(self, config: Any, facts: Facts) -> dict[str, str]:
        """What people should know of a model, by name: for its card and for `gengraph train`."""
        return {}

    @abstractmethod
    def build(self, config: Any, facts: Facts) -> "nn.Module":
        """A `GraphModel` with fresh weights, on the CPU; torch's generator is seeded by the caller."""
        ...

    def suits(self, config: Any, facts: Facts) -> str:
        """What in the facts says that a model of this config may suit the graphs, a clause; "" if nothing does."""
        return ""

    def variants(self, config: Any, facts: Facts) -> tuple[Mapping[str, Any], ...]:
        """What is tried where the model is chosen: fields of [model] by name ("model.hidden_size"), none for the config's."""
        return ({},)

    def space(self, config: Any) -> "Space":
        """What a sweep varies by default around a config, fields of [model] by name ("model.hidden_size")."""
        return {}

    def upgrade(self, tables: dict[str, Any]) -> dict[str, Any]:
        """The tables of a config of an earlier format in the present one; only families that had one override it."""
        return tables


def check_decoding(decoding: Decoding, capable: frozenset[Capability], model: str) -> None:
    """Whether a model can be drawn from like this.

    Raises:
        InputError: it lacks a capability; says which.
    """
    asked = {
        "temperature": f"temperature = {decoding.temperature:g}",
        "planar": "constraint = planar",
        "overrun": "stop = reference",
        "steps": f"steps = {decoding.steps}",
        "start": "a graph to start from",
        "conditions": "a value of " + ", ".join(decoding.given),
    }
    for need in decoding.needs:
        if need not in capable:
            msg = f"{asked[need]} is not for {model} as it is here; `gengraph models` says which models can"
            raise InputError(msg)
