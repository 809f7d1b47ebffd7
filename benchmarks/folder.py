"""The folder of a benchmark: whose it is, and what becomes of the report of another comparison in it.

OUT/results.json ...    of the latest benchmark
OUT/cache/              what was computed on the way (artefacts.py)
OUT/earlier/DATE/       results.json and the files made from it, of an earlier benchmark that compared something else
"""

import json
import re
from pathlib import Path
from typing import Any

from gengraph.errors import InputError

CACHE, EARLIER, RESULTS = "cache", "earlier", "results.json"
FILES = (RESULTS, "results.csv", "results.parquet", "results.md", "results.tex", "report.html")
_KEY = re.compile("[0-9a-f]{32}")  # of an artefact


def check_own(out: Path) -> None:
    """A benchmark writes into a folder of its own: a new one, an empty one, or one that a benchmark has written.

    Raises:
        InputError: something else is in it.
    """
    names = sorted(path.name for path in out.iterdir() if not _left_over(path.name)) if out.is_dir() else []
    if not names or _read(out) is not None or _was_begun(out, set(names)):
        return
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    msg = f"the folder of a benchmark must be new, empty or a benchmark's own, but {out} holds {shown}; choose another folder"
    raise InputError(msg)


def set_aside(out: Path, results: dict[str, Any]) -> Path | None:
    """Move what an earlier benchmark wrote into a folder of its own, unless it compared the same.

    Args:
        out: of the benchmark.
        results: that are about to be written.

    Returns:
        Where it is now; None if there is nothing that would be lost.
    """
    former = _read(out)
    if former is None or _compared(former) == _compared(json.loads(json.dumps(results))):
        return None
    place = out / EARLIER / str(former["date"]).partition("+")[0].replace(":", "-")
    place.mkdir(parents=True, exist_ok=True)
    for name in reversed(FILES):  # results.json last: until then it says that there is more to move
        if (out / name).exists():
            (out / name).replace(place / name)
    return place


def _left_over(name: str) -> bool:
    """Whether a file is a lock, or what a killed process left half-written."""
    return name.startswith(".") and name.endswith((".lock", ".tmp"))


def _read(out: Path) -> dict[str, Any] | None:
    """The results of a benchmark, if that is what is there."""
    try:
        found = json.loads((out / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"schema", "date", "settings", "datasets", "cells"} <= set(found) else None


def _was_begun(out: Path, names: set[str]) -> bool:
    """Whether a benchmark that did not end yet left this."""
    if CACHE not in names or not names <= {CACHE, EARLIER, *FILES} - {RESULTS} or not (out / CACHE).is_dir():
        return False
    return all(_left_over(path.name) or _is_step(path) for path in (out / CACHE).iterdir())


def _is_step(path: Path) -> bool:
    """Whether a folder holds artefacts of a step and nothing else."""
    return path.is_dir() and all(_left_over(each.name) or _KEY.fullmatch(each.name) for each in path.iterdir())


def _compared(results: dict[str, Any]) -> Any:
    """What says whether two benchmarks compared the same."""
    return results["settings"], [(part["name"], part["content_hash"]) for part in results["datasets"]]
