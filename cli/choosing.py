"""The model that suits the graphs: what came closest in a short training of each that may."""

from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.models.registry import LEARNED
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.data import Split
    from gengraph.training.choosing import Trial

AUTO = "auto"
_SHARE, _LEAST, _MOST, _USUAL = 0.1, 5.0, 30.0, 15.0  # of the budget, and CPU seconds a model


def is_open(dataset: str, model: str | None, config: str | None, assignments: list[str] | None) -> bool:
    """Whether the model is to be chosen: this is asked for, or nothing says what to train and no preset is for the data set.

    Raises:
        InputError: it is asked for, and a config or fields of a model are named as well.
    """
    if model == AUTO and config is not None:
        msg = f"--model auto chooses the config with the model, got --config {config} too; leave one out"
        raise InputError(msg)
    own = next((text for text in assignments or [] if text.startswith("model.")), None)
    if model == AUTO and own is not None:
        msg = f"--model auto chooses what of [model] is set, got --set {own} too; name the model, or leave it out"
        raise InputError(msg)
    if model is not None or config is not None or assignments:
        return model == AUTO
    from gengraph.training.config import preset_for

    return not any(preset_for(name, dataset) == f"{name}/{dataset.partition(':')[0]}" for name in LEARNED)


def try_out(
    dataset: str, split: "Split", *, steps: int | None, budget: float | None, seed: int | None, tried: "list[Trial]"
) -> "Trial":
    """The trial of the model that came closest; all are added to `tried`.

    Args:
        dataset: name or path.
        split: its parts.
        steps: of the training that follows, of which each trial makes a tenth; None goes by time.
        budget: seconds of the training that follows; None is not known.
        seed: of everything random.
        tried: is added to.

    Raises:
        InputError: no model could be trained.
    """
    from gengraph.cli.progress import busy, errors
    from gengraph.sampling.attempts import first_graphs
    from gengraph.training.choosing import best_trial, try_models

    seconds = _USUAL if budget is None else min(_MOST, max(_LEAST, _SHARE * budget))
    length: dict[str, Any] = {"steps": None, "budget": seconds, "clock": "cpu"}
    each, times = f"{seconds:.0f} CPU seconds each", 1 / _SHARE if budget is None else budget / seconds
    if steps is not None:
        length = {"steps": max(1, round(_SHARE * steps))}
        each, times = f"{counted(length['steps'], 'step')} each", steps / length["steps"]
    about: dict[str, Any] = {"length": length, "times": times, "dataset": dataset, "seed": seed or 0}
    trials = try_models(split.train, split.validation, first_graphs, **about)
    while True:
        try:
            with busy(f"trying models, {each}"):
                trial = next(trials, None)
        except KeyboardInterrupt:
            known = f"--model {best_trial(tried).model} trains what was closest so far" if tried else "--model NAME trains one"
            msg = f"Nothing is kept of the trials; {known}."
            raise KeyboardInterrupt(msg) from None
        if trial is None:
            break
        tried.append(trial)
        if trial.distance is not None:
            told = f"distance {trial.distance:.2f} after {trial.steps} steps, 1 is the floor"
            expected = "" if trial.expected is None else f"; {trial.expected:.2f} is to be expected in the end"
            errors.print(f"{trial.name} ({trial.why}): {told}{expected}")
    best = best_trial(tried)
    reason = "no other suits these graphs" if best.distance is None else f"it came closest in {each}"
    if best.expected is not None:
        reason = f"of the two that came closest in {each} it is expected to come closer"
    errors.print(f"{best.name} is trained: {reason}; --model NAME overrules")
    return best
