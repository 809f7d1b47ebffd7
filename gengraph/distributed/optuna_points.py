"""Optuna's points for Ray Tune, of which only those are tried that make a valid config.

Reference:
    S. Watanabe. Tree-structured Parzen estimator. arXiv:2304.11127, 2023 (Optuna's default sampler).
"""

from collections.abc import Callable
from typing import Any

import optuna
from ray.tune.search.optuna import OptunaSearch

from gengraph.errors import InputError

_TRIES = 200  # points that are asked for before a space is said to have no valid one


class ValidPoints(OptunaSearch):
    """Asks Optuna again where its point makes no valid config; such a point counts as failed there, and is no trial of Tune's.

    Args:
        check: raises InputError for a point that makes no valid config; it can be pickled.
        seed: of the search.
    """

    def __init__(self, check: Callable[[dict[str, Any]], object], seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every point on standard error
        super().__init__(seed=seed)
        self._check = check
        self._asked: dict[str, str] = {}  # what Optuna's trial is called, by that of Tune

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next point of a trial.

        Raises:
            InputError: none of 200 is valid.
        """
        for number in range(_TRIES):
            name = f"{trial_id}/{number}"
            point: dict[str, Any] | None = super().suggest(name)
            try:
                if point is not None:
                    self._check(point)
            except InputError as found:
                error = found
                super().on_trial_complete(name, error=True)
            else:
                self._asked[trial_id] = name
                return point
        msg = f"the space must have valid points, none of {_TRIES} was ({error}); put fields that go together in a table"
        raise InputError(msg)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Hand it on under Optuna's name."""
        super().on_trial_result(self._asked[trial_id], result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Hand it on under Optuna's name."""
        super().on_trial_complete(self._asked[trial_id], result, error)
