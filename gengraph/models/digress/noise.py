"""Noise on classes: a Markov chain of T steps from a graph to one whose nodes and edges are independent [1].

A node has one of K classes, its label; a pair of nodes none or the label of its edge. After t steps a class is what it was with
probability a_t, else drawn anew from the marginal m of the training graphs:

    q(x_t | x_0) = a_t [x_t = x_0] + (1 - a_t) m(x_t),     a_t = cos^2(pi/2 (t/T + s)/(1 + s)) / a_0',  s = 0.008.

References:
    [1] C. Vignac, I. Krawczuk, A. Siraudin, B. Wang, V. Cevher, P. Frossard. DiGress: discrete denoising diffusion for graph
        generation. ICLR 2023.
    [2] A. Nichol, P. Dhariwal. Improved denoising diffusion probabilistic models. ICML 2021 (the cosine schedule).
"""

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


def posterior(now: Tensor, kept_before: float, kept_now: float, marginal: Tensor) -> Tensor:
    """q(x_s | x_t, x_0) for each x_0: float64[..., K, K], the last axis x_s, the one before it x_0.

    Args:
        now: int64[...], x_t: the classes after t steps.
        kept_before: a_s, s < t.
        kept_now: a_t.
        marginal: float64[K], of the training graphs, all > 0.

    Of the chain from s to t what is kept is a_t / a_s.
    """
    step, one = kept_now / kept_before, torch.eye(len(marginal), dtype=torch.float64, device=now.device)
    then = step * one[now] + (1 - step) * marginal[now][..., None]  # q(x_t | x_s), [..., x_s]
    before = kept_before * one + (1 - kept_before) * marginal  # q(x_s | x_0), [x_0, x_s]
    joint = then[..., None, :] * before
    return joint / joint.sum(-1, keepdim=True)


def prior_logits(noisy: Tensor, kept: Tensor, marginal: Tensor) -> Tensor:
    """Logits float[..., K] of q(x_0 | x_t) if classes were independent: what a noisy class says by itself.

    Args:
        noisy: int64[...], x_t.
        kept: float[...], a_t < 1, of as many dimensions as x_t.
        marginal: float[K], of the training graphs, all > 0.
    """
    said = torch.log1p(kept[..., None] / ((1 - kept[..., None]) * marginal))
    return marginal.log() + said * torch.eye(len(marginal), dtype=marginal.dtype, device=marginal.device)[noisy]
