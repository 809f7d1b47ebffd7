"""How close generated graphs come to real ones: statistics, kernels, MMD, protocols, and how sure all that is."""

from gengraph.graphs.pieces import Spread
from gengraph.metrics.comparison import MetricResult
from gengraph.metrics.descriptions import STATISTICS, DescribedSet
from gengraph.metrics.evaluation import Evaluation, evaluate
from gengraph.metrics.kernels import Kernel
from gengraph.metrics.novelty import Novelty, Share, novelty, wilson_interval
from gengraph.metrics.pgd import Discrepancy, discrepancy
from gengraph.metrics.protocols import PROTOCOLS, Protocol
from gengraph.metrics.significance import Uncertainty, holm
from gengraph.metrics.validity import VALIDITY, validity_of

__all__ = [
    "PROTOCOLS",
    "STATISTICS",
    "VALIDITY",
    "DescribedSet",
    "Discrepancy",
    "Evaluation",
    "Kernel",
    "MetricResult",
    "Novelty",
    "Protocol",
    "Share",
    "Spread",
    "Uncertainty",
    "discrepancy",
    "evaluate",
    "holm",
    "novelty",
    "validity_of",
    "wilson_interval",
]
