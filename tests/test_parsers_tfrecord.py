"""The TFRecord reader against an encoder of its own, and against damage."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.parsers.tfrecord import (
    Span,
    TFRecordError,
    looks_like_tfrecord,
    masked_crc32c,
    opened,
    parse_example,
    read_records,
)

from chole_files import crc32c, example, field, tfrecord, varint

INT64 = st.integers(-(2**63), 2**63 - 1)


def whole(data: bytes) -> Span:
    return Span(0, len(data))


def test_checksum_of_the_standard_check_string() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


@given(st.binary(max_size=60))
def test_checksum_agrees_with_the_bitwise_one(data: bytes) -> None:
    crc = crc32c(data)
    assert masked_crc32c(data) == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_records_come_back(payloads: list[bytes]) -> None:
    data = tfrecord(payloads)
    spans = list(read_records(data))
    assert [s.read(data) for s in spans] == payloads


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=3), st.data())
def test_a_cut_file_gives_whole_records_then_an_error(payloads: list[bytes], data: st.DataObject) -> None:
    full = tfrecord(payloads)
    cut = data.draw(st.integers(1, len(full) - 1))
    ends = [len(tfrecord(payloads[: n + 1])) for n in range(len(payloads))]
    read: list[bytes] = []
    buffer = full[:cut]
    if cut in ends:
        read = [s.read(buffer) for s in read_records(buffer)]
    else:
        with pytest.raises(TFRecordError, match=r"byte \d+: "):
            for span in read_records(buffer):
                read.append(span.read(buffer))
    assert read == payloads[: sum(end <= cut for end in ends)]


def test_a_flipped_length_is_found_before_it_is_followed() -> None:
    data = bytearray(tfrecord([b"abc", b"def"]))
    second = len(tfrecord([b"abc"]))
    data[second] ^= 1
    spans = read_records(bytes(data))
    assert next(spans).length == 3
    with pytest.raises(TFRecordError, match=f"byte {second}: the checksum"):
        next(spans)


@given(st.lists(INT64, max_size=8), st.booleans())
def test_integers_packed_and_not_negative_ones_too(values: list[int], packed: bool) -> None:
    data = example({"n": values}, packed=packed)
    assert parse_example(data, whole(data))["n"].ints == tuple(values)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5), st.booleans())
def test_floats(values: list[float], packed: bool) -> None:
    data = example({"x": values}, packed=packed)
    assert parse_example(data, whole(data))["x"].floats == tuple(values)


def test_bytes_are_places_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(tfrecord([example({"frame": [b"PIXELS"], "id": [3]}), example({"frame": [b"more", b""]})]))
    assert looks_like_tfrecord(path)
    with opened(path) as buffer:
        first, second = (parse_example(buffer, span) for span in read_records(buffer))
    assert [path.read_bytes()[b.offset : b.offset + b.length] for b in first["frame"].blobs] == [b"PIXELS"]
    assert [path.read_bytes()[b.offset : b.offset + b.length] for b in second["frame"].blobs] == [b"more", b""]
    assert first["id"].ints == (3,)


def test_a_message_written_by_hand() -> None:
    # features { feature { key: "a" value { int64_list { value: [-1, 300] } } } }, with an unknown field 9 before it
    # tag 0a is field 1, 12 field 2, 1a field 3, each followed by its length
    message = bytes.fromhex("48070a170a150a016112101a0e0a0cffffffffffffffffff01ac02")
    assert parse_example(message, whole(message))["a"].ints == (-1, 300)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\x0a\x05abc", "past the end"),
        (b"\x80" * 11, "does not end"),
        (b"\x0a\x80", "does not end"),
        (b"\x0b", "wire type 3"),
        (b"\x02\x00", "field number 0"),
        (field(1, field(1, field(1, b"\xff"))), "not UTF-8"),
        (field(1, field(1, field(2, field(2, field(1, b"abc"))))), "no list of floats"),
        (field(1, field(1, field(2, field(1, b"") + field(3, b"")))), "two kinds"),
        (field(1, field(1, field(2, field(1, varint(8) + varint(1))))), "does not fit"),
    ],
)
def test_messages_that_are_broken(data: bytes, complaint: str) -> None:
    with pytest.raises(TFRecordError, match=complaint):
        parse_example(data, whole(data))


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_raise_the_one_error(data: bytes) -> None:
    for parse in (lambda: list(read_records(data)), lambda: parse_example(data, whole(data))):
        with contextlib.suppress(TFRecordError):
            parse()


@given(st.data())
def test_one_changed_byte_never_raises_another_error(data: st.DataObject) -> None:
    good = bytearray(example({"frame": [b"PIX"], "n": [1, -2], "x": [0.5]}))
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TFRecordError):
        parse_example(bytes(good), whole(bytes(good)))


def test_other_files_do_not_look_like_records(tmp_path: Path) -> None:
    for content in (b"", b"short", struct.pack("<QI", 3, 0) + b"abc", b"Frame\tPhase\n0\tPreparation\n"):
        (tmp_path / "f").write_bytes(content)
        assert not looks_like_tfrecord(tmp_path / "f")
    (tmp_path / "f").write_bytes(b"")
    with opened(tmp_path / "f") as buffer:
        assert list(read_records(buffer)) == []
