"""RDKit molecules <-> arrays of nodes, edges and labels, one molecule at a time.

Legend: n atoms of a molecule.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdqueries

from gengraph.chemistry.labels import AROMATIC, BOND_LABELS, label_of
from gengraph.errors import InputError

Bonds = Literal["kekule", "aromatic"]
_TOKENS = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops]")
_SIMPLE = re.compile(r"\[(?:\d*)(C|N|O|F|B|c|n|o)(?:@{0,2})(?:H\d?)?(?:[+-]\d?)?\]")
_ORDERS = {1.0: "1", 2.0: "2", 3.0: "3", 4.0: "4"}
_SANITIZE = (
    Chem.SanitizeFlags.SANITIZE_ALL
    ^ Chem.SanitizeFlags.SANITIZE_SETHYBRIDIZATION
    ^ Chem.SanitizeFlags.SANITIZE_SETCONJUGATION
    ^ Chem.SanitizeFlags.SANITIZE_CLEANUPCHIRALITY
    ^ Chem.SanitizeFlags.SANITIZE_CLEANUP_ORGANOMETALLICS
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MoleculeOptions:
    """How molecules become graphs.

    Attributes:
        bonds: kekule, single, double and triple bonds, the same for every spelling of a molecule; or aromatic, as drawn with
            rings.
        max_atoms: heavy atoms of the largest molecule that is taken, >= 1.
        parts: what is done with a molecule of several parts, a salt say: error, or keep all of them, as a graph that is not
            connected.
    """

    bonds: Bonds = "kekule"
    max_atoms: int = 1000
    parts: Literal["error", "keep"] = "error"

    def __post_init__(self) -> None:
        if self.bonds not in ("kekule", "aromatic"):
            msg = f"bonds must be kekule or aromatic, got {self.bonds!r}"
            raise InputError(msg)
        if self.max_atoms < 1:
            msg = f"max_atoms must be >= 1, got {self.max_atoms}"
            raise InputError(msg)
        if self.parts not in ("error", "keep"):
            msg = f"parts must be error or keep, got {self.parts!r}"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Atoms:
    """A molecule as a graph.

    Attributes:
        nodes: the label of each of its n atoms.
        pairs: int64[E], u n + v for each bond between atoms u < v, ascending.
        bonds: the label of each bond.
        left_out: what it had that is not represented: stereo, isotopes, atom maps.
    """

    nodes: list[str]
    pairs: npt.NDArray[np.int64]
    bonds: list[str]
    left_out: tuple[str, ...] = field(default=())


class NoMoleculeError(Exception):
    """Why a text is no molecule that a graph can hold; for the list of a file's faults."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep RDKit from writing to standard error; what it would say is in the faults."""
    blocked = rdBase.BlockLogs()
    try:
        yield
    finally:
        del blocked


def _parameters() -> Chem.SmilesParserParams:
    parameters = Chem.SmilesParserParams()
    for name in ("sanitize", "removeHs", "allowCXSMILES", "parseName"):
        setattr(parameters, name, False)
    return parameters


def _unusual() -> Chem.QueryAtom:
    """Matches atoms whose label is more than their element."""
    query = rdqueries.FormalChargeEqualsQueryAtom(0, negate=True)
    query.ExpandQuery(rdqueries.NumRadicalElectronsGreaterQueryAtom(0), Chem.CompositeQueryType.COMPOSITE_OR)
    return query


_UNSANITIZED, _UNUSUAL = _parameters(), _unusual()


def read_smiles(smiles: str, options: MoleculeOptions) -> Atoms:
    """A molecule from a SMILES; call it within `quiet`.

    Raises:
        NoMoleculeError: it is no SMILES, no possible molecule, or more than a graph of heavy atoms holds.
    """
    tokens = _TOKENS.findall(smiles)
    plain = options.bonds == "kekule" and "." not in smiles and ">" not in smiles and "<" not in smiles and "*" not in smiles
    if plain and ("[" not in smiles or all(token[0] != "[" or _SIMPLE.fullmatch(token) for token in tokens)):
        mol = Chem.MolFromSmiles(smiles, _UNSANITIZED)
        if mol is not None and mol.GetNumAtoms() == len(tokens):
            _check_size(len(tokens), options)
            return _of_tokens(mol, smiles, tokens)
    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None or not smiles.strip():
        msg = "no SMILES"
        raise NoMoleculeError(msg)
    return of_mol(mol, options, left_out=_written(smiles))


