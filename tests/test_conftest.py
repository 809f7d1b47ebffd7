"""What the end of a test run says of the tests that were not run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_needs_a_gpu(number):
    pytest.skip("needs a GPU")

@pytest.mark.skipif(True, reason="needs chromium")
def test_needs_a_browser():
    pass

@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_on_ray(number):
    pass

@pytest.mark.slow
def test_slow():
    pass

def test_that_runs():
    pass
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_the_end_says_which_tests_were_not_run_and_why(workers: int, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  ray: on Ray\n  slow: long\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", "-m", "not slow"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    lines = [line.strip() for line in run.stdout.splitlines()]
    skipped = next(i for i, line in enumerate(lines) if " 4 skipped " in line and line.startswith("-"))
    assert [line.split(maxsplit=1) for line in lines[skipped + 1 : skipped + 3]] == [
        ["3", "needs a GPU"],
        ["1", "needs chromium"],
    ]
    assert " 3 not run " in lines[skipped + 3]
    assert [line.split(maxsplit=1) for line in lines[skipped + 4 : skipped + 6]] == [
        ["2", "left to `make test-ray`"],
        ["1", "left out by -m or -k"],
    ]
