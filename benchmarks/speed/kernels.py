"""How close the native kernels come to the limit of a core: `python -m gengraph.benchmarks.speed.kernels`.

For the two hot loops alone, in the published sizes and in those of the preset `default`: GFLOP/s of useful multiplications and
additions, and their share of what this core reaches in a matrix product of torch (sgemm, 1024 x 1024) measured in turn with
them. The functions of the gates are not counted as operations, their time is; so are the packing of weights and everything else
that a call does.

Times are CPU seconds of one thread, the least of several; with --threads they are wall seconds, and need free cores.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gengraph.kernels import backend, use
from gengraph.kernels.edge_rnn import log_prob
from gengraph.kernels.gru import NativeLayer
from gengraph.models.heads import EdgeRNN
from gengraph.sequences.rows import Scan

_NODES = 200  # steps of the recurrent layer
_ROWS = 4096  # of the edge level
Work = tuple[Callable[[], object], float]  # a call and its operations


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
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
    shares = {name: {"gflops": round(rate, 1), "share": round(rate / rates["sgemm"], 3)} for name, rate in rates.items()}
    print(json.dumps({"backend": backend().label, "threads": options.threads, "torch": torch.__version__} | shares, indent=2))


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


def _edges(size: int, layers: int, width: int) -> dict[str, Work]:
    """The likelihood of rows, and with it the gradients."""
    head = EdgeRNN(16, size, layers, every_layer=False, oldest_first=False, never_empty=False)
    bits = (np.random.default_rng(0).random(_ROWS * width) < 0.1).astype(np.uint8)
    scan = Scan(np.arange(_ROWS), np.full(width, _ROWS), bits, bits, np.ones_like(bits))
    start = torch.randn(_ROWS, size)
    weights = [*head.rnn.hidden_weights, *list(head.rnn.input_weights)[1:], head.output[0].weight, head.output[2].weight]
    operations = 2.0 * len(bits) * sum(weight.numel() for weight in weights)

    def likelihood() -> None:
        with torch.inference_mode():
            log_prob(head, scan, start)

    return {"forward": (likelihood, operations), "with gradients": (lambda: log_prob(head, scan, start), 3 * operations)}


if __name__ == "__main__":
    main()
