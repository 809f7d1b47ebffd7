"""Small models of planar maps, every sequence of letters of a size, and the graphs that these build."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gengraph.graphs import GraphSet
from gengraph.models.maps.batches import MapBatch
from gengraph.models.maps.config import MapsConfig
from gengraph.models.maps.family import PlanarMaps
from gengraph.models.maps.frontier import (
    END,
    IS_REAL,
    NUM_ARCS,
    NUM_LETTERS,
    NUM_OPEN,
    PREVIOUS,
    SPLIT,
    TO,
    gate,
    mark_allowed,
    new_state,
    put,
    start,
)
from gengraph.models.maps.network import MapsModel
from gengraph.models.maps.views import NUM_CHOICE_CODES, describe, describe_choices, describe_root


def small_model(graphs: GraphSet, seed: int = 0, **config: Any) -> MapsModel:
    """A model with random weights, far from uniform; what it knows of the data comes from graphs."""
    settings = MapsConfig(**{"hidden_size": 8, "choice_hidden_size": 8, **config})
    torch.manual_seed(seed)
    model = MapsModel(settings, PlanarMaps().prepare(graphs, settings, seed=0))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model.eval()


@dataclass(frozen=True)
class Sequence:
    """Letters, and of each letter S which of its choices it takes (-1 elsewhere)."""

    letters: tuple[int, ...]
    taken: tuple[int, ...]


def every_sequence(size: int) -> Iterator[Sequence]:
    """Every sequence of allowed letters of a size."""
    if size == 1:
        yield Sequence((), ())
        return
    mask = np.empty(NUM_LETTERS, bool)
    codes, targets = np.empty((size + 1, NUM_CHOICE_CODES), np.int64), np.empty(size + 1, np.int64)

    def grow(state: Any, letters: tuple[int, ...], taken: tuple[int, ...]) -> Iterator[Sequence]:
        if not state[0][NUM_OPEN]:
            yield Sequence(letters, taken)
            return
        half = gate(state)
        mark_allowed(state, half, size, mask)
        for letter in np.flatnonzero(mask).tolist():
            options = [(-1, -1)]
            if SPLIT <= letter < END:
                count = describe_choices(state, half, letter, codes, targets)
                assert count
                options = list(enumerate(targets[:count].tolist()))
            for place, target in options:
                copy = tuple(part.copy() for part in state)
                put(copy, half, letter, target)
                yield from grow(copy, (*letters, letter), (*taken, place))

    for real in (0, 1):
        state = new_state(size)
        start(state, real)
        yield from grow(state, (PREVIOUS + real,), (-1,))


def replay(size: int, sequence: Sequence, widths: tuple[int, int]) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    """What is seen before each letter, and the edges of the graph."""
    count = len(sequence.letters)
    codes, numbers = np.empty((count, widths[0]), np.int64), np.empty((count, widths[1]), np.float32)
    masks, choices, num_choices = np.empty((count, NUM_LETTERS), bool), [np.empty((0, NUM_CHOICE_CODES), np.int64)], []
    state, seen, targets = new_state(size), np.empty((size + 1, NUM_CHOICE_CODES), np.int64), np.empty(size + 1, np.int64)
    for t, (letter, place) in enumerate(zip(sequence.letters, sequence.taken, strict=True)):
        if t == 0:
            describe_root(size, codes[0], numbers[0], masks[0])
            start(state, letter - PREVIOUS)
            continue
        half = gate(state)
        describe(state, half, size, codes[t], numbers[t])
        mark_allowed(state, half, size, masks[t])
        if place >= 0:
            num_choices.append(describe_choices(state, half, letter, seen, targets))
            choices.append(seen[: num_choices[-1]].copy())
        put(state, half, letter, targets[place] if place >= 0 else -1)
    arcs, ends = state[3], range(0, state[0][NUM_ARCS] if count else 0, 2)
    edges = [tuple(sorted((int(arcs[k, TO]) - 1, int(arcs[k + 1, TO]) - 1))) for k in ends if arcs[k, IS_REAL]]
    views = {"codes": codes, "numbers": numbers, "masks": masks, "choices": np.concatenate(choices), "num_choices": num_choices}
    return views, sorted(edges)


def as_batch(size: int, sequences: list[Sequence], widths: tuple[int, int]) -> tuple[MapBatch, list[list[tuple[int, int]]]]:
    """A batch of given sequences, and the graph of each."""
    views, graphs = zip(*(replay(size, sequence, widths) for sequence in sequences), strict=True)
    joined = {name: np.concatenate([view[name] for view in views]) for name in views[0]}
    letters = np.array([letter for sequence in sequences for letter in sequence.letters], np.int64)
    taken = np.array([place for sequence in sequences for place in sequence.taken if place >= 0], np.int64)
    batch = MapBatch(
        graph=np.arange(len(sequences)),
        num_nodes=np.full(len(sequences), size),
        outer=np.ones(len(sequences), np.float32),
        num_letters=np.array([len(sequence.letters) for sequence in sequences]),
        codes=joined["codes"].astype(np.int32),
        numbers=joined["numbers"],
        masks=joined["masks"],
        letters=letters,
        splits=np.flatnonzero((letters >= SPLIT) & (letters < END)),
        choices=joined["choices"].astype(np.int32),
        num_choices=joined["num_choices"].astype(np.int64),
        taken=taken,
        num_cut=0,
        log_ways=np.zeros(len(sequences)),
    )
    return batch, list(graphs)
