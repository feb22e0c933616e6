"""Headers of Parquet pages, read without a Parquet library: what they say, and no more."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.streaming.selection.parquet_pages import ENCODINGS, Page, pages


def chunks(table: pa.Table, **how: object) -> list[tuple[bytes, int, int]]:
    """Bytes, values and expanded bytes of each column, by the footer."""
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    data, found = file.getvalue(), []
    group = pq.read_metadata(io.BytesIO(data)).row_group(0)
    for n in range(group.num_columns):
        column = group.column(n)
        start = column.dictionary_page_offset or column.data_page_offset
        found.append(
            (data[start : start + column.total_compressed_size], column.num_values, column.total_uncompressed_size)
        )
    return found


TABLE = pa.table({"text": ["x" * (n % 50) for n in range(3000)], "list": [["u"] * (n % 5) for n in range(3000)]})
HOW = [{"data_page_version": version, "data_page_size": 1000, "compression": codec}
       for version in ("1.0", "2.0") for codec in ("snappy", "none")]  # fmt: skip


@pytest.mark.parametrize("how", HOW, ids=str)
def test_pages_say_what_the_footer_says(how: dict[str, object]) -> None:
    for data, values, expanded in chunks(TABLE, **how):
        found = list(pages(data))
        assert len(found) > 2 and sum(page.values for page in found) == values
        assert 0 < sum(page.expanded for page in found) <= expanded
        assert {page.encoding for page in found} <= ENCODINGS


def header(*, values: int, expanded: int, stored: int) -> bytes:
    """The header of a data page in Thrift's compact protocol, as parquet.thrift describes it."""

    def number(value: int) -> bytes:
        value, out = value << 1, b""
        while value > 127:
            value, out = value >> 7, out + bytes([value & 127 | 128])
        return out + bytes([value])

    own = b"\x15" + number(values) + b"\x15" + number(8) + b"\x15" + number(3) + b"\x15" + number(3) + b"\x00"
    return b"\x15" + number(0) + b"\x15" + number(expanded) + b"\x15" + number(stored) + b"\x2c" + own + b"\x00"


def test_a_page_that_says_more_than_its_bytes_is_believed_to_mean_it() -> None:
    (found,) = pages(header(values=1 << 30, expanded=(1 << 31) - 1, stored=3) + b"abc")
    assert found == Page(values=1 << 30, expanded=(1 << 31) - 1, encoding=8)


@pytest.mark.parametrize(
    "data",
    [
        header(values=1, expanded=1, stored=4) + b"abc",  # a page that is cut off
        header(values=1, expanded=1, stored=3)[:-4],
        b"\x15\x08",  # of no known type
        b"\x15" + b"\xff" * 20,  # a number without end
        b"\x1c" * 40,  # structs in one another without end
        b"\x19\xfc\xff\xff\xff\xff\x0f",  # a list of billions
    ],
    ids=range(6),
)
def test_damaged_headers_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        list(pages(data))


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(data: bytes) -> None:
    try:
        found = list(pages(data))
    except ValueError:
        return
    assert len(found) <= len(data)
