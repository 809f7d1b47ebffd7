import gzip
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from gengraph.chemistry import molecules as one_by_one
from gengraph.chemistry import reading
from gengraph.chemistry.labels import atom_of, bond_of, label_of
from gengraph.chemistry.molecules import MoleculeOptions, of_mol, quiet, read_smiles
from gengraph.chemistry.processes import in_processes
from gengraph.chemistry.reading import canonical_smiles, graphs_of_texts
from gengraph.chemistry.writing import smiles_of
from gengraph.errors import InputError
from gengraph.formats import read_collection, read_graphs
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

HERE = Path(__file__).parent
QM9 = (HERE / "qm9_400.smi").read_text().split()
MOSES = (HERE / "moses_test_500.smi").read_text().split()
CORNERS = [
    "[O-][n+]1ccccc1", "CN(=O)=O", "C[N+](=O)[O-]", "CN=[N+]=[N-]", "CN=N#N", "[nH]1cccc1", "C[n+]1cc[nH]c1", "[NH4+]",
    "[BH4-]",
    "C[CH2]", "[CH3]", "[CH2]", "C[O]", "O=[N]", "[C-]#[O+]", "[H][H]", "[SH4]", "C[SH](C)C", "O=S(C)(C)=O", "CP(=O)(O)O",
    "C[Si](C)(C)C", "[Na+]", "[Fe+2]", "Cl", "[2H]C", "[13CH4]", "C[C@H](N)C(=O)O", "F/C=C/F", "[CH3:1]C", "c1ccc2c(c1)cccc2",
    "c1cc[se]c1", "C$C",
]  # fmt: skip


def labels(graphs: GraphSet) -> tuple[list[str], list[str]]:
    nodes, edges = graphs.schema.nodes, graphs.schema.edges
    assert nodes is not None
    assert edges is not None
    assert graphs.node_labels is not None
    assert graphs.edge_labels is not None
    return [nodes.values[k] for k in graphs.node_labels], [edges.values[k] for k in graphs.edge_labels]


def test_a_molecule_is_a_graph_of_its_heavy_atoms() -> None:
    graphs = graphs_of_texts(["C[N+](=O)[O-]", "C#N", "C"]).graphs
    assert graphs.num_nodes.tolist() == [4, 2, 1]
    assert graphs.edges.tolist() == [[0, 1], [1, 2], [1, 3], [0, 1]]
    assert labels(graphs) == (["C", "N+", "O", "O-", "C", "N", "C"], ["1", "2", "1", "3"])


