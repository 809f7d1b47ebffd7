"""Statistics of graphs on the disk, by the content of the graphs, so that ten models against one test set cost one.

An entry is a .npz without pickle. It is written beside its place and renamed, and one that cannot be read is none: a process
that is killed leaves nothing behind that another would believe.
"""

import hashlib
import logging
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from gengraph.files import atomic_path
from gengraph.graphs import GraphSet
from gengraph.metrics.distinct import Distinct
from gengraph.versions import versions

FORMAT = 1  # of the entries, and of what the statistics mean
MAX_BYTES = 2**30
WORTH_S = 0.5  # what takes less is computed again
_LEFT_OVER_S = 3600.0  # after which the temporary file of a killed process is removed
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DescriptorCache:
    """A folder with statistics of graph sets.

    Attributes:
        folder: of the entries.
        max_bytes: of all entries together; those that were not used for longest go first.
        worth: seconds; what took less is not kept.
    """

    folder: Path
    max_bytes: int = MAX_BYTES
    worth: float = WORTH_S

    @classmethod
    def of_user(cls) -> "DescriptorCache":
        """In the cache of the user, where downloaded data sets are too."""
        return cls(folder=Path(platformdirs.user_cache_dir("gengraph")) / "descriptors")

    def rows(self, graphs: GraphSet, statistic: str, compute: Callable[[], Distinct]) -> Distinct:
        """A statistic of a set: read, or computed and kept.

        Args:
            graphs: the set; its content is part of the key, and so are the versions of what computes.
            statistic: its name, and whatever else sets it apart.
            compute: called where there is no entry.
        """
        made_by = versions("gengraph", "numpy", "scipy")
        key = hashlib.sha256(f"{FORMAT} {made_by} {statistic} {graphs.content_hash()}".encode()).hexdigest()
        path = self.folder / f"{key[:40]}.npz"
        found = _read(path)
        if found is None:
            start = time.perf_counter()
            found = compute()
            if time.perf_counter() - start >= self.worth:
                self._write(path, found)
        return found

    def _write(self, path: Path, rows: Distinct) -> None:
        """Keep an entry, unless the disk does not take it."""
        try:
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **rows.to_arrays())
            self._make_room()
        except OSError as error:
            _log.info("statistics are not kept: %s", error)

    def _make_room(self) -> None:
        used, now = 0, time.time()
        entries = [(path, path.stat()) for path in self.folder.iterdir() if path.suffix in (".npz", ".tmp")]
        for path, stat in sorted(entries, key=lambda entry: -entry[1].st_mtime):
            used += stat.st_size
            if used > self.max_bytes if path.suffix == ".npz" else now - stat.st_mtime > _LEFT_OVER_S:
                path.unlink(missing_ok=True)


def _read(path: Path) -> Distinct | None:
    """The entry, which is marked as used; None where there is none that is whole."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            found = Distinct.from_arrays(dict(file))
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return found
