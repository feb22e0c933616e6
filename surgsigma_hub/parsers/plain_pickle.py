"""Pickles read as data: numbers, texts and containers, and never code; no more of them than a bound, in no more time.

A pickle is a program, and reading one with the usual loader runs whatever its author wrote into it. Here the only
names that a pickle can call up are those of plain containers and of numpy's numbers; any other stops the reading.

Plain data can do harm as well: ten bytes can ask for a table of gigabytes or a key whose hash takes for ever, or name
one list so often inside others that nobody comes to its end. The reader of the standard library takes them at their
word, so the instructions that plain data needs are carried out here: what they make is counted, and what comes out is
weighed before it is given away.
"""

from __future__ import annotations

import codecs
import pickle
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..errors import BadRowError
from ..plain_file import read_plain

MAX_PICKLE = 256 << 20
"""Most bytes of a pickle; the labels of a fold of MultiBypass140 take some 10 MB."""

_MOST_VALUES = 20_000_000  # that are made, or come out when each counts as often as it is named
_DEEPEST = 64
_SECONDS = 120.0  # of this thread; ten million instructions take some 10 s
_OFTEN = 1 << 14  # instructions between two looks at the clock
_LONGEST_NUMBER = 1024  # bytes
_CONTAINERS = {"set": set, "frozenset": frozenset, "list": list, "dict": dict, "tuple": tuple}
_BUILTINS = frozenset({"builtins", "__builtin__"})
_NUMPY_ARRAYS = frozenset({"numpy.core.multiarray", "numpy._core.multiarray"})
_LEAVES = frozenset({type(None), bool, int, float, str, bytes, bytearray})
_KEYS = frozenset({type(None), bool, int, float, str, bytes})
_CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q",
    "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
"""Number types of numpy and their codes in :mod:`struct`."""


