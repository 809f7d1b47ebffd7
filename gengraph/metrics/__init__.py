"""How close generated graphs come to real ones: statistics, kernels, MMD and protocols."""

from gengraph.metrics.evaluation import Evaluation, MetricResult, evaluate
from gengraph.metrics.protocols import PROTOCOLS, Protocol

__all__ = ["PROTOCOLS", "Evaluation", "MetricResult", "Protocol", "evaluate"]
