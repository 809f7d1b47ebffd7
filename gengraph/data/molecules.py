"""Named sets of molecules: read once by RDKit, then from a Parquet file in the user's cache."""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from gengraph.data.download import Report, obtain, places
from gengraph.errors import DatasetUnavailable
from gengraph.files import file_lock, hash_file
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy

_FORMAT = 1  # of the files in the cache


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the SMILES of a set stand.

    Attributes:
        file: in the folder of a user's data: a gzipped table with a column of SMILES.
        package: the Python package that has it, NAME==VERSION.
        sha256: of its wheel.
        members: the tables in the package that the set is made of, one after the other.
    """

    file: str
    package: str
    sha256: str
    members: tuple[str, ...]

    @property
    def wheel(self) -> str:
        """The name of the package's file, which is for any Python."""
        return f"{self.package.replace('==', '-')}-py3-none-any.whl"


def _of_moses(part: str) -> Source:
    return Source(
        file=f"moses/{part}.csv.gz",
        package="molsets==0.3.1",
        sha256="7f4450e3ebecebe79c3a2a55950c93daddee071120daf64a163d03481e811d34",
        members=(f"moses/dataset/data/{part}.csv.gz",),
    )


QM9 = Source(
    file="qm9.csv.gz",
    package="qm9pack==1.0.3",
    sha256="1d88c2988007c6778e717ee3224cf511bd60e10732ebe3b7ed500ea5af05c9f0",
    members=tuple(f"qm9pack/data/qm9_part{k}.csv" for k in (1, 2, 3)),
)
MOSES = {part: _of_moses(part) for part in ("train", "test", "test_scaffolds")}


def load_molecules(
    source: Source, *, data_dir: str | Path | None = None, report: Report | None = None, bonds: str = "kekule"
) -> GraphSet:
    """The molecules of a source as labelled graphs.

    Args:
        source: of the SMILES.
        data_dir: searched first; then $GENGRAPH_DATA, the user's cache, the network.
        report: called while a file is downloaded, or the molecules are read for the first time.
        bonds: kekule or aromatic.

    Raises:
        InputError: the package rdkit is missing.
        DatasetUnavailable: the SMILES are nowhere and cannot be downloaded, or are damaged.
    """
    from gengraph.chemistry import RDKIT_VERSION  # what the graphs are like depends on it
    from gengraph.formats.native import read_parquet, write_parquet

    path = _found(source, data_dir) or obtain(
        source.wheel, f"pip:{source.package}", data_dir=data_dir, report=report, sha256=source.sha256
    )
    about = {"format": _FORMAT, "rdkit": RDKIT_VERSION, "bonds": bonds, "content": hash_file(path)}
    key = hashlib.sha256(json.dumps([about, source.members], sort_keys=True).encode()).hexdigest()[:16]
    name = source.file.removesuffix(".csv.gz").replace("/", "-")
    kept = Path(platformdirs.user_cache_dir("gengraph"), "molecules", f"{name}-{key}.parquet")
    with file_lock(kept):
        if not kept.is_file():
            write_parquet(_parsed(source, path, report, bonds), kept)
    raw = read_parquet(kept, Policy())
    return GraphSet.unchecked(raw.num_nodes, raw.edge_offsets, raw.edges, raw.labels)  # written here, whole or not at all


def _found(source: Source, data_dir: str | Path | None) -> Path | None:
    """The table in the folders of a user's data."""
    searched = [place / source.file for place in places(data_dir)]
    return next((path for path in searched if path.is_file()), None)


def _parsed(source: Source, path: Path, report: Report | None, bonds: str) -> GraphSet:
    from gengraph.chemistry.molecules import MoleculeOptions
    from gengraph.chemistry.reading import faults_message, graphs_of_texts

    tell = report or (lambda _name, _done, _total: None)
    smiles = _smiles_of(source, path)
    molecules = graphs_of_texts(
        smiles,
        MoleculeOptions(bonds="aromatic" if bonds == "aromatic" else "kekule"),
        progress=lambda done, total: tell(f"molecules of {source.file}", done, total),
    )
    if molecules.faults:
        said = faults_message(molecules, lambda place: f"molecule {place}")
        msg = f"{path}: {said}; delete the file and try again"
        raise DatasetUnavailable(msg)
    return molecules.graphs


def _smiles_of(source: Source, path: Path) -> list[str]:
    try:
        if path.suffix != ".whl":
            return _column(path.read_bytes(), gzipped=True)
        with zipfile.ZipFile(path) as package:
            parts = [_column(package.read(member), gzipped=member.endswith(".gz")) for member in source.members]
    except (OSError, EOFError, zipfile.BadZipFile, KeyError, ValueError) as error:
        msg = f"{path} is damaged ({type(error).__name__}: {error}); delete it and try again"
        raise DatasetUnavailable(msg) from error
    return [smiles for part in parts for smiles in part]


def _column(content: bytes, *, gzipped: bool) -> list[str]:
    """The column of SMILES of a table."""
    text = (gzip.decompress(content) if gzipped else content).decode("utf-8")
    reader = csv.reader(io.StringIO(text))
    place = [name.lower() for name in next(reader)].index("smiles")
    return [row[place] for row in reader]
