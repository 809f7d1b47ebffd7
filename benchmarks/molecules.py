"""The protocol molecules: generated molecules beside test molecules, by the metrics of `gengraph.chemistry.metrics`.

Real molecules are described once for all rows, those of a row once; both are kept as artefacts.

Legend: n molecules, P bootstrap samples.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gengraph.benchmarks.artefacts import Artefact, Store, content_key
from gengraph.benchmarks.steps import Data, json_ready
from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.molecules import are_molecules, generated_smiles
from gengraph.graphs import GraphSet
from gengraph.graphs.collection import Policy
from gengraph.graphs.drawing import choose
from gengraph.metrics.significance import Uncertainty
from gengraph.metrics.statistics import FloatArray

if TYPE_CHECKING:
    from gengraph.chemistry.descriptions import Described

MOLECULES = "molecules"
NUM_SAMPLES = 1_000
"""Graphs to sample of a data set of molecules, at most, unless it is said: these sets are large and some samplers slow."""
SHARES = ("valid", "unique", "novel")
_PROPERTIES = ("logp", "sa", "qed", "weight")  # the order of `chemistry.properties.MOSES`
_QED = _PROPERTIES.index("qed")
DISTANCES = tuple(f"{name}_distance" for name in _PROPERTIES)
METRICS = (*SHARES, "fcd", "fragments", "scaffolds", *DISTANCES, "mean_qed", "internal_diversity")
_TRAIN, _TEST = "train.smi", "test.smi"


def check_molecules(data: Sequence[Data]) -> None:
    """Every data set is of molecules, and what compares them is installed.

    Raises:
        InputError: it is not.
    """
    for part in data:
        if not are_molecules(part.split.test):
            msg = (
                f"the protocol {MOLECULES} compares graphs whose labels are elements and bonds, got {part.name} with "
                f"{part.split.test.schema}; leave out one of the two, or read the data from SMILES or an SDF"
            )
            raise InputError(msg)
    from gengraph.chemistry.metrics import versions

    versions()


def usual_samples(data: Data) -> int:
    """Graphs to sample unless it is said: as many as there are training graphs, of molecules at most NUM_SAMPLES."""
    count = len(data.fitting)
    return min(count, NUM_SAMPLES) if are_molecules(data.fitting) else count


def real_molecules(store: Store, data: Data, *, num_reference: int, seed: int) -> Artefact:
    """The SMILES of training and test molecules, the latter described and with their ChemNet features.

    Args:
        store: of artefacts.
        data: of molecules.
        num_reference: test molecules, drawn with the seed where there are more; 0 takes all.
        seed: of what is drawn.

    Raises:
        InputError: one of them is no possible molecule.
    """
    from gengraph.chemistry.descriptions import described_once
    from gengraph.chemistry.metrics import features_once, versions

    test = choose(data.split.test, num_reference or len(data.split.test), seed=seed)

    def make(folder: Path) -> dict[str, Any]:
        reference = _possible("test", test)
        write_text(folder / _TEST, "\n".join(reference))
        write_text(folder / _TRAIN, "\n".join(_possible("training", data.fitting)))
        described_once(reference, ("moses",), folder)
        features_once("test", reference, folder)
        return {"num_reference": len(reference), "seed": seed, "versions": versions()}

    inputs = {"test": test.content_hash(), "train": data.fitting.content_hash(), "seed": seed, "versions": versions()}
    return store.step(MOLECULES, inputs, make)


def _possible(what: str, graphs: GraphSet) -> list[str]:
    from gengraph.chemistry.writing import smiles_of

    written = smiles_of(graphs)
    if written.invalid:
        msg = f"{what} molecules must be possible ones, got {written}; leave these out of the data"
        raise InputError(msg)
    return written.texts


def score_graphs(
    store: Store, real: Artefact, graphs: GraphSet, *, uncertainty: Uncertainty
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """What `evaluate_molecules` says of generated graphs with the labels of molecules, as far as METRICS go.

    Returns:
        `metrics`, `counts` (count and total of each share), `real` (how many test molecules, and their seed); and float64[P] by
        metric: how far it goes from its mean when generated and test molecules are drawn again, the latter alike for all.
    """
    from gengraph.chemistry.writing import smiles_of

    return _score(store, real, {"graphs": graphs.content_hash()}, lambda: smiles_of(graphs).valid, uncertainty)


def score_file(
    store: Store, real: Artefact, path: Path, policy: Policy, *, uncertainty: Uncertainty
) -> tuple[dict[str, Any], dict[str, FloatArray]] | None:
    """As `score_graphs`, of a file of SMILES, in which lines that are no molecules count as invalid; None of other files."""
    texts = generated_smiles(path, policy)
    return None if texts is None else _score(store, real, {"texts": texts}, lambda: texts, uncertainty)


def _score(
    store: Store,
    real: Artefact,
    generated: dict[str, Any],
    smiles: Callable[[], Sequence[str | None]],
    uncertainty: Uncertainty,
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    from gengraph.chemistry.metrics import versions

    inputs = {
        "real": real.content,
        "generated": generated,
        "versions": versions(),
        "num_bootstrap": uncertainty.num_bootstrap,
        "seed": uncertainty.seed,
    }
    made = store.step(MOLECULES, inputs, partial(_make_scores, real, smiles, uncertainty))
    with np.load(made.folder / "replicates.npz", allow_pickle=False) as file:
        return made.outcome, dict(file)


def _make_scores(
    real: Artefact, smiles: Callable[[], Sequence[str | None]], uncertainty: Uncertainty, folder: Path
) -> dict[str, Any]:
    from gengraph.chemistry.descriptions import describe, described_once
    from gengraph.chemistry.fingerprints import internal_diversity
    from gengraph.chemistry.metrics import MoleculeSets, against, fcd_of, features_once, shares

    reference, train = ((real.folder / name).read_text(encoding="utf-8").split("\n") for name in (_TEST, _TRAIN))
    sets = MoleculeSets(generated=smiles(), reference={"test": reference}, train=train)
    known, found = described_once(reference, ("moses",), real.folder), describe(sets.valid, ("moses",))
    features = [features_once("", texts, kept) for texts, kept in ((reference, real.folder), (sets.valid, None))]
    metrics = shares(sets) | against(known, found) | {"fcd": fcd_of(*features)}
    metrics |= dict.fromkeys(("mean_qed", "internal_diversity"), math.nan)
    if sets.valid:
        metrics["mean_qed"] = float(found.properties[:, _QED].mean())
        metrics["internal_diversity"] = internal_diversity(found.bits)[0]
    np.savez(folder / "replicates.npz", allow_pickle=False, **_replicates(known, found, uncertainty))
    return {
        "metrics": json_ready({name: metrics[name] for name in METRICS}),
        "counts": _counts(metrics, len(sets.generated), len(sets.valid), len(set(sets.valid))),
        "real": real.outcome,
    }


def _counts(metrics: dict[str, float], generated: int, valid: int, distinct: int) -> dict[str, dict[str, int]]:
    """What each share is of."""
    totals = dict(zip(SHARES, (generated, valid, distinct), strict=True))
    return {name: {"count": round(metrics[name] * total), "total": total} for name, total in totals.items()}


def _replicates(known: "Described", found: "Described", uncertainty: Uncertainty) -> dict[str, FloatArray]:
    """float64[P] of the distances of properties and of the mean QED, less their means."""
    if not uncertainty.num_bootstrap or not len(found.properties):
        return {}
    own = bytes.fromhex(content_key(found.properties.tolist()))
    first, second = (np.random.default_rng([uncertainty.seed, *which]) for which in ((0,), (1, *own)))
    drawn = np.array(
        [_drawn_again(known.properties, found.properties, first, second) for _ in range(uncertainty.num_bootstrap)]
    )
    return dict(zip((*DISTANCES, "mean_qed"), (drawn - drawn.mean(axis=0)).T, strict=True))


def _drawn_again(known: FloatArray, found: FloatArray, *rngs: np.random.Generator) -> list[float]:
    from gengraph.chemistry.distributions import wasserstein

    real, new = (rows[rng.integers(len(rows), size=len(rows))] for rows, rng in zip((known, found), rngs, strict=True))
    return [*(wasserstein(real[:, k], new[:, k]) for k in range(len(DISTANCES))), float(new[:, _QED].mean())]
