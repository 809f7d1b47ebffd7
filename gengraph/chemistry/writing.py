"""Labelled graphs -> molecules: canonical SMILES, molfiles, and what is no possible molecule, counted.

Complexity: linear in atoms and bonds; about a thousand molecules a second on a busy core.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rdkit import Chem

from gengraph.chemistry import RDKIT_VERSION
from gengraph.chemistry.labels import AROMATIC, EDGES, NODES, atom_of, bond_of
from gengraph.chemistry.molecules import problem_of, quiet
from gengraph.chemistry.processes import in_processes
from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.graphs import GraphSet

_PIECE = 5_000  # graphs that are worth a process


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Molecules as texts.

    Attributes:
        texts: one a graph; of a graph that is no possible molecule what is as impossible when it is read.
        invalid: by the place of such a graph, why.
    """

    texts: list[str]
    invalid: dict[int, str]

    @property
    def valid(self) -> list[str | None]:
        """The texts, None for graphs that are no possible molecules."""
        return [None if place in self.invalid else text for place, text in enumerate(self.texts)]

    def __str__(self) -> str:
        """What is said of the graphs that are no molecules: how many, and why most of them."""
        kinds = Counter(re.sub(r"# \d+ ", "", reason) for reason in self.invalid.values())
        most = "; ".join(f"{count} times {reason}" for reason, count in kinds.most_common(3))
        return f"{len(self.invalid)} of {len(self.texts)} graphs are no possible molecules ({most})"


def mols_of(graphs: GraphSet) -> Iterator[tuple[Chem.Mol, str]]:
    """The RDKit molecule of each graph and an empty text, or one that is not sanitised and why it is no possible molecule.

    Raises:
        InputError: the graphs have no labels of nodes and edges, or labels that say no atom or bond.
    """
    schema = graphs.schema
    if schema.nodes is None or schema.edges is None or schema.directed:
        msg = (
            f"molecules need node labels that are elements and edge labels that are bonds, undirected, got {schema}; read them "
            f"from SMILES or an SDF, or with labels: set node_label = {NODES}, edge_label = {EDGES}"
        )
        raise InputError(msg)
    atoms = [atom_of(label) for label in schema.nodes.values]
    bonds = [(bond_of(label), label == AROMATIC) for label in schema.edges.values]
    assert graphs.node_labels is not None
    assert graphs.edge_labels is not None
    labels, orders, ends = graphs.node_labels.tolist(), graphs.edge_labels.tolist(), graphs.edges.tolist()
    ranges = zip(pairwise(graphs.node_offsets.tolist()), pairwise(graphs.edge_offsets.tolist()), strict=True)
    with quiet():
        for (start, stop), (first, last) in ranges:
            yield _mol([atoms[k] for k in labels[start:stop]], ends[first:last], [bonds[k] for k in orders[first:last]])


def _mol(atoms: list[Chem.Atom], ends: list[list[int]], bonds: list[tuple[Chem.BondType, bool]]) -> tuple[Chem.Mol, str]:
    mol = _built(atoms, ends, bonds)
    if not atoms:
        return mol, "no atoms"
    problem = problem_of(mol)
    if problem:
        mol = _built(atoms, ends, bonds)
        mol.UpdatePropertyCache(strict=False)
        Chem.FastFindRings(mol)
    return mol, problem


def _built(atoms: list[Chem.Atom], ends: list[list[int]], bonds: list[tuple[Chem.BondType, bool]]) -> Chem.RWMol:
    mol = Chem.RWMol()
    for atom in atoms:
        mol.AddAtom(atom)
    for (u, v), (kind, is_aromatic) in zip(ends, bonds, strict=True):
        mol.AddBond(u, v, kind)
        if is_aromatic:
            mol.GetBondBetweenAtoms(u, v).SetIsAromatic(True)
            mol.GetAtomWithIdx(u).SetIsAromatic(True)
            mol.GetAtomWithIdx(v).SetIsAromatic(True)
    return mol


def smiles_of(
    graphs: GraphSet, *, processes: int | None = None, progress: Callable[[int], None] = lambda _done: None
) -> Written:
    """The canonical SMILES of each graph, without stereo: equal for equal molecules.

    Args:
        graphs: with labels as `reading.graphs_of_texts` gives them.
        processes: for large sets; by default one for each core.
        progress: told how many have been done after each piece.

    Raises:
        InputError: labels that say no atom or bond.
    """
    return _written(graphs, _smiles_piece, processes, progress)


def smiles_once(
    graphs: GraphSet, folder: Path | None, *, progress: Callable[[int], None] = lambda _done: None
) -> list[str | None]:
    """As `smiles_of(...).valid`, kept in a folder for the next time where all graphs are molecules; None keeps nothing."""
    if folder is None:
        return smiles_of(graphs, progress=progress).valid
    content = hashlib.sha256(f"{RDKIT_VERSION} {graphs.content_hash()}".encode()).hexdigest()
    kept = folder / f"smiles-{content[:24]}.txt"
    if kept.is_file():
        return list(kept.read_text(encoding="utf-8").split("\n"))
    written = smiles_of(graphs, progress=progress)
    if not written.invalid:
        write_text(kept, "\n".join(written.texts))
    return written.valid


def molfiles_of(graphs: GraphSet, *, processes: int | None = None) -> Written:
    """The molfile of each graph, without coordinates, a record of an SDF (V2000; V3000 above 999 atoms or bonds)."""
    return _written(graphs, _molfile_piece, processes, lambda _done: None)


def _written(
    graphs: GraphSet,
    function: Callable[[GraphSet], list[tuple[str, str]]],
    processes: int | None,
    progress: Callable[[int], None],
) -> Written:
    pieces = [graphs[start : start + _PIECE] for start in range(0, len(graphs), _PIECE)]
    found: list[tuple[str, str]] = []
    for texts in in_processes(function, pieces, processes=processes):
        found += texts
        progress(len(found))
    return Written(
        texts=[text for text, _ in found],
        invalid={place: reason for place, (_, reason) in enumerate(found) if reason},
    )


def _smiles_piece(graphs: GraphSet) -> list[tuple[str, str]]:
    return [(Chem.MolToSmiles(mol), reason) for mol, reason in mols_of(graphs)]


def _molfile_piece(graphs: GraphSet) -> list[tuple[str, str]]:
    return [(Chem.MolToMolBlock(mol, includeStereo=False, kekulize=not reason), reason) for mol, reason in mols_of(graphs)]
