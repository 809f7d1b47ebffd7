"""Ready-made models: trained, measured, and to be sampled from or trained on at once (docs/pretrained.md)."""

from pathlib import Path
from typing import TYPE_CHECKING

from gengraph.zoo.entries import Entry, catalogue, locate

if TYPE_CHECKING:
    from gengraph.data.download import Report
    from gengraph.learned import Learned
    from gengraph.zoo.stored import ReadyMade

__all__ = ["Entry", "catalogue", "load_ready_made", "locate", "pretrained"]


def load_ready_made(name: str, *, data_dir: str | Path | None = None, report: "Report | None" = None) -> "ReadyMade":
    """A ready-made model by its name, file or address; arguments and errors as for `locate` and `read_ready_made`."""
    from gengraph.zoo.stored import read_ready_made

    return read_ready_made(locate(name, data_dir=data_dir, report=report))


def pretrained(name: str, *, data_dir: str | Path | None = None) -> "Learned":
    """A ready-made model as a fitted generator: `gengraph.pretrained("grid").sample(100, seed=0)`.

    Args:
        name: in the list of `gengraph pretrained`; or a file, or an address with a hash (`locate`).
        data_dir: where a downloaded file is looked for first.

    Raises:
        InputError: an unknown name, or a file that is damaged or of a newer format.
        DatasetUnavailable: it cannot be downloaded.
    """
    from gengraph.learned import learned

    checkpoint = load_ready_made(name, data_dir=data_dir).checkpoint
    return learned(checkpoint.config.model_name).from_checkpoint(checkpoint)
