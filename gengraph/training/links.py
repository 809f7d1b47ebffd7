"""Link prediction by a model: trained on most edges of one graph, it scores those that were held out.

Reference:
    T. Kipf, M. Welling. Variational graph auto-encoders. NeurIPS workshop on Bayesian deep learning, 2016, section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics.links import HeldOut, average_precision, median_accuracy, roc_auc, split_links
from gengraph.models.family import HasLinkScores
from gengraph.training.config import Config
from gengraph.training.trainer import Trainer, prepare_graphs

MEASURES = {"auc": roc_auc, "ap": average_precision, "accuracy": median_accuracy}


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkScores:
    """How well held-out edges were told from other pairs.

    Attributes:
        seeds: of splits and of weights, one a fit.
        test: of each measure, auc, ap and accuracy, a number a seed.
        validation: likewise.
    """

    seeds: tuple[int, ...]
    test: dict[str, list[float]]
    validation: dict[str, list[float]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: all numbers, and of those of each measure the mean and its standard error (None of one seed)."""
        parts = {"test": self.test, "validation": self.validation}
        return {
            "seeds": list(self.seeds),
            **{part: {name: _summary(values) for name, values in measures.items()} for part, measures in parts.items()},
        }


def _summary(values: Sequence[float]) -> dict[str, Any]:
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "error": error, "values": list(values)}


def predict_links(
    graph: GraphSet, config: Config, *, seeds: Sequence[int], report: Callable[[float], None] = lambda _done: None
) -> LinkScores:
    """Split one graph, train on what is left and score what was held out, for each seed.

    Args:
        graph: one graph, without labels.
        config: of a model that has link scores; `training.steps` or the budget are for each fit.
        seeds: of splits, weights and noise; at least one.
        report: told which share of all is done.

    Raises:
        InputError: a model without link scores, a graph that is refused (`split_links`), or no seeds.
        TrainingDiverged: a fit has.
    """
    if not seeds:
        msg = "links are predicted with at least 1 seed, got none; take seeds 0 to 9"
        raise InputError(msg)
    if "links" not in config.own_family.capabilities(config.model):
        msg = f"links need a model that scores pairs of nodes, {config.model_name} does not; `gengraph models` says which do"
        raise InputError(msg)
    scores = LinkScores(seeds=tuple(seeds), test={name: [] for name in MEASURES}, validation={name: [] for name in MEASURES})
    for k, seed in enumerate(seeds):
        split = split_links(graph, seed=seed)
        model = _fit(split.train, config.trained(seed=seed), partial(_tell, report, k, len(seeds)))
        for found, held in ((scores.test, split.test), (scores.validation, split.validation)):
            for name, value in _measured(model, split.train, held).items():
                found[name].append(value)
    report(1.0)
    return scores


def _tell(report: Callable[[float], None], fit: int, fits: int, share: float) -> None:
    report((fit + share) / fits)


def _fit(graph: GraphSet, config: Config, report: Callable[[float], None]) -> HasLinkScores:
    train, facts = prepare_graphs(graph, config)
    trainer = Trainer(config, facts, train, train[:0])
    trainer.run(lambda metrics: report(metrics["progress"]), lambda _checkpoint: None)
    model: HasLinkScores = trainer.evaluated.eval()
    return model


def _measured(model: HasLinkScores, graph: GraphSet, held: HeldOut) -> dict[str, float]:
    edges, others = (model.link_scores(graph, pairs) for pairs in (held.edges, held.others))
    return {name: measure(edges, others) for name, measure in MEASURES.items()}
