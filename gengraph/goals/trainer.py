"""The loop of a training towards a goal: draw graphs, reward them, make the decisions of the better ones likelier.

A step draws `batch_size` graphs with numbers that follow from (seed, step) alone, so a resumed training equals an uninterrupted
one. A graph's advantage is its standardised reward in the batch; where it has none, or breaks a rule, it is one deviation less
than the worst of the others. Graphs that were cut count for nothing: their end was not decided.

Legend: G graphs of a step, T decisions of all of them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gengraph.errors import InputError, TrainingDiverged
from gengraph.goals.adversary import Adversary
from gengraph.goals.config import GoalConfig
from gengraph.goals.found import Found
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.models.family import Decoding
from gengraph.rewards.find import Reward, find_reward, find_rule
from gengraph.seeded import Stream
from gengraph.training.checkpoint import Checkpoint, load_optimizer, load_weights, optimizer_tensors
from gengraph.training.log import Clock, deferred_interrupt
from gengraph.training.optimizers import Adam
from gengraph.training.threads import training_threads

FloatArray = npt.NDArray[np.float64]
GoalReport = Callable[[dict[str, Any]], None]
"""Called with what is known after a step.

step; progress in [0, 1]; reward, the mean over the graphs of the last step that have one, and reward_best, the highest so far,
where there is one; rewarded, the share that has one and obeys the rules; distinct, the share of graphs that equal none before
them in the step; nodes, their mean number; divergence from the model that it began with, in nats a graph; graphs_per_s;
seconds, wall_seconds, cpu_seconds; with an adversary its loss, adversary_loss.
"""
_REPORT_EVERY_S, _ADVERSARY, _ADVERSARY_RATE = 0.5, "adversary", 1e-3
_MOST_DEVIATIONS = 5.0  # of an advantage: one outlier must not move the whole policy


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Graphs of a step that ended by themselves.

    Attributes:
        graphs: G of them, in the order of their indices.
        indices: int64[G].
        seen: G and those that were cut.
    """

    graphs: GraphSet
    indices: Int64Array
    seen: int


