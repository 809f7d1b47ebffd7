"""What a message-passing network cannot find out of a noisy graph, computed for it: cycles and spectra [1].

Counts of cycles are by the formulas of [2] from powers of the adjacency matrix A; d are degrees, t triangles at each node.
All functions take float[B, n, n], symmetric with zero diagonal; nodes beyond a graph's own have no edges.

References:
    [1] C. Vignac et al. DiGress: discrete denoising diffusion for graph generation. ICLR 2023, appendix B.
    [2] F. Harary, B. Manvel. On the number of cycles in a graph. Matematicky casopis 21, 1971.
"""

import torch
from torch import Tensor

NUM_CYCLES, NUM_EIGENVALUES, NUM_EIGENVECTORS = 3, 5, 2
_ALIKE = 1e-4  # eigenvalues that differ by less are equal
_MOST = 10.0  # counts are divided by it, and cut at 1


def node_cycles(adjacency: Tensor) -> Tensor:
    """float[B, n, 3], how many cycles of 3, 4 and 5 nodes go through each node."""
    squared = adjacency @ adjacency
    third = squared @ adjacency
    degree = adjacency.sum(-1)
    triangles = _diagonal(third) / 2
    four = (_diagonal(squared @ squared) - degree * (degree - 1) - (adjacency @ degree[..., None])[..., 0]) / 2
    around = ((squared * adjacency) @ degree[..., None])[..., 0]
    back = (adjacency @ triangles[..., None])[..., 0]
    five = (_diagonal(squared @ third) - 2 * around - 4 * degree * triangles - 2 * back + 10 * triangles) / 2
    return torch.stack([triangles, four, five], -1)


def cycle_features(adjacency: Tensor) -> tuple[Tensor, Tensor]:
    """Cycles at each node float[B, n, 3] and in the graph float[B, 3], of 3, 4 and 5 nodes, on a scale of [0, 1]."""
    at_node = node_cycles(adjacency)
    lengths = torch.arange(3, 3 + NUM_CYCLES, dtype=at_node.dtype, device=at_node.device)
    in_graph = at_node.sum(1) / lengths
    return (at_node / _MOST).clamp(max=1), (in_graph / _MOST).clamp(max=1)


def spectral_features(adjacency: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Of the Laplacian D - A: what each node has in eigenvectors, and the first eigenvalues of each graph.

    Args:
        adjacency: float[B, n, n].
        inside: bool[B, n], the nodes of each graph.

    Returns:
        float[B, n, 1 + 2]: whether a node is outside the largest component, and its squares in the first two eigenvectors whose
        eigenvalue is not 0 (their signs mean nothing), the mean over those of equal eigenvalue (of which a rotation means
        nothing, and rounding would choose one). float[B, 1 + 5]: components a node, and the first eigenvalues that are
        not 0, divided by the number of nodes.
    """
    n = adjacency.shape[-1]
    laplacian = torch.diag_embed(adjacency.sum(-1)) - adjacency
    beyond = torch.diag_embed((~inside).to(adjacency.dtype)) * (2 * n)  # behind all eigenvalues of the graph's own
    values, vectors = torch.linalg.eigh(laplacian + beyond)
    sizes = inside.sum(-1, keepdim=True).to(adjacency.dtype)
    own = values < 2 * n - 0.5
    components = ((values < 1e-5) & own).sum(-1, keepdim=True)
    places = components + torch.arange(NUM_EIGENVALUES, device=values.device)
    there = places < inside.sum(-1, keepdim=True)
    places = places.clamp(max=n - 1)
    first = values.gather(1, places) * there / sizes
    chosen = values.gather(1, places[:, :NUM_EIGENVECTORS])
    alike = ((values[:, :, None] - chosen[:, None]).abs() < _ALIKE) & own[..., None]
    shares = alike / alike.sum(1, keepdim=True).clamp(min=1).to(values)
    squares = vectors**2 @ shares * there[:, None, :NUM_EIGENVECTORS] * sizes[..., None]
    null = (vectors**2 * ((values < 1e-5) & own)[:, None, :]).sum(-1)  # 1 / size of the node's component
    apart = (null > null.masked_fill(~inside, torch.inf).amin(1, keepdim=True) + 1e-4) & inside
    return torch.cat([apart[..., None].to(values), squares], -1), torch.cat([components / sizes, first], -1)


def _diagonal(matrix: Tensor) -> Tensor:
    return torch.diagonal(matrix, dim1=-2, dim2=-1)
