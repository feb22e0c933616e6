"""Pickles as data: plain content comes back, and nothing else is ever called."""

from __future__ import annotations

import collections
import os
import pickle
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