class GoalTrainer:
    """The state of a training towards a goal and its loop.

    Args:
        goal: what is wanted.
        prior: the model that it begins with, which must have a policy (`gengraph.models.family.HasPolicy`).
        train: training graphs, for the adversary.
        found: the best graphs so far.
        reward: called instead of the one that the goal names, on Ray say.
        start: one graph that all drawn ones go on from.

    Raises:
        InputError: the model has no policy, or there is no such reward or rule.
    """

    def __init__(
        self,
        goal: GoalConfig,
        prior: Checkpoint,
        train: GraphSet,
        found: Found | None = None,
        *,
        reward: Reward | None = None,
        start: GraphSet | None = None,
    ) -> None:
        check_policy(prior)
        self.goal, self._train, self._origin, self.found, self._start = goal, train, prior, found or Found(), start
        self._reward, self._rules = reward or find_reward(goal.reward), [find_rule(rule) for rule in goal.rules]
        self.model, self._prior = prior.build_model(), prior.build_model()
        self._optimizer = _adam(self.model, goal.learning_rate)
        self._adversary: Adversary | None = None
        if goal.adversary:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(goal.seed)
                self._adversary = Adversary(train.schema)
            self._judging = _adam(self._adversary, _ADVERSARY_RATE)
        self.step, self._clock, self._metrics = 0, Clock(), dict[str, float]()

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same training."""
        load_weights(self.model, checkpoint.weights)
        own = {name: value for name, value in checkpoint.optimizer.items() if not name.startswith(_ADVERSARY)}
        load_optimizer(self._optimizer, own)
        if self._adversary is not None:
            load_weights(self._adversary, _within(checkpoint.optimizer, f"{_ADVERSARY}.weights."))
            load_optimizer(self._judging, _within(checkpoint.optimizer, f"{_ADVERSARY}.optimizer."))
        self.step, self._metrics = checkpoint.step, dict(checkpoint.metrics)
        self._clock = Clock(checkpoint.wall_seconds, checkpoint.cpu_seconds)

    def checkpoint(self) -> Checkpoint:
        """What is needed to go on from here, and to sample."""
        tensors = optimizer_tensors(self._optimizer)
        if self._adversary is not None:
            weights, moments = self._adversary.state_dict(), optimizer_tensors(self._judging)
            tensors |= {f"{_ADVERSARY}.weights.{name}": value for name, value in weights.items()}
            tensors |= {f"{_ADVERSARY}.optimizer.{name}": value for name, value in moments.items()}
        return Checkpoint(
            config=self._origin.config,
            facts=self._origin.facts,
            weights={name: value.detach().clone().contiguous() for name, value in self.model.state_dict().items()},
            optimizer={name: value.detach().clone().contiguous() for name, value in tensors.items()},
            step=self.step,
            wall_seconds=self._clock.wall,
            cpu_seconds=self._clock.cpu,
            metrics=dict(self._metrics),
        )

    @property
    def progress(self) -> float:
        """Share of the training that is done, in [0, 1]."""
        if self.goal.steps is not None:
            return min(1.0, self.step / self.goal.steps)
        return min(1.0, (self._clock.cpu if self.goal.clock == "cpu" else self._clock.wall) / self.goal.budget)

    def run(self, report: GoalReport, save: Callable[[Checkpoint, Found], object]) -> None:
        """Train to the end of the steps or of the budget, in one thread.

        Args:
            report: told about the progress about twice a second, and at the end.
            save: given a checkpoint and the best graphs every `checkpoint_every` seconds, at the end and when interrupted.

        Raises:
            TrainingDiverged: the loss is not finite any more; no checkpoint is made of that.
            KeyboardInterrupt: Ctrl-C, after the checkpoint is saved.
        """
        self._clock.start()
        reported = saved = self._clock.wall
        with training_threads(), deferred_interrupt() as interrupted:
            while self.progress < 1 and not interrupted.is_set():
                before = self._clock.wall
                self._metrics = self._update()
                self._clock.tick()
                self._metrics["graphs_per_s"] = self.goal.batch_size / max(self._clock.wall - before, 1e-9)
                if self._clock.wall - reported > _REPORT_EVERY_S or self.progress >= 1:
                    reported = self._clock.wall
                    report(self._described())
                if self._clock.wall - saved > self.goal.checkpoint_every:
                    saved = self._clock.wall
                    save(self.checkpoint(), self.found)
            save(self.checkpoint(), self.found)
            if interrupted.is_set():
                raise KeyboardInterrupt

    def _described(self) -> dict[str, Any]:
        clocks = {"wall_seconds": self._clock.wall, "cpu_seconds": self._clock.cpu}
        seconds = clocks[f"{self.goal.clock}_seconds"]
        return {"step": self.step, "progress": self.progress, **self._metrics, "seconds": seconds, **clocks}

    def _update(self) -> dict[str, float]:
        """One step; returns what is reported of it."""
        drawn = self._draw()
        metrics = {"nodes": float(drawn.graphs.num_nodes.mean()) if len(drawn.graphs) else 0.0}
        scores = self._scores(drawn.graphs)
        self.step += 1
        self.found.add(drawn.graphs, scores, self.step)
        has = np.isfinite(scores)
        metrics["rewarded"] = float(has.sum() / drawn.seen)
        if has.any():
            metrics["reward"] = float(scores[has].mean())
        if len(self.found.scores):
            metrics["reward_best"] = float(self.found.scores[0])
        advantages = standardised(scores)
        counts = _repeats(drawn.graphs)
        metrics["distinct"] = float((1 / counts).sum() / max(len(counts), 1))
        if self.goal.repeats:
            advantages = advantages - self.goal.repeats * np.log2(counts)
        if self._adversary is not None and len(drawn.graphs):
            opinion = self._adversary.opinion(drawn.graphs)
            advantages = advantages + self.goal.adversary * (opinion - opinion.mean())
            metrics["adversary_loss"] = self._judge(drawn.graphs)
        if len(drawn.graphs):
            advantages = np.clip(advantages - advantages.mean(), -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
            metrics["divergence"] = self._improve(drawn, advantages)
        return metrics

    def _draw(self) -> _Drawn:
        """The graphs of this step."""
        goal = self.goal
        indices, attempts = np.arange(goal.batch_size) + self.step * goal.batch_size, np.zeros(goal.batch_size, np.int64)
        parts = list(self.model.sampler(Decoding(start=self._start)).draw(indices, attempts, seed=goal.seed))
        places, cut = (np.concatenate([getattr(part, name) for part in parts]) for name in ("place", "cut"))
        order = np.argsort(places, kind="stable")
        graphs = GraphSet.concatenate([part.graphs for part in parts])[order[~cut[order]]]
        return _Drawn(graphs, indices[~cut[order]], goal.batch_size)

    def _scores(self, graphs: GraphSet) -> FloatArray:
        """float64[G], NaN for graphs without a reward and those that break a rule."""
        scores = np.full(len(graphs), np.nan)
        obeys = np.ones(len(graphs), np.bool_)
        for rule in self._rules:
            obeys[obeys] = rule(graphs[obeys])
        if obeys.any():
            scores[obeys] = self._reward(graphs[obeys])
        return scores

    def _improve(self, drawn: _Drawn, advantages: FloatArray) -> float:
        """Change the policy; returns its divergence from the prior before, in nats a graph."""
        goal = self.goal
        first = np.zeros_like(drawn.indices)
        batch = self.model.rollout(drawn.graphs, drawn.indices, first, seed=goal.seed, start=self._start)
        with torch.no_grad():
            before, graph = self.model.decisions(batch)
            prior, _ = self._prior.decisions(batch)
        weight = torch.from_numpy(advantages).to(before)[graph]
        count = len(drawn.graphs)
        for _ in range(goal.epochs):
            now, _ = self.model.decisions(batch)
            ratio = torch.exp(now - before)
            gain = torch.minimum(ratio * weight, ratio.clamp(1 - goal.clip, 1 + goal.clip) * weight).sum()
            loss = (goal.prior * _divergence(prior, now).sum() - gain) / count
            if not torch.isfinite(loss):
                msg = (
                    f"the loss became {loss.item()} at step {self.step}; the last good checkpoint is kept; train again with a "
                    "smaller goal.learning_rate"
                )
                raise TrainingDiverged(msg)
            _descend(self._optimizer, loss, goal.clip_norm)
        return float(((before - prior).sum() / count).item())

    def _judge(self, drawn: GraphSet) -> float:
        """Train the adversary on as many training graphs; returns its loss."""
        assert self._adversary is not None
        chosen = Stream(self.goal.seed, self.step).permutation(len(self._train))[: len(drawn)]
        loss = self._adversary.loss(self._train[np.sort(chosen)], drawn)
        _descend(self._judging, loss, self.goal.clip_norm)
        return float(loss.item())


def check_policy(checkpoint: Checkpoint) -> None:
    """Whether a model can be trained towards a goal.

    Raises:
        InputError: it has no policy.
    """
    config = checkpoint.config
    if "policy" not in config.own_family.capabilities(config.model):
        msg = (
            f"a goal needs a model whose graphs come of decisions with probabilities, {config.model_name} is none; "
            "`gengraph models` says which are (policy)"
        )
        raise InputError(msg)


def standardised(scores: FloatArray) -> FloatArray:
    """float64[G] of mean 0 and deviation 1, where NaN counts as one deviation below the least."""
    has = np.isfinite(scores)
    if not has.any():
        return np.zeros(len(scores))
    known = scores[has]
    filled = np.where(has, scores, known.min() - max(known.std(), 1e-8 + abs(known.min()) * 1e-3))
    return np.asarray((filled - filled.mean()) / max(filled.std(), 1e-8))


def _repeats(graphs: GraphSet) -> FloatArray:
    """float64[G], how many graphs of the set are isomorphic to each, itself included."""
    keys = [key if key is not None else place for place, key in enumerate(canonical_keys(graphs))]
    counts = Counter(keys)
    return np.array([counts[key] for key in keys], np.float64)


def _divergence(prior: Tensor, now: Tensor) -> Tensor:
    """float[T] >= 0, of which the mean over decisions drawn from `now` is the Kullback-Leibler divergence from the prior."""
    gap = prior - now
    return torch.exp(gap.clamp(max=10)) - gap - 1


def _adam(model: torch.nn.Module, rate: float) -> Adam:
    return Adam([{"params": list(model.parameters()), "lr": rate, "weight_decay": 0.0}], betas=(0.9, 0.999))


def _descend(optimizer: Adam, loss: Tensor, clip_norm: float) -> None:
    optimizer.zero_grad()
    loss.backward()
    if clip_norm:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()


def _within(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
