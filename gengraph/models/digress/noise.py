"""Noise on edges: a Markov chain of T steps from a graph to one whose edges are independent [1].

A pair of nodes is an edge or none. After t steps it is what it was with probability a_t, else drawn anew from the marginal
m = (1 - density, density) of the training graphs:

    q(x_t | x_0) = a_t [x_t = x_0] + (1 - a_t) m(x_t),     a_t = cos^2(pi/2 (t/T + s)/(1 + s)) / a_0',  s = 0.008.

Legend: K = 2 states (none, edge).

References:
    [1] C. Vignac, I. Krawczuk, A. Siraudin, B. Wang, V. Cevher, P. Frossard. DiGress: discrete denoising diffusion for graph
        generation. ICLR 2023.
    [2] A. Nichol, P. Dhariwal. Improved denoising diffusion probabilistic models. ICML 2021 (the cosine schedule).
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_OFFSET = 0.008


def kept_share(steps: int) -> npt.NDArray[np.float64]:
    """float64[T + 1], a_t for t = 0..T: 1 at 0, 0 at T."""
    share = np.cos(np.pi / 2 * (np.arange(steps + 1) / steps + _OFFSET) / (1 + _OFFSET)) ** 2
    share /= share[0]
    share[-1] = 0.0
    return share


def posterior(now: Tensor, kept_before: float, kept_now: float, density: float) -> Tensor:
    """q(x_s = edge | x_t, x_0) for both x_0: float[..., 2], the last axis by x_0 (none, edge).

    Args:
        now: bool[...], x_t: whether there is an edge after t steps.
        kept_before: a_s, s < t.
        kept_now: a_t.
        density: of the training graphs, in (0, 1).

    Of the chain from s to t what is kept is a_t / a_s.
    """
    step, there = kept_now / kept_before, now.double()
    to_edge, to_none = (1 - step) * density, (1 - step) * (1 - density)
    from_edge = there * (step + to_edge) + (1 - there) * to_none  # q(x_t | x_s = edge)
    from_none = there * to_edge + (1 - there) * (1 - to_edge)
    before = torch.tensor([0.0, kept_before], dtype=torch.float64, device=now.device) + (1 - kept_before) * density
    edge, none = from_edge[..., None] * before, from_none[..., None] * (1 - before)
    return edge / (edge + none)


def prior_logit(noisy: Tensor, kept: Tensor, density: float) -> Tensor:
    """The logit of q(x_0 = edge | x_t) if edges were independent, like noisy float[...]: what a noisy pair says by itself.

    Args:
        noisy: x_t, 0 or 1.
        kept: a_t < 1, that broadcasts.
        density: of the training graphs, in (0, 1).
    """
    to_edge, to_none = (1 - kept) * density, (1 - kept) * (1 - density)
    there, absent = torch.log(1 + kept / to_edge), torch.log(1 + kept / to_none)
    return noisy * there - (1 - noisy) * absent + math.log(density / (1 - density))
