"""Numbers of a molecule that benchmarks of molecules compare.

References:
    [1] P. Ertl and A. Schuffenhauer, Estimation of synthetic accessibility score, J. Cheminformatics 1, 2009: SA.
    [2] G. R. Bickerton et al., Quantifying the chemical beauty of drugs, Nature Chemistry 4, 2012: QED.
    [3] R. Gomez-Bombarelli et al., Automatic chemical design, ACS Central Science 4, 2018; W. Jin et al., Junction tree
        variational autoencoder, ICML 2018: penalised logP, normalised on ZINC-250k.
    [4] N. Brown et al., GuacaMol, J. Chem. Inf. Model. 59, 2019: the nine descriptors of its KL score.
"""

import gzip
import importlib.util
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rdkit import Chem, RDConfig
from rdkit.Chem import Crippen, Descriptors
from rdkit.Chem.QED import qed

_ZINC = {"logp": (2.4570953396190123, 1.434324401111988), "sa": (-3.0525811293166134, 0.8335207024513095)}
_ZINC_RING = (-0.0485696876403053, 0.2860212110245455)  # mean and deviation over ZINC-250k, as all of these
GUACAMOL = (  # continuous ones, then counts
    ("BertzCT", "MolLogP", "MolWt", "TPSA"),
    ("NumHAcceptors", "NumHDonors", "NumRotatableBonds", "NumAliphaticRings", "NumAromaticRings"),
)


class _NumbersOnly(pickle.Unpickler):
    """Reads lists of numbers and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        """Raise: a table of numbers has no classes."""
        msg = f"a table of fragment scores must be numbers alone, got {module}.{name}"
        raise pickle.UnpicklingError(msg)


@cache
def _sa_scorer() -> ModuleType:
    """RDKit's own module, which it ships outside its package, with the scores of fragments read."""
    folder = Path(RDConfig.RDContribDir, "SA_Score")
    spec = importlib.util.spec_from_file_location("gengraph_sascorer", folder / "sascorer.py")
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    with gzip.open(folder / "fpscores.pkl.gz") as file:
        table = _NumbersOnly(file).load()
    vars(scorer)["_fscores"] = {fragment: float(row[0]) for row in table for fragment in row[1:]}
    return scorer


def synthetic_accessibility(mol: Chem.Mol) -> float:
    """SA [1], from 1 (easy) to 10."""
    return float(_sa_scorer().calculateScore(mol))


def log_p(mol: Chem.Mol) -> float:
    """Crippen's logP."""
    return float(Crippen.MolLogP(mol))


def weight(mol: Chem.Mol) -> float:
    """Molecular weight in g/mol."""
    return float(Descriptors.MolWt(mol))


def drug_likeness(mol: Chem.Mol) -> float:
    """QED [2], in [0, 1]."""
    return float(qed(mol))


MOSES: dict[str, Callable[[Chem.Mol], float]] = {
    "logp": log_p,
    "sa": synthetic_accessibility,
    "qed": drug_likeness,
    "weight": weight,
}


def penalised_log_p(logp: float, sa: float, largest_ring: int) -> float:
    """Normalised logP - SA - max(0, largest ring - 6) [3]."""
    ring = (-max(0, largest_ring - 6) - _ZINC_RING[0]) / _ZINC_RING[1]
    return (logp - _ZINC["logp"][0]) / _ZINC["logp"][1] + (-sa - _ZINC["sa"][0]) / _ZINC["sa"][1] + ring


def largest_ring(mol: Chem.Mol) -> int:
    """Atoms of the largest ring of RDKit's ring information, 0 without one: the same for every order of the atoms."""
    rings = mol.GetRingInfo().AtomRings()
    return max(map(len, rings), default=0)


def longest_basis_cycle(mol: Chem.Mol) -> int:
    """Atoms of the longest cycle of networkx's cycle basis, the published rule of [3].

    It depends on the order of the atoms and may be far longer than the largest ring; take the molecule of a canonical SMILES.
    """
    import networkx as nx

    return max(map(len, nx.cycle_basis(nx.Graph(Chem.GetAdjacencyMatrix(mol)))), default=0)


def guacamol_descriptors(mol: Chem.Mol) -> list[float]:
    """The nine descriptors of [4] in the order of GUACAMOL; 0 where one is no finite number."""
    values = [float(getattr(Descriptors, name)(mol)) for names in GUACAMOL for name in names]
    return [value if np.isfinite(value) else 0.0 for value in values]
