"""The family DiGress."""

from typing import TYPE_CHECKING

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.dense import DenseFamily
from gengraph.models.digress.config import DiGressConfig
from gengraph.models.family import Capability, Facts

if TYPE_CHECKING:
    from torch import nn

    from gengraph.models.space import Space


class DiGress(DenseFamily):
    """Discrete denoising diffusion.

    Reference:
        C. Vignac, I. Krawczuk, A. Siraudin, B. Wang, V. Cevher, P. Frossard. DiGress: discrete denoising diffusion for graph
        generation. ICLR 2023.
    """

    name = "digress"
    config = DiGressConfig
    loss = "cross-entropy of the clean graph given a noisy one, nats a graph"

    def capabilities(self, config: DiGressConfig) -> frozenset[Capability]:
        """It takes a temperature, fewer steps and a GPU, and may draw labels itself; its loss is no likelihood."""
        joint: frozenset[Capability] = frozenset({"joint"} if config.labels == "joint" else ())
        return joint | {"temperature", "gpu", "steps"}

    def select(self, graphs: GraphSet, config: DiGressConfig) -> GraphSet:
        """Checked.

        Raises:
            InputError: graphs without nodes, larger than the config allows, or directed ones that are to be drawn jointly.
        """
        if graphs.schema.directed and config.labels == "joint":
            msg = "digress draws no directions together with edges; set model.labels = after, or symmetrise the graphs"
            raise InputError(msg)
        return super().select(graphs, config)

    def prepare(self, graphs: GraphSet, config: DiGressConfig, *, seed: int) -> Facts:
        """Sizes, the share of each class of nodes and of pairs, and of molecules what is known of atoms and bonds."""
        from gengraph.models.digress.classes import marginals
        from gengraph.models.digress.molecular import atoms_of

        of_nodes, of_pairs = marginals(graphs)
        facts = {**super().prepare(graphs, config, seed=seed), "of_nodes": of_nodes, "of_pairs": of_pairs}
        atoms = atoms_of(graphs, config.molecular)
        return facts if atoms is None else {**facts, "atoms": atoms}

    def describe(self, config: DiGressConfig, facts: Facts) -> dict[str, str]:
        """Steps, features, noise."""
        described = {
            "steps": f"{config.steps} of noise and of denoising",
            "features": {"all": "cycles and spectra", "cycles": "cycles", "none": "none"}[config.features]
            + (", bonds and weights of atoms" if "atoms" in facts else ""),
            "noise": f"edges with the density of the training graphs, {facts['density']:.3g}",
            "end": "drawn from the sizes of the training graphs",
        }
        when = {"joint": "with the edges", "after": "after the edges"}[config.labels]
        return {**described, "labels are drawn": when} if "labels" in facts else described

    def build(self, config: DiGressConfig, facts: Facts) -> "nn.Module":
        """The network with fresh weights."""
        from gengraph.models.digress.model import DiGressModel

        return DiGressModel(config, facts)

    def space(self, config: DiGressConfig) -> "Space":
        """Layers, sizes, steps."""
        from gengraph.models.space import Choice, Range

        return {
            "model.num_layers": Choice((2, 3, 4, 5)),
            "model.edge_size": Choice((16, 32, 64)),
            "model.steps": Choice((100, 200, 500)),
            "training.learning_rate": Range(3e-4, 3e-3, log=True),
        }
