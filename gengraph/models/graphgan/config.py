"""Section [model] of a GraphGAN config."""

from dataclasses import dataclass

from gengraph.models.family import Capability
from gengraph.schema import at_least, check, within

CAPABILITIES: frozenset[Capability] = frozenset({"temperature", "links"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphGANConfig:
    """A GraphGAN; the paper's own choices stand in brackets where it has them.

    Attributes:
        embedding_size: k, numbers a node, in the generator and in the discriminator [50 in the public code].
        roots: of a graph that a step draws walks from; all that have an edge, if there are no more.
        samples: walks from each root, >= 1, and as many true neighbours of it [20 walks].
        baseline: whether the mean reward of a root's other walks is taken off that of a walk, which leaves the gradient what it
            is in the mean, and far less noisy; needs two samples [false].
        entropy: >= 0, weight of the entropy of G(. | v) that the generator is rewarded with. Without it, it soon keeps to a few
            neighbours of each node that the discriminator lags behind at [0].
        spread: > 0, standard deviation of the embeddings' inner products at the start.
        sharpness: > 0, power that the generator's law of a pair is raised to when edges are drawn. 1 draws by the law itself;
            the larger it is, the more the graphs are copies of training graphs.
        most_nodes: graphs with more are refused, since what edges are drawn from grows with the square of the largest.
    """

    embedding_size: int = 16
    roots: int = 64
    samples: int = 8
    baseline: bool = True
    entropy: float = 0.3
    spread: float = 0.3
    sharpness: float = 4.0
    most_nodes: int = 4096

    def __post_init__(self) -> None:
        at_least(1, "model", self, "embedding_size", "roots", "samples", "most_nodes")
        within("[0, inf)", "model", self, "entropy")
        within("(0, inf)", "model", self, "spread", "sharpness")
        check(
            self.samples > 1 or not self.baseline,
            "model.baseline needs the other walks of a root, got model.samples = 1; set that to 2 at least, or model.baseline "
            "to false",
        )
