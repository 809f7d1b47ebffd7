"""What a model is trained towards, and how."""

from dataclasses import dataclass
from typing import Any, Literal, Self

from gengraph.schema import at_least, build, check, to_tables, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GoalConfig:
    """A goal, and proximal policy optimisation [1] towards it without a value network: the mean of the batch is the baseline.

    Attributes:
        reward: a name that `gengraph.rewards.find_reward` knows.
        rules: names that `gengraph.rewards.find_rule` knows; a graph that breaks one is worth less than any that does not.
        batch_size: graphs drawn a step.
        epochs: passes over the decisions of a step.
        clip: how far the ratio of probabilities may be from 1 before a decision counts no more [1].
        learning_rate: of Adam.
        clip_norm: largest norm of the gradient; 0 does not clip.
        prior: weight of the Kullback-Leibler divergence, in nats a graph, from the model that it began with.
        repeats: taken off the standardised reward for each doubling of how often a graph is in the batch.
        adversary: weight of log D in the standardised reward, where D tells training graphs from drawn ones [2]; 0: none.
        steps: None: as the budget allows.
        budget: seconds, where steps is None.
        clock: that the budget is measured by.
        checkpoint_every: seconds of wall time between checkpoints.
        seed: of what is drawn.

    References:
        [1] J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov. Proximal policy optimization algorithms. 2017.
        [2] J. You, B. Liu, R. Ying, V. Pande, J. Leskovec. Graph convolutional policy network for goal-directed molecular
            graph generation. NeurIPS 2018.
    """

    reward: str
    rules: tuple[str, ...] = ()
    batch_size: int = 64
    epochs: int = 4
    clip: float = 0.2
    learning_rate: float = 5e-4
    clip_norm: float = 1.0
    prior: float = 0.02
    repeats: float = 0.0
    adversary: float = 0.0
    steps: int | None = None
    budget: float = 600.0
    clock: Literal["wall", "cpu"] = "wall"
    checkpoint_every: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        check(bool(self.reward), "goal.reward must be the name of a reward, got an empty text")
        at_least(1, "goal", self, "epochs", "steps")
        at_least(2, "goal", self, "batch_size")
        at_least(0, "goal", self, "seed")
        within("[0, inf)", "goal", self, "clip_norm", "prior", "repeats", "adversary")
        within("(0, inf)", "goal", self, "clip", "learning_rate", "budget", "checkpoint_every")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From what `to_dict` gave.

        Raises:
            InputError: an unknown field, or a value that its field does not take.
        """
        return build(cls, values, "goal.")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; fields that are None are left out."""
        return to_tables(self)
