"""Edges and counts as callers hand them in: checked, never reshaped or rounded into something else.

Legend: E edges.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from gengraph.errors import InputError

Int64Array = npt.NDArray[np.int64]


def as_pairs(edges: npt.ArrayLike, what: str = "edges") -> Int64Array:
    """Node pairs int64[E, 2] from anything of that shape; a value without elements is no edges.

    Raises:
        InputError: another shape (weights in the rows, a 2 x E edge_index), or values that are not whole numbers.
    """
    if isinstance(edges, np.ndarray) and edges.dtype == np.int64 and edges.ndim == 2 and edges.shape[1] == 2:
        return edges
    array = whole_numbers(edges, what)
    if not array.size:
        return np.zeros((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2:
        msg = f"{what} must be pairs of nodes (shape E x 2), got shape {_times(array)}; {_way_out(array)}"
        raise InputError(msg)
    return array


def as_edge_index(edge_index: npt.ArrayLike) -> Int64Array:
    """Sources and targets int64[2, E], as PyTorch Geometric has them.

    Raises:
        InputError: another shape, or values that are not whole numbers.
    """
    array = whole_numbers(edge_index, "edge_index")
    if not array.size:
        return np.zeros((2, 0), np.int64)
    if array.ndim != 2 or array.shape[0] != 2:
        way_out = "transpose it, or use GraphSet.from_edge_lists for pairs" if array.shape[-1] == 2 else "one column is an edge"
        msg = f"edge_index must have shape 2 x E, got {_times(array)}; {way_out}"
        raise InputError(msg)
    return array


def as_counts(values: npt.ArrayLike, what: str) -> Int64Array:
    """A row of whole numbers, int64[K].

    Raises:
        InputError: another shape, or values that are not whole numbers.
    """
    array = whole_numbers(values, what)
    if not array.size:
        return np.zeros(0, np.int64)
    if array.ndim != 1:
        msg = f"{what} must be a row of whole numbers, got shape {_times(array)}; flatten it if that is what you mean"
        raise InputError(msg)
    return array


def whole_numbers(values: npt.ArrayLike, what: str) -> Int64Array:
    """The same values as int64, of any shape; numbers such as 2.0 are whole.

    Raises:
        InputError: fractions, NaN, texts, truth values, numbers beyond 2^63, or rows of unequal lengths.
    """
    try:
        array = np.asarray(values)
        if array.dtype == object:
            array = _of_objects(array)
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"{what} must be whole numbers in rows of one length, got {str(values)[:60]}; {error}"
        raise InputError(msg) from error
    if array.dtype.kind == "i" or not array.size:
        return array.astype(np.int64, copy=False)
    if array.dtype.kind not in "uf" or not (np.abs(array) < 2.0**63).all() or not (array == np.floor(array)).all():
        strange = array if array.dtype.kind not in "uf" else array[~((np.abs(array) < 2.0**63) & (array == np.floor(array)))]
        msg = f"{what} must be whole numbers, got {strange.reshape(-1)[0]!s}; number the nodes of each graph 0..n-1"
        raise InputError(msg)
    return array.astype(np.int64)


def _of_objects(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Python or numpy numbers in an object array (a frame of several types) as an array of numbers."""
    if not all(isinstance(value, int | float | np.integer | np.floating) for value in array.reshape(-1)):
        return array
    return np.array(array.tolist())


def _times(array: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape)) or "of a single number"


def _way_out(array: npt.NDArray[Any]) -> str:
    if array.ndim == 2 and array.shape[0] == 2:
        return "a 2 x E edge_index is taken by GraphSet.from_edge_index, or transpose it"
    if array.ndim == 2 and array.shape[1] > 2:
        return "weights and other columns cannot be kept: hand in the first two columns alone"
    return "write one row [u, v] for every edge"
