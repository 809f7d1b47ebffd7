"""MolRNN on molecules: masks are the valences that RDKit has."""

import numpy as np
import pytest
import torch

from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.writing import smiles_of
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.models.family import Decoding
from gengraph.models.molrnn import FAMILY
from gengraph.models.molrnn.config import MolRNNConfig
from gengraph.testing.generators import TRAINING
from gengraph.training.checkpoint import build_model
from gengraph.training.config import usual_config
from gengraph.training.trainer import prepare_graphs

SMILES = ["CC(=O)OC", "C1CC1C#N", "C[N+](=O)[O-]", "FC(F)(F)c1ccccc1", "CS(=O)(=O)N", "C[NH3+]"]
SIZES = ["model.layer_sizes=[8]", "model.skip_size=8", "model.state_size=8", "model.policy_size=8"]


@pytest.mark.parametrize("model", ["molrnn", "molmp"])
def test_with_masks_every_graph_is_a_molecule(model: str) -> None:
    """Of networks that have learned nothing."""
    molecules, share = graphs_of_texts(SMILES).graphs, {}
    for valences in ("masked", "none"):
        config = usual_config(model).replace([*SIZES, f"model.valences={valences}"])
        graphs, facts = prepare_graphs(molecules, config)
        torch.manual_seed(0)
        built = build_model(config, facts).eval()
        batch = built.encoder(graphs)(np.arange(len(graphs)), key=(0, 0))
        with torch.inference_mode():
            assert torch.isfinite(built.log_prob(batch)).all()
        parts = built.sampler(Decoding(max_num_node=12)).draw(np.arange(100), np.zeros(100, np.int64), seed=1)
        written = smiles_of(GraphSet.concatenate(part.graphs for part in parts), processes=1)
        share[valences] = 1 - len(written.invalid) / 100
    assert share["masked"] == 1
    assert share["none"] < 1


def test_masks_need_molecules() -> None:
    with pytest.raises(InputError, match=r"Kekule form, got no labels; set model.valences = none"):
        FAMILY.select(TRAINING, MolRNNConfig(valences="masked"))
