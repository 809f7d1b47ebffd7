"""Settings of all tests, and at the end of their run a word about those that were not run."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: many small operations are slower on several threads
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before triton: its programs run on the CPU, where a test asks for them

settings.register_profile("gengraph", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("gengraph")

RUN_BY = {frozenset({"ray", "slow"}): "`make test-ray`"}
DESELECTED = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session", autouse=True)
def _each_function_is_compiled_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Workers of pytest-xdist wait for one another's compiled code instead of compiling it too: numba's cache has no lock."""
    if worker_id == "master":
        yield
        return
    from numba.core.dispatcher import Dispatcher

    folder, compiled = tmp_path_factory.getbasetemp().parent, Dispatcher.compile

    def once(self: Any, signature: Any) -> Any:
        function = self.py_func
        name = sha256(f"{function.__module__} {function.__qualname__} {signature}".encode()).hexdigest()[:16]
        with FileLock(folder / f"{name}.lock"):
            return compiled(self, signature)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Dispatcher, "compile", once)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is left out yet."""
    config.stash[DESELECTED] = Counter()


class ByFile(LoadScopeScheduling):
    """The tests of a file are for one worker: what they compile and their fixtures are made there, once, and no other waits.

    Of the conformance suites that holds for the tests of a model; those with Ray are all for one, which starts one Ray.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if "/distributed/" in file:
            return "distributed"
        return file + re.sub(r"^[^[]*\[?|[ \]].*$", "", test) if file.endswith("test_conformance.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How tests are shared out."""
    return ByFile(config, log)


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Remember tests that -m or -k leaves out, by the marks that say which make target runs them."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        target = next((target for names, target in RUN_BY.items() if names <= marks), "")
        reason = f"left to {target}" if target else "left out by -m or -k"
        item.config.stash[DESELECTED][reason] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands over what it left out; every worker leaves out the same."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["deselected"] = dict(session.config.stash[DESELECTED])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist hands over."""
    node.config.stash[DESELECTED] |= Counter(getattr(node, "workeroutput", {}).get("deselected", {}))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests were skipped or left out, and why, the most frequent reason first."""
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    for what, counts in (("skipped", skipped), ("not run", config.stash[DESELECTED])):
        if counts:
            terminalreporter.section(f"{counts.total()} {what}", sep="-")
        for reason, count in counts.most_common():
            terminalreporter.write_line(f"{count:6}  {reason}")


def _reason(report: Any) -> str:
    *_, reason = report.longrepr if isinstance(report.longrepr, list | tuple) else (str(report.longrepr),)
    return str(reason).removeprefix("Skipped: ")
