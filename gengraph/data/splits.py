"""Seeded train, validation and test parts of a graph set."""

from dataclasses import dataclass

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.streams import Stream

_TEST_SHARE = 0.2
_VALIDATION_SHARE = 0.1  # of what is left for training


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Three disjoint parts that together hold every graph once."""

    train: GraphSet
    validation: GraphSet
    test: GraphSet


def split_graphs(graphs: GraphSet, *, seed: int = 0) -> Split:
    """Shuffle, take 20% for the test, and 10% of the rest (at least one graph each) for validation.

    The 2018 code validates on the first graphs of its training part and trains on them too; here no graph has two roles.

    Args:
        graphs: three or more.
        seed: equal seeds give equal splits, on every machine.

    Raises:
        InputError: fewer than three graphs.
    """
    count = len(graphs)
    if count < 3:
        msg = f"a split into train, validation and test needs at least 3 graphs, got {count}"
        raise InputError(msg)
    order = Stream(seed).permutation(count)
    num_test = max(1, round(_TEST_SHARE * count))
    num_validation = max(1, round(_VALIDATION_SHARE * (count - num_test)))
    held_out = num_test + num_validation
    return Split(train=graphs[order[held_out:]], validation=graphs[order[num_test:held_out]], test=graphs[order[:num_test]])
