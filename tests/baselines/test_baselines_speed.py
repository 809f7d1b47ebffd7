import sys

import pytest

from gengraph.benchmarks.speed import baselines


def test_the_speed_command_prints_every_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["baselines", "--nodes", "300", "--edges", "900", "--repeats", "1"])
    baselines.main()
    lines = capsys.readouterr().out.splitlines()
    for name in ("G(n, p)", "G(n, m)", "Barabasi-Albert"):
        assert any(line.startswith(name) and "networkx" in line for line in lines)
    assert any(line.startswith("Kronecker") for line in lines)
    assert lines[-1].startswith("KronFit")
