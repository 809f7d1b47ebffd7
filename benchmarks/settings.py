"""What a benchmark is run with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gengraph.benchmarks.molecules import METRICS, MOLECULES
from gengraph.errors import InputError
from gengraph.generators import GENERATORS
from gengraph.graphs.collection import Policy
from gengraph.metrics.protocols import PROTOCOLS, find_protocol
from gengraph.models.registry import unknown_model

FLOOR = "train set"
Kind = Literal["model", "run", "samples", "floor"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table that is not a model of GENERATORS.

    Attributes:
        kind: run or samples.
        name: shown in the table.
        dataset: that it is compared on.
        source: the folder of the run, or where the samples are.
    """

    kind: Kind
    name: str
    dataset: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a benchmark is run with.

    Attributes:
        models: names in GENERATORS.
        entries: runs and outside samples in the same table.
        protocols: of the MMD, and molecules.
        statistics: to compare, each protocol those that it has; None for the usual ones of each.
        budget: seconds that the fit of a model may take.
        seeds: of fits and samples; each is a fit.
        num_samples: graphs to sample; None takes as many as there are training graphs, the size of the floor's set, but of
            molecules at most 1,000 (`molecules.usual_samples`).
        num_reference: test molecules that samples are compared with under the protocol molecules, where there are more; 0: all.
        tune: settings to try before a learned model is fitted; 0 takes its own.
        bootstrap: samples for intervals and for what is best; 0 leaves them out.
        gpus: of each fit of a model that can use one, 0.25 say; 0 fits on the CPU.
        policy: how outside samples are read.
    """

    models: tuple[str, ...] = tuple(GENERATORS)
    entries: tuple[Entry, ...] = ()
    protocols: tuple[str, ...] = ("emd",)
    statistics: tuple[str, ...] | None = None
    budget: float = 60.0
    seeds: tuple[int, ...] = (0,)
    num_samples: int | None = None
    num_reference: int = 3000
    tune: int = 0
    bootstrap: int = 1000
    gpus: float = 0.0
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        for model in self.models:
            if model not in GENERATORS:
                raise unknown_model(model)
        if not self.models and not self.entries:
            msg = f"name at least one model of {', '.join(GENERATORS)}, a run or samples"
            raise InputError(msg)
        if not self.protocols:
            msg = f"name at least one protocol: {', '.join((*PROTOCOLS, MOLECULES))}"
            raise InputError(msg)
        for protocol in self.protocols:
            self.compared(protocol)
        for name in self.statistics or ():
            if not any(name in self.compared(protocol) for protocol in self.protocols):
                raise _no_statistics(self.protocols[0], [name])
        if self.num_samples is not None and self.num_samples < 1:
            msg = f"num_samples must be >= 1, got {self.num_samples}"
            raise InputError(msg)
        if self.num_reference < 0:
            msg = f"num_reference must be >= 0, got {self.num_reference}"
            raise InputError(msg)

    @property
    def of_structure(self) -> tuple[str, ...]:
        """The protocols of the MMD."""
        return tuple(name for name in self.protocols if name != MOLECULES)

    def compared(self, protocol: str) -> tuple[str, ...]:
        """The statistics that are compared under a protocol.

        Raises:
            InputError: no such protocol, or it has none of the statistics asked for.
        """
        known = _known(protocol)
        if self.statistics is None:
            return METRICS if protocol == MOLECULES else find_protocol(protocol).statistics
        chosen = tuple(name for name in self.statistics if name in known)
        if not chosen:
            raise _no_statistics(protocol, self.statistics)
        return chosen


def _known(protocol: str) -> tuple[str, ...]:
    """All statistics of a protocol."""
    if protocol not in (*PROTOCOLS, MOLECULES):
        msg = f"unknown protocol {protocol!r}; choose from {', '.join((*PROTOCOLS, MOLECULES))}"
        raise InputError(msg)
    return METRICS if protocol == MOLECULES else tuple(PROTOCOLS[protocol].kernels)


def _no_statistics(protocol: str, names: Sequence[str]) -> InputError:
    known, got = ", ".join(_known(protocol)), ", ".join(names) or "none"
    return InputError(f"protocol {protocol} compares {known}, got {got}; choose at least one of these")
