"""Parquet tables with pictures in their cells, as the Hub stores image datasets: read in turn, or unpacked into files.

Columns are told by their type: cells of bytes, or of a structure with ``bytes``, are pictures, everything else is a
value. One batch of rows is in memory at a time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..errors import BadRowError, SurgSigmaError
from ..plain_file import plain_size
from ..records import Defect, Reason
from ..whole_files import fingerprint, made_once

MAX_PARQUET = 64 << 30
"""Most bytes of a file; the Hub's own writers begin a new one after 500 MB."""
_MOST_GROUP = 4 << 30
"""Most bytes that a row group may say to hold: its writers close one after 100 pictures."""
_MOST_CELL = 256 << 20
"""Most bytes of one encoded picture."""
_BATCH = 8
_ENDINGS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}
_FAULTS = "defects.json"


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One row.

    Attributes:
        where: Its place, for messages.
        number: Of the row in its file, from 0.
        values: By column; members of a structure as ``column.member``, numbers of a class label as their names.
        pictures: By column, encoded (JPEG or PNG); of a list the first is ``column.0``. Without those that are empty.
        names: The name of the file that a picture was, by the same, where the table has kept it.
    """

    where: str
    number: int
    values: Mapping[str, Any]
    pictures: Mapping[str, bytes]
    names: Mapping[str, str]


def ending_of(picture: bytes) -> str:
    """Ending of a file of an encoded picture; empty where it is neither JPEG nor PNG."""
    return next((ending for magic, ending in _ENDINGS.items() if picture.startswith(magic)), "")


def picture_columns(path: Path) -> tuple[str, ...]:
    """The columns whose type is that of pictures; none where the file is no parquet that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(field.name for field in pq.read_schema(path) if _is_picture(field.type))
    except (pa.ArrowException, OSError, ValueError):
        return ()


