"""Choose a generator's parameter by the MMD between its samples and the training graphs."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gengraph.graphs import GraphSet

Parameter = TypeVar("Parameter", int, float)

_MAX_GRAPHS = 256


def least_mmd(
    graphs: GraphSet,
    candidates: Sequence[Parameter],
    sample: Callable[[Parameter, npt.NDArray[np.int32]], GraphSet],
    budget: float | None,
) -> Parameter:
    """The candidate whose sample has the least degree MMD^2 (protocol emd) to the training graphs; the first at a tie.

    Every candidate samples one graph for each training graph, of its size, so sizes play no part in the choice.

    Args:
        graphs: training graphs; at most 256, evenly spaced, are used.
        candidates: parameters to try, at least one.
        sample: draws graphs of the given sizes int32[G] with a parameter; the same random numbers for each make the values
            comparable.
        budget: seconds after which no further candidate is tried; the first, which compiles, does not count.
    """
    from gengraph.metrics import evaluate

    few = graphs[np.unique(np.linspace(0, len(graphs) - 1, min(len(graphs), _MAX_GRAPHS)).astype(np.int64))]
    values: list[float] = []
    deadline = math.inf
    for candidate in candidates:
        scores = evaluate(few, sample(candidate, few.num_nodes), protocol="emd", statistics=["degree"]).to_dict()
        values.append(scores["metrics"]["degree"]["mmd2"])
        if time.monotonic() > deadline:
            break
        if len(values) == 1 and budget is not None:
            deadline = time.monotonic() + budget
    return candidates[int(np.argmin(values))]