class _NumberType:
    """Stands for ``numpy.dtype``: holds which number type is meant, and in which byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or code not in _CODES:
            raise BadRowError(f"a pickle with a numpy value of type {str(code)[:20]!r}; only plain numbers are read")
        self.code = _CODES[code]
        self.order = "<"


def _number(kind: _NumberType, data: bytes) -> int | float | bool:
    """Stands for ``numpy.core.multiarray.scalar``."""
    value: int | float | bool = struct.unpack(kind.order + kind.code, data)[0]
    return value


def _checked(keys: Iterable[Any]) -> list[Any]:
    """Keys whose hash is found at once; that of a tuple of tuples of tuples may take for ever."""
    listed = list(keys)
    for key in listed if not _KEYS.issuperset(map(type, listed)) else ():
        if type(key) not in _KEYS and not (type(key) is tuple and len(key) <= 64 and _KEYS.issuperset(map(type, key))):
            raise BadRowError("a pickle with a key that is neither a text nor a number, nor a few of them")
    return listed


class _Machine:
    """Carries out the instructions of one pickle."""

    __slots__ = ("_at", "_data", "_made", "_marks", "_memo", "_stack")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._made = data, 0, 0
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What the pickle leaves; any exception where it is none."""
        data, until = self._data, time.thread_time() + _SECONDS
        while True:
            for _ in range(_OFTEN):
                code = data[self._at]
                self._at += 1
                if code == _STOP:
                    return self._stack.pop()
                _INSTRUCTIONS[code](self)
            if time.thread_time() > until:
                raise BadRowError(f"a pickle that is not read in {_SECONDS:g} seconds")

    def count(self, values: int) -> None:
        """Values that a single instruction makes."""
        self._made += values
        if self._made > _MOST_VALUES:
            raise BadRowError(f"a pickle that makes more than {_MOST_VALUES} values")

    # -- bytes of the pickle ------------------------------------------------------------------------------------------

    def take(self, size: int) -> bytes:
        """The next bytes; those that are there, whatever a length claims."""
        found = self._data[self._at : self._at + size]
        if size < 0 or len(found) != size:
            raise BadRowError("a pickle that is cut")
        self._at += size
        return found

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1]

    def unpack(self, form: struct.Struct) -> Any:
        """The next number of a fixed form."""
        return form.unpack(self.take(form.size))[0]

    def line(self) -> bytes:
        """Up to the end of the line."""
        end = self._data.index(b"\n", self._at)
        found = self._data[self._at : end]
        self._at = end + 1
        return found

    # -- the stack ----------------------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        """One more."""
        self._stack.append(value)

    def marked(self) -> list[Any]:
        """What lies above the last mark, which goes with it."""
        mark = self._marks.pop()
        found = self._stack[mark:]
        del self._stack[mark:]
        return found

    def last(self, count: int) -> tuple[Any, ...]:
        """The last few, taken off."""
        if len(self._stack) < count:
            raise BadRowError("a pickle that takes more than it has")
        found = tuple(self._stack[-count:])
        del self._stack[-count:]
        return found

    def top(self, kind: type[Any]) -> Any:
        """The last one, which must be of a type."""
        if type(self._stack[-1]) is not kind:
            raise BadRowError("a pickle that adds to something else than a container")
        return self._stack[-1]

    def mark(self) -> None:
        """Remember how many there are."""
        self._marks.append(len(self._stack))

    def pop(self) -> None:
        """Drop the last one, or the last mark."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def keep(self, number: int) -> None:
        """Give the last one a number."""
        self._memo[number] = self._stack[-1]

    def recall(self, number: int) -> None:
        """The one with a number."""
        self._stack.append(self._memo[number])

    def memoize(self) -> None:
        """Give the last one the next number."""
        self._memo[len(self._memo)] = self._stack[-1]

    # -- containers ---------------------------------------------------------------------------------------------------

    def extend(self, items: Iterable[Any]) -> None:
        """Items for the list below them."""
        self.top(list).extend(items)

    def update(self, pairs: list[Any]) -> None:
        """Keys and values in turn, for the mapping below them."""
        self.top(dict).update(zip(_checked(pairs[::2]), pairs[1::2], strict=True))

    def mapping(self) -> None:
        """A mapping of what is marked."""
        pairs = self.marked()
        self.push({})
        self.update(pairs)

    def add(self) -> None:
        """Items for the set below them."""
        items = self.marked()
        self.top(set).update(_checked(items))

    # -- what is called -----------------------------------------------------------------------------------------------

    def find(self, module: Any, name: Any) -> None:
        """The one thing that a name stands for here."""
        if module in _BUILTINS and name == "bytearray":
            return self.push(self._bytearray)
        if module in _BUILTINS and name in _CONTAINERS:
            return self.push(_CONTAINERS[name])
        if module in _NUMPY_ARRAYS and name == "scalar":
            return self.push(_number)
        if (module, name) == ("numpy", "dtype"):
            return self.push(_NumberType)
        raise BadRowError(
            f"a pickle that asks for {str(module)[:60]}.{str(name)[:60]}, which could run code; only containers, texts "
            "and numbers are read"
        )

    def call(self) -> None:
        """A container of another one, which is a copy, or a number of numpy."""
        what, arguments = self.last(2)
        if what in (_number, _NumberType, self._bytearray):
            self.push(what(*arguments))
            return
        if what not in _CONTAINERS.values() or type(arguments) is not tuple or len(arguments) > 1:
            raise BadRowError("a pickle that calls something else than a container or a number")
        items = arguments[0] if arguments else ()
        if not isinstance(items, list | tuple | set | frozenset | dict):
            raise BadRowError("a pickle that makes a container of something else than one")
        self.count(len(items))
        if what is dict:
            pairs = list(items.items() if isinstance(items, dict) else items)
            self.push(dict(zip(_checked(key for key, _ in pairs), (value for _, value in pairs), strict=True)))
        else:
            self.push(what(_checked(items) if what in (set, frozenset) else items))

    def build(self) -> None:
        """The byte order of a number type; anything else would get attributes."""
        kind, state = self.last(2)
        if not isinstance(kind, _NumberType) or not isinstance(state, tuple):
            raise BadRowError("a pickle that builds an object; only containers, texts and numbers are read")
        kind.order = ">" if state[1] == ">" else "<"
        self.push(kind)

    def _bytearray(self, data: bytes = b"") -> bytearray:
        if type(data) is not bytes:  # of a number it would make as many zeros
            raise BadRowError("a pickle that makes bytes of something else than bytes")
        self.count(len(data) // 8)
        return bytearray(data)


_BYTE, _SHORT, _INT, _SIGNED, _LONG, _FLOAT = (struct.Struct(form) for form in ("B", "<H", "<I", "<i", "<Q", ">d"))


def _long(data: bytes) -> int:
    if len(data) > _LONGEST_NUMBER:
        raise BadRowError(f"a pickle with a number of {len(data)} bytes")
    return int.from_bytes(data, "little", signed=True)


def _quoted(text: bytes) -> str:
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in b"'\"":
        raise BadRowError("a pickle with a text without quotes")
    return codecs.escape_decode(text[1:-1])[0].decode("ascii")


def _integer(text: bytes) -> int | bool:
    return text == b"01" if text in (b"00", b"01") else _whole(text)


def _whole(text: bytes) -> int:
    return int(text.removesuffix(b"L") or b"0", 0)


def _counted(form: struct.Struct, read: Callable[[bytes], Any]) -> Callable[[_Machine], None]:
    """Bytes behind their number."""
    if form is _BYTE:
        return lambda m: m.push(read(m.take(m.byte())))
    return lambda m: m.push(read(m.take(m.unpack(form))))


def _line(read: Callable[[bytes], Any]) -> Callable[[_Machine], None]:
    return lambda m: m.push(read(m.line()))


_STOP = pickle.STOP[0]
_DO: dict[bytes, Callable[[_Machine], Any]] = {
    pickle.PROTO: lambda m: m.take(1), pickle.FRAME: lambda m: m.take(8),
    pickle.NONE: lambda m: m.push(None), pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.BININT: lambda m: m.push(m.unpack(_SIGNED)), pickle.BININT1: lambda m: m.push(m.byte()),
    pickle.BININT2: lambda m: m.push(m.unpack(_SHORT)), pickle.BINFLOAT: lambda m: m.push(m.unpack(_FLOAT)),
    pickle.LONG1: _counted(_BYTE, _long), pickle.LONG4: _counted(_SIGNED, _long),
    pickle.INT: _line(_integer), pickle.LONG: _line(_whole), pickle.FLOAT: _line(float),
    pickle.UNICODE: _line(lambda text: text.decode("raw-unicode-escape")), pickle.STRING: _line(_quoted),
    pickle.SHORT_BINUNICODE: _counted(_BYTE, bytes.decode), pickle.BINUNICODE: _counted(_INT, bytes.decode),
    pickle.BINUNICODE8: _counted(_LONG, bytes.decode),
    pickle.SHORT_BINSTRING: _counted(_BYTE, lambda data: data.decode("ascii")),
    pickle.BINSTRING: _counted(_SIGNED, lambda data: data.decode("ascii")),
    pickle.SHORT_BINBYTES: _counted(_BYTE, bytes), pickle.BINBYTES: _counted(_INT, bytes),
    pickle.BINBYTES8: _counted(_LONG, bytes), pickle.BYTEARRAY8: _counted(_LONG, bytearray),
    pickle.MARK: _Machine.mark, pickle.POP: _Machine.pop, pickle.POP_MARK: _Machine.marked,
    pickle.DUP: lambda m: m.push(m._stack[-1]),
    pickle.PUT: lambda m: m.keep(int(m.line())), pickle.BINPUT: lambda m: m.keep(m.byte()),
    pickle.LONG_BINPUT: lambda m: m.keep(m.unpack(_INT)), pickle.MEMOIZE: _Machine.memoize,
    pickle.GET: lambda m: m.recall(int(m.line())), pickle.BINGET: lambda m: m.recall(m.byte()),
    pickle.LONG_BINGET: lambda m: m.recall(m.unpack(_INT)),
    pickle.EMPTY_LIST: lambda m: m.push([]), pickle.EMPTY_DICT: lambda m: m.push({}),
    pickle.EMPTY_TUPLE: lambda m: m.push(()), pickle.EMPTY_SET: lambda m: m.push(set()),
    pickle.LIST: lambda m: m.push(m.marked()), pickle.TUPLE: lambda m: m.push(tuple(m.marked())),
    pickle.DICT: _Machine.mapping, pickle.FROZENSET: lambda m: m.push(frozenset(_checked(m.marked()))),
    pickle.TUPLE1: lambda m: m.push(m.last(1)), pickle.TUPLE2: lambda m: m.push(m.last(2)),
    pickle.TUPLE3: lambda m: m.push(m.last(3)),
    pickle.APPEND: lambda m: m.extend(m.last(1)), pickle.APPENDS: lambda m: m.extend(m.marked()),
    pickle.SETITEM: lambda m: m.update(list(m.last(2))), pickle.SETITEMS: lambda m: m.update(m.marked()),
    pickle.ADDITEMS: _Machine.add,
    pickle.GLOBAL: lambda m: m.find(m.line().decode(), m.line().decode()),
    pickle.STACK_GLOBAL: lambda m: m.find(*m.last(2)), pickle.REDUCE: _Machine.call, pickle.BUILD: _Machine.build,
}  # fmt: skip
_INSTRUCTIONS = {code[0]: do for code, do in _DO.items()}


def _weigh(value: Any) -> None:
    """Refuse what is not plain, lies in itself, is too deep, or is more than can be walked through.

    What is named in several places is met as often by whoever walks through it, so it counts as often.
    """
    done: dict[int, tuple[int, int]] = {}  # values in it and levels, of every container that was looked at
    opened: list[int] = []

    def weight(one: Any) -> tuple[int, int]:
        kind = type(one)
        if kind in _LEAVES:
            return 1, 0
        if kind not in (list, tuple, dict, set, frozenset):
            raise BadRowError("a pickle that holds a type; only containers, texts and numbers are read")
        if id(one) in done:
            return done[id(one)]
        if len(opened) >= _DEEPEST or id(one) in opened:
            raise BadRowError(f"a pickle of more than {_DEEPEST} levels, or one that holds itself")
        values, levels = 1 + len(one), 1
        inner = one.values() if kind is dict else one
        if not _LEAVES.issuperset(map(type, inner)):
            opened.append(id(one))
            for part in inner:
                more, deep = weight(part)
                values, levels = values + more, max(levels, deep + 1)
                if values > _MOST_VALUES:
                    break
            opened.pop()
        if values > _MOST_VALUES or levels > _DEEPEST:
            raise BadRowError(f"a pickle that stands for more than {_MOST_VALUES} values or {_DEEPEST} levels")
        done[id(one)] = values, levels
        return values, levels

    weight(value)


def loads_plain(data: bytes) -> Any:
    """The content of a pickle that holds plain data only.

    Raises:
        BadRowError: it asks for anything else (nothing of it has run), for more than the bounds of this module, or is
            damaged.

    >>> import collections, pickle
    >>> loads_plain(pickle.dumps({"BBP01": [1, 2.5, "a", None]}))
    {'BBP01': [1, 2.5, 'a', None]}
    >>> loads_plain(pickle.dumps(collections.OrderedDict()))
    Traceback (most recent call last):
    ...
    surgsigma_hub.errors.BadRowError: a pickle that asks for collections.OrderedDict, which could run code; \
only containers, texts and numbers are read
    """
    if len(data) > MAX_PICKLE:
        raise BadRowError(f"a pickle of {len(data)} bytes, more than {MAX_PICKLE} are not read")
    try:
        found = _Machine(data).run()
        _weigh(found)
        return found
    except BadRowError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise BadRowError(f"no pickle, or a damaged one ({type(error).__name__}: {str(error)[:80]})") from None


def load_plain(path: Path) -> Any:
    """As :func:`loads_plain`, from a file.

    Raises:
        BadRowError: as there; the message does not name the file.
        OSError: the file cannot be read, is no plain file, or is too large.
    """
    return loads_plain(read_plain(path, most=MAX_PICKLE))
