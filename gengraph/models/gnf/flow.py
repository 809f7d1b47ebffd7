"""An invertible network from the points of a graph to as many of a standard normal law [1, 2].

Each layer takes the coordinates of the points in reverse order, then scales and shifts the second half of them by what a
network makes of the first halves of all points:

    y_1 = x_1,    y_2 = x_2 exp(s(x_1)) + t(x_1),    log |det dy/dx| = sum of s over the nodes and the second half.

log p(x) = log N(z; 0, I) + the sum of the log-determinants, exactly. Renumbering the points renumbers z. Legend: B graphs, n
nodes of the largest, k coordinates.

References:
    [1] J. Liu, A. Kumar, J. Ba, J. Kiros, K. Swersky. Graph normalizing flows. NeurIPS 2019, section 3.
    [2] L. Dinh, J. Sohl-Dickstein, S. Bengio. Density estimation using Real NVP. ICLR 2017.
"""

import math

import torch
from torch import Tensor, nn

from gengraph.models.gnf.attention import NodeNetwork
from gengraph.models.gnf.config import GNFConfig

_STEEPEST = 2.0  # largest |s| of a layer


class Coupling(nn.Module):
    """One layer.

    Args:
        config: of the model.
    """

    def __init__(self, config: GNFConfig) -> None:
        super().__init__()
        k = config.embedding_size
        self.kept = k // 2
        changed = k - self.kept
        self.network = NodeNetwork(self.kept + 1, 2 * changed, config, layers=config.coupling_layers, linked=False)

    def forward(self, points: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, n, k] of the same, and the log-determinant float[B]."""
        points = points.flip(-1)
        kept, changed = points[..., : self.kept], points[..., self.kept :]
        scale, shift = self._scale_shift(kept, inside)
        return torch.cat([kept, changed * scale.exp() + shift], -1), (scale * inside[..., None]).sum((1, 2))

    def inverse(self, points: Tensor, inside: Tensor) -> Tensor:
        """What `forward` makes the points of."""
        kept, changed = points[..., : self.kept], points[..., self.kept :]
        scale, shift = self._scale_shift(kept, inside)
        return torch.cat([kept, (changed - shift) * (-scale).exp()], -1).flip(-1)

    def _scale_shift(self, kept: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        size = inside.sum(-1).to(kept).log()[:, None, None].expand(*kept.shape[:2], 1)
        scale, shift = self.network(torch.cat([kept, size], -1), inside).chunk(2, -1)
        return _STEEPEST * torch.tanh(scale / _STEEPEST), shift


class Flow(nn.Module):
    """Scale and shift of the coordinates, then the layers.

    Args:
        config: of the model.
    """

    def __init__(self, config: GNFConfig) -> None:
        super().__init__()
        k = config.embedding_size
        self.scale = nn.Parameter(torch.full((k,), math.log(2 * k) / 2))  # two points of a normal law: about one apart
        self.shift = nn.Parameter(torch.zeros(k))
        self.layers = nn.ModuleList(Coupling(config) for _ in range(config.flow_layers))

    def forward(self, points: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """float[B, n, k], z of points float[B, n, k] inside bool[B, n], and the log-determinant float[B]."""
        points, total = points * self.scale.exp() + self.shift, self.scale.sum() * inside.sum(-1)
        for layer in self.layers:
            points, log_det = layer(points, inside)
            total = total + log_det
        return points, total

    def inverse(self, points: Tensor, inside: Tensor) -> Tensor:
        """The points that become z."""
        for layer in reversed(self.layers):
            points = layer.inverse(points, inside)  # type: ignore[operator]
        return (points - self.shift) * (-self.scale).exp()

    def log_prob(self, points: Tensor, inside: Tensor) -> Tensor:
        """float[B], log p of the points of each graph in nats."""
        z, log_det = self(points, inside)
        normal = -(z**2 + math.log(2 * math.pi)) / 2
        log_prob: Tensor = (normal * inside[..., None]).sum((1, 2)) + log_det
        return log_prob
