"""Evaluation protocols as data: which statistics, kernels, bandwidths and estimator make up a published table.

References:
    [1] J. You et al., GraphRNN, ICML 2018: `emd`.
    [2] R. Liao et al., GRAN, NeurIPS 2019: `tv`; the same in [3] and [4], which add the four-cycle motif.
    [3] K. Martinkus et al., SPECTRE, ICML 2022.
    [4] C. Vignac et al., DiGress, ICLR 2023.
    [5] R. Thompson et al., On evaluation metrics for graph generative models, ICLR 2022: `rbf`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gengraph.errors import InputError
from gengraph.metrics.kernels import Kernel
from gengraph.metrics.mmd import Estimator


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """How to compare two graph sets.

    Attributes:
        name: as in a result.
        kernels: by the name of the statistic that it compares.
        statistics: those that are computed unless others are asked for.
        estimator: of MMD^2, `biased` or `unbiased`.
    """

    name: str
    kernels: Mapping[str, Kernel]
    statistics: tuple[str, ...]
    estimator: Estimator = "biased"

    def __post_init__(self) -> None:
        if self.estimator not in ("biased", "unbiased"):
            msg = f"estimator must be biased or unbiased, got {self.estimator!r}"
            raise InputError(msg)
        self.chosen(self.statistics)

    def chosen(self, statistics: tuple[str, ...] | list[str] | None) -> dict[str, Kernel]:
        """The kernels of the statistics asked for; None asks for those of the protocol.

        Raises:
            InputError: the protocol has no kernel for one of them, or none is asked for.
        """
        names = self.statistics if statistics is None else statistics
        missing = [name for name in names if name not in self.kernels]
        if missing or not names:
            got = ", ".join(missing) or "none"
            msg = f"protocol {self.name} compares {', '.join(self.kernels)}, got {got}; choose at least one of these"
            raise InputError(msg)
        return {name: self.kernels[name] for name in names}


_GRID = Kernel(distance="euclidean", sigma=(0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0), relative=True)
_SCALARS = ("nodes", "edges", "components", "diameter", "assortativity", "triangles")
_NSPDK = {"nspdk": Kernel(distance="angle")}
_OF_LABELS = dict.fromkeys(("node_labels", "edge_labels", "labelled_degree", "labelled_edges"), Kernel(distance="tv"))
_OF_DIRECTIONS = {name: Kernel(distance="tv") for name in ("in_degree", "out_degree", "triads")}

PROTOCOLS: Mapping[str, Protocol] = {
    "emd": Protocol(
        name="emd",
        kernels={
            "degree": Kernel(distance="emd"),
            "clustering": Kernel(distance="emd", sigma=(0.1,), scaling=100),
            "orbit": Kernel(distance="euclidean", sigma=(30,)),
            **_OF_LABELS,
            **dict.fromkeys(("in_degree", "out_degree"), Kernel(distance="emd")),
            "triads": Kernel(distance="tv"),
            **_NSPDK,
        },
        statistics=("degree", "clustering", "orbit"),
    ),
    "tv": Protocol(
        name="tv",
        kernels={
            "degree": Kernel(distance="tv"),
            "clustering": Kernel(distance="tv", sigma=(0.1,)),
            "orbit": Kernel(distance="tv", sigma=(30,)),
            "spectral": Kernel(distance="tv"),
            "four_cycles": Kernel(distance="euclidean"),
            **_OF_LABELS,
            **_OF_DIRECTIONS,
            **_NSPDK,
        },
        statistics=("degree", "clustering", "orbit", "spectral"),
    ),
    "rbf": Protocol(
        name="rbf",
        kernels=dict.fromkeys(
            ("degree", "clustering", "orbit", "spectral", "four_cycles", *_SCALARS, *_OF_LABELS, *_OF_DIRECTIONS), _GRID
        )
        | _NSPDK,
        statistics=("degree", "clustering", "orbit", "spectral"),
    ),
}


def find_protocol(protocol: str | Protocol) -> Protocol:
    """A protocol by its name; a Protocol is returned as it is.

    Raises:
        InputError: no protocol has this name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        msg = f"unknown protocol {protocol!r} of squared MMDs; choose from {', '.join(PROTOCOLS)}"
        raise InputError(msg)
    return PROTOCOLS[protocol]
