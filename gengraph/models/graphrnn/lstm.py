"""A long short-term memory over packed sequences, and one step of it at a time.

Legend: B sequences sorted by descending length, T steps of the longest, S steps of all sequences together, I input size,
H hidden size. Packed tensors are time-major: step 0 of every sequence, then step 1 of those that have one.

Reference:
    S. Hochreiter, J. Schmidhuber. Long short-term memory. Neural Computation 1997; gates as torch.nn.LSTM has them.
    R. Jozefowicz et al. An empirical exploration of recurrent network architectures. ICML 2015 (forget gates open at first).
"""

from typing import Any

import torch
from torch import Tensor, nn


def places(batch_sizes: list[int], device: torch.device) -> Tensor:
    """int64[S]: where the steps of packed sequences stand in a padded tensor [T, B] that is flattened; nothing waits for it."""
    sizes = torch.tensor(batch_sizes).to(device, non_blocking=True)  # a few kilobytes; the rest is made there
    moved = torch.arange(len(batch_sizes), device=device) * batch_sizes[0] - (sizes.cumsum(0) - sizes)
    count = sum(batch_sizes)
    return torch.arange(count, device=device) + moved.repeat_interleave(sizes, output_size=count)


def pad(packed: Tensor, where: Tensor, batch_sizes: list[int]) -> Tensor:
    """Packed float[S, I] as padded float[T, B, I], with zeros behind the end of a sequence."""
    length, count = len(batch_sizes), batch_sizes[0]
    return packed.new_zeros(length * count, packed.shape[1]).index_copy(0, where, packed).view(length, count, -1)


class LSTM(nn.Module):
    """One layer; weights Xavier uniform, biases zero but for the forget gates' ones.

    Args:
        input_size: I.
        hidden_size: H.
    """

    cell: Any  # nn.LSTM

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(input_size, hidden_size)
        with torch.no_grad():
            for name, parameter in self.cell.named_parameters():
                if "weight" in name:
                    nn.init.xavier_uniform_(parameter)
                else:
                    parameter.zero_()
            self.cell.bias_ih_l0[hidden_size : 2 * hidden_size] = 1

    def forward(self, inputs: Tensor, batch_sizes: list[int]) -> Tensor:
        """The states float[S, H] of packed inputs float[S, I]; what is padded comes after the ends and is not read."""
        where = places(batch_sizes, inputs.device)
        states: Tensor = self.cell(pad(inputs, where, batch_sizes))[0]
        return states.flatten(0, 1)[where]


class LSTMStepper:
    """One step at a time; no gradients.

    Args:
        lstm: its weights are shared.
        lanes: B, sequences that take a step together.
    """

    def __init__(self, lstm: LSTM, lanes: int) -> None:
        cell: Any = lstm.cell
        self._weight_in, self._weight = cell.weight_ih_l0.detach().t(), cell.weight_hh_l0.detach().t()
        self._bias = (cell.bias_ih_l0 + cell.bias_hh_l0).detach()

    def step(self, inputs: Tensor, hidden: list[Tensor]) -> Tensor:
        """One step: inputs float[B, I]; hidden, state and cell float[B, H], is overwritten, the state is returned."""
        state, cell = hidden
        gates = torch.addmm(self._bias, inputs, self._weight_in).addmm_(state, self._weight)
        write, forget, new, read = gates.chunk(4, dim=1)
        cell.mul_(forget.sigmoid()).add_(write.sigmoid() * new.tanh())
        torch.mul(read.sigmoid(), cell.tanh(), out=state)
        return state
