"""SMILES and molfiles -> a labelled GraphSet, in pieces that processes share.

What is no molecule that a graph of heavy atoms holds is a fault, told with the place where it stands: never dropped in silence.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import rdkit
from rdkit import Chem

from gengraph.chemistry.labels import EDGES, NODES
from gengraph.chemistry.molecules import Atoms, MoleculeOptions, NoMoleculeError, of_mol, quiet, read_smiles
from gengraph.chemistry.processes import in_processes
from gengraph.graphs import GraphSet
from gengraph.graphs.schema import LabelArrays, Labels, LabelSchema, in_order

Notation = Literal["smiles", "molfile"]
Progress = Callable[[int, int], None]
"""Told how many texts have been read, and of how many."""
_PIECE = 10_000  # texts that are worth a process: seconds
_SHOWN, _WIDTH = 10, 40  # faults that a message lists, and letters of each


@dataclass(frozen=True, slots=True)
class Fault:
    """A text that is no molecule.

    Attributes:
        place: its index among the texts.
        text: it, or its beginning.
        reason: why.
    """

    place: int
    text: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Molecules:
    """Molecules as labelled graphs, with what reading them found.

    Attributes:
        graphs: of the texts without a fault, in their order.
        kept: int64[G], the index of each among the texts.
        faults: the others.
        left_out: in how many molecules there was what graphs do not hold: stereo, isotopes, atom maps.
        options: how they were read.
    """

    graphs: GraphSet
    kept: npt.NDArray[np.int64]
    faults: list[Fault] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    options: MoleculeOptions = field(default_factory=MoleculeOptions)

    def record(self) -> dict[str, Any]:
        """What a record of the data says of it, JSON-ready."""
        return {
            "rdkit": rdkit.__version__,
            "bonds": self.options.bonds,
            "max_atoms": self.options.max_atoms,
            "not_represented": self.left_out,
            "faults": len(self.faults),
            "reasons": dict(Counter(fault.reason for fault in self.faults).most_common(_SHOWN)),
        }


def graphs_of_texts(
    texts: Sequence[str],
    options: MoleculeOptions | None = None,
    *,
    notation: Notation = "smiles",
    processes: int | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Molecules:
    """Read molecules into one labelled GraphSet.

    Args:
        texts: one a molecule.
        options: how.
        notation: of the texts: smiles, or molfile (V2000 or V3000, a record of an SDF).
        processes: for large sets; by default one for each core.
        progress: told after each piece.
    """
    options = options or MoleculeOptions()
    starts = range(0, len(texts), _PIECE)
    pieces = [(list(texts[start : start + _PIECE]), options, notation) for start in starts]
    read: list[_Piece] = []
    for start, piece in zip(starts, in_processes(read_piece, pieces, processes=processes), strict=True):
        read.append(piece)
        progress(min(start + _PIECE, len(texts)), len(texts))
    return _together(read, options)


def canonical_smiles(texts: Sequence[str], *, processes: int | None = None) -> list[str | None]:
    """The canonical SMILES, without stereo, of each SMILES; None of one that is no molecule. A salt is a molecule."""
    pieces = [list(texts[start : start + _PIECE]) for start in range(0, len(texts), _PIECE)]
    return [text for piece in in_processes(canonical_piece, pieces, processes=processes) for text in piece]


def canonical_piece(texts: list[str]) -> list[str | None]:
    """The same of a few, in this process."""
    with quiet():
        return [_canonical(text) for text in texts]


def _canonical(text: str) -> str | None:
    mol = Chem.MolFromSmiles(text)
    if mol is None or not mol.GetNumAtoms():
        return None
    Chem.RemoveStereochemistry(mol)
    for atom in mol.GetAtoms() if ":" in text else ():
        atom.SetAtomMapNum(0)
    return str(Chem.MolToSmiles(mol, isomericSmiles=False))


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one process read, small to send: labels are places in a list of values."""

    size: int
    kept: list[int]
    num_nodes: npt.NDArray[np.int32]
    num_edges: npt.NDArray[np.int64]
    pairs: npt.NDArray[np.int64]
    nodes: npt.NDArray[np.int32]
    bonds: npt.NDArray[np.int32]
    values: tuple[list[str], list[str]]
    faults: list[Fault]
    left_out: Counter[str]


