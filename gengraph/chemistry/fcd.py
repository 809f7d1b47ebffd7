"""The Frechet ChemNet distance [1]: between Gaussians of the features that the network ChemNet has of two sets of molecules.

The network reads SMILES as they are spelt, padded to 350 letters, and one longer SMILES in a set would change the features of
all others. So only canonical SMILES without stereo enter, of a molecule of several parts that of the largest (of equal ones the
first in the canonical SMILES), and none of more than 349 letters; how many were cut or left out is told.

Reference:
    [1] K. Preuer et al., Frechet ChemNet Distance: A Metric for Generative Models for Molecules in Drug Discovery, J. Chem.
        Inf. Model. 58, 2018.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gengraph.chemistry.processes import in_processes
from gengraph.errors import InputError

FloatArray = npt.NDArray[np.float64]
LEAST = 512  # features: of fewer molecules the covariance is singular
_LETTERS = 350  # with the sign of the end
_WEIGHTS = "ChemNet_v0.13_pretrained.pt"  # in the package fcd
_BATCH, _PIECE = 128, 1024  # molecules that the network reads at a time, and that are worth a process


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The features of a set.

    Attributes:
        mean: float64[512].
        covariance: float64[512, 512].
        count: molecules it was estimated from.
        cut: of how many of these a part was taken.
        too_long: molecules that were left out.
    """

    mean: FloatArray
    covariance: FloatArray
    count: int
    cut: int = 0
    too_long: int = 0


def features_of(
    smiles: Sequence[str], *, processes: int | None = None, progress: Callable[[int], None] = lambda _done: None
) -> Gaussian | None:
    """The Gaussian of a set of canonical SMILES; None of fewer than two.

    Args:
        smiles: canonical, without stereo.
        processes: for many; by default one for each core.
        progress: told how many are done.

    Raises:
        InputError: the package fcd is missing.
    """
    whole = [max(text.split("."), key=_num_atoms) for text in smiles]
    kept = [text for text in whole if len(text) < _LETTERS]
    if len(kept) < 2:
        return None
    pieces, found = [kept[start : start + _PIECE] for start in range(0, len(kept), _PIECE)], []
    for piece in in_processes(activations_of, pieces, processes=processes):
        found.append(piece)
        progress(min(len(kept), _PIECE * len(found)))
    activations = np.concatenate(found)
    return Gaussian(
        activations.mean(axis=0).astype(np.float64),
        np.cov(activations.T),
        len(kept),
        cut=sum("." in text for text in smiles),
        too_long=len(whole) - len(kept),
    )


def _num_atoms(smiles: str) -> int:
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    return 0 if mol is None else int(mol.GetNumAtoms())


def activations_of(smiles: list[str]) -> npt.NDArray[np.float32]:
    """float32[n, 512], computed in this process in one thread."""
    try:
        import fcd
        import torch
        from fcd.utils import get_one_hot
    except ImportError as error:
        msg = "the Frechet ChemNet distance needs the package fcd; pip install 'gengraph[molecules]'"
        raise InputError(msg) from error
    network = fcd.load_ref_model(str(Path(fcd.__file__).with_name(_WEIGHTS)))
    found = []
    torch.set_num_threads(1)
    with torch.no_grad():
        for start in range(0, len(smiles), _BATCH):
            letters = np.stack([get_one_hot(text, pad_len=_LETTERS) for text in smiles[start : start + _BATCH]])
            batch = torch.from_numpy(letters / letters.shape[2]).transpose(1, 2).float()
            found.append(network(batch).numpy().astype(np.float32))
    return np.concatenate(found)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); O(512^3).

    The trace of the root is the sum of the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric: nothing is
    lost where a covariance is singular.
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    spectrum = np.linalg.eigvalsh(root @ second.covariance @ root)
    shift = first.mean - second.mean
    trace = np.trace(first.covariance) + np.trace(second.covariance) - 2 * np.sqrt(np.clip(spectrum, 0, None)).sum()
    return max(0.0, float(shift @ shift + trace))
