"""Find the file of a data set, or fetch it once into the user's cache."""

import http.client
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import platformdirs

from gengraph.errors import DatasetUnavailable
from gengraph.files import atomic_path

Report = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all or None) while a file comes in."""

_CHUNK = 2**18
_TRIES = 3
_TIMEOUT_S = 20.0
_log = logging.getLogger(__name__)


def places(data_dir: str | Path | None) -> list[Path]:
    """Folders that are searched, in order: data_dir, $GENGRAPH_DATA, the user's cache."""
    named = [data_dir, os.environ.get("GENGRAPH_DATA") or None]
    return [Path(place) for place in named if place is not None] + [Path(platformdirs.user_cache_dir("gengraph"))]


def obtain(filename: str, url: str, *, data_dir: str | Path | None = None, report: Report | None = None) -> Path:
    """The path of a data file: found in one of `places`, or downloaded from url into the last of them.

    Raises:
        DatasetUnavailable: it is nowhere and the download failed; the message names the places and the way out.
    """
    searched = [place / filename for place in places(data_dir)]
    for candidate in searched:
        if candidate.is_file():
            return candidate
    target = searched[-1]
    for attempt in range(_TRIES):
        try:
            _download(url, target, report or (lambda _name, _done, _total: None))
        except (OSError, http.client.HTTPException) as error:
            _log.info("try %d of %s failed: %s", attempt + 1, url, error)
            reason = error
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                break  # the server answered: asking again changes nothing
            time.sleep(0.2 * 2**attempt)
        else:
            return target
    tried = ", ".join(str(place.parent) for place in searched)
    msg = (
        f"{filename} is in none of {tried}, and {url} could not be downloaded ({reason}); "
        f"download it by hand, put it into a folder and name that with --data-dir or $GENGRAPH_DATA"
    )
    raise DatasetUnavailable(msg)


def _download(url: str, target: Path, report: Report) -> None:
    """Fetch url to target, whole or not at all; a short answer is an error."""
    request = urllib.request.Request(url, headers={"User-Agent": "gengraph"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer, atomic_path(target) as temporary:
        length = answer.headers.get("Content-Length")
        total = None if length is None else int(length)
        done = 0
        with temporary.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(target.name, done, total)
        if total is not None and done != total:
            msg = f"the connection closed after {done} of {total} bytes"
            raise OSError(msg)