def read_piece(work: tuple[list[str], MoleculeOptions, Notation]) -> _Piece:
    """Read some texts."""
    texts, options, notation = work
    read = read_smiles if notation == "smiles" else _read_molfile
    kept, molecules, faults = [], [], []
    left_out: Counter[str] = Counter()
    with quiet():
        for place, text in enumerate(texts):
            try:
                molecule = read(text, options)
            except NoMoleculeError as error:
                faults.append(Fault(place, text[: 2 * _WIDTH], str(error)))
                continue
            kept.append(place)
            molecules.append(molecule)
            left_out.update(molecule.left_out)
    nodes, bonds = _Coded(), _Coded()
    return _Piece(
        size=len(texts),
        kept=kept,
        num_nodes=np.array([len(molecule.nodes) for molecule in molecules], np.int32),
        num_edges=np.array([len(molecule.bonds) for molecule in molecules], np.int64),
        pairs=np.concatenate([molecule.pairs for molecule in molecules] or [np.zeros(0, np.int64)]),
        nodes=nodes.of([molecule.nodes for molecule in molecules]),
        bonds=bonds.of([molecule.bonds for molecule in molecules]),
        values=(list(nodes.number), list(bonds.number)),
        faults=faults,
        left_out=left_out,
    )


class _Coded:
    """Values by the order in which they appear."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def of(self, lists: list[list[str]]) -> npt.NDArray[np.int32]:
        """The numbers of all values in turn."""
        number = self.number
        return np.array([number.setdefault(value, len(number)) for values in lists for value in values], np.int32)


def _read_molfile(text: str, options: MoleculeOptions) -> Atoms:
    mol = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
    if mol is None:
        msg = "no whole molfile" if "M  END" not in text else "no molfile"
        raise NoMoleculeError(msg)
    left_out = []
    if any(atom.GetIsotope() for atom in mol.GetAtoms()):
        left_out.append("isotopes")
    if any(atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED for atom in mol.GetAtoms()) or any(
        bond.GetBondDir() not in (Chem.BondDir.NONE, Chem.BondDir.EITHERDOUBLE) for bond in mol.GetBonds()
    ):
        left_out.append("stereo")
    return of_mol(mol, options, tuple(left_out))


def _together(pieces: list[_Piece], options: MoleculeOptions) -> Molecules:
    offsets = np.concatenate([[0], np.cumsum([piece.size for piece in pieces])]).astype(np.int64)
    num_nodes = _joined([piece.num_nodes for piece in pieces], np.int32)
    num_edges = _joined([piece.num_edges for piece in pieces], np.int64)
    labels = [_labels(pieces, kind) for kind in (0, 1)]
    schema = LabelSchema(Labels(NODES, labels[0][0]), Labels(EDGES, labels[1][0]))
    graphs = GraphSet(
        num_nodes,
        np.concatenate([[0], np.cumsum(num_edges)]),
        _edges(_joined([piece.pairs for piece in pieces], np.int64), np.repeat(num_nodes, num_edges)),
        LabelArrays(schema, labels[0][1], labels[1][1]),
    )
    left_out: Counter[str] = Counter()
    for piece in pieces:
        left_out.update(piece.left_out)
    started = list(zip(offsets.tolist(), pieces, strict=False))
    return Molecules(
        graphs=graphs,
        kept=np.array([start + place for start, piece in started for place in piece.kept], np.int64),
        faults=[Fault(start + fault.place, fault.text, fault.reason) for start, piece in started for fault in piece.faults],
        left_out=dict(left_out),
        options=options,
    )


def _joined(arrays: list[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)


def _edges(pairs: npt.NDArray[np.int64], sizes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """int32[E, 2] of pairs u n + v, n the size of the molecule."""
    edges = np.empty((len(pairs), 2), np.int32)
    np.floor_divide(pairs, sizes, out=edges[:, 0], casting="unsafe")
    np.remainder(pairs, sizes, out=edges[:, 1], casting="unsafe")
    return edges


def _labels(pieces: list[_Piece], kind: int) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """All values of nodes (0) or edges (1) in their usual order, and the label of each node or edge."""
    values = in_order({value for piece in pieces for value in piece.values[kind]})
    number = {value: k for k, value in enumerate(values)}
    coded = []
    for piece in pieces:
        table = np.array([number[value] for value in piece.values[kind]], np.int32)
        codes = piece.bonds if kind else piece.nodes
        coded.append(table[codes] if len(codes) else codes)
    return values, _joined(coded, np.int32)


def faults_message(molecules: Molecules, place_of: Callable[[int], str]) -> str:
    """What is said of the texts that are no molecules: how many, and the first with their places and reasons.

    Args:
        molecules: what was read.
        place_of: how the place of a text is said, such as line 4.
    """
    faults, total = molecules.faults, len(molecules.faults) + len(molecules.kept)
    listed = "; ".join(_said(fault, place_of) for fault in faults[:_SHOWN])
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return f"{len(faults)} of {total} are no molecules that a graph can hold: {listed}{more}"


def _said(fault: Fault, place_of: Callable[[int], str]) -> str:
    text = fault.text.split("\n")[0].strip()
    shown = text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."
    return f"{place_of(fault.place)}{f' ({shown})' if shown else ''}: {fault.reason}"