@pytest.mark.parametrize("smiles", [*CORNERS, *QM9[::4], *MOSES[::5]])
def test_the_fast_way_and_the_careful_way_agree(smiles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet():
        fast = read_smiles(smiles, MoleculeOptions())
        careful = of_mol(Chem.MolFromSmiles(smiles, sanitize=False), MoleculeOptions())
    assert (fast.nodes, fast.pairs.tolist(), fast.bonds) == (careful.nodes, careful.pairs.tolist(), careful.bonds)
    slow: list[str] = []
    monkeypatch.setattr(one_by_one, "of_mol", lambda *_, **__: slow.append(smiles))
    with quiet():
        read_smiles(smiles, MoleculeOptions())
    assert not slow or smiles in CORNERS  # what data sets hold goes the fast way


@pytest.mark.parametrize("smiles", [*MOSES[:60], *QM9[60:120]])
def test_every_spelling_of_a_molecule_gives_one_graph(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    spellings = [*Chem.MolToRandomSmilesVect(mol, 5, randomSeed=1), Chem.MolToSmiles(mol, kekuleSmiles=True)]
    canonical = {Chem.MolToSmiles(kekule_of(spelt), canonical=True) for spelt in spellings}
    assert len(canonical) == 1


def kekule_of(smiles: str) -> Chem.Mol:
    """Of the graph, its bonds as they are: no aromatic ring is found again."""
    graph = graphs_of_texts([smiles]).graphs
    names, orders = labels(graph)
    mol = Chem.RWMol()
    for name in names:
        mol.AddAtom(atom_of(name))
    for (u, v), order in zip(graph.edges.tolist(), orders, strict=True):
        mol.AddBond(u, v, bond_of(order))
    mol.UpdatePropertyCache()
    return mol


def test_aromatic_bonds_are_a_kind_of_their_own_where_asked() -> None:
    options = MoleculeOptions(bonds="aromatic")
    read = graphs_of_texts(["C1=CNC=C1", "c1ccncc1C"], options)
    assert read.record()["bonds"] == "aromatic"
    assert labels(read.graphs) == (["C", "C", "NH", "C", "C", *"CCCNCCC"], ["aromatic"] * 5 + ["aromatic"] * 6 + ["1"])
    assert smiles_of(read.graphs).texts == ["c1cc[nH]c1", "Cc1cccnc1"]


def test_labels_say_the_atom_and_back() -> None:
    for label in ("C", "N+", "O-", "Fe+2", "NH", "SH4", "C.", "CH2..", "N-"):
        atom = atom_of(label)
        explicit = atom.GetNumExplicitHs() if atom.GetNoImplicit() else None
        assert label_of(atom.GetSymbol(), atom.GetFormalCharge(), atom.GetNumRadicalElectrons(), explicit) == label
    for wrong in ("", "c", "Xx", "C++", "carbon"):
        with pytest.raises(InputError, match="must be elements such as C"):
            atom_of(wrong)
    with pytest.raises(InputError, match=r"must be 1, 2, 3, 4, aromatic, got '1\.5'"):
        bond_of("1.5")


BAD = {
    "CC(": "no SMILES",
    "C(C)(C)(C)(C)C": "Explicit valence for atom # 0 C, 5, is greater than permitted",
    "CC.O": "2 parts that no bond joins",
    "C" * 3000: "3000 heavy atoms, more than 1000",
    "*CC": "an atom of no element",
    "N->[Fe]": "a bond of the type dative",
    "c1cccc1": "Can't kekulize mol",
}


def test_what_is_no_molecule_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mixed.smi"
    file.write_text("CCO ethanol\n\n" + "".join(f"{smiles}\n" for smiles in BAD) + "C[C@H](N)O\tchiral\n")
    with pytest.raises(InputError) as refused:
        read_graphs(file)
    said = str(refused.value)
    assert f"{len(BAD)} of {len(BAD) + 2} are no molecules" in said
    for number, (smiles, reason) in enumerate(BAD.items(), start=3):
        shown = smiles if len(smiles) <= 40 else smiles[:40] + "..."
        assert f"line {number} ({shown}): {reason}" in said
    assert said.endswith("or set on_invalid = drop; of salts the largest part stays with on_components = largest")
    collection = read_collection(file, Policy(on_invalid="drop"))
    assert collection.graphs.num_nodes.tolist() == [3, 4]
    assert collection.found == {"on_invalid": len(BAD), "on_stereo": 1}
    assert collection.record()["policy"]["bonds"] == "kekule"


def test_policies_keep_salts_polymers_and_refuse_stereo(tmp_path: Path) -> None:
    file = tmp_path / "salt.smi"
    file.write_text("[Na+].CC(=O)[O-]\n" + "C" * 1200 + "\nC[C@H](N)O\n")
    found = read_collection(file, Policy(on_components="largest", max_atoms=1200))
    assert found.graphs.num_nodes.tolist() == [4, 1200, 4]
    assert found.found == {"on_components": 1, "on_stereo": 1}
    with pytest.raises(InputError, match=r"do not hold: stereo \(1\); take it out, or set on_stereo = drop"):
        read_graphs(file, Policy(on_components="largest", max_atoms=1200, on_stereo="error"))


def test_many_faults_are_counted_and_the_first_shown() -> None:
    from gengraph.chemistry.reading import faults_message

    molecules = graphs_of_texts(["C", *["CC("] * 30, "N"])
    said = faults_message(molecules, lambda place: f"line {place + 1}")
    assert said.startswith("30 of 32 are no molecules that a graph can hold: line 2 (CC(): no SMILES; line 3")
    assert said.endswith("; and 20 more")
    assert molecules.kept.tolist() == [0, 31]
    assert molecules.record()["reasons"] == {"no SMILES": 30}


def test_what_graphs_do_not_hold_is_counted() -> None:
    assert graphs_of_texts(["F/C=C/F", "[13CH4]", "[CH3:7]C", "C[C@@H](O)[2H]"]).left_out == {
        "stereo": 2,
        "isotopes": 2,
        "atom maps": 1,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.smi", "SMILES name\nCCO x\nc1ccccc1\n"),
        ("a.csv", 'id,Canonical_SMILES,logp\n1,"CCO",0.1\n2,c1ccccc1,2\n'),
        ("a.tsv", "mol\tp_np\nCCO\t1\nc1ccccc1\t0\n"),
        ("b.csv", "SMILES\nCCO\nc1ccccc1\n"),
        ("a.smiles.csv", "x;smiles\n1;CCO\n2;c1ccccc1\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_files_of_smiles(name: str, text: str, packed: bool, tmp_path: Path) -> None:
    file = tmp_path / (f"{name}.gz" if packed else name)
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    graphs = read_graphs(file)
    assert graphs.num_nodes.tolist() == [3, 6]
    assert smiles_of(graphs).texts == ["CCO", "c1ccccc1"]


def test_a_table_without_a_column_of_smiles(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,drug,note\n1,CCO,x\n2,CC,y\n")
    assert read_graphs(file, Policy(smiles="Drug")).num_nodes.tolist() == [3, 2]
    with pytest.raises(InputError, match="needs a column 'structure', got id, drug, note; set smiles to the name"):
        read_graphs(file, Policy(smiles="structure"))
    with pytest.raises(InputError, match="needs a column smiles, canonical_smiles or mol"):
        read_graphs(file, Policy(file_format="smiles-table"))
    file.write_text("smiles,x\nCCO,1\n,2\n")
    with pytest.raises(InputError, match="line 3: no atoms"):
        read_graphs(file)


def test_a_list_of_edges_is_still_one(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("source,target\n0,1\n1,2\n")
    assert read_graphs(file).edges.tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize("version", ["V2000", "V3000"])
def test_sdf(version: str, tmp_path: Path) -> None:
    blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(smiles), forceV3000=version == "V3000") for smiles in QM9[:9]]
    text = "".join(f"{block}>  <name>\nmolecule\n\n$$$$\n" for block in blocks)
    file = tmp_path / "a.sdf.gz"
    file.write_bytes(gzip.compress(text.encode()))
    assert read_graphs(file) == graphs_of_texts(QM9[:9]).graphs
    half = tmp_path / "half.sdf"
    cut = text.index(blocks[8]) + len(blocks[8]) // 2
    half.write_text(text[:cut])
    line = text[: text.index(blocks[8])].count("\n") + 1
    with pytest.raises(InputError, match=rf"1 of 9 .* record 9 \(line {line}\)(?: \(.*\))?: no whole molfile"):
        read_graphs(half)
    assert len(read_graphs(half, Policy(on_invalid="drop"))) == 8


def test_an_sdf_with_stereo_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.sdf"
    file.write_text(Chem.MolToMolBlock(Chem.MolFromSmiles("C[C@H](N)C(=O)O")) + "$$$$\n")
    assert read_collection(file).found == {"on_stereo": 1}


def test_processes_read_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PIECE", 300)
    texts = (MOSES + QM9 + ["CC("]) * 2
    alone, spread = (graphs_of_texts(texts, processes=number) for number in (1, 2))
    assert alone.graphs == spread.graphs
    assert np.array_equal(alone.kept, spread.kept)
    assert alone.faults == spread.faults
    assert [fault.place for fault in spread.faults] == [900, 1801]


def test_what_a_process_raises_is_raised_here() -> None:
    with pytest.raises(InputError, match="must be elements such as C"):
        list(in_processes(atom_of, ["bad", "worse"], processes=2))


def test_canonical_smiles_without_stereo() -> None:
    assert canonical_smiles(["C[C@H](N)O", "OC(N)C", "CC(", "", "[13CH3]C", "[CH3:2]O"]) == [
        "CC(N)O", "CC(N)O", None, None, "CC", "CO",
    ]  # fmt: skip


def test_options_are_checked() -> None:
    for wrong in ({"bonds": "single"}, {"max_atoms": 0}, {"parts": "first"}):
        with pytest.raises(InputError):
            MoleculeOptions(**wrong)  # type: ignore[arg-type]
