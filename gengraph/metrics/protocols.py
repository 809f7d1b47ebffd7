"""Evaluation protocols as data: which statistics, kernels, bandwidths and estimator make up a published table.

References:
    [1] J. You et al., GraphRNN, ICML 2018.
    [2] R. Liao et al., GRAN, NeurIPS 2019; the same in SPECTRE (ICML 2022) and DiGress (ICLR 2023).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gengraph.errors import InputError
from gengraph.metrics.kernels import Kernel
from gengraph.metrics.mmd import Estimator


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One column of a table.

    Attributes:
        kernel: the kernel between two graphs.
        histogram: the statistic is a histogram, normalised to mass 1 before it is compared.
    """

    kernel: Kernel
    histogram: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """How to compare two graph sets.

    Attributes:
        name: as in a result.
        measures: by the name of the statistic.
        estimator: `biased` or `unbiased` MMD^2.
    """

    name: str
    measures: Mapping[str, Measure]
    estimator: Estimator = "biased"


EMD = Protocol(
    name="emd",  # [1]
    measures={
        "degree": Measure(kernel=Kernel(distance="emd")),
        "clustering": Measure(kernel=Kernel(distance="emd", sigma=(0.1,), scaling=100)),
        "orbit": Measure(kernel=Kernel(distance="euclidean", sigma=(30,)), histogram=False),
    },
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in (EMD,)}


def find_protocol(protocol: str | Protocol) -> Protocol:
    """A protocol by its name; a Protocol is returned as it is.

    Raises:
        InputError: no protocol has this name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        msg = f"unknown protocol {protocol!r}; choose from {', '.join(PROTOCOLS)}"
        raise InputError(msg)
    return PROTOCOLS[protocol]
