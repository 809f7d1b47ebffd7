"""A model of bare graphs and a labeller, together a model of labelled graphs: p(structure) p(labels | structure).

Whatever a family draws, the labeller labels; training minimises the sum of both losses. Legend: B graphs.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array, LabelSchema
from gengraph.models.family import Decoding, Drawn, Encoder, Loss, Sampler
from gengraph.models.labelling.config import LabellingConfig
from gengraph.models.labelling.decisions import uniforms_for
from gengraph.models.labelling.network import LabelBatch, Labeller
from gengraph.models.numbers import keys_of

_CHUNK = 2048  # graphs that are labelled at a time
_HELD_OUT = 1 << 40  # epochs that training never reaches: of all of them a graph has one order of its labels
_PURPOSE = 1 << 32  # keeps the labels' streams apart from those of structures


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs as both networks read them; `graph` and `losses_of_data` are those of the structure."""

    structure: Any
    labels: LabelBatch
    guess: float

    @property
    def graph(self) -> Int64Array:
        """int64[B]."""
        graph: Int64Array = self.structure.graph
        return graph

    @property
    def losses_of_data(self) -> Mapping[str, int]:
        """Counts by name."""
        losses: Mapping[str, int] = self.structure.losses_of_data
        return losses


class LabelledModel(nn.Module):
    """A `GraphModel` of labelled graphs.

    Args:
        structure: a `GraphModel` of the bare ones.
        config: of the labeller.
        schema: of the labels.
    """

    def __init__(self, structure: Any, config: LabellingConfig, schema: LabelSchema) -> None:
        super().__init__()
        self.structure, self.labeller = structure, Labeller(config, schema)
        self.largest: int = structure.largest

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches of graphs.

        Raises:
            InputError: they have other labels than those that the model knows.
        """
        known = graphs.relabelled(self.labeller.schema) if len(graphs) else graphs
        encode = self.structure.encoder(graphs.bare())

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            structure = encode(indices, key=key)
            chosen = known[structure.graph]
            epochs = np.full(len(structure.graph), _PURPOSE + min(key[1], _HELD_OUT))
            labels = self.labeller.batch(chosen, keys_of(key[0], epochs, structure.graph))
            return Batch(structure, labels, self.labeller.guess(chosen))

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """The losses of both, summed."""
        loss = self.structure(batch.structure, progress)
        labels = -self.labeller.log_prob(batch.labels).sum()
        parts = {**loss.parts, "structure": loss.total.detach(), "labels": labels.detach()}
        return Loss(total=loss.total + labels, units=loss.units, parts=parts, guess=loss.guess + batch.guess)

    def sampler(self, decoding: Decoding) -> Sampler:
        """Draws structures and labels them."""
        return _LabelledSampler(self.structure.sampler(decoding), self.labeller, decoding.temperature)

    def rollout(
        self, drawn: GraphSet, indices: Int64Array, attempts: Int64Array, *, seed: int, start: GraphSet | None = None
    ) -> Batch:
        """The decisions of a structure that has a policy, and those of the labels in the order that they were drawn in."""
        assert start is None  # no structure that others label can be started
        structure = self.structure.rollout(drawn.bare(), indices, attempts, seed=seed)
        known = drawn.relabelled(self.labeller.schema)
        labels = self.labeller.batch(known, keys_of(seed, _PURPOSE + attempts, indices))
        return Batch(structure, labels, self.labeller.guess(known))

    def decisions(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Those of the structure, and all labels of a graph as one."""
        structure, graphs = self.structure.decisions(batch.structure)
        labels = self.labeller.log_prob(batch.labels)
        return torch.cat([structure, labels]), torch.cat([graphs, torch.arange(len(labels), device=labels.device)])


class LabelledLikelihoodModel(LabelledModel):
    """The same of a structure that has a likelihood.

    Its log_prob is log p(structure sequence) + log p(labels | structure, order). A held-out graph has one random order of its
    labels, whatever the sequence of its structure; on average the second term is at most log p(labels | structure).
    """

    def log_prob(self, batch: Batch) -> Tensor:
        """float[B], in nats."""
        structures: Tensor = self.structure.log_prob(batch.structure)
        return structures + self.labeller.log_prob(batch.labels)

    def sequences(self, batch: Batch) -> list[bytes]:
        """Names of the structures' sequences: those of one structure with other places for the labels count once."""
        names: list[bytes] = self.structure.sequences(batch.structure)
        return names

    def units(self, batch: Batch) -> Mapping[str, int]:
        """Those of the structure."""
        units: Mapping[str, int] = self.structure.units(batch.structure)
        return units


class _LabelledSampler:
    """Labels what another sampler draws; a graph's labels follow from (weights, seed, index, attempt)."""

    def __init__(self, structures: Sampler, labeller: Labeller, temperature: float) -> None:
        self._structures, self._temperature = structures, temperature
        self._labeller = copy.deepcopy(labeller).double()  # so that rounding does not depend on what is drawn beside it

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, some at a time."""
        for drawn in self._structures.draw(indices, attempts, seed=seed):
            parts = [self._labelled(drawn, slice(k, k + _CHUNK), indices, attempts, seed) for k in range(0, len(drawn), _CHUNK)]
            yield Drawn(drawn.place, GraphSet.concatenate(parts), drawn.cut)

    def _labelled(self, drawn: Drawn, some: slice, indices: Int64Array, attempts: Int64Array, seed: int) -> GraphSet:
        graphs, place = drawn.graphs[some], drawn.place[some]
        keys = keys_of(seed, _PURPOSE + attempts[place], indices[place])
        uniforms = uniforms_for(keys, self._labeller.num_decisions(graphs))
        return graphs.labelled(self._labeller.draw(graphs, keys, uniforms, self._temperature))


def with_labels(structure: Any, config: LabellingConfig, schema: LabelSchema) -> Any:
    """A model of labelled graphs around one of bare graphs.

    Raises:
        InputError: there is nothing to label.
    """
    if not schema:
        msg = "a model of labelled graphs needs labels or directions, got graphs without"
        raise InputError(msg)
    kind = LabelledLikelihoodModel if hasattr(structure, "log_prob") else LabelledModel
    return kind(structure, config, schema)
