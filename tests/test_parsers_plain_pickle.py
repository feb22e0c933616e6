"""Pickles as data: plain content comes back, and nothing else is ever called."""

from __future__ import annotations

import collections
import os
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.plain_pickle import load_plain, loads_plain

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers(), max_size=3)
        | st.sets(st.text(max_size=2), max_size=3)
    ),
    max_leaves=15,
)


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_content_comes_back(content: Any, protocol: int) -> None:
    if protocol < 3:  # bytes need a call of codecs there, which is refused
        content = ["x", 1, 2.5, {"a": (None, True)}]
    assert loads_plain(pickle.dumps(content, protocol)) == content


@given(
    st.sampled_from([np.int64, np.int32, np.uint8, np.float64, np.float32, np.bool_, ">i4"]),
    st.integers(0, 100),
    st.integers(2, pickle.HIGHEST_PROTOCOL),
)
def test_numbers_of_numpy_become_pythons_own(kind: Any, value: int, protocol: int) -> None:
    number = np.dtype(kind).type(value)
    if protocol == 2:
        protocol = 3
    for data in (pickle.dumps(number, protocol), pickle.dumps({"k": [number]}, protocol)):
        read = loads_plain(data)
        read = read["k"][0] if isinstance(read, dict) else read
        assert read == number.item() and type(read) is type(number.item())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (Evil(), "posix.mkdir"),
        ([1, {"deep": Evil()}], "posix.mkdir"),
        (Path("x"), "Path"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (np.zeros(3), "numpy"),
        (np.datetime64("2020-01-01"), "M8"),
        (print, "builtins.print"),
        (getattr, "builtins.getattr"),
        (complex(1, 2), "builtins.complex"),
    ],
)
def test_anything_else_is_refused_before_it_runs(
    content: Any, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pickle"
    path.write_bytes(pickle.dumps(content, 4))
    with pytest.raises(BadRowError, match=named):
        load_plain(path)
    assert not (tmp_path / "harm").exists()


def test_code_by_hand_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for data in (
        b"cos\nmkdir\n(Vharm\ntR.",
        b"(Vharm\nios\nmkdir\n.",
        b"c__builtin__\neval\n(V__import__('os').mkdir('harm')\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(tR.",
        b"\x80\x04\x8c\x02os\x94\x8c\x05mkdir\x93\x94.",
        b"\x80\x02\x82\x01.",
        b"Pname\n.",
    ):
        with pytest.raises(BadRowError):
            loads_plain(data)
    assert not (tmp_path / "harm").exists()


@given(st.binary(max_size=60))
def test_noise_is_an_error_of_ours_or_plain(data: bytes) -> None:
    try:
        content = loads_plain(data)
    except BadRowError:
        return
    assert isinstance(
        content, (dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, type(None), type)
    ) or callable(content)


def test_a_file_cut_anywhere_is_an_error() -> None:
    data = pickle.dumps({"BBP01": [{"Frame_id": "BBP01_00000001", "Phase_gt": 3}]}, 4)
    for end in range(len(data)):
        with pytest.raises(BadRowError):
            loads_plain(data[:end])


def memo_of(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


BOMBS = {
    "bytes of a number": b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "a length that is only claimed": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
    "a text that is only claimed": b"\x80\x05\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a frame that is only claimed": b"\x80\x04\x95" + struct.pack("<Q", 2**62),
    "a number of megabytes": b"\x80\x02\x8b" + struct.pack("<i", 2**20) + b"\x7f" * 2**20 + b".",
    "a number of many digits": b"L" + b"9" * 10**6 + b"L\n.",
    "lists that double": b"\x80\x02]" + b"".join(b"2\x86" for _ in range(60)) + b".",
    "copies of copies": b"\x80\x02cbuiltins\nlist\nq\x00(" + b"N" * 10**5 + b"lq\x01"
    + b"".join(b"0h\x00h\x01\x85Rq\x01" for _ in range(400)) + b".",
    "a key of tuples that double": b"\x80\x02})" + b"".join(b"2\x86" for _ in range(60)) + b"Ns.",
    "a set of tuples that double": b"\x80\x04\x8f()" + b"".join(b"2\x86" for _ in range(60)) + b"\x90.",
    "a list of itself": b"\x80\x02]q\x00h\x00a.",
    "deep": b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".",
    "one long list in a long list": b"\x80\x02(" + b"N" * 10**5 + b"lq\x00(" + b"h\x00" * 10**5 + b"l.",
    "attributes of a type": b"\x80\x02cnumpy\ndtype\n}X\x04\x00\x00\x00codeX\x01\x00\x00\x00xsb.",
    "a type": b"\x80\x02cnumpy\ndtype\n.",
    "a type that calls": b"\x80\x02cbuiltins\nlist\ncbuiltins\nlist\n\x85R.",
}  # fmt: skip


def test_a_table_of_gigabytes_is_not_made() -> None:
    tracemalloc.start()
    assert loads_plain(b"\x80\x02N" + memo_of(2**32 - 1) + b"0N.") is None
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_gigabytes_or_for_ever_is_refused(name: str) -> None:
    tracemalloc.start()
    with pytest.raises(BadRowError):
        loads_plain(BOMBS[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000_000


def test_a_large_file_of_labels_is_read() -> None:
    content = {f"v{v}": [{"Frame_id": f"v{v}_{n}", "Phase_gt": n % 12} for n in range(2000)] for v in range(10)}
    for protocol in (2, 4, 5):
        assert loads_plain(pickle.dumps(content, protocol)) == content


def test_a_pickle_that_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.pickle")
    with pytest.raises(OSError, match="FIFO"):
        load_plain(tmp_path / "x.pickle")
    with (tmp_path / "y.pickle").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="more than"):
        load_plain(tmp_path / "y.pickle")