def _of_tokens(mol: Chem.Mol, smiles: str, tokens: list[str]) -> Atoms:
    """The fast way for what most files hold: atom k is token k, and charges and radicals are looked up for few atoms."""
    _sanitize(mol, _SANITIZE)
    left_out = _written(smiles)
    if "stereo" in left_out:
        Chem.RemoveStereochemistry(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    orders = Chem.GetAdjacencyMatrix(mol, useBO=True)
    nodes = [_ELEMENTS.get(token) or _element(token) for token in tokens]
    if not _is_usual(tokens, orders):
        for atom in mol.GetAtomsMatchingQuery(_UNUSUAL):
            nodes[atom.GetIdx()] = label_of(atom.GetSymbol(), atom.GetFormalCharge(), atom.GetNumRadicalElectrons())
    pairs, values = _upper(orders)
    return Atoms(nodes, pairs, [_ORDERS[value] for value in values], left_out)


_VALENCES = {"C": 4, "c": 4, "N": 3, "n": 3, "[nH]": 3, "O": 2, "o": 2, "S": 6, "s": 6, "F": 1, "Cl": 1, "Br": 1, "I": 1}
_ELEMENTS = {token: token.strip("[]H").capitalize() for token in (*_VALENCES, "B", "P", "b", "p")}


def _is_usual(tokens: list[str], orders: npt.NDArray[np.float64]) -> bool:
    """Whether no atom can have a charge or an unpaired electron: none says so, and none has the bonds of a nitro group's N."""
    valences = [_VALENCES.get(token, -1) for token in tokens]
    return bool((orders.sum(axis=0) <= valences).all())


def _element(token: str) -> str:
    """That of an atom in brackets."""
    found = _SIMPLE.fullmatch(token)
    assert found is not None
    return found[1].upper()


def _upper(matrix: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], list[float]]:
    """Flat places above the diagonal, and what stands there."""
    flat = matrix.ravel()
    places = flat.nonzero()[0]
    n = len(matrix)
    above = places[places // n < places % n]
    return above, flat[above].tolist()


def _written(smiles: str) -> tuple[str, ...]:
    """What a SMILES says that a graph does not hold."""
    found = []
    if "@" in smiles or "/" in smiles or "\\" in smiles:
        found.append("stereo")
    if "[" in smiles:
        if re.search(r"\[\d", smiles):
            found.append("isotopes")
        if ":" in smiles and re.search(r":\d+\]", smiles):
            found.append("atom maps")
    return tuple(found)


def of_mol(mol: Chem.Mol, options: MoleculeOptions, left_out: tuple[str, ...] = ()) -> Atoms:
    """The graph of an RDKit molecule that need not be sanitised; call it within `quiet`.

    Raises:
        NoMoleculeError: it is no possible molecule, or more than a graph of heavy atoms holds.
    """
    mol = _without_hydrogens(mol)
    _check_size(mol.GetNumAtoms(), options)
    _sanitize(mol, Chem.SanitizeFlags.SANITIZE_ALL)
    Chem.RemoveStereochemistry(mol)
    if options.bonds == "kekule":
        Chem.Kekulize(mol, clearAromaticFlags=True)
    if options.parts == "error" and (count := len(Chem.GetMolFrags(mol))) > 1:
        msg = f"{count} parts that no bond joins"
        raise NoMoleculeError(msg)
    inferred = _inferred_hydrogens(mol)
    nodes = [_label(atom, hydrogens) for atom, hydrogens in zip(mol.GetAtoms(), inferred, strict=True)]
    n, labelled = len(nodes), {}
    for bond in mol.GetBonds():
        u, v = sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        label = BOND_LABELS.get(bond.GetBondType())
        if label is None:
            msg = f"a bond of the type {str(bond.GetBondType()).lower()}"
            raise NoMoleculeError(msg)
        labelled[u * n + v] = AROMATIC if bond.GetIsAromatic() else label
    pairs = np.array(sorted(labelled), np.int64)
    return Atoms(nodes, pairs, [labelled[pair] for pair in pairs.tolist()], left_out)


def _without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """Hydrogen atoms become the hydrogens of their neighbours, where they say no more than that."""
    if any(atom.GetAtomicNum() <= 1 for atom in mol.GetAtoms()):
        for atom in mol.GetAtoms():
            if atom.GetAtomicNum() == 0:
                msg = "an atom of no element (*)"
                raise NoMoleculeError(msg)
            atom.SetIsotope(0)
        mol = Chem.RemoveHs(mol, sanitize=False)
    return mol


def _check_size(num_atoms: int, options: MoleculeOptions) -> None:
    if not num_atoms:
        msg = "no atoms"
        raise NoMoleculeError(msg)
    if num_atoms > options.max_atoms:
        msg = f"{num_atoms} heavy atoms, more than {options.max_atoms}"
        raise NoMoleculeError(msg)


def _sanitize(mol: Chem.Mol, operations: Chem.SanitizeFlags) -> None:
    """Check valences and aromaticity in place."""
    problem = problem_of(mol, operations)
    if problem:
        raise NoMoleculeError(problem)


def problem_of(mol: Chem.Mol, operations: Chem.SanitizeFlags = Chem.SanitizeFlags.SANITIZE_ALL) -> str:
    """Sanitise a molecule in place; why it cannot be, in RDKit's words, or an empty text."""
    try:
        Chem.SanitizeMol(mol, operations)
    except Chem.MolSanitizeException as error:
        return " ".join(str(error).split())
    return ""


def _inferred_hydrogens(mol: Chem.Mol) -> list[int]:
    """What RDKit takes for the hydrogens of each atom where only charge, radicals and bonds are said."""
    said = Chem.Mol(mol)
    for atom in said.GetAtoms():
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
    said.UpdatePropertyCache(strict=False)
    return [atom.GetTotalNumHs() for atom in said.GetAtoms()]


def _label(atom: Chem.Atom, inferred: int) -> str:
    hydrogens = atom.GetTotalNumHs()
    return label_of(
        atom.GetSymbol(),
        atom.GetFormalCharge(),
        atom.GetNumRadicalElectrons(),
        None if hydrogens == inferred else hydrogens,
    )
