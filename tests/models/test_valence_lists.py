"""What families make of labels that may be atoms and bonds."""

import sys

import numpy as np
import pytest

from gengraph.chemistry.reading import graphs_of_texts
from gengraph.errors import InputError
from gengraph.graphs import LabelArrays, Labels, LabelSchema
from gengraph.models.valences import check_valences, valence_lists
from gengraph.testing.generators import path_graphs
from gengraph.training.config import usual_config
from gengraph.training.trainer import prepare_graphs

COLOURS = LabelSchema(Labels("colour", ("red", "blue")), Labels("weight", ("1", "2")))
PATHS = path_graphs(3).labelled(LabelArrays(COLOURS, np.array([0, 1, 1], np.int32), np.array([0, 1], np.int32)))


@pytest.fixture
def _without_rdkit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("gengraph.chemistry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rdkit", None)


def test_lists_are_those_of_atoms_and_bonds() -> None:
    assert valence_lists(graphs_of_texts(["C=O"]).graphs.schema) == [[4, 2], [2]]
    assert valence_lists(COLOURS) is None
    assert valence_lists(LabelSchema()) is None


def test_what_has_too_many_bonds_is_counted() -> None:
    ethene = graphs_of_texts(["C=C", "C#C"]).graphs
    check_valences(ethene)
    schema = LabelSchema(Labels("element", ("O",)), ethene.schema.edges)
    with pytest.raises(InputError, match=r"1 of 2 graphs have one with more; set model.valences = none"):
        check_valences(ethene.labelled(LabelArrays(schema, ethene.node_labels, ethene.edge_labels)))
    with pytest.raises(InputError, match=r"got node labels colour \(2\), .* set model.valences = none, or read molecules"):
        check_valences(PATHS)


@pytest.mark.usefixtures("_without_rdkit")
@pytest.mark.parametrize("model", ["digress", "gcpn", "jtvae", "molgan", "molrnn"])
def test_graphs_with_labels_need_no_rdkit(model: str) -> None:
    graphs, facts = prepare_graphs(PATHS, usual_config(model))
    assert graphs == PATHS
    assert not any(facts.get(name) for name in ("valences", "limits", "atoms"))


@pytest.mark.usefixtures("_without_rdkit")
def test_masks_need_rdkit() -> None:
    with pytest.raises(InputError, match="molecules need the package rdkit"):
        check_valences(PATHS)
