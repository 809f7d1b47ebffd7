"""The optimiser is torch's to the last bit, without its compiler."""

import subprocess
import sys

import pytest
import torch

from gengraph.training.optimizers import Adam


def small_model() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(7, 33), torch.nn.Linear(33, 2), torch.nn.Linear(2, 2))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_torch(decay: float) -> None:
    """Without decay Adam, with it AdamW; rates change, and one layer has no gradient in every other step."""
    ours, theirs = small_model(), small_model()
    optimizer = Adam([{"params": list(ours.parameters()), "lr": 1e-3, "weight_decay": decay}], betas=(0.8, 0.99))
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    known = kind(theirs.parameters(), lr=1e-3, betas=(0.8, 0.99), weight_decay=decay)
    for step in range(20):
        batch = torch.randn(5, 7, generator=torch.Generator().manual_seed(step))
        for model, used in ((ours, optimizer), (theirs, known)):
            used.param_groups[0]["lr"] = 1e-3 * (step + 1)
            used.zero_grad()
            model[: 3 - step % 2](batch).square().sum().backward()
            used.step()
    assert all(torch.equal(one, two) for one, two in zip(ours.parameters(), theirs.parameters(), strict=True))
    state, wanted = (used.state_dict()["state"] for used in (optimizer, known))
    assert state.keys() == wanted.keys()
    for number, moments in wanted.items():
        assert {name: value.tolist() for name, value in state[number].items()} == {
            name: value.tolist() for name, value in moments.items()
        }


def test_going_on_from_a_state_is_going_on() -> None:
    first, second = small_model(), small_model()

    def optimizer_of(model: torch.nn.Module) -> Adam:
        return Adam([{"params": list(model.parameters()), "lr": 0.1, "weight_decay": 0.0}], betas=(0.9, 0.999))

    def step(model: torch.nn.Module, optimizer: Adam) -> None:
        optimizer.zero_grad()
        model(torch.ones(1, 7)).sum().backward()
        optimizer.step()

    before = optimizer_of(first)
    step(first, before)
    after = optimizer_of(second)
    second.load_state_dict(first.state_dict())
    after.load_state_dict(before.state_dict())
    for _ in range(2):
        step(first, before)
        step(second, after)
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), second.parameters(), strict=True))


LIGHT = """
import sys
from gengraph.data import load_dataset, split_graphs
from gengraph.models.registry import find_family
from gengraph.training.config import usual_config
from gengraph.training.trainer import Trainer, prepare_graphs
config = usual_config("graphrnn").trained(steps=1)
split = split_graphs(load_dataset("ladder")[:12])
train, facts = prepare_graphs(split.train, config)
trainer = Trainer(config, facts, train, split.validation)
trainer.train_step()
trainer.validate()
print(sorted({"torch._dynamo", "sympy", "pandas", "scipy.ndimage", "networkx", "tensorboard"} & set(sys.modules)))
"""


def test_a_first_step_imports_no_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
