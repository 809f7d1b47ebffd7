"""Section [model] of a MolGAN config."""

from dataclasses import dataclass
from typing import Literal

from gengraph.models.family import Capability
from gengraph.schema import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class MolGANConfig:
    """A MolGAN.

    Attributes:
        latent_size: numbers of the latent.
        generator_size: hidden units of each layer of the generator.
        generator_layers: hidden layers of the generator.
        judge_size: numbers a node in the critic, and in the other judges.
        judge_layers: of message passing in each judge.
        pool_size: numbers that a judge sums over the nodes of a graph.
        discretise: what the critic sees of a generated graph: straight-through (the graph that is drawn, with the gradient of a
            softmax), gumbel (a relaxed sample) or softmax (probabilities).
        softness: > 0, divides logits and Gumbel noise under the softmax of the first two.
        noise: >= 0, scale of the Gumbel noise that is added to logits before the largest is chosen: 1 draws from their softmax,
            0 leaves everything to the latent.
        penalty: >= 0, weight of (norm of the critic's gradient - 1)^2, a graph.
        judge_rate: > 0, how many times faster than the generator the judges learn.
        energy: share of the energy score in the generator's gradient, in [0, 1]: graphs are to differ as much as real ones do.
        pack: graphs that the critic judges together, so that it sees how alike they are; 1 judges each by itself.
        reward: what graphs are to be good at besides, by its name (`gengraph.rewards`); empty for nothing.
        reward_weight: share of the reward in the generator's gradient, in [0, 1].
        valences: auto masks bonds that an atom has no valence left for, where labels are atoms and bonds; none masks nothing.
        most_nodes: graphs with more are refused, since the generator grows with the square of the largest.
    """

    latent_size: int = 32
    generator_size: int = 256
    generator_layers: int = 3
    judge_size: int = 32
    judge_layers: int = 2
    pool_size: int = 64
    discretise: Literal["straight-through", "gumbel", "softmax"] = "straight-through"
    softness: float = 1.0
    noise: float = 0.0
    penalty: float = 10.0
    judge_rate: float = 2.0
    energy: float = 0.5
    pack: int = 1
    reward: str = ""
    reward_weight: float = 0.5
    valences: Literal["auto", "none"] = "auto"
    most_nodes: int = 40

    def __post_init__(self) -> None:
        at_least(1, "model", self, "latent_size", "generator_size", "generator_layers", "judge_size", "judge_layers")
        at_least(1, "model", self, "pool_size", "pack", "most_nodes")
        within("(0, inf)", "model", self, "softness", "judge_rate")
        within("[0, inf)", "model", self, "noise", "penalty")
        within("[0, 1]", "model", self, "energy", "reward_weight")


def capabilities(config: MolGANConfig) -> frozenset[Capability]:
    """What models of a config can do: without noise there is nothing for a temperature to scale."""
    able: frozenset[Capability] = frozenset({"gpu", "joint"})
    return able | {"temperature"} if config.noise else able