def read_picture_table(path: Path, where: str, columns: Collection[str] | None = None) -> Iterator[PictureRow | Defect]:
    """The rows of a table in turn, and what cannot be read of it: a row group for itself, a cell for itself.

    Args:
        path: The parquet file.
        where: Its place, for messages.
        columns: Those wanted, of which it may lack any; None takes all.

    Raises:
        BadRowError: it cannot be opened, is not parquet, or has no column of pictures; the message names the place.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    faults = (pa.ArrowException, OSError, ValueError, RecursionError)
    try:
        if plain_size(path) > MAX_PARQUET:
            raise BadRowError(f"{where}: more than {MAX_PARQUET >> 30} GiB, which are not read")
        table = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except faults as error:
        raise BadRowError(f"{where}: parquet that cannot be read: {str(error)[:120]}") from None
    with table:
        schema = table.schema_arrow
        wanted = [name for name in schema.names if columns is None or name in columns]
        if not any(_is_picture(schema.field(name).type) for name in wanted):
            found = ", ".join(schema.names)[:120]
            raise BadRowError(f"{where}: no column holds images; it has {found}")
        classes = _class_names(schema.metadata or {})
        number = 0
        for group in range(table.num_row_groups):
            about = table.metadata.row_group(group)
            said, rows = number, about.num_rows
            if about.total_byte_size > _MOST_GROUP:
                detail = f"{about.total_byte_size} bytes in one row group, more than {_MOST_GROUP} are not read"
                yield Defect(Reason.MEDIA_TOO_LARGE, f"{where} rows {said} to {said + rows - 1}", detail, rows)
                number += rows
                continue
            try:
                for batch in table.iter_batches(_BATCH, row_groups=[group], columns=wanted, use_threads=False):
                    for cells in batch.to_pylist():
                        yield from _row(f"{where} row {number}", number, cells, schema, classes)
                        number += 1
            except faults as error:
                lost = said + rows - number
                place = f"{where} rows {number} to {said + rows - 1}"
                yield Defect(Reason.ROW_MALFORMED, place, f"they cannot be read: {str(error)[:120]}", max(1, lost))
                number = said + rows


def unpacked(
    tables: Sequence[tuple[Path, str]],
    cache_dir: Path | None,
    name: str,
    lay_out: Callable[[Iterator[PictureRow | Defect]], Iterable[tuple[str, bytes] | Defect]],
    columns: Collection[str] | None = None,
) -> tuple[Path, tuple[Defect, ...]]:
    """A folder with the pictures of tables as files, written once for each state of these, and what was left out.

    Args:
        tables: Files and their places for messages, in the order in which they count.
        cache_dir: Where the folder is made.
        name: What it is called, beside a mark of the state of the tables.
        lay_out: Files by name inside the folder, ``/`` between folders, of the rows of all tables in turn; one name
            may come again with the same bytes, of other bytes none is kept. Kept by name and state: another way to
            lay out needs another name.
        columns: As of :func:`read_picture_table`.

    Raises:
        SurgSigmaError: there is no ``cache_dir``, or no room in it.
    """
    if cache_dir is None:
        hint = "Give a cache folder (--cache): the images are written there once."
        raise SurgSigmaError("images inside parquet files can be used only after they were unpacked", hint=hint)
    state = "-".join(sorted({fingerprint(path) for path, _ in tables}))
    if len(state) > 64:
        state = hashlib.blake2b(state.encode(), digest_size=8).hexdigest()

    def rows() -> Iterator[PictureRow | Defect]:
        for path, where in tables:
            try:
                yield from read_picture_table(path, where, columns)
            except BadRowError as error:
                yield Defect(Reason.ROW_MALFORMED, where, error.message.removeprefix(f"{where}: "))

    def write(folder: Path) -> None:
        folder.mkdir(parents=True)
        defects: list[Defect] = []
        written: dict[str, tuple[str, bytes]] = {}  # by name without its ending
        disputed: set[str] = set()
        for one in lay_out(rows()):
            if isinstance(one, Defect):
                defects.append(one)
                continue
            place, data = one
            if not _is_safe(place):
                detail = f"{place!r:.80} is no name of a file: the image is left out"
                defects.append(Defect(Reason.ROW_MALFORMED, name, detail))
                continue
            stem, digest = place.rpartition(".")[0], hashlib.blake2b(data, digest_size=16).digest()
            if stem not in written:
                written[stem] = place, digest
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            elif written[stem][1] != digest:
                disputed.add(written[stem][0])
        for place in sorted(disputed):  # which of them the labels are of is not known
            (folder / place).unlink()
            detail = f"{place} is in the tables with different content: it is left out"
            defects.append(Defect(Reason.DUPLICATE_ID, name, detail))
        (folder / _FAULTS).write_bytes(orjson.dumps([[d.reason, d.where, d.detail, d.moments] for d in defects]))

    try:
        folder = made_once(cache_dir / f"{name}-{state}", write)
    except OSError as error:
        raise SurgSigmaError(f"images cannot be unpacked into the cache folder: {error.strerror}") from None
    kept = orjson.loads((folder / _FAULTS).read_bytes())
    return folder, tuple(Defect(Reason(reason), where, detail, moments) for reason, where, detail, moments in kept)


def _is_safe(place: str) -> bool:
    """Whether a name is of plain parts; what a table says never leads out of the folder."""
    return re.fullmatch(r"(?:[\w-][\w .-]{0,99}/)*[\w-][\w .-]{0,99}", place, re.ASCII) is not None and len(place) < 400


# ---------------------------------------------------------------------------------------------------------- cells


def _is_picture(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_picture(kind.value_type)
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _is_bytes(kind.field(place).type)
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Names of class labels by column, as the Hub's writers note them in the schema; none where it says no such."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            column: [str(name) for name in said["names"]]
            for column, said in features.items()
            if isinstance(said, dict) and said.get("_type") == "ClassLabel" and isinstance(said.get("names"), list)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _row(
    where: str, number: int, cells: Mapping[str, Any], schema: Any, classes: Mapping[str, list[str]]
) -> Iterator[PictureRow | Defect]:
    values: dict[str, Any] = {}
    pictures: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for column, cell in cells.items():
        if not _is_picture(schema.field(column).type):
            for key, value in _flat(column, cell):
                known = classes.get(key, ())
                values[key] = known[value] if type(value) is int and 0 <= value < len(known) else value
            continue
        several = list(enumerate(cell)) if isinstance(cell, list) else []
        for key, one in [(f"{column}.{n}", one) for n, one in several] or [(column, cell)]:
            data = one.get("bytes") if isinstance(one, dict) else one
            if not data:  # no picture of this kind, or one that stayed in a file that nobody gave
                continue
            if len(data) > _MOST_CELL or not ending_of(data):
                large = len(data) > _MOST_CELL
                detail = f"{len(data)} bytes, more than {_MOST_CELL} are not read" if large else "neither JPEG nor PNG"
                reason = Reason.MEDIA_TOO_LARGE if large else Reason.MEDIA_UNREADABLE
                yield Defect(reason, where, f"column {key}: {detail}")
                continue
            pictures[key] = data
            if isinstance(one, dict) and isinstance(one.get("path"), str):
                names[key] = one["path"]
    yield PictureRow(where, number, values, pictures, names)


def _flat(key: str, cell: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(cell, dict):
        for member, value in cell.items():
            yield from _flat(f"{key}.{member}", value)
    else:
        yield key, cell
