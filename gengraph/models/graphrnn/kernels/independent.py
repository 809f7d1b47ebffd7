"""Drawing rows of GraphRNN-S, each by itself."""

import torch
from torch import Tensor

from gengraph.models.graphrnn.kernels import rowwise
from gengraph.models.graphrnn.kernels.library import native_library
from gengraph.models.graphrnn.kernels.networks import IndependentLevel


class NativeSampler:
    """Draws rows from IndependentEdges; a row's bits do not depend on which others are drawn with it.

    Args:
        head: the network; its weights are copied.
    """

    def __init__(self, head: IndependentLevel) -> None:
        self._head, self._outputs = head, rowwise.perceptron(head.output)

    def __call__(self, states: Tensor, widths: Tensor, thresholds: Tensor, uniforms: Tensor) -> Tensor:
        """Draw the bits of one row a lane: as `gengraph.models.graphrnn.row_samplers.DrawBlock` says."""
        head = self._head
        bits = torch.empty(thresholds.shape, dtype=torch.uint8)
        arrays = widths.contiguous(), self._outputs(states), thresholds.contiguous(), uniforms.contiguous()
        flags = int(head.never_empty), int(head.oldest_first)
        native_library().call("independent_sample", head.num_components, head.max_prev_node, *arrays, *flags, bits)
        return bits
