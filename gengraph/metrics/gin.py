"""Embeddings of graphs by a graph isomorphism network with random weights.

Legend: G graphs, N nodes of all graphs together, H hidden units.

References:
    [1] R. Thompson et al., On evaluation metrics for graph generative models, ICLR 2022.
    [2] K. Xu et al., How powerful are graph neural networks?, ICLR 2019.
    [3] M. Krimmel, P. Hartout, K. Borgwardt and D. Chen, PolyGraph discrepancy, 2025 (the sizes and the seed).
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gengraph.graphs import GraphSet
from gengraph.metrics.statistics import FloatArray, node_degrees

Float32Array = npt.NDArray[np.float32]

HIDDEN, NUM_LAYERS, SEED = 35, 2, 42
NORM = np.float32(1 / np.sqrt(1 + 1e-5))  # a batch normalisation that has seen nothing


@cache
def _weights() -> list[tuple[Float32Array, Float32Array]]:
    """Weight float32[out, in] and bias float32[out] of the two linear maps of each layer: orthogonal, by torch's generator."""
    import torch

    generator, maps = torch.Generator().manual_seed(SEED), []
    for k in range(2 * NUM_LAYERS):
        fan_in = HIDDEN if k else 1
        weight, bias = torch.empty(HIDDEN, fan_in), torch.empty(HIDDEN)
        torch.nn.init.orthogonal_(weight, generator=generator)
        torch.nn.init.uniform_(bias, -(fan_in**-0.5), fan_in**-0.5, generator=generator)
        maps.append((weight.numpy(), bias.numpy()))
    return maps


def gin_embeddings(graphs: GraphSet) -> FloatArray:
    """Sums over the nodes of what each of two random layers makes of twice the degrees [1], [3].

    Flaws: single precision, and the weights are torch's, which another version of torch may draw otherwise.

    Returns:
        float64[G, 2H], zero for a graph without nodes.

    Complexity: O((N + E) H + N H^2) time, O(N H) memory.
    """
    num_nodes = int(graphs.node_offsets[-1])
    u, v = (graphs.edges.astype(np.int64) + graphs.node_offsets[:-1][graphs.graph_of_edge][:, None]).T
    ends = np.concatenate([u, v]), np.concatenate([v, u])
    adjacency = csr_array((np.ones(len(ends[0]), np.float32), ends), (num_nodes, num_nodes))
    graph = graphs.graph_of_node
    pool = csr_array((np.ones(num_nodes, np.float32), (graph, np.arange(num_nodes))), (len(graphs), num_nodes))
    state = (2 * node_degrees(graphs)).astype(np.float32)[:, None]
    pooled, weights = [], _weights()
    for layer in range(NUM_LAYERS):
        (first, first_bias), (second, second_bias) = weights[2 * layer : 2 * layer + 2]
        inner = np.maximum((state + adjacency @ state) @ first.T + first_bias, 0) * NORM
        state = np.maximum(inner @ second.T + second_bias, 0) * NORM * NORM
        pooled.append(pool @ state)
    return np.concatenate(pooled, axis=1).astype(np.float64)
