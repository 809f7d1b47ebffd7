"""Generated molecules beside real ones, as MOSES [1] and GuacaMol [2] compare them, equal to their own code.

Every share and distance is over canonical SMILES without stereo; in `keys` each says what two molecules being the same means.
Where nothing is valid a share is 0 and a distance nan, never the best value.

References:
    [1] D. Polykovskiy et al., Molecular Sets (MOSES), Frontiers in Pharmacology 11, 2020; molsets 0.3.1.
    [2] N. Brown et al., GuacaMol, J. Chem. Inf. Model. 59, 2019; guacamol 0.5.5.
    [3] K. Preuer et al., Frechet ChemNet Distance, J. Chem. Inf. Model. 58, 2018.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gengraph.chemistry import RDKIT_VERSION
from gengraph.chemistry.descriptions import ALL, Benchmark, Described, described_once
from gengraph.chemistry.distributions import cosine_of_counts, kullback_leibler, wasserstein
from gengraph.chemistry.fcd import LEAST, Gaussian, features_of, frechet_distance
from gengraph.chemistry.fingerprints import internal_diversity, nearest_similarities
from gengraph.chemistry.properties import MOSES, penalised_log_p
from gengraph.errors import InputError
from gengraph.files import atomic_path

KEY = "canonical SMILES without stereo"
GUACAMOL_MOLECULES = 10_000  # of the training set that GuacaMol's two scores are against
_NAN = float("nan")
Stage = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Begins something that takes time: its name and of how many molecules; gives whom to tell how many are done."""


def _silent(_name: str, _total: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _done: None)


