"""How close the native kernels come to the limit of a core: `python -m gengraph.benchmarks.speed.kernels`.

For the two hot loops alone, in the published sizes and in those of the preset `default`: GFLOP/s of useful multiplications and
additions, and their share of what this core reaches in a matrix product of torch (sgemm, 1024 x 1024) measured in turn with
them. The functions of the gates are not counted as operations, their time is; so are the packing of weights and everything else
that a call does.

Times are CPU seconds of one thread, the least of several; with --threads they are wall seconds, and need free cores.

`--device cuda` measures Triton's programs for the edge level, likelihood and draws, beside a product of 8192 x 8192 in float32,
in wall seconds.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from gengraph.errors import InputError
from gengraph.models.graphrnn.kernels import backend, edge_rnn, use
from gengraph.models.graphrnn.kernels.native_gru import NativeLayer
from gengraph.models.graphrnn.rnn_head import EdgeRNN
from gengraph.models.graphrnn.rows import Scan

_NODES = 200  # steps of the recurrent layer
_ROWS = 4096  # of the edge level
_ROWS_ON_CUDA = 16384
Work = tuple[Callable[[], object], float]  # a call and its operations


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    if options.device == "cuda":
        _measure_cuda(parser, options.turns)
        return
    torch.set_num_threads(options.threads)
    use("native")
    clock = time.process_time if options.threads == 1 else time.perf_counter
    torch.manual_seed(0)
    square = torch.randn(1024, 1024)
    works: dict[str, Work] = {"sgemm": (partial(torch.mm, square, square), 2.0 * 1024**3)}
    for batch in (32, 4):
        works |= {f"node level, batch {batch}, {name}": work for name, work in _layer(batch, 128).items()}
    for size, layers, width in ((16, 4, 40), (32, 2, 15)):
        works |= {f"edge level, {layers} layers of {size}, {name}": w for name, w in _edges(size, layers, width).items()}
    rates = _rates(works, options.turns, clock)
    _print({"backend": backend().label, "threads": options.threads}, rates)


def _print(about: dict[str, object], rates: dict[str, float]) -> None:
    shares = {name: {"gflops": round(rate, 1), "share": round(rate / rates["sgemm"], 3)} for name, rate in rates.items()}
    print(json.dumps(about | {"torch": torch.__version__} | shares, indent=2))


def _measure_cuda(parser: argparse.ArgumentParser, turns: int) -> None:
    if not torch.cuda.is_available():
        parser.error("--device cuda needs a CUDA device, and torch finds none; nothing was measured")
    try:
        use("triton")
        label = backend("cuda").label
    except InputError as error:
        parser.error(f"nothing was measured: {error}")
    from gengraph.models.graphrnn.kernels import triton_edge_rnn

    def clock() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    torch.manual_seed(0)
    square = torch.randn(8192, 8192, device="cuda")
    works: dict[str, Work] = {"sgemm": (partial(torch.mm, square, square), 2.0 * 8192**3)}
    for sizes in ((16, 4, 40), (32, 2, 15)):
        edges = _edges(*sizes, _ROWS_ON_CUDA, triton_edge_rnn, "cuda") | {"drawn": _draws(*sizes, _ROWS_ON_CUDA)}
        works |= {f"edge level, {sizes[1]} layers of {sizes[0]}, {name}": work for name, work in edges.items()}
    _print({"device": torch.cuda.get_device_name(), "backend": label}, _rates(works, turns, clock))


def sgemm_rate() -> float:
    """Operations a second in a matrix product of 1024 x 1024, by CPU time of the threads in use."""
    square = torch.randn(1024, 1024)
    work = {"sgemm": (partial(torch.mm, square, square), 2.0 * 1024**3)}
    return 1e9 * _rates(work, 5, time.process_time)["sgemm"]


def _rates(works: Mapping[str, Work], turns: int, clock: Callable[[], float]) -> dict[str, float]:
    """GFLOP/s of each; they take turns."""
    least = dict.fromkeys(works, float("inf"))
    for _ in range(turns):
        for name, (call, _operations) in works.items():
            start = clock()
            call()
            least[name] = min(least[name], clock() - start)
    return {name: operations / least[name] / 1e9 for name, (_, operations) in works.items()}


def _layer(batch: int, size: int) -> dict[str, Work]:
    """A recurrent layer over graphs of equal size; the gradient of the weights is a product of torch."""
    batch_sizes = [batch] * _NODES
    gates, initial = torch.randn(batch * _NODES, 3 * size, requires_grad=True), torch.zeros(batch, size)
    weight, bias = (torch.randn(3 * size, size) / size**0.5).requires_grad_(), torch.zeros(3 * size)
    operations = 2.0 * batch * _NODES * 3 * size * size
    arguments = gates, initial, weight, bias, batch_sizes
    states: Tensor = NativeLayer.apply(*arguments)  # type: ignore[no-untyped-call]
    ones = torch.ones_like(states)
    return {
        "forward": (partial(NativeLayer.apply, *arguments), operations),
        "backward": (partial(torch.autograd.grad, states, [gates, weight], ones, retain_graph=True), 2 * operations),
    }


def _edges(
    size: int, layers: int, width: int, rows: int = _ROWS, kernel: ModuleType = edge_rnn, device: str = "cpu"
) -> dict[str, Work]:
    """The likelihood of rows, and with it the gradients."""
    head = EdgeRNN(16, size, layers, every_layer=False, oldest_first=False, never_empty=False).to(device)
    bits = (np.random.default_rng(0).random(rows * width) < 0.1).astype(np.uint8)
    widths, offsets = np.full(rows, width, np.int32), np.arange(width + 1) * rows
    scan = Scan(np.arange(rows), np.full(width, rows), widths, offsets, bits, bits, np.ones_like(bits))
    start, operations = torch.randn(rows, size, device=device), _operations(head, len(bits))

    @torch.inference_mode()
    def likelihood() -> None:
        kernel.log_prob(head, scan, start)

    return {"forward": (likelihood, operations), "with gradients": (lambda: kernel.log_prob(head, scan, start), 3 * operations)}


def _operations(head: EdgeRNN, steps: int) -> float:
    """Useful multiplications and additions of so many steps forward."""
    matrices = [weight for weight in head.output.parameters() if weight.dim() == 2]
    matrices += [*head.rnn.hidden_weights, *list(head.rnn.input_weights)[1:]]
    return 2.0 * steps * sum(weight.numel() for weight in matrices)


def _draws(size: int, layers: int, width: int, rows: int) -> Work:
    """Draws of rows on a CUDA device."""
    from gengraph.models.graphrnn.kernels.triton_edge_rnn import TritonSampler

    head = EdgeRNN(16, size, layers, every_layer=False, oldest_first=False, never_empty=False).to("cuda")
    states, thresholds = torch.randn(rows, 16, device="cuda"), torch.full((rows, width), 2.0, device="cuda")
    widths, sampler = torch.full((rows,), width, device="cuda"), TritonSampler(head)

    @torch.inference_mode()
    def draw() -> None:
        sampler(states, widths, thresholds, thresholds)

    return draw, _operations(head, rows * width)


if __name__ == "__main__":
    main()
