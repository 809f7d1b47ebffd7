"""What a graph generator is: fit a set of graphs, sample new ones by their index; and the file of a saved one.

`gengraph.models.registry` lists them all by name.
"""

import json
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.graphs import GraphSet, Int64Array

_FORMAT = 1
_MOST = np.iinfo(np.int64).max


@runtime_checkable
class GraphGenerator(Protocol):
    """Learns the distribution of a set of graphs and samples new ones.

    A generator is constructed without arguments or with keyword arguments of its own. Every one obeys the same rules
    (`gengraph.testing.generators`): sampled graphs are simple and undirected, their sizes follow the training sizes, and the
    same seed gives the same graphs.
    """

    def fit(self, graphs: GraphSet, *, seed: int, budget: float | None = None) -> Self:
        """Learn from graphs and return self.

        Args:
            graphs: at least one graph.
            seed: of everything random in the fit.
            budget: seconds that the fit may take; None leaves it to the generator. A closed-form fit ignores it.

        Raises:
            InputError: `graphs` is empty or cannot be learned by this generator.
        """
        ...

    def sample(self, indices: int | Int64Array, *, seed: int) -> GraphSet:
        """Sample graphs by their index: graph i of a seed is the same whichever others are asked for.

        Args:
            indices: int64[G] >= 0; or a number n >= 0, which stands for 0..n-1.
            seed: >= 0.

        Raises:
            InputError: the generator has not been fitted, or an index or the number is negative.
        """
        ...

    def parameters(self) -> dict[str, Any]:
        """What was fitted, as JSON-ready values, for people to read.

        Raises:
            InputError: the generator has not been fitted.
        """
        ...

    def save(self, path: Path | str) -> None:
        """Write what `load` needs as JSON (`write_saved`); what is too large for it, weights say, into a folder beside.

        Raises:
            InputError: the generator has not been fitted.
        """
        ...

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Restore a fitted generator: its samples are those of the saved one.

        Raises:
            InputError: the file is no saved generator of this model.
        """
        ...


def as_indices(indices: int | Int64Array) -> Int64Array:
    """int64[G]: the indices of graphs, where a number n stands for 0..n-1.

    Raises:
        InputError: the number or an index is negative, or they are no whole numbers.
    """
    if isinstance(indices, int | np.integer) and not isinstance(indices, bool):
        if indices < 0:
            msg = f"num_graphs must be >= 0, got {indices}; give how many graphs are wanted"
            raise InputError(msg)
        return np.arange(indices, dtype=np.int64)
    asked = np.asarray(indices)
    if asked.ndim != 1 or asked.dtype.kind not in "iu" or (asked < 0).any() or (asked > _MOST).any():
        msg = f"indices of graphs must be whole numbers in 0..2^63-1, in one dimension, got {indices!r}; or say how many"
        raise InputError(msg)
    return asked.astype(np.int64)


def saved_model(path: Path | str) -> str:
    """The name of the model in a file that `write_saved` wrote.

    Raises:
        InputError: the file is no saved generator.
    """
    return str(_read(Path(path))["model"])


def write_saved(path: Path | str, model: str, options: dict[str, Any], state: dict[str, Any]) -> None:
    """Write the file of a saved generator, whole or not at all; options and state are JSON-ready."""
    content = {"format": _FORMAT, "model": model, "options": options, "state": state}
    write_text(Path(path), json.dumps(content) + "\n")


def read_saved(path: Path | str, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options and the state in a file that `write_saved` wrote.

    Raises:
        InputError: there is no such file, or it holds no saved generator, another format or another model.
    """
    content = _read(Path(path))
    if (content["format"], content["model"]) != (_FORMAT, model):
        found = f"format {content['format']} of model {content['model']!r}"
        msg = f"{path} must hold format {_FORMAT} of model {model!r}, got {found}; save the generator again"
        raise InputError(msg)
    return content["options"], content["state"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}; name a file that a generator's save wrote"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a saved generator: it is no JSON ({error})"
        raise InputError(msg) from error
    if not isinstance(content, dict) or not {"format", "model", "options", "state"} <= set(content):
        msg = f"{path} is not a saved generator: it must be JSON with the keys format, model, options, state"
        raise InputError(msg)
    return content
