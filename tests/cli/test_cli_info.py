import json

import pytest
from command_line import gengraph

from gengraph.models.graphrnn import kernels


def test_info_says_what_computes_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "torch")
    kernels.use("")
    facts = json.loads(gengraph("info --format json"))
    assert facts["back-end"] == "torch: GENGRAPH_BACKEND=torch"
    assert facts["on CUDA"] in {"no CUDA device", "torch: GENGRAPH_BACKEND=torch"}
    assert facts["threads"].isdigit()
    assert "back-end:   torch" in gengraph("info")
    assert "must be table or json" in gengraph("info --format xml", code=2)
    kernels.use("")
    monkeypatch.setenv(kernels.VARIABLE, "abacus")
    assert "one of triton, native, torch, reference, got 'abacus'" in gengraph("info", code=2)
    kernels.use("")
