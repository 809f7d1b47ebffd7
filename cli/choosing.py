"""`--model auto`: the model that came closest in a short training of each that may suit."""

from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.data import Split
    from gengraph.graphs import GraphSet
    from gengraph.training.choosing import Trial

AUTO = "auto"
_SHARE, _LEAST, _MOST, _USUAL = 0.1, 5.0, 30.0, 15.0  # of the budget, and CPU seconds a model


def try_out(dataset: str, split: "Split", config: str | None, budget: float | None, tried: "list[Trial]") -> str:
    """The name of the model that came closest; the trials are added to `tried`.

    Raises:
        InputError: a config is named as well, or no model could be trained.
    """
    if config is not None:
        msg = f"--model auto chooses the config with the model, got --config {config} too; leave one out"
        raise InputError(msg)
    from gengraph.cli.progress import busy, errors
    from gengraph.training.choosing import best_trial, try_models

    seconds = _USUAL if budget is None else min(_MOST, max(_LEAST, _SHARE * budget))
    length = {"steps": None, "budget": seconds, "clock": "cpu"}
    trials = try_models(split.train, split.validation, _draw, length=length, dataset=dataset)
    while True:
        with busy(f"trying models, {seconds:.0f} CPU seconds each"):
            trial = next(trials, None)
        if trial is None:
            break
        tried.append(trial)
        errors.print(f"{trial.model} ({trial.why}): distance {trial.distance:.2f} after {trial.steps} steps, 1 is the floor")
    best = best_trial(tried)
    errors.print(f"{best.model} is trained; --model NAME overrules")
    return best.model


def _draw(model: Any, count: int) -> "GraphSet":
    import numpy as np

    from gengraph.sampling.attempts import sample_graphs

    return sample_graphs(model, np.arange(count), seed=0).graphs
