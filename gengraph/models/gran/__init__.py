"""GRAN: graphs that grow block by block, by an attentive graph network and mixtures of Bernoullis (Liao et al., 2019).

family      what training, sampling and tuning know of it        config      section [model]
sequences   graphs under orderings, their windows and names       sizes       the law of the number of nodes
prefixes    the steps of sequences, packed for the network        sums        gathers and segment sums with gradients
network     the graph network and its heads                       mixture     the exact law of a step
sampler     draws graphs, each by itself                          kernels     compiled code of the sampler
"""

from gengraph.models.gran.family import GRAN

FAMILY = GRAN()

__all__ = ["FAMILY", "GRAN"]
