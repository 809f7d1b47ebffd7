"""gengraph: learn to generate graphs, and say honestly how good they are."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gengraph.models.registry import LEARNED

if TYPE_CHECKING:
    from gengraph.data import load_dataset as load_dataset
    from gengraph.formats import read_graphs as read_graphs
    from gengraph.formats import write_graphs as write_graphs
    from gengraph.generators import GENERATORS as GENERATORS
    from gengraph.graphs import GraphSet as GraphSet
    from gengraph.metrics import evaluate as evaluate
    from gengraph.zoo import pretrained as pretrained

    __version__: str

_EXPORTS = {
    "GENERATORS": "gengraph.generators",
    "GraphSet": "gengraph.graphs",
    "evaluate": "gengraph.metrics",
    "load_dataset": "gengraph.data",
    "pretrained": "gengraph.zoo",
    "read_graphs": "gengraph.formats",
    "write_graphs": "gengraph.formats",
    **{listed.class_name: "gengraph.learned" for listed in LEARNED.values()},  # GraphRNN, GRAN, ...
}
__all__ = sorted([*_EXPORTS, "__version__"])  # noqa: PLE0605 - resolved by __getattr__


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from gengraph.versions import OWN

        return OWN
    if name not in _EXPORTS:
        msg = f"module 'gengraph' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return __all__
