"""Numbers of molecules that are to be reached: one a graph, NaN for a graph that is no possible molecule of one part.

RDKit is quick enough to score what a step of training draws in this process: about 300 molecules a second for QED, 2,000 for
logP.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from gengraph.chemistry import properties
from gengraph.chemistry.writing import mols_of
from gengraph.errors import InputError
from gengraph.graphs import GraphSet

FloatArray = npt.NDArray[np.float64]


def _of_each(graphs: GraphSet, compute: Callable[[Chem.Mol], float]) -> FloatArray:
    scores = np.full(len(graphs), np.nan)
    for place, (mol, problem) in enumerate(mols_of(graphs)):
        if not problem and len(Chem.GetMolFrags(mol)) == 1:
            # from its canonical SMILES: RDKit's numbers must not depend on the order of the atoms
            scores[place] = compute(Chem.MolFromSmiles(Chem.MolToSmiles(mol)))
    return scores


def qed(graphs: GraphSet) -> FloatArray:
    """Drug-likeness, in [0, 1] (`properties.drug_likeness`)."""
    return _of_each(graphs, properties.drug_likeness)


def log_p(graphs: GraphSet) -> FloatArray:
    """Crippen's logP."""
    return _of_each(graphs, properties.log_p)


def easy_synthesis(graphs: GraphSet) -> FloatArray:
    """10 - SA, from 0 (hard) to 9 (easy): SA itself is the higher the harder (`properties.synthetic_accessibility`)."""
    return _of_each(graphs, lambda mol: 10 - properties.synthetic_accessibility(mol))


def weight(graphs: GraphSet) -> FloatArray:
    """Molecular weight in g/mol."""
    return _of_each(graphs, properties.weight)


def penalised_log_p(graphs: GraphSet) -> FloatArray:
    """Penalised logP with the largest ring of RDKit's ring information (`properties.penalised_log_p`)."""
    return _of_each(graphs, lambda mol: _penalised(mol, properties.largest_ring(mol)))


def published_penalised_log_p(graphs: GraphSet) -> FloatArray:
    """The same with the published ring term, the longest cycle of networkx's cycle basis (`properties.longest_basis_cycle`)."""
    return _of_each(graphs, lambda mol: _penalised(mol, properties.longest_basis_cycle(mol)))


def _penalised(mol: Chem.Mol, ring: int) -> float:
    return properties.penalised_log_p(properties.log_p(mol), properties.synthetic_accessibility(mol), ring)


def validity(graphs: GraphSet) -> FloatArray:
    """1 for a possible molecule of one part, else 0."""
    return np.isfinite(_of_each(graphs, lambda _mol: 1.0)).astype(np.float64)


def similarity_to(smiles: str) -> Callable[[GraphSet], FloatArray]:
    """The Tanimoto similarity to one molecule, in [0, 1], of Morgan fingerprints with radius 2 and 2,048 bits.

    Raises:
        InputError: the SMILES says no molecule.
    """
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or not mol.GetNumAtoms():
        msg = f"similarity needs the SMILES of a molecule, got {smiles!r}, which RDKit cannot read; look for a slip in it"
        raise InputError(msg)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    own = generator.GetFingerprint(mol)

    def similarity(graphs: GraphSet) -> FloatArray:
        return _of_each(graphs, lambda other: float(DataStructs.TanimotoSimilarity(own, generator.GetFingerprint(other))))

    return similarity
