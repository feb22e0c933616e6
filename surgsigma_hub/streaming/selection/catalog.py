"""Reading catalogs: which samples a filter keeps and where they lie, from the few columns that say so."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import ShardError
from ...plain_file import open_plain
from ...shards.manifest import Manifest
from ..order.permutation import Numbers
from ..storage.range_file import RangedFile
from ..storage.tree import TreeStorage
from .filters import LISTS, NUMBERS, columns, keep
from .index import Wanted, nowhere
from .parquet_pages import ENCODINGS, pages

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

logger = logging.getLogger(__name__)

_LIES = ["offset", "bytes"]
_WHOLE = frozenset({*_LIES, *NUMBERS, "frame_index", "boxes", "width", "height"})
_DECIMAL = frozenset({"fps", "start_seconds", "end_seconds"})
_CATALOGS = 4  # that are read at a time
_FOOTER = 64 << 20  # bytes, and things in a list, of a footer; one of six million rows has some 500,000
_GROUP = 1 << 20  # rows of a row group, which is read as a whole; ours have some 65,000
_VALUES = 64  # values of a list in a row, on average; ours have the labels of a sample, or its media
_DICTIONARY, _ROW = 4 << 20, 512  # bytes of a column of a row group, whatever its rows, and for each row


def find_wanted(place: TreeStorage, manifests: Sequence[Manifest], where: Mapping[str, Sequence[Any]]) -> Wanted:
    """The samples of manifests that pass a filter, numbered through; each catalog is read once.

    Args:
        place: The tree. Of one on this machine nobody asks where its samples lie.
        manifests: In the order of the index; one may occur several times.
        where: As given by :func:`surgsigma_hub.streaming.selection.filters.check_where`.

    Raises:
        ShardError: a catalog is missing or unreadable, or has other rows than the manifest has samples.
    """
    unique = list({m.path: m for m in manifests}.values())
    with ThreadPoolExecutor(1 if place.local else min(_CATALOGS, len(unique))) as pool:
        found = dict(zip((m.path for m in unique), pool.map(lambda m: _passing(place, m, where), unique), strict=True))
    first = np.cumsum([0, *(m.samples for m in manifests)])
    parts = [found[m.path] for m in manifests]
    numbers = np.concatenate([part.numbers + n for part, n in zip(parts, first[:-1], strict=True)])
    if place.local:
        return Wanted(numbers, nowhere(len(numbers)), nowhere(len(numbers)))
    return Wanted(
        numbers,
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
    )


def _passing(place: TreeStorage, m: Manifest, where: Mapping[str, Sequence[Any]]) -> Wanted:
    names = [*columns(where), *([] if place.local else _LIES)]
    with opened(place, m, names, optional=_LIES) as (catalog, found):
        return _kept(catalog, m, where, found)


@contextmanager
def opened(
    place: TreeStorage, m: Manifest, names: Sequence[str], *, optional: Collection[str] = ()
) -> Iterator[tuple[pq.ParquetFile, list[str]]]:
    """A catalog, looked at before it is believed, and the columns of it that may be read: those asked for.

    Args:
        place: The tree.
        m: The manifest whose catalog it is.
        names: Columns that are to be read. Texts come as dictionaries.
        optional: Those that an older catalog may lack; all of them are left out where one is not there.

    Raises:
        ShardError: the catalog is missing or unreadable, or has other rows than the manifest says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source: Any = place.catalog(m)
        if isinstance(source, Path) and not str(source).isascii():
            source = source.open("rb")  # pyarrow opens no path that is not UTF-8; of others it reads faster
        # Read as a dictionary, a text that stands for a million rows lies in memory once.
        texts = [f"{n}.list.element" if n in LISTS else n for n in names if n not in (*_WHOLE, *_DECIMAL)]
        with pq.ParquetFile(
            source, read_dictionary=texts, thrift_string_size_limit=_FOOTER, thrift_container_size_limit=_FOOTER
        ) as catalog:
            if not set(optional) <= set(catalog.schema_arrow.names):
                names = [n for n in names if n not in optional]
            _check_form(catalog, m, [*names, *(n for n in optional if n in catalog.schema_arrow.names)])
            if catalog.metadata.num_rows != m.rows:
                raise ShardError(
                    f"{m.catalog}: {catalog.metadata.num_rows} rows, the manifest says {m.rows} samples",
                    hint="Rebuild this part.",
                )
            chunks = list(_chunks(catalog.metadata, set(names)))
            if isinstance(source, RangedFile):
                source.load((chunk.start, chunk.end) for chunk in chunks)
            _check_pages(source, chunks, m)
            yield catalog, list(names)
    except KeyError as error:  # of a column to read as a dictionary
        raise _no_column(m, str(error.args[0]).partition(".")[0]) from None
    except FileNotFoundError:
        raise ShardError(f"{m.catalog}: is not there, so nothing can be filtered", hint="Rebuild this part.") from None
    except (pa.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
        raise ShardError(f"{m.catalog}: cannot be read ({str(error)[:160]})", hint="Rebuild this part.") from None


def row_groups(catalog: pq.ParquetFile, names: Sequence[str]) -> Iterator[pa.Table]:
    """The named columns of an opened catalog, row group by row group, so that memory stays flat.

    By one thread: those of Arrow keep some 15 MB of their own, and read a few columns no sooner.
    """
    for group in range(catalog.metadata.num_row_groups):
        yield catalog.read_row_group(group, columns=names, use_threads=False)


def _check_form(catalog: pq.ParquetFile, m: Manifest, names: Sequence[str]) -> None:
    """Columns of the types that a build writes, in row groups that can be held.

    Raises:
        ShardError: other columns, other types, or larger groups.
    """
    import pyarrow.types as types

    schema = catalog.schema_arrow
    for name in names:
        kind: Any = schema.field(name).type if schema.names.count(name) == 1 else types.lib.null()
        if name in LISTS:
            kind = kind.value_type if types.is_list(kind) else types.lib.null()
        if name in _WHOLE:
            fits = types.is_integer(kind)
        elif name in _DECIMAL:
            fits = types.is_float64(kind)
        else:  # a text that was not read as a dictionary would be repeated in memory
            fits = types.is_dictionary(kind) and types.is_string(kind.value_type)
        if not fits:
            raise _no_column(m, name)
    footer = catalog.metadata
    if any(footer.row_group(n).num_rows > _GROUP for n in range(footer.num_row_groups)):
        raise ShardError(f"{m.catalog}: a row group of more than {_GROUP} rows", hint="Rebuild this part.")


def _no_column(m: Manifest, name: str) -> ShardError:
    return ShardError(f"{m.catalog}: has no column {name!r} of the type that a build writes", hint="Rebuild this part.")


class _Chunk(NamedTuple):
    """A column of a row group: where it lies in the file, and how many rows it is of."""

    column: str
    start: int
    end: int
    rows: int


def _chunks(footer: pq.FileMetaData, names: set[str]) -> Iterator[_Chunk]:
    """Where the named columns are in the file."""
    leaves = [n for n in range(footer.num_columns) if footer.schema.column(n).path.partition(".")[0] in names]
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for chunk in map(row_group.column, leaves):
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            start = min(start, chunk.data_page_offset)
            yield _Chunk(chunk.path_in_schema, start, start + chunk.total_compressed_size, row_group.num_rows)


def _check_pages(source: Any, chunks: Sequence[_Chunk], m: Manifest) -> None:
    """Hold what the pages say that they expand to against the rows that they are of.

    Raises:
        ShardError: more values or bytes than the rows of a build have, or pages of another form.
    """
    with open_plain(source) if isinstance(source, Path) else nullcontext(source) as file:
        for chunk in chunks:
            values = expanded = 0
            try:
                for page in pages(_bytes_of(file, chunk)):
                    values, expanded = values + page.values, expanded + page.expanded
                    if page.encoding not in ENCODINGS:
                        raise ValueError(f"encoding {page.encoding} of Parquet, which a build does not write")
                most = chunk.rows * (_VALUES if "." in chunk.column else 1), _DICTIONARY + chunk.rows * _ROW
                if values > most[0] or expanded > most[1]:
                    raise ValueError(
                        f"{values} values in {expanded} bytes, of {chunk.rows} rows (expected at most {most[0]} in "
                        f"{most[1]} bytes)"
                    )
            except ValueError as error:
                raise ShardError(f"{m.catalog}: column {chunk.column!r}: {error}", hint="Rebuild this part.") from None


def _bytes_of(file: Any, chunk: _Chunk) -> bytes:
    if not 0 <= chunk.start < chunk.end:
        raise ValueError("lies nowhere in the file")
    file.seek(chunk.start)
    data: bytes = file.read(chunk.end - chunk.start)
    if len(data) != chunk.end - chunk.start:
        raise ValueError("lies beyond the end of the file")
    return data


def _kept(catalog: pq.ParquetFile, m: Manifest, where: Mapping[str, Sequence[Any]], names: list[str]) -> Wanted:
    """What passes."""
    lies = _LIES[0] in names
    numbers, starts, ends = list[Numbers](), list[Numbers](), list[Numbers]()
    edges, bytes_of, marks = _shape(m)
    first, fits = 0, True
    for table in row_groups(catalog, names):
        passed = np.flatnonzero(keep(table, where)).astype(np.int64)
        numbers.append(passed + first)
        if lies:
            start = np.asarray(table["offset"].fill_null(-1)).astype(np.int64)
            end = start + np.asarray(table["bytes"].fill_null(0)).astype(np.int64)
            fits = fits and _agree(start, end, first, marks, edges, bytes_of)
            starts.append(start[passed])
            ends.append(end[passed])
        first += table.num_rows
    kept = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
    if lies and fits:
        return Wanted(kept, np.concatenate(starts), np.concatenate(ends))
    if lies:
        _tell(m)
    return Wanted(kept, nowhere(len(kept)), nowhere(len(kept)))


def follows(m: Manifest, start: Numbers, end: Numbers) -> bool:
    """Whether samples that begin and end here, all of a manifest, are those of its shards; tells of it if not."""
    edges, bytes_of, marks = _shape(m)
    fits = _agree(start, end, 0, marks, edges, bytes_of)
    if not fits:
        _tell(m)
    return fits


def _tell(m: Manifest) -> None:
    logger.warning("%s: offsets that do not fit the manifest; whole blocks are read", m.catalog)


def _shape(m: Manifest) -> tuple[Numbers, Numbers, Numbers]:
    """First samples and bytes of the shards, and first samples and offsets of the blocks, of a manifest."""
    edges = np.cumsum([0, *(s.samples for s in m.shards)])
    marks = [(n + b[1], b[0]) for n, s in zip(edges.tolist(), m.shards, strict=False) for b in s.blocks]
    return edges, np.array([s.bytes for s in m.shards], np.int64), np.array(marks, np.int64).reshape(-1, 2)


def _agree(start: Numbers, end: Numbers, first: int, marks: Numbers, edges: Numbers, bytes_of: Numbers) -> bool:
    """Whether the rows from ``first`` on are the samples of these shards.

    They follow each other, blocks as listed, and end inside their shard.
    """
    here = marks[(marks[:, 0] >= first) & (marks[:, 0] < first + len(start))]
    follow = start[1:] == end[:-1]
    follow |= np.isin(np.arange(first + 1, first + len(start)), edges)
    of = np.searchsorted(edges, np.arange(first, first + len(start)), side="right") - 1
    inside = (start >= 0) & (start < end) & (end <= bytes_of[of])
    return bool(follow.all() and (start[here[:, 0] - first] == here[:, 1]).all() and inside.all())
