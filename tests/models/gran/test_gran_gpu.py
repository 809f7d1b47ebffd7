"""GRAN on a GPU; skipped where there is none."""

import copy

import numpy as np
import pytest
import torch
from gran_cases import small_model

from gengraph.data import load_dataset
from gengraph.models.family import Decoding

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
FIELDS = [
    {},
    {"termination": "size", "empty_rows": "mixture"},
    {"oldest": "softmax"},
    {"block_size": 3, "stride": 2, "oldest": "softmax"},
]
GRAPHS = load_dataset("community-small")[:8]


@pytest.mark.parametrize("fields", FIELDS)
def test_loss_gradients_and_graphs_are_those_of_the_cpu(fields: dict[str, object]) -> None:
    model = small_model(GRAPHS, hidden_size=16, **fields)
    on_gpu = copy.deepcopy(model).cuda()
    batch = model.encoder(GRAPHS)(np.arange(8), key=(0, 0))
    for network in (model, on_gpu):
        network.train()
        network(batch, 0.0).total.backward()
    for (name, here), there in zip(model.named_parameters(), on_gpu.parameters(), strict=True):
        assert here.grad is not None
        assert there.grad is not None
        torch.testing.assert_close(there.grad.cpu(), here.grad, rtol=1e-3, atol=1e-3, msg=name)
    with torch.inference_mode():
        torch.testing.assert_close(on_gpu.log_prob(batch).cpu(), model.log_prob(batch), rtol=1e-4, atol=1e-3)
    here, there = (
        next(iter(network.sampler(Decoding()).draw(np.arange(8), np.zeros(8, np.int64), seed=0))) for network in (model, on_gpu)
    )
    assert here.graphs == there.graphs