@dataclass(frozen=True, kw_only=True, slots=True)
class MoleculeSets:
    """What is compared.

    Attributes:
        generated: canonical SMILES without stereo; None for each generated text or graph that is no molecule.
        reference: those of real molecules that the generator has not seen, by the name of the set: test, say, and scaffolds.
        train: those of the molecules it was trained on, for novelty and GuacaMol's scores; None if they are not known.
    """

    generated: Sequence[str | None]
    reference: Mapping[str, Sequence[str]]
    train: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not len(self.generated) or not self.reference or not all(map(len, self.reference.values())):
            msg = (
                "molecules are compared with at least 1 real and 1 generated molecule, got "
                f"{[len(part) for part in self.reference.values()]} and {len(self.generated)}; check the files"
            )
            raise InputError(msg)

    @property
    def valid(self) -> list[str]:
        """Generated molecules."""
        return [text for text in self.generated if text is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class MoleculeEvaluation:
    """What `evaluate_molecules` found.

    Attributes:
        protocol: molecules.
        num_generated: texts or graphs.
        num_reference: molecules of each set of real ones.
        num_train: training molecules, None if they are not known.
        num_parts: valid molecules of several parts, salts say.
        metrics: by name; `unique@k` is of the first k valid ones. Against a reference set the name ends with /SET.
        divergences: the ten of GuacaMol's KL score.
        outside: the share of generated values outside the training range, which they do not see.
        keys: by share, what is the same molecule.
        notes: what to know when reading the numbers.
        versions: of the packages that computed them.
    """

    protocol: str = "molecules"
    num_generated: int
    num_reference: Mapping[str, int]
    num_train: int | None
    num_parts: int
    metrics: Mapping[str, float]
    divergences: Mapping[str, float]
    outside: Mapping[str, float]
    keys: Mapping[str, str]
    notes: Sequence[str]
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; nan becomes None."""
        result = dataclasses.asdict(self)
        for name in ("metrics", "divergences", "outside"):
            result[name] = {key: None if math.isnan(value) else value for key, value in result[name].items()}
        return result


def evaluate_molecules(
    sets: MoleculeSets, *, seed: int = 0, keep: Path | None = None, stage: Stage = _silent
) -> MoleculeEvaluation:
    """Compare generated molecules with real ones.

    Args:
        sets: of canonical SMILES.
        seed: of the training molecules that GuacaMol's scores are against, where there are more than GUACAMOL_MOLECULES.
        keep: a folder that what takes long of real molecules is kept in for the next time.
        stage: told what is done.

    Raises:
        InputError: the package fcd is missing.

    Complexity: of m real and n generated molecules linear in m + n (milliseconds each) but for similarities, O(n (m + n)) of
    some nanoseconds.
    """
    valid = sets.valid
    metrics = shares(sets)
    described = _described("generated molecules", valid, ALL, None, stage)
    features = features_once("generated molecules", valid, None, stage)
    metrics |= _of_generated(described)
    for name, smiles in sets.reference.items():
        real = _described(f"molecules of {name}", smiles, ("moses",), keep, stage)
        metrics |= {f"{metric}/{name}": value for metric, value in against(real, described).items()}
        metrics[f"fcd/{name}"] = fcd_of(features_once(f"molecules of {name}", smiles, keep, stage), features)
    learned, whose = _learned(sets, seed)
    old = _described(f"molecules of {whose}", learned, ("guacamol",), keep, stage)
    new = _described("distinct generated molecules", sorted(set(valid)), ("guacamol",), None, stage)
    divergence = kullback_leibler(old, new)
    metrics["guacamol_kl"] = divergence.score
    distance = fcd_of(features_once(f"molecules of {whose}", learned, keep, stage), features)
    metrics["guacamol_fcd"] = math.exp(-0.2 * distance)
    return MoleculeEvaluation(
        num_generated=len(sets.generated),
        num_reference={name: len(part) for name, part in sets.reference.items()},
        num_train=None if sets.train is None else len(sets.train),
        num_parts=sum("." in text for text in valid),
        metrics=metrics,
        divergences=divergence.divergences,
        outside=divergence.outside,
        keys={name: KEY for name in metrics if name.startswith(("unique", "novel"))},
        notes=_notes(sets, features, f"{len(learned)} molecules of {whose}"),
        versions=versions(),
    )


def shares(sets: MoleculeSets) -> dict[str, float]:
    """Valid of all; unique of the valid ones; novel of the unique ones [1]."""
    valid, total = sets.valid, len(sets.generated)
    distinct = set(valid)
    shares = {"valid": len(valid) / total, "unique": len(distinct) / len(valid) if valid else 0.0}
    for first in (1000, 10_000):
        if len(valid) >= first:
            shares[f"unique@{first}"] = len(set(valid[:first])) / first
    if sets.train is not None:
        fresh = distinct - set(sets.train)
        shares["novel"] = len(fresh) / len(distinct) if distinct else 0.0
        shares["valid_unique_novel"] = len(fresh) / total
    return shares


def _of_generated(described: Described) -> dict[str, float]:
    if not len(described.bits):
        return dict.fromkeys(("internal_diversity", "internal_diversity_2", "penalised_logp"), _NAN) | {"filters": 0.0}
    diversity = internal_diversity(described.bits)
    logp, sa = (described.properties[:, list(MOSES).index(name)] for name in ("logp", "sa"))
    scores = [
        [penalised_log_p(*row) for row in zip(logp.tolist(), sa.tolist(), rings.tolist(), strict=True)]
        for rings in described.rings.T
    ]
    return {
        "internal_diversity": diversity[0],
        "internal_diversity_2": diversity[1],
        "filters": float(described.passes.mean()),
        "penalised_logp": float(np.mean(scores[0])),
        "penalised_logp_largest": float(np.max(scores[0])),
        "penalised_logp_cycle_basis": float(np.mean(scores[1])),
        "penalised_logp_cycle_basis_largest": float(np.max(scores[1])),
    }


def against(real: Described, described: Described) -> dict[str, float]:
    """Likeness (snn, fragments, scaffolds) and distances of properties between generated and real molecules [1]."""
    similarity = nearest_similarities(described.bits, real.bits).mean() if len(described.bits) else 0.0
    return {
        "snn": float(similarity),
        "fragments": cosine_of_counts(real.fragments, described.fragments),
        "scaffolds": cosine_of_counts(real.scaffolds, described.scaffolds),
        **{f"{name}_distance": wasserstein(real.properties[:, k], described.properties[:, k]) for k, name in enumerate(MOSES)},
    }


def _learned(sets: MoleculeSets, seed: int) -> tuple[list[str], str]:
    """Distinct training molecules, at most GUACAMOL_MOLECULES of them, else those of the first reference; and their name."""
    whose = next(iter(sets.reference)) if sets.train is None else "train"
    distinct = list(dict.fromkeys(sets.reference[whose] if sets.train is None else sets.train))
    if len(distinct) > GUACAMOL_MOLECULES:
        chosen = np.random.default_rng(seed).choice(len(distinct), GUACAMOL_MOLECULES, replace=False)
        distinct = [distinct[k] for k in np.sort(chosen)]
    return distinct, whose


def _described(what: str, smiles: Sequence[str], wanted: Sequence[Benchmark], keep: Path | None, stage: Stage) -> Described:
    with stage(f"describing {what}", len(smiles)) as progress:
        return described_once(smiles, wanted, keep, progress=progress)


def features_once(what: str, smiles: Sequence[str], keep: Path | None, stage: Stage = _silent) -> Gaussian | None:
    """ChemNet features of a set of canonical SMILES, from the folder if they are there; None keeps nothing."""
    content = hashlib.sha256("\n".join([versions()["fcd"], *smiles]).encode()).hexdigest()
    kept = None if keep is None else keep / f"features-{content[:24]}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            return Gaussian(file["mean"], file["covariance"], *file["counts"].tolist())
    with stage(f"ChemNet features of {what}", len(smiles)) as progress:
        found = features_of(smiles, progress=progress)
    if kept is not None and found is not None:
        with atomic_path(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, mean=found.mean, covariance=found.covariance, counts=[found.count, found.cut, found.too_long])
    return found


def fcd_of(first: Gaussian | None, second: Gaussian | None) -> float:
    """The Frechet ChemNet distance; nan where one has no features."""
    return _NAN if first is None or second is None else frechet_distance(first, second)


def _notes(sets: MoleculeSets, features: Gaussian | None, learned: str) -> list[str]:
    notes = [f"guacamol_kl and guacamol_fcd are against {learned}"]
    smallest = min(len(sets.valid), *map(len, sets.reference.values()))
    if smallest < LEAST:
        notes.append(f"fcd of fewer than {LEAST} molecules is biased upwards (here {smallest}): compare sets of one size")
    if features is not None and (features.cut or features.too_long):
        notes.append(
            f"fcd takes the largest part of {features.cut} molecules and leaves out {features.too_long} that are too long"
        )
    if sets.train is None:
        notes.append("without training molecules nothing is said of novelty")
    return notes


def versions() -> dict[str, str]:
    """Of the packages that compute the metrics.

    Raises:
        InputError: the package fcd is missing.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return {"rdkit": RDKIT_VERSION, "fcd": version("fcd")}
    except PackageNotFoundError as error:
        msg = "the Frechet ChemNet distance needs the package fcd; pip install 'gengraph[molecules]'"
        raise InputError(msg) from error
