import logging
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rdkit import Chem

from gengraph.benchmarks import charts, scores
from gengraph.chemistry import writing
from gengraph.chemistry.drawing import draw_molecules, paths_of
from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.writing import molfiles_of, smiles_of, smiles_once
from gengraph.errors import InputError
from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema

HERE = Path(__file__).parent
QM9 = (HERE / "qm9_400.smi").read_text().split()
SCHEMA = LabelSchema(Labels("element", ("C", "N+", "O")), Labels("bond", ("1", "2", "3")))


def five_valent() -> GraphSet:
    """A carbon with five neighbours, and ethyne."""
    edges = [(0, k) for k in range(1, 6)] + [(0, 1)]
    return GraphSet.from_flat([6, 2], [0] * 5 + [1], edges, LabelArrays(SCHEMA, [0] * 8, [0] * 5 + [2]))  # type: ignore[arg-type]


def canonical(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToSmiles(mol))


def test_molecules_of_qm9_come_back_with_their_charges() -> None:
    graphs = graphs_of_texts(QM9).graphs
    assert sum("+" in smiles for smiles in QM9) > 50
    written = smiles_of(graphs)
    assert not written.invalid
    assert written.texts == [canonical(smiles) for smiles in QM9]
    again = graphs_of_texts(written.texts).graphs
    assert smiles_of(again).texts == written.texts
    assert (again.num_nodes == graphs.num_nodes).all()
    assert sorted(again.schema.nodes.values) == sorted(graphs.schema.nodes.values)  # type: ignore[union-attr]


def test_radicals_and_explicit_hydrogens_come_back() -> None:
    texts = ["[CH3]", "C[CH2]", "[CH2]", "C[O]", "[SH4]", "C[SH](C)C", "[H][H]", "[Fe+2]", "[NH4+]", "[C-]#[O+]"]
    assert smiles_of(graphs_of_texts(texts).graphs).texts == [canonical(text) for text in texts]


@pytest.mark.parametrize("suffix", [".smi", ".sdf", ".smiles.csv"])
def test_files_come_back(suffix: str, tmp_path: Path) -> None:
    graphs = graphs_of_texts(QM9[:50]).graphs
    write_graphs(graphs, tmp_path / f"a{suffix}")
    assert smiles_of(read_graphs(tmp_path / f"a{suffix}")).texts == smiles_of(graphs).texts


@pytest.mark.parametrize("suffix", [".smi", ".sdf"])
def test_graphs_that_are_no_molecules_are_told_and_not_lost(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        write_graphs(five_valent(), tmp_path / f"a{suffix}")
    assert "1 of 2 graphs are no possible molecules (1 times Explicit valence for atom C, 5, is greater" in caplog.text
    with pytest.raises(InputError, match=r"1 of 2 are no molecules .*: Explicit valence"):
        read_graphs(tmp_path / f"a{suffix}")


def test_a_graph_without_nodes_has_no_line(tmp_path: Path) -> None:
    none = GraphSet.from_flat([0], [], [], LabelArrays(SCHEMA, [], []))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"1 graphs have no nodes \(the first is graph 0\)"):
        write_graphs(none, tmp_path / "a.smi")
    assert not (tmp_path / "a.smi").exists()


def test_graphs_without_the_labels_of_molecules_are_refused(tmp_path: Path) -> None:
    bare = GraphSet.from_edge_lists([2], [[(0, 1)]])
    with pytest.raises(InputError, match=r"molecules need node labels that are elements .* got no labels"):
        write_graphs(bare, tmp_path / "a.smi")
    other = bare.labelled(LabelArrays(LabelSchema(Labels("kind", ("a",)), SCHEMA.edges), [0, 0], [0]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be elements such as C, N\\+, O- or NH, got 'a'"):
        write_graphs(other, tmp_path / "a.smi")


def test_molfiles_are_read_by_rdkit() -> None:
    graphs = graphs_of_texts(QM9[60:80]).graphs
    read = [Chem.MolToSmiles(Chem.MolFromMolBlock(text)) for text in molfiles_of(graphs).texts]
    assert read == smiles_of(graphs).texts


def test_smiles_are_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = graphs_of_texts(QM9[:30]).graphs
    texts = smiles_once(graphs, tmp_path)
    assert texts == smiles_of(graphs).texts
    both = GraphSet.concatenate([graphs, five_valent()])
    assert smiles_once(both, tmp_path) == smiles_of(both).valid
    assert len(list(tmp_path.iterdir())) == 1  # a set with impossible molecules is not kept
    monkeypatch.setattr(writing, "smiles_of", lambda *_, **__: pytest.fail("they are in the folder"))
    assert smiles_once(graphs, tmp_path) == texts


def test_processes_write_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_PIECE", 150)
    graphs = GraphSet.concatenate([graphs_of_texts(QM9).graphs, five_valent()])
    alone, spread = (smiles_of(graphs, processes=number) for number in (1, 2))
    assert alone == spread
    assert list(spread.invalid) == [400]


def test_drawings_are_the_same_again_and_hold_every_molecule(tmp_path: Path) -> None:
    graphs = GraphSet.concatenate([graphs_of_texts(["CCO", "c1ccccc1[N+](=O)[O-]"]).graphs, five_valent()])
    for name in ("a.svg", "b.svg", "a.png"):
        draw_molecules(graphs, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    drawn = (tmp_path / "a.svg").read_text()
    assert len({part.split("'")[0] for part in drawn.split("bond-")[1:]}) > 5
    for name, message in (("a.pdf", "must end with .svg or .png"), ("a.svg", "at least 1 molecule")):
        with pytest.raises(InputError, match=message):
            draw_molecules(graphs if name == "a.pdf" else graphs[:0], tmp_path / name)


def test_a_drawing_for_a_page_is_paths_alone() -> None:
    paths = paths_of(graphs_of_texts(["CC(=O)Oc1ccccc1C(=O)O"]).graphs)
    assert paths.startswith("<path d=")
    assert "class=" not in paths
    assert paths.count(" fill='#FF0000'/>") == 5  # the letters of four oxygens and of a hydrogen
    assert "<" not in paths.replace("<path ", "")


def test_the_report_shows_molecules_as_chemists_draw_them() -> None:
    picture = scores._picture(graphs_of_texts(["CCO"]).graphs)
    assert picture["num_nodes"] == 3
    shown = charts.graph_paths(picture)
    assert picture["molecule"] in shown
    assert ElementTree.fromstring(f"<svg>{shown}</svg>").find("g") is not None
