"""Pickles read as data: numbers, texts and containers, and never code.

A pickle is a program, and reading one with the usual loader runs whatever its author wrote into it. Here the only
names that a pickle can call up are those of plain containers and of numpy's numbers; any other stops the reading.
"""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path
from typing import Any

from ..errors import BadRowError

_CONTAINERS = {"set": set, "frozenset": frozenset, "list": list, "dict": dict, "tuple": tuple, "bytearray": bytearray}
_BUILTINS = frozenset({"builtins", "__builtin__"})
_NUMPY_ARRAYS = frozenset({"numpy.core.multiarray", "numpy._core.multiarray"})
_CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q",
    "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
"""Number types of numpy and their codes in :mod:`struct`."""


class _NumberType:
    """Stands for ``numpy.dtype``: holds which number type is meant, and in which byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: object) -> None:
        if code not in _CODES:
            raise BadRowError(f"a pickle with a numpy value of type {str(code)[:20]!r}; only plain numbers are read")
        self.code = _CODES[code]
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"


class _Number:
    """Stands for ``numpy.core.multiarray.scalar``; an object without attributes, since a pickle can set those."""

    __slots__ = ()

    def __call__(self, kind: _NumberType, data: bytes) -> int | float | bool:
        value: int | float | bool = struct.unpack(kind.order + kind.code, data)[0]
        return value


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _BUILTINS and name in _CONTAINERS:
            return _CONTAINERS[name]
        if module in _NUMPY_ARRAYS and name == "scalar":
            return _Number()
        if (module, name) == ("numpy", "dtype"):
            return _NumberType
        raise BadRowError(
            f"a pickle that asks for {module}.{name}, which could run code; only containers, texts and numbers are read"
        )


def loads_plain(data: bytes) -> Any:
    """The content of a pickle that holds plain data only.

    Raises:
        BadRowError: it asks for anything else (nothing of it has run), or is damaged.

    >>> import collections, pickle
    >>> loads_plain(pickle.dumps({"BBP01": [1, 2.5, "a", None]}))
    {'BBP01': [1, 2.5, 'a', None]}
    >>> loads_plain(pickle.dumps(collections.OrderedDict()))
    Traceback (most recent call last):
    ...
    surgsigma_hub.errors.BadRowError: a pickle that asks for collections.OrderedDict, which could run code; \
only containers, texts and numbers are read
    """
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except BadRowError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise BadRowError(f"no pickle, or a damaged one ({type(error).__name__}: {str(error)[:80]})") from None


def load_plain(path: Path) -> Any:
    """As :func:`loads_plain`, from a file.

    Raises:
        BadRowError: as there; the message does not name the file.
        OSError: the file cannot be read.
    """
    return loads_plain(path.read_bytes())
