import json

import pytest
from golden_files import golden_set, golden_values

from gengraph.errors import InputError
from gengraph.graphs import GraphSet
from gengraph.metrics import evaluate

PAIRS = golden_values("mmd")["pairs"]
PAIR_NAMES = [f"{pair['ref']}-{pair['pred']}" for pair in PAIRS]


@pytest.mark.parametrize("pair", PAIRS, ids=PAIR_NAMES)
def test_emd_equals_the_original(pair: dict) -> None:
    result = evaluate(golden_set(pair["ref"]), golden_set(pair["pred"]), "emd")
    found = {name: metric.mmd2 for name, metric in result.metrics.items()}
    assert found == pytest.approx(pair["graphrnn"], abs=1e-12)


def test_result_as_json() -> None:
    found = json.loads(json.dumps(evaluate(golden_set("grid"), golden_set("ladder")[:7]).to_dict(), allow_nan=False))
    assert (found["protocol"], found["num_reference"], found["num_generated"]) == ("emd", 20, 7)
    assert list(found["metrics"]) == ["degree", "clustering", "orbit"]
    assert found["metrics"]["degree"]["kernel"] == "gaussian_emd"


def test_empty_sets_are_refused() -> None:
    with pytest.raises(InputError, match="generated must hold at least 1 graph, got 0"):
        evaluate(golden_set("grid"), GraphSet.empty())
    with pytest.raises(InputError, match="unknown protocol 'mmd'; choose from emd"):
        evaluate(golden_set("grid"), golden_set("grid"), "mmd")
