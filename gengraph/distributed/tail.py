"""Follow a file of JSON lines that another process writes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_POLL_S = 0.3


@contextmanager
def tail_json_lines(path: Path, report: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Within the block, a thread calls report with every line that is added to the file, the last ones at the end."""
    start = path.stat().st_size if path.exists() else 0
    done = threading.Event()
    thread = threading.Thread(target=_follow, args=(path, start, report, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _follow(path: Path, position: int, report: Callable[[dict[str, Any]], None], done: threading.Event) -> None:
    rest = ""
    while True:
        last_look = done.wait(_POLL_S)
        if path.exists():
            with path.open(encoding="utf-8") as file:
                file.seek(position)
                text = rest + file.read()
                position = file.tell()
            *lines, rest = text.split("\n")
            for line in lines:
                report(json.loads(line))
        if last_look:
            return
