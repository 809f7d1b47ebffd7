from pathlib import Path

import numpy as np
import pytest

from gengraph.chemistry.labels import atom_of
from gengraph.chemistry.reading import MoleculeOptions, graphs_of_texts
from gengraph.chemistry.valences import ANY, largest_valence, valence_tables, valences_fit
from gengraph.chemistry.writing import mols_of
from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema

HERE = Path(__file__).parent
QM9, MOSES = ((HERE / name).read_text().split() for name in ("qm9_400.smi", "moses_test_500.smi"))
ORDERS = Labels("bond", ("1", "2", "3"))


def perturbed(graphs: GraphSet, rng: np.random.Generator) -> GraphSet:
    """In half of the molecules one bond is of another order, in half one atom is another."""
    nodes, edges = graphs.node_labels.copy(), graphs.edge_labels.copy()  # type: ignore[union-attr]
    chosen = np.flatnonzero((rng.random(len(graphs)) < 0.5) & (graphs.num_edges > 0))
    edges[graphs.edge_offsets[chosen] + rng.integers(graphs.num_edges[chosen])] = rng.integers(3, size=len(chosen))
    chosen = np.flatnonzero(rng.random(len(graphs)) < 0.5)
    kinds = len(graphs.schema.nodes.values)  # type: ignore[union-attr]
    nodes[graphs.node_offsets[chosen] + rng.integers(graphs.num_nodes[chosen])] = rng.integers(kinds, size=len(chosen))
    return graphs.labelled(LabelArrays(LabelSchema(graphs.schema.nodes, ORDERS), nodes, edges))


def charges_of(graph: GraphSet) -> list[int]:
    labels = graph.schema.nodes.values  # type: ignore[union-attr]
    return [atom_of(labels[k]).GetFormalCharge() for k in graph.node_labels]  # type: ignore[union-attr]


@pytest.mark.parametrize("texts", [QM9, MOSES], ids=["qm9", "moses"])
def test_the_table_is_rdkits(texts: list[str]) -> None:
    graphs = graphs_of_texts(texts).graphs
    assert valences_fit(graphs).all()
    rng = np.random.default_rng(1)
    others = GraphSet.concatenate([perturbed(graphs, rng) for _ in range(2)])
    fit, found = valences_fit(others), list(mols_of(others))
    accepted = np.array([not problem for _, problem in found])
    assert 0.2 < fit.mean() < 0.9
    assert accepted[fit].all()
    for place in np.flatnonzero(accepted & ~fit).tolist():  # a nitro group without charges, say
        assert [atom.GetFormalCharge() for atom in found[place][0].GetAtoms()] != charges_of(others[place])


def test_charges_hydrogens_and_unpaired_electrons_count() -> None:
    said = {"C": 4, "N": 3, "N+": 4, "N-": 2, "O": 2, "O-": 1, "O+": 3, "F": 1, "S": 6, "P": 5, "Cl": 1, "B-": 4, "C-": 3}
    assert {label: largest_valence(label) for label in said} == said
    assert [largest_valence(label) for label in ("NH", "SH4", "C.", "O.", "NH4+", "CH9", "Na")] == [2, 2, 3, 1, 0, -1, ANY]


def test_graphs_that_are_no_molecules_have_no_table() -> None:
    atoms = Labels("element", ("C", "O"))
    tables = valence_tables(LabelSchema(atoms, Labels("bond", ("1", "3"))))
    assert tables is not None
    assert [table.tolist() for table in tables] == [[4, 2], [1, 3]]
    for schema in (
        LabelSchema(),
        LabelSchema(atoms),
        LabelSchema(None, ORDERS),
        LabelSchema(atoms, ORDERS, directed=True),
        LabelSchema(Labels("colour", ("red", "blue")), ORDERS),
        LabelSchema(atoms, Labels("bond", ("1", "aromatic"))),
    ):
        assert valence_tables(schema) is None
    with pytest.raises(InputError, match=r"Kekule form .* read them with bonds = kekule"):
        valences_fit(graphs_of_texts(["c1ccccc1"], MoleculeOptions(bonds="aromatic")).graphs)
    assert valences_fit(graphs_of_texts(["C"]).graphs[:0]).tolist() == []
