"""Train, validation and test parts of a graph set: seeded, or as its source says."""

from dataclasses import dataclass

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.collection import PARTS, Collection
from gengraph.seeded import Stream

Parts = tuple[Int64Array, Int64Array, Int64Array]
_TEST_SHARE = 0.2
_VALIDATION_SHARE = 0.1  # of what is left for training


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Three disjoint parts that together hold every graph once.

    Attributes:
        train: to learn from.
        validation: to measure the loss on while learning.
        test: to compare with at the end.
        origin: seeded, or given (by a split column or the names of files).
    """

    train: GraphSet
    validation: GraphSet
    test: GraphSet
    origin: str = "seeded"


def split_graphs(graphs: GraphSet, *, seed: int = 0) -> Split:
    """Shuffle, take 20% for the test, and 10% of the rest (at least one graph each) for validation.

    The 2018 code validates on the first graphs of its training part and trains on them too; here no graph has two roles.

    Args:
        graphs: three or more.
        seed: equal seeds give equal splits, on every machine.

    Raises:
        InputError: fewer than three graphs.
    """
    train, validation, test = _seeded_parts(len(graphs), seed)
    return Split(train=graphs[train], validation=graphs[validation], test=graphs[test])


def _seeded_parts(count: int, seed: int) -> Parts:
    if count < 3:
        msg = (
            f"a split into train, validation and test needs at least 3 graphs, got {count}; give more, or fit one large graph "
            "with `gengraph grow`"
        )
        raise InputError(msg)
    order = Stream(seed).permutation(count)
    num_test = max(1, round(_TEST_SHARE * count))
    num_validation = max(1, round(_VALIDATION_SHARE * (count - num_test)))
    held_out = num_test + num_validation
    return order[held_out:], order[num_test:held_out], order[:num_test]


def split_collection(collection: Collection, *, seed: int = 0) -> Split:
    """The parts that a collection's source gives, else seeded ones.

    A source that gives only train and test has a tenth of its training graphs, drawn with the seed, taken for validation.

    Raises:
        InputError: fewer than three graphs, or a given split without graphs to train on or to test with.
    """
    graphs, (train, validation, test) = collection.graphs, split_indices(collection, seed=seed)
    origin = "seeded" if collection.part is None else "given"
    return Split(train=graphs[train], validation=graphs[validation], test=graphs[test], origin=origin)


def split_indices(collection: Collection, *, seed: int = 0) -> Parts:
    """Which graphs `split_collection` puts into train, validation and test: three times int64[graphs of the part]."""
    if collection.part is None:
        return _seeded_parts(len(collection.graphs), seed)
    train, validation, test = (np.flatnonzero(collection.part == number) for number in range(len(PARTS)))
    if not len(validation) and len(train) > 1:
        train = train[Stream(seed).permutation(len(train))]
        held_out = max(1, round(_VALIDATION_SHARE * len(train)))
        train, validation = np.sort(train[held_out:]), np.sort(train[:held_out])
    if not (len(train) and len(validation) and len(test)):
        sizes = dict(zip(PARTS, (len(train), len(validation), len(test)), strict=True))
        msg = (
            f"a given split needs graphs to train on, to validate with and to test with, got {sizes}; add what is missing, or "
            "take the names of the parts out of the file names or the split column to have the graphs split at random"
        )
        raise InputError(msg)
    return train, validation, test
