import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from typer.testing import CliRunner

from gengraph.chemistry import metrics as compared
from gengraph.chemistry.descriptions import Described, describe, described_once
from gengraph.chemistry.distributions import cosine_of_counts, kullback_leibler, wasserstein
from gengraph.chemistry.fcd import Gaussian, features_of, frechet_distance
from gengraph.chemistry.filters import passes_filters
from gengraph.chemistry.fingerprints import mean_similarities, morgan_words, nearest_similarities
from gengraph.chemistry.metrics import KEY, MoleculeSets, evaluate_molecules
from gengraph.chemistry.properties import MOSES, largest_ring, longest_basis_cycle, penalised_log_p
from gengraph.cli.app import app
from gengraph.errors import InputError

HERE = Path(__file__).parent
GOLDENS = json.loads((HERE / "goldens.json").read_text())
TEST = (HERE / "moses_test_500.smi").read_text().split()
TRAIN = (HERE / "moses_train_500.smi").read_text().split()
QM9 = (HERE / "qm9_400.smi").read_text().split()
FEW = describe(QM9[:80], processes=1)
NAMES = {  # ours by those of molsets
    "IntDiv": ("internal_diversity", 1e-6),  # molsets sums 32-bit numbers
    "IntDiv2": ("internal_diversity_2", 1e-6),
    "Filters": ("filters", 0),
    "SNN/Test": ("snn/test", 1e-6),
    "Frag/Test": ("fragments/test", 1e-12),
    "Scaf/Test": ("scaffolds/test", 1e-12),
    "FCD/Test": ("fcd/test", 1e-6),
    "logP": ("logp_distance/test", 1e-12),
    "SA": ("sa_distance/test", 1e-12),
    "QED": ("qed_distance/test", 1e-12),
    "weight": ("weight_distance/test", 1e-12),
    "valid": ("valid", 0),
    "unique@500": ("unique", 0),
    "Novelty": ("novel", 0),
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_number_is_that_of_moses_and_guacamol() -> None:
    found = evaluate_molecules(MoleculeSets(generated=TEST, reference={"test": TRAIN}, train=TRAIN)).to_dict()
    metrics = found["metrics"]
    for name, (ours, tolerance) in NAMES.items():
        assert metrics[ours] == pytest.approx(GOLDENS["moses"][name], abs=tolerance), name
    guacamol = GOLDENS["guacamol"]
    assert metrics["guacamol_kl"] == pytest.approx(guacamol["KL divergence"], abs=1e-12)
    assert metrics["guacamol_fcd"] == pytest.approx(guacamol["Frechet ChemNet Distance score"], abs=1e-6)
    assert found["divergences"] == pytest.approx(guacamol["kl_divs"], abs=1e-12)
    assert metrics["fcd/test"] == pytest.approx(GOLDENS["fcd"]["get_fcd_raw"], abs=1e-6)
    assert found["keys"] == dict.fromkeys(("unique", "novel"), KEY)
    assert any("fewer than 512" in note for note in found["notes"])
    assert all(0 <= share < 0.05 for share in found["outside"].values())


def test_similarities_are_those_of_rdkit() -> None:
    mols = [Chem.MolFromSmiles(smiles) for smiles in QM9[:40]]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    bits = [generator.GetFingerprint(mol) for mol in mols]
    known = np.array([DataStructs.BulkTanimotoSimilarity(one, bits) for one in bits])
    words = morgan_words(mols, 1024)
    assert nearest_similarities(words[:10], words[10:]) == pytest.approx(known[:10, 10:].max(axis=1), abs=1e-15)
    without_own = known - np.eye(len(known)) * known
    assert nearest_similarities(words, words, within=True) == pytest.approx(without_own.max(axis=1), abs=1e-15)
    for power in (1, 2):
        assert mean_similarities(words, power) == pytest.approx((known**power).mean(axis=1), abs=1e-14)


def test_no_bits_at_all_are_alike() -> None:
    none = np.zeros((2, 16), np.uint64)
    assert nearest_similarities(none, none).tolist() == [1.0, 1.0]


def test_filters_reject_what_moses_does() -> None:
    for smiles, passes in {
        "c1ccccc1C(=O)NC": True,
        "C1CCCCCCC1": False,  # eight atoms in a ring
        "C[N+](C)(C)C": False,
        "C[Si](C)(C)C": False,
        "CC=O": False,  # an aldehyde, MCF7
        "O=C1NC(=S)SC1=Cc1ccccc1": False,  # a rhodanine, PAINS
    }.items():
        assert passes_filters(Chem.MolFromSmiles(smiles)) == passes, smiles


def test_the_two_ring_terms_of_penalised_log_p() -> None:
    morphine = Chem.MolFromSmiles(Chem.CanonSmiles("CN1CCC23C4C1CC5=C2C(=C(C=C5)O)OC3C(C=C4)O"))
    assert largest_ring(morphine) == 6
    assert longest_basis_cycle(morphine) > 6
    assert largest_ring(Chem.MolFromSmiles("CCO")) == longest_basis_cycle(Chem.MolFromSmiles("CCO")) == 0
    assert penalised_log_p(2.0, 3.0, 8) == pytest.approx(penalised_log_p(2.0, 3.0, 6) - 2 / 0.2860212110245455)
    assert penalised_log_p(2.4570953396190123, 3.0525811293166134, 0) == pytest.approx(0.0485696876403053 / 0.2860212110245455)


def test_distances_of_nothing_are_not_numbers() -> None:
    assert math.isnan(cosine_of_counts(Counter(), Counter("a")))
    assert math.isnan(wasserstein(np.zeros(0), np.ones(3)))
    empty = describe([], processes=1)
    divergence = kullback_leibler(FEW, empty)
    assert math.isnan(divergence.score)
    assert all(math.isnan(value) for value in divergence.outside.values())


def test_what_lies_outside_the_training_range_is_told() -> None:
    small, large = describe(["CCO", "CCN", "CCC", "CC"], processes=1), describe(["C" * k for k in range(20, 30)], processes=1)
    divergence = kullback_leibler(small, large)
    assert divergence.outside["MolWt"] == 1.0
    assert divergence.outside["NumRotatableBonds"] == 1.0
    assert math.isnan(divergence.divergences["NumRotatableBonds"])  # no generated value in any bin
    assert math.isnan(divergence.score)


def test_a_set_is_at_no_distance_from_itself() -> None:
    assert cosine_of_counts(FEW.fragments, FEW.fragments) == pytest.approx(1)
    assert kullback_leibler(FEW, FEW).score == pytest.approx(1)
    assert all(wasserstein(FEW.properties[:, k], FEW.properties[:, k]) == 0 for k in range(len(MOSES)))


def test_the_distance_of_gaussians() -> None:
    rng = np.random.default_rng(0)
    scales = rng.uniform(0.5, 2, (2, 5))
    first, second = (Gaussian(rng.normal(size=5), np.diag(scale**2), 9) for scale in scales)
    shift = first.mean - second.mean
    known = shift @ shift + ((scales[0] - scales[1]) ** 2).sum()  # of diagonal covariances
    assert frechet_distance(first, second) == pytest.approx(known)
    thin = Gaussian(first.mean, np.diag([1.0, 0, 0, 0, 0]), 2)
    assert frechet_distance(thin, thin) == pytest.approx(0, abs=1e-12)


def test_chemnet_reads_one_part_and_nothing_too_long() -> None:
    alone = features_of(["CCO", "CCCC", "CCN"], processes=1)
    more = features_of(["CCO", "CCCC.O", "Cl.CCN", "C" * 400], processes=1)
    assert alone is not None
    assert more is not None
    assert (alone.cut, alone.too_long, more.cut, more.too_long) == (0, 0, 2, 1)
    assert frechet_distance(alone, more) == pytest.approx(0, abs=1e-5)
    assert features_of(["CCO"]) is None


def test_descriptions_are_kept_and_found_again(tmp_path: Path) -> None:
    first = described_once(QM9[:20], ("moses",), tmp_path)
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    again = described_once(QM9[:20], ("moses",), tmp_path)
    assert file.stat().st_mtime_ns == stamp
    for name in Described.__dataclass_fields__:
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    described_once(QM9[:21], ("moses",), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_shares() -> None:
    sets = MoleculeSets(generated=["CCO", "CCO", "CCN", None], reference={"test": ["CC"]}, train=["CCN", "CC"])
    assert compared.shares(sets) == {"valid": 0.75, "unique": 2 / 3, "novel": 0.5, "valid_unique_novel": 0.25}


def test_nothing_valid_is_never_the_best() -> None:
    found = evaluate_molecules(MoleculeSets(generated=[None, None], reference={"test": QM9[:30]}, train=QM9[:30])).to_dict()
    best = {"valid": 0.0, "unique": 0.0, "novel": 0.0, "valid_unique_novel": 0.0, "filters": 0.0, "snn/test": 0.0}
    assert {name: found["metrics"][name] for name in best} == best
    assert all(value is None for name, value in found["metrics"].items() if name not in best)
    json.dumps(found, allow_nan=False)


def test_sets_are_checked() -> None:
    for generated, reference in (([], ["C"]), (["C"], [])):
        with pytest.raises(InputError, match="at least 1 real and 1 generated molecule"):
            MoleculeSets(generated=generated, reference={"test": reference})


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("in_tmp_path")
def test_evaluate_takes_files_of_smiles() -> None:
    Path("real.smi").write_text("\n".join(QM9[60:100]))
    Path("made.smi").write_text("\n".join([*QM9[:30], QM9[0], "CC(", "C(C)(C)(C)(C)C", "CC.O"]))
    Path("train.smi").write_text("\n".join(QM9[:10]))
    command = "evaluate real.smi made.smi --train train.smi --protocol molecules --format json --no-cache"
    result = json.loads(CliRunner().invoke(app, command.split()).stdout)  # without the progress on standard error
    assert result["protocol"] == "molecules"
    assert (result["num_generated"], result["num_reference"], result["num_train"]) == (34, {"reference": 40}, 10)
    assert result["metrics"]["valid"] == pytest.approx(32 / 34)
    assert result["metrics"]["unique"] == pytest.approx(31 / 32)
    assert result["metrics"]["novel"] == pytest.approx(21 / 31)
    assert result["num_parts"] == 1
    assert result["keys"]["unique"] == KEY
    assert result["versions"]["rdkit"]
    shown = gengraph("evaluate real.smi made.smi --protocol molecules --no-cache")
    assert "94.12%" in shown
    assert KEY in shown
    assert "nothing is said of novelty" in shown
    assert "stands alone" in gengraph("evaluate real.smi made.smi --protocol emd,molecules", code=2)
    assert "use table or json" in gengraph("evaluate real.smi made.smi --protocol molecules --format csv", code=2)
    assert "--on-invalid drop" in gengraph("evaluate made.smi real.smi --protocol molecules", code=2)
