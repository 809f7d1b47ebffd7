"""What ready-made models there are, and the file of each: in the package, on this machine, or downloaded once.

models/catalogue.json lists them. An address without a scheme is a file beside it; another, https://..., is downloaded into the
cache of data sets. Either way the bytes are those that the catalogue has the sha256 of.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gengraph.data.download import Report, obtain
from gengraph.errors import InputError
from gengraph.files import hash_file

FOLDER = Path(__file__).parent / "models"
CATALOGUE = "catalogue.json"
_PINNED = re.compile(r"(?P<address>https?://[^#\s]+/(?P<file>[\w.-]+))#sha256=(?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A ready-made model in the catalogue.

    Attributes:
        model: its name in the registry.
        dataset: that it was trained on.
        address: of its file, within the folder of the catalogue or https://...
        sha256: of the file.
        num_bytes: of the file.
        ratio: of its samples on the validation graphs to the floor (`gengraph.training.choosing.mean_ratio`).
        licence: of the data.
    """

    model: str
    dataset: str
    address: str
    sha256: str
    num_bytes: int
    ratio: float
    licence: str


@cache
def catalogue(folder: Path = FOLDER) -> Mapping[str, Entry]:
    """The ready-made models by name."""
    listed = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))
    return {name: Entry(**values) for name, values in listed.items()}


def locate(name: str, *, data_dir: str | Path | None = None, report: Report | None = None) -> Path:
    """The file of a ready-made model.

    Args:
        name: in the catalogue; or the path of a file; or an address with the hash of what is there,
            https://example.org/rings.safetensors#sha256=...
        data_dir: where a downloaded file is looked for first; then $GENGRAPH_DATA, the user's cache.
        report: called while it is downloaded.

    Raises:
        InputError: an unknown name, an address without a hash, or a file of the package that was changed.
        DatasetUnavailable: it cannot be downloaded, or what came is another file.
    """
    entry, pinned = catalogue().get(name), _PINNED.fullmatch(name)
    if entry is not None and "://" not in entry.address:
        return _own_file(entry)
    if entry is not None:
        pinned = _PINNED.fullmatch(f"{entry.address}#sha256={entry.sha256}")
        assert pinned is not None
    if pinned is not None:
        # The name holds the hash, so that another version of the model has a place of its own.
        local = f"{pinned['sha256'][:16]}-{pinned['file']}"
        return obtain(local, pinned["address"], data_dir=data_dir, report=report, sha256=pinned["sha256"])
    if "://" in name:
        msg = f"the address of a model must be http(s)://.../FILE#sha256= and 64 hexadecimal digits, got {name!r}; add the hash"
        raise InputError(msg)
    if not Path(name).is_file():
        msg = f"unknown ready-made model {name!r}; choose from {', '.join(catalogue())}, or name a file or an address"
        raise InputError(msg)
    return Path(name)


def _own_file(entry: Entry) -> Path:
    path = FOLDER / entry.address
    if not path.is_file() or hash_file(path) != entry.sha256:
        msg = f"{path} is not what gengraph came with: its sha256 must be {entry.sha256}; install gengraph again"
        raise InputError(msg)
    return path
