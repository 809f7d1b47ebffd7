"""What enters the table: how each kind of model is made, and what its fits depend on."""

from pathlib import Path
from typing import Any

import pytest

from gengraph.baselines.empirical import Empirical
from gengraph.benchmarks import contender
from gengraph.benchmarks.contender import Contender
from gengraph.generators import GENERATORS
from gengraph.models.registry import CLOSED_FORMS, LEARNED
from gengraph.training.config import usual_config


class Told(Empirical):
    """An outside generator that wants to report and to know the device."""

    __module__ = "outside"

    def __init__(self, device: str, report: Any = None) -> None:
        super().__init__()
        self.device, self.report = device, report


class Untold(Empirical):
    """One that wants nothing."""

    __module__ = "outside"


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    class Known(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            return GENERATORS[name]

    monkeypatch.setattr(contender, "GENERATORS", Known(told=Told, untold=Untold))


def nothing(_metrics: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize("model", LEARNED)
def test_a_learned_model_has_the_preset_of_the_data_set_and_settings_over_it(model: str) -> None:
    known = Contender(model, "grid")
    sizes = [
        name for name in known.new({}, report=nothing).config.own_family.space(usual_config(model).model) if "_size" in name
    ]
    settings = {"training.learning_rate": 0.00123, sizes[0]: 16}
    made: Any = known.new(settings, report=nothing)
    assert made.config == usual_config(model, "grid").with_values(settings)
    assert known.inputs(settings, "cpu")["config"] == made.config.to_dict()
    assert known.inputs({}, "cpu") != known.inputs(settings, "cpu")
    assert known.inputs({}, "cpu")["code"] is None
    assert known.takes_gpu == ("gpu" in made.config.own_family.capabilities(made.config.model))
    assert known.loss


def test_fits_of_a_preset_are_no_fits_of_another() -> None:
    inputs = {dataset: Contender("graphrnn-c", dataset).inputs({}, "cpu") for dataset in ("grid", "ladder", "unknown", "other")}
    assert inputs["grid"] != inputs["ladder"] != inputs["unknown"]
    assert inputs["unknown"] == inputs["other"]


@pytest.mark.parametrize("model", CLOSED_FORMS)
def test_a_closed_form_is_fitted_as_it_is(model: str) -> None:
    known = Contender(model, "grid")
    assert type(known.new({}, report=nothing, device="cuda")) is GENERATORS[model]
    assert known.inputs({}, "cuda") == {"model": model, "config": None, "device": "cpu", "computed_by": None, "code": None}
    assert (known.family, known.takes_gpu, known.loss) == (None, False, None)


def test_a_family_without_gpu_stays_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Contender("graphrnn-s", "grid")
    assert known.inputs({}, "cuda")["device"] == "cuda"
    monkeypatch.setattr(type(known.family), "capabilities", lambda _family, _config: frozenset())
    assert known.inputs({}, "cuda")["device"] == "cpu"
    made: Any = known.new({}, report=nothing, device="cuda")
    assert made._device == "cpu"


@pytest.mark.usefixtures("outside")
def test_an_outside_generator_is_given_what_its_constructor_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contender, "_outside_code", lambda kind: {"of": kind.__name__})
    made: Any = Contender("told", "grid").new({}, report=nothing, device="cuda")
    assert (made.device, made.report) == ("cuda", nothing)
    assert Contender("told", "grid").inputs({}, "cuda")["device"] == "cuda"
    assert isinstance(Contender("untold", "grid").new({}, report=nothing, device="cuda"), Untold)
    assert Contender("untold", "grid").inputs({}, "cuda")["device"] == "cpu"
    assert Contender("untold", "grid").inputs({}, "cpu")["code"] == {"of": "Untold"}


def test_the_code_of_an_outside_package_counts_and_its_comments_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "outside_package"
    package.mkdir()
    (package / "__init__.py").write_text("from outside_package.law import Law\n")
    (package / "law.py").write_text("class Law:\n    power = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    import outside_package  # type: ignore[import-not-found]

    code = contender._outside_code(outside_package.Law)
    assert code is not None
    assert set(code) == {"__init__.py", "law.py"}
    (package / "law.py").write_text("# a comment\nclass Law:\n    power = 2\n")
    assert contender._outside_code(outside_package.Law) == code
    (package / "law.py").write_text("class Law:\n    power = 3\n")
    assert contender._outside_code(outside_package.Law) != code
    assert contender._outside_code(GENERATORS["er"]) is None
