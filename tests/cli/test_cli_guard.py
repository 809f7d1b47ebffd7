"""Exceptions as messages in the words of the command line."""

import ctypes
import errno
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import gengraph, in_tmp_path  # noqa: F401
from typer.testing import CliRunner

from gengraph.cli.app import app
from gengraph.cli.guard import explain, in_options, interrupt_again
from gengraph.distributed.cluster import check_local
from gengraph.errors import InputError, NotEnoughResources, TrainingFailed
from gengraph.files import check_new
from gengraph.runs.folders import newest_checkpoint
from gengraph.training.config import TrainingConfig, load_config
from gengraph.tuning.sweep import SweepRequest

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_unexpected_errors_hide_the_traceback_unless_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        msg = "by accident"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("gengraph.metrics.evaluate", broken)
    output = gengraph("evaluate ladder-small ladder-small", code=1)
    assert "ZeroDivisionError: by accident" in output
    assert "--debug" in output
    result = CliRunner().invoke(app, ["--debug", "evaluate", "ladder-small", "ladder-small"])
    assert isinstance(result.exception, ZeroDivisionError)
    CliRunner().invoke(app, ["datasets"])


def test_an_interrupt_that_a_compiler_drops_strikes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", interrupt_again)

    @ctypes.CFUNCTYPE(None)
    def called_back() -> None:
        raise KeyboardInterrupt

    called_back()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(30)


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "out/x cannot be written"), (errno.EROFS, "read-only")],
)
def test_storage_that_cannot_be_written_is_named(number: int, said: str) -> None:
    message, code = explain(OSError(number, os.strerror(number), "out/x"))
    assert said in message
    assert "out/x" in message
    assert "Traceback" not in message
    assert code == 1


def test_memory_that_is_too_small_is_named() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(2**60)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**58)
    for error in (of_torch.value, of_numpy.value):
        message, code = explain(error)
        assert message.startswith("Error: there is not enough memory (")
        assert "training.batch_size" in message
        assert "Error: RuntimeError" not in message
        assert code == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "stop = zero_row cannot; set model.stop = decision, or set model.sequence.components = largest to train",
            "stop = zero_row cannot; use --set model.stop=decision, or use --set model.sequence.components=largest to train",
        ),
        ("draws no directions; symmetrise the graphs, or", "draws no directions; use --on-directed symmetrize, or"),
        ('train one with model.conditions = ["edges"], or', """train one with --set 'model.conditions=["edges"]', or"""),
        (
            "all have cycles; set model.cycles = drop to leave them out or model.cycles = cut to cut an edge",
            "all have cycles; use --set model.cycles=drop to leave them out or --set model.cycles=cut to cut an edge",
        ),
        ("edges would be lost; set model.window to all", "edges would be lost; use --set model.window=all"),
        ("set model.stop = decision or one of bfs, cm.", "use --set model.stop=decision or one of bfs, cm."),
        (
            "read them with labels: set node_label = element, edge_label = bond",
            "read them with labels: use --node-label element --edge-label bond",
        ),
        ("set node_label to one that is there, or leave it out", "use --node-label with one that is there, or leave it out"),
        ("drop, or name a node_label or edge_label", "drop, or name a --node-label or --edge-label"),
        ("has real numbers; set bins = weight=5 to make some", "has real numbers; use --bin weight=5 to make some"),
        ("bins must be NAME=K with K >= 2, got 'x'", "--bin must be NAME=K with K >= 2, got 'x'"),
        ("or leave them behind with graphs.bare()", "or leave them behind with --on-attributes drop"),
        ("needs Ray; use search = random", "needs Ray; use --search random"),
        ("2 self-loops; remove them, or set on_loops = drop", "2 self-loops; remove them, or use --on-loops drop"),
        (
            "2 loops; repair them, or set on_loops = drop, on_directed = symmetrize",
            "2 loops; repair them, or use --on-loops drop --on-directed symmetrize",
        ),
        ("columns, or set columns = a,b.", "columns, or use --columns a,b."),
        ("set columns = 'one end,other end' if", "use --columns 'one end,other end' if"),
        ("run runs/my-g exists; resume it, or", "run runs/my-g exists; go on with `gengraph resume my-g`, or"),
        ("run g exists; resume it", "run g exists; go on with `gengraph resume g`"),
        ("sweep sweeps/a exists; resume it, or", "sweep sweeps/a exists; go on with `gengraph sweeps resume a`, or"),
        ("the logs are in x; resume the run", "the logs are in x; go on with `gengraph resume RUN`"),
        ("let fewer do (min_workers)", "let fewer do (--min-workers)"),
        (
            "it is of gran; use that model or another config",
            "it is of gran; use that model or another config",
        ),
        ("the stop = rule; reset model.stop", "the stop = rule; reset model.stop"),
    ],
)
def test_advice_of_the_library_names_options_and_commands(said: str, shown: str) -> None:
    assert in_options(said) == shown
    assert explain(InputError(said)) == (f"Error: {shown}", 2)
    assert explain(TrainingFailed(said)) == (f"Error: {shown}", 1)


def message(make: object, *args: object, **kwargs: object) -> str:
    with pytest.raises((InputError, NotEnoughResources)) as caught:
        make(*args, **kwargs)  # type: ignore[operator]
    return explain(caught.value)[0]


def test_messages_that_the_library_really_has_are_put_into_options(tmp_path: Path) -> None:
    dfs = ["model.sequence.ordering=dfs"]
    assert "use --set model.sequence.window=fixed" in message(load_config("graphrnn/default").replace, dfs)
    assert "use --set training.mmd_every=1" in message(TrainingConfig, select="mmd")
    without = message(SweepRequest, trials=1)
    assert "give --workers 1 or more for anything else" in without
    both = {"trials": 1, "scheduler": "pbt", "search": "optuna", "concurrent": 1}
    assert "use --search random" in message(SweepRequest, **both)
    (tmp_path / "g").mkdir()
    assert "go on with `gengraph resume g`" in message(check_new, tmp_path, "g", "run")
    assert "go on with `gengraph sweeps resume g`" in message(check_new, tmp_path, "g", "sweep")
    (tmp_path / "g" / "run.json").write_text('{"facts": 0, "content_hash": 0, "dataset": 0, "model": 0}')
    assert "has no checkpoint yet; train it with `gengraph resume g`" in message(newest_checkpoint, tmp_path / "g")
    small = message(check_local, 5000, {"CPU": 1.0})
    assert re.search(r"use --workers \d+, let workers share CPUs with --cpus-per-worker 0\.01, or .* with --address$", small)


def test_an_interruption_of_compiled_code_is_one() -> None:
    error = SystemError("a function returned a result with an exception set")
    error.__cause__ = KeyboardInterrupt()
    assert explain(error) == ("Interrupted.", 130)
