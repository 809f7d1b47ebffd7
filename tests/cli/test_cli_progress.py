"""What commands show while they work, where standard error is no terminal; and how they end when nobody reads or waits."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import FAST, gengraph, in_tmp_path  # noqa: F401
from rich.console import Console

from gengraph.cli import progress

pytestmark = pytest.mark.usefixtures("in_tmp_path")
COMMAND = [sys.executable, "-m", "gengraph"]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written to a standard error that is a file, in little time."""
    file = io.StringIO()
    monkeypatch.setattr(progress, "errors", Console(file=file, soft_wrap=True, markup=False, highlight=False))
    monkeypatch.setattr(progress, "_FIRST_S", 0.02)
    monkeypatch.setattr(progress, "_MOST_S", 0.02)
    return file


def wait_for(file: io.StringIO, text: str) -> None:
    deadline = time.perf_counter() + 20
    while text not in file.getvalue():
        assert time.perf_counter() < deadline, file.getvalue()
        time.sleep(0.005)


def test_what_takes_long_is_said_in_plain_lines(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    with progress.busy("thinking"):
        wait_for(written, "thinking, 0s\nthinking, 0s\n")
    monkeypatch.setattr(progress, "_FIRST_S", 2.0)
    with progress.busy("a moment"):
        pass
    assert "a moment" not in written.getvalue()
    assert re.fullmatch(r"(thinking, \d+[sm]\n)+", written.getvalue())


def test_training_says_step_and_losses(written: io.StringIO) -> None:
    with progress.training_bar("grid", "2 workers starting") as report:
        wait_for(written, "grid: 0%, 2 workers starting, ")
        report({"step": 5, "loss": 31.234, "progress": 0.25, "graphs_per_s": 80.4, "validation_loss": 28.0})
        report({"step": 6, "loss": 30.5, "progress": 0.3, "graphs_per_s": 80.4})
        wait_for(written, "grid: 30%, step 6, loss 30.5, validation 28, 80 graphs/s, ")
    assert "\x1b" not in written.getvalue()
    assert "\r" not in written.getvalue()


def test_counts_have_a_rate_when_it_is_known_and_what_was_there_before_is_not_in_it(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.counting_bar("sampling", 1000, "graphs", before="loading") as advance:
        advance(400)
        wait_for(written, "sampling: 400 of 1000 graphs, loading, ")
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        advance(0)
        monkeypatch.setattr(time, "monotonic", lambda: now + 10)
        advance(200)
        wait_for(written, "sampling: 600 of 1000 graphs, 20 graphs/s, about 20s left, ")
        advance(-100)  # of a worker that was lost
        wait_for(written, "sampling: 500 of 1000 graphs, 10 graphs/s, about 50s left, ")
        advance(500)
        wait_for(written, "sampling: 1000 graphs, finishing, ")


def test_downloads_say_how_much_is_there(written: io.StringIO) -> None:
    with progress.download_bar() as report:
        wait_for(written, "reading graphs, ")
        report("DD.zip", 2_500_000, 10_000_000)
        wait_for(written, "downloading DD.zip, 2.5 of 10.0 MB, ")


def test_a_command_into_a_pipe_that_is_closed_ends_without_a_word() -> None:
    gengraph(f"train --dataset ladder-small --steps 2 --run g {FAST}")
    for command in ("datasets", "models --format json", "runs", "runs show g", "train --help", "info"):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*COMMAND, *command.split()], stdout=writer, stderr=subprocess.PIPE, timeout=100, check=False)
        os.close(writer)
        assert [line for line in done.stderr.splitlines() if not re.search(rb", \d+s$", line)] == [], command  # no progress
        assert done.returncode in {1, 141} if "--help" in command else done.returncode == 141, command


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_command_with_130(how: signal.Signals) -> None:
    options = "sample --model er --dataset grid -n 1000000 --out s"
    with subprocess.Popen([*COMMAND, *options.split()], stderr=-1) as process:
        while not Path("s/manifest.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Finished shards stay in s; the same command writes the others." in errors
    assert b"Traceback" not in errors
