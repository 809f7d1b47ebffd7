"""Shards written one after the other, whatever is in them: of a sample, or of one large graph."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

CountReport = Callable[[int], None]
"""Told how many graphs, or edges, have just been finished."""


class Numbered(Protocol):
    """A shard of anything: its number, and how much is in it."""

    @property
    def index(self) -> int:
        """Its number."""
        ...

    @property
    def count(self) -> int:
        """Graphs, or edges, about."""
        ...


Part = TypeVar("Part", bound=Numbered)


def write_here(make: Callable[[], Callable[[Part, CountReport], None]], shards: Sequence[Part], report: CountReport) -> None:
    """Write shards in this process."""
    if shards:
        write = make()
        for shard in shards:
            write(shard, report)
