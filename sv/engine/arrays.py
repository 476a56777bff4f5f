"""Makes Arrow arrays from Python texts and numpy numbers, by their buffers; and where Arrow's functions are.

SCAR: not by `pa.array`, which imports pandas wherever it is installed: a third of a second of processor time in each command.
"""

import itertools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa


def compute() -> Any:
    """`pyarrow.compute`, imported when it is first asked for: it makes a Python function of each of Arrow's three hundred, which takes a
    twentieth of what a whole export of few events takes."""
    from pyarrow import compute as found

    return found


def texts(values: Sequence[str | None]) -> Any:
    """An array of strings."""
    is_there, present = None, cast("Sequence[str]", values)
    if None in values:
        is_there = _bits([value is not None for value in values])
        present = [value or "" for value in values]
    joined = "".join(present)
    data = joined.encode()
    lengths = map(len, present) if len(data) == len(joined) else (len(value.encode()) for value in present)
    return of_bytes(data, np.fromiter(lengths, np.int64, len(values)), is_there)


def lists(values: Sequence[Sequence[str] | None]) -> Any:
    """An array of lists of strings."""
    is_there = _bits([value is not None for value in values]) if None in values else None
    lengths = np.fromiter((len(value or ()) for value in values), np.int64, len(values))
    inner = texts(list(itertools.chain.from_iterable(value or () for value in values)))
    return pa.Array.from_buffers(
        pa.list_(pa.string()), len(values), [is_there, pa.py_buffer(_offsets(lengths))], children=[inner]
    )


def of_bytes(data: bytes, lengths: Any, is_there: Any = None) -> Any:
    """An array of strings whose bytes follow each other. is_there: which of them exist; the others are null. Raises ValueError where one
    isn't UTF-8."""
    array = pa.Array.from_buffers(pa.string(), len(lengths), [is_there, pa.py_buffer(_offsets(lengths)), pa.py_buffer(data)])
    if not data.isascii():
        array.validate(full=True)
    return array


def _offsets(lengths: Any) -> Any:
    """Where each string of these lengths begins, and where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def numbers(values: Any) -> Any:
    """An Arrow array of a numpy array's numbers."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def booleans(values: Sequence[bool]) -> Any:
    """An Arrow array of a numpy array's booleans."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def _bits(values: Sequence[bool]) -> Any:
    return pa.py_buffer(np.packbits(np.frombuffer(bytes(values), np.uint8), bitorder="little"))
