"""A sweep on Ray Tune: single-worker trials that run the pure loop, stopped early by ASHA.

Reference:
    L. Li et al. A system for massively parallel hyperparameter tuning. MLSys 2020 (ASHA).
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher

from gengraph.config import Config
from gengraph.data import Split
from gengraph.sweep import SPACE, Choice, apply_assignments, run_trial


def tune_on_ray(
    config: Config, split: Split, *, trials: int, workers: int, cpus: float, seed: int, report: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Run a sweep; returns a dict a trial: its settings, validation_nll, step, seconds, error.

    With optuna installed the search is its TPE sampler, else random.

    Args:
        config: what the settings of the trials are applied to; its length is that of a full trial.
        split: training and validation graphs.
        trials: settings to try.
        workers: trials at a time.
        cpus: of each trial.
        seed: of the search.
        report: told 1 whenever a trial has ended.
    """
    data = ray.put(split)

    def trainable(assignments: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(max(1, int(cpus)))
        run_trial(apply_assignments(config, assignments), ray.get(data), tune.report)

    space = {
        name: tune.choice(part.values) if isinstance(part, Choice) else tune.loguniform(part.low, part.high)
        for name, part in SPACE.items()
    }
    storage = tempfile.mkdtemp(prefix="gengraph-tune-")
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"CPU": cpus}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="validation_nll",
            mode="min",
            num_samples=trials,
            max_concurrent_trials=workers,
            search_alg=_search(seed),
            scheduler=ASHAScheduler(max_t=config.training.evaluations, grace_period=max(1, config.training.evaluations // 5)),
        ),
        run_config=tune.RunConfig(name="sweep", storage_path=storage, verbose=0, callbacks=[_Progress(report)]),
    )
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Ray prints a header
            grid = tuner.fit()
        return [_describe(result) for result in grid]
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _search(seed: int) -> Searcher:
    try:
        from ray.tune.search.optuna import OptunaSearch

        return OptunaSearch(seed=seed)
    except (ImportError, AssertionError):  # optuna is an extra
        from ray.tune.search.basic_variant import BasicVariantGenerator

        return BasicVariantGenerator(random_state=seed)


def _describe(result: Any) -> dict[str, Any]:
    metrics = result.metrics or {}
    values = {name: metrics.get(name) for name in ("validation_nll", "step", "seconds")}
    return {"settings": dict(result.config), **values, "error": str(result.error) if result.error else None}


class _Progress(tune.Callback):
    """Tells how many trials have ended."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report = report

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._report(1)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._report(1)
