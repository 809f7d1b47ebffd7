"""What is compared of a set of molecules, computed once: fingerprints, properties, fragments, scaffolds.

Legend: n molecules.

References:
    [1] D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020.
    [2] N. Brown et al., GuacaMol, J. Chem. Inf. Model. 59, 2019.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.Scaffolds import MurckoScaffold

from gengraph.chemistry import RDKIT_VERSION
from gengraph.chemistry.filters import passes_filters
from gengraph.chemistry.fingerprints import GUACAMOL_BITS, MOSES_BITS, Words, morgan_words
from gengraph.chemistry.molecules import quiet
from gengraph.chemistry.processes import in_processes
from gengraph.chemistry.properties import MOSES, guacamol_descriptors, largest_ring, longest_basis_cycle
from gengraph.files import atomic_path

FloatArray = npt.NDArray[np.float64]
_PIECE = 500  # molecules that are worth a process
_FORMAT = 1  # of the files that keep this
_LEAST_RINGS = 2  # of a scaffold that counts [1]
_ARRAYS = ("bits", "properties", "passes", "rings", "wide_bits", "descriptors")
_COUNTS = ("fragments", "scaffolds")
Benchmark = Literal["moses", "guacamol", "filters"]
ALL: tuple[Benchmark, ...] = ("moses", "guacamol", "filters")
Progress = Callable[[int], None]
"""Told how many molecules are done."""


@dataclass(frozen=True, slots=True)
class Described:
    """A set of molecules; arrays of benchmarks that were not asked for have no rows.

    Attributes:
        bits: uint64[n, 16], the fingerprints of [1].
        properties: float64[n, 4], in the order of `properties.MOSES`.
        fragments: how often there is each piece that BRICS rules cut.
        scaffolds: how many molecules have each Murcko scaffold of at least two rings.
        passes: bool[n], the filters of [1].
        rings: int64[n, 2], atoms of the largest ring and of the longest cycle of a basis (`properties`).
        wide_bits: uint64[n, 64], the fingerprints of [2].
        descriptors: float64[n, 9], those of [2].
    """

    bits: Words
    properties: FloatArray
    fragments: Counter[str]
    scaffolds: Counter[str]
    passes: npt.NDArray[np.bool_]
    rings: npt.NDArray[np.int64]
    wide_bits: Words
    descriptors: FloatArray

    @classmethod
    def concatenate(cls, parts: "Sequence[Described]") -> "Described":
        """All of them, in order; at least one."""
        arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        counts: dict[str, Any] = {name: Counter() for name in _COUNTS}
        for name, part in product(_COUNTS, parts):
            counts[name].update(getattr(part, name))
        return cls(**arrays, **counts)


def describe(
    smiles: Sequence[str],
    wanted: Sequence[Benchmark] = ALL,
    *,
    processes: int | None = None,
    progress: Progress = lambda _done: None,
) -> Described:
    """Describe molecules that are given by canonical SMILES, all of them valid.

    Args:
        smiles: of n molecules.
        wanted: what it is for: moses, guacamol, or filters (and rings), which generated molecules alone need.
        processes: for many; by default one for each core.
        progress: told how many are done.
    """
    pieces = [(list(smiles[start : start + _PIECE]), tuple(wanted)) for start in range(0, len(smiles), _PIECE)]
    parts = []
    for part in in_processes(describe_piece, pieces or [([], tuple(wanted))], processes=processes):
        parts.append(part)
        progress(min(len(smiles), _PIECE * len(parts)))
    return Described.concatenate(parts)


def describe_piece(work: tuple[list[str], tuple[Benchmark, ...]]) -> Described:
    """Describe a few molecules in this process."""
    smiles, wanted = work
    with quiet():
        mols = [Chem.MolFromSmiles(text) for text in smiles]
        moses, guacamol, filters = (mols if name in wanted else [] for name in ALL)
        properties = [[compute(mol) for compute in MOSES.values()] for mol in moses]
        scaffolds = [scaffold for scaffold in map(_scaffold, moses) if scaffold is not None]
        return Described(
            bits=morgan_words(moses, MOSES_BITS),
            properties=np.array(properties, np.float64).reshape(-1, len(MOSES)),
            fragments=Counter(fragment for mol in moses for fragment in _fragments(mol)),
            scaffolds=Counter(scaffolds),
            passes=np.array([passes_filters(mol) for mol in filters], bool),
            rings=np.array([(largest_ring(mol), longest_basis_cycle(mol)) for mol in filters], np.int64).reshape(-1, 2),
            wide_bits=morgan_words(guacamol, GUACAMOL_BITS),
            descriptors=np.array([guacamol_descriptors(mol) for mol in guacamol], np.float64).reshape(-1, 9),
        )


def _fragments(mol: Chem.Mol) -> list[str]:
    return str(Chem.MolToSmiles(AllChem.FragmentOnBRICSBonds(mol))).split(".")


def _scaffold(mol: Chem.Mol) -> str | None:
    """The Murcko scaffold with the double bonds that leave its rings, as [1] has it; None of fewer than two rings."""
    try:
        scaffold = MurckoScaffold.GetScaffoldForMol(mol)
    except (ValueError, RuntimeError):
        return None
    if scaffold.GetRingInfo().NumRings() < _LEAST_RINGS:
        return None
    return str(Chem.MolToSmiles(scaffold)) or None


def described_once(
    smiles: Sequence[str],
    wanted: Sequence[Benchmark],
    folder: Path | None,
    *,
    progress: Progress = lambda _done: None,
) -> Described:
    """As `describe`, kept in a folder for the next time; None keeps nothing."""
    if folder is None:
        return describe(smiles, wanted, progress=progress)
    content = hashlib.sha256("\n".join([f"{_FORMAT} {RDKIT_VERSION} {' '.join(wanted)}", *smiles]).encode()).hexdigest()
    kept = folder / f"described-{content[:24]}.npz"
    if kept.is_file():
        return _load(kept)
    described = describe(smiles, wanted, progress=progress)
    _save(described, kept)
    return described


def _save(described: Described, path: Path) -> None:
    counts: dict[str, Any] = {name: np.array(json.dumps(getattr(described, name))) for name in _COUNTS}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **(counts | {name: getattr(described, name) for name in _ARRAYS}))


def _load(path: Path) -> Described:
    with np.load(path, allow_pickle=False) as file:
        counts: dict[str, Any] = {name: Counter(json.loads(str(file[name]))) for name in _COUNTS}
        return Described(**{name: file[name] for name in _ARRAYS}, **counts)
