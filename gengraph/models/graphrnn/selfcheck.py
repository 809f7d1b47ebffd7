"""The self-checks of the native library and of Triton's programs: small networks, computed by them and in float64."""

import copy
from functools import partial
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from gengraph.models.graphrnn.candidates import ContextTable, num_codes
from gengraph.models.graphrnn.config import CONTEXT_FEATURES
from gengraph.models.graphrnn.context_head import ContextEdges
from gengraph.models.graphrnn.device_context import DeviceContext
from gengraph.models.graphrnn.gru import GRU
from gengraph.models.graphrnn.kernels import edge_rnn, native_context, rowwise
from gengraph.models.graphrnn.kernels.native_gru import NativeLayer, reference_layer
from gengraph.models.graphrnn.rnn_head import EdgeRNN, EdgeSampler, mlp
from gengraph.models.graphrnn.rows import RowBatch, scan_rows
from gengraph.models.graphrnn.window import Window


def largest_difference() -> float:
    """The largest absolute difference of outputs and gradients; about 1e-6 where all is well."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(0)
        return max(_difference(layer, generator) for layer in (_recurrent_layer, _edge_level, _context_head, _steps))


def triton_difference(device: str) -> float:
    """The same of Triton's programs on a device; a bit that is drawn differently counts 1."""
    from gengraph.models.graphrnn.kernels import triton_edge_rnn

    checks = [partial(_edge_level, kernel=triton_edge_rnn, device=device)]
    checks += [partial(draws, device=device) for draws in (_drawn_rows, _drawn_in_context)]
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(0)
        return max(_difference(check, generator) for check in checks)


def _difference(network: object, generator: torch.Generator) -> float:
    assert callable(network)
    native, exact = network(generator)
    pairs = zip(native, exact, strict=True)
    return max(float((ours.double().cpu() - theirs.double()).abs().max().detach()) for ours, theirs in pairs)


def _recurrent_layer(generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """States and gradients of a layer of 19 units."""
    batch_sizes, size = [7, 7, 2, 1], 19
    shapes = [(sum(batch_sizes), 3 * size), (batch_sizes[0], size), (3 * size, size), (3 * size,)]
    arguments = [torch.randn(shape, generator=generator) / 2 for shape in shapes]

    def run(layer: object, dtype: torch.dtype) -> list[Tensor]:
        assert callable(layer)
        inputs = [tensor.to(dtype).requires_grad_() for tensor in arguments]
        states = layer(*inputs, batch_sizes)
        return [states, *torch.autograd.grad((states * states).sum(), inputs)]

    return run(NativeLayer.apply, torch.float32), run(reference_layer, torch.float64)


def _edge_level(
    _generator: torch.Generator, kernel: ModuleType = edge_rnn, device: str = "cpu"
) -> tuple[list[Tensor], list[Tensor]]:
    """Log-probabilities and gradients of a network of two layers of 7 units."""
    exact_head = _edge_head().double()
    head = copy.deepcopy(exact_head).float().to(device)
    random = np.random.default_rng(0)
    widths = random.integers(1, 6, 40).astype(np.int32)
    bits = (random.random((40, 5)) < 0.5) & (np.arange(5) < widths[:, None])
    bits[:, 0] = True
    offsets = np.ones(40, np.int64)
    batch = RowBatch(np.arange(1), np.array([40]), offsets, bits.astype(np.uint8), widths, np.zeros(40, np.uint8), 0)
    states = torch.randn(40, 5)
    scan = scan_rows(batch, oldest_first=True, every_row=False)
    rows = torch.from_numpy(scan.rows)
    ours = kernel.log_prob(head, scan, head.start(states[rows].to(device)))
    exact = exact_head(states.double(), batch)[rows]
    return (
        [ours, *torch.autograd.grad(ours.sum(), list(head.parameters()))],
        [exact, *torch.autograd.grad(exact.sum(), list(exact_head.parameters()))],
    )


def _edge_head() -> EdgeRNN:
    return EdgeRNN(5, 7, 2, every_layer=True, oldest_first=True, never_empty=True)


def _drawn_rows(generator: torch.Generator, device: str) -> tuple[list[Tensor], list[Tensor]]:
    """Rows drawn by Triton and by torch."""
    from gengraph.models.graphrnn.kernels.triton_edge_rnn import TritonSampler

    head, widths = _edge_head(), torch.arange(40).flip(0) // 8 + 1
    states, thresholds = (torch.randn(40, 5, generator=generator) for _ in range(2))
    on_device = (tensor.to(device) for tensor in (states, widths, thresholds, thresholds))
    with torch.no_grad():
        drawn = EdgeSampler(head, 40)(states, widths, thresholds, thresholds)
        return [TritonSampler(copy.deepcopy(head).to(device))(*on_device)], [drawn]


def _drawn_in_context(generator: torch.Generator, device: str) -> tuple[list[Tensor], list[Tensor]]:
    """Rows of GraphRNN-C drawn by Triton and by torch, the last in graphs that grew by those before."""
    from gengraph.models.graphrnn.kernels import triton_context

    head, random = ContextEdges(5, 19, 7, CONTEXT_FEATURES), np.random.default_rng(0)
    given = torch.randn(16, 20, 5, generator=generator), torch.from_numpy(random.logistic(size=(16, 20, 7)))
    widths = [torch.from_numpy(random.integers(0, min(t + 1, 7) + 1, 20)) for t in range(16)]

    def run(head: ContextEdges, programs: ModuleType | None) -> list[Tensor]:
        window = Window(20, 7, head.table.device)
        draw, rows = DeviceContext(head, 20, window, programs), []
        for states, thresholds, width in zip(*given, widths, strict=True):
            rows.append(draw(states.to(head.table), width.to(window.slots), thresholds.to(head.table), states))
            window.read(rows[-1])
        return rows

    with torch.no_grad():
        head.output.bias.zero_()  # edges are not rare, and hang on all that is seen
        head.output.weight.mul_(50)
        return run(copy.deepcopy(head).to(device), triton_context), run(head.double(), None)


def _context_head(generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Log-probabilities and gradients of a head of 19 and 9 units."""
    head, count = ContextEdges(5, 19, 7, ()), 60
    exact_head = copy.deepcopy(head).double()
    random = np.random.default_rng(0)
    rows, then_rows = random.integers(0, 9, (2, count)).astype(np.int32)
    codes = random.integers(0, num_codes(7), (count, 6)).astype(np.int32)
    bits, free = random.integers(0, 2, (2, count)).astype(np.uint8)
    table = ContextTable(rows, then_rows, codes, bits, free)
    states = torch.randn(9, 5, generator=generator)
    native, exact = native_context.log_prob(head, states, table), exact_head.log_prob(states.double(), table)
    return (
        [native, *torch.autograd.grad(native.sum(), list(head.parameters()))],
        [exact, *torch.autograd.grad(exact.sum(), list(exact_head.parameters()))],
    )


def _steps(generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Steps of two layers of 19 units, and what a perceptron makes of them."""
    gru, network, given = GRU(5, 19, 2), mlp(19, 7, 3), torch.randn(3, 8, 5, generator=generator)
    stepper, output, states = rowwise.Stepper(gru), rowwise.perceptron(network), [torch.zeros(8, 19) for _ in range(2)]
    native = [output(stepper.step(inputs, states)) for inputs in given]
    exact = copy.deepcopy(gru).double()(given.double().flatten(0, 1), [8] * 3)
    return native, list(copy.deepcopy(network).double()(exact).split(8))
