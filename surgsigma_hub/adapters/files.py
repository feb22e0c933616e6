"""Files of an export: media named by their content, records appended to files that a restart can cut back."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson
from PIL import Image

from ..media.video import open_video_bytes
from ..streaming.decode.decoder import Frames
from ..whole_files import write_atomic
from .media import choose_frames, eight_bit, picture

MEDIA = "media"
_JPEG_QUALITY = 95
_ROWS = 4096  # rows of a group of a Parquet file


@dataclass(slots=True)
class Plan:
    """The media of one sample, on their way to their places.

    Attributes:
        paths: As the record names them, by member; a list for the frames of a clip.
        rates: Frames a second of each clip in frames.
    """

    paths: dict[str, Any]
    files: list[tuple[Path, bytes]]
    clips: list[tuple[Any, dict[int, Path]]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def write(self) -> None:
        """Write what is not there yet.

        Raises:
            MediaError: a frame that cannot be decoded.
        """
        for path, data in self.files:
            if not path.is_file() or path.stat().st_size != len(data):
                write_atomic(path, data, sync=False)
        for clip, places in self.clips:
            for index, path in places.items():
                if not path.is_file() or not path.stat().st_size:
                    buffer = io.BytesIO()
                    Image.fromarray(clip.frame(index)).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
                    write_atomic(path, buffer.getvalue(), sync=False)


class MediaFiles:
    """The folder ``media``: each file once, whatever number of samples shows it.

    A file is named by the sha256 that the samples hold of its bytes, so that nothing has to be remembered.

    Args:
        out: Folder of the export.
        prefix: What stands before the relative path in a record.
    """

    def __init__(self, out: Path, prefix: str = "") -> None:
        self._out, self._prefix = out, prefix

    def plan(
        self,
        sample: Mapping[str, Any],
        media: Mapping[str, bytes],
        *,
        form: Literal["file", "frames"],
        frames: Frames,
        timed: bool = False,
        targets: bool = False,
        place: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None,
    ) -> Plan:
        """Where the inputs of a sample go; writes nothing yet.

        Args:
            sample: Its JSON.
            media: Its media by member.
            form: What becomes of clips.
            frames: Which frames, where they become frames.
            timed: As for ``choose_frames``.
            targets: Also what the answer is.
            place: From a sample and one of its media to the name that it must have below ``media``; None: by content.

        Raises:
            UnfitError: frames that would make the answer wrong, as of ``choose_frames``.
            MediaError: a clip that cannot be read.
        """
        plan = Plan({}, [])
        for medium in sample["media"]:
            if medium["role"] != "input" and not targets:
                continue
            member, data, digest = medium["member"], media[medium["member"]], medium["sha256"]
            start = f"{MEDIA}/{digest[:2]}/{digest[:32]}"
            if medium["kind"] == "video" and form == "frames":
                called = f"{sample['id']}.{member}"
                clip = open_video_bytes(data, called)
                chosen, rate = choose_frames(frames, len(clip), clip.fps, called, timed=timed)
                plan.rates += [] if rate is None else [rate]
                names = {index: f"{start}-{index:06d}.jpg" for index in chosen}
                plan.paths[member] = [self._prefix + names[index] for index in chosen]
                plan.clips.append((clip, {index: self._out / name for index, name in names.items()}))
            else:
                wanted = place(sample, medium) if place is not None else None
                if medium["kind"] == "depth":
                    data, start = _png(eight_bit(picture(data, f"{sample['id']}.{member}"))), f"{start}-8bit"
                name = f"{MEDIA}/{wanted}" if wanted is not None else start + Path(member).suffix
                plan.paths[member] = self._prefix + name
                plan.files.append((self._out / name, data))
        return plan

    def beside(self, texts: Mapping[str, str]) -> None:
        """Small files that a trainer looks for beside media, by name below ``media``."""
        for name, text in texts.items():
            write_atomic(self._out / MEDIA / name, f"{text}\n".encode(), sync=False)

    def count(self) -> tuple[int, int]:
        """Files and bytes; what a killed run left unfinished is removed."""
        number = size = 0
        for path in _below(self._out / MEDIA):
            if path.name.startswith("."):
                path.unlink(missing_ok=True)
                continue
            number += 1
            size += path.stat().st_size
        return number, size


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for inner in folder.iterdir():
            yield from inner.iterdir()


class RecordFiles:
    """Files of records that grow in a folder of unfinished work.

    Args:
        folder: Of unfinished work.
        suffix: ``.jsonl``, a record a line; ``.json``, one list; or ``.parquet``, a record a line until it is finished.
        sizes: Bytes of each file that count, from a run that ended before; what stands behind them is cut off, and
            files that are not named are removed.
    """

    def __init__(self, folder: Path, suffix: str, sizes: Mapping[str, int]) -> None:
        self._folder, self._suffix = folder, suffix
        self._open: dict[str, BinaryIO] = {}
        for stray in folder.glob(f"*{suffix}"):
            if stray.name not in sizes:
                stray.unlink()
        for name, size in sizes.items():
            file = (folder / name).open("r+b")
            file.truncate(size)
            file.seek(size)
            self._open[name] = file

    def __enter__(self) -> RecordFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            file.close()
        self._open = {}

    def add(self, stem: str, record: Mapping[str, Any]) -> str:
        """Append a record to the file of that stem; the file's name."""
        name = f"{stem}{self._suffix}"
        if name not in self._open:
            self._open[name] = (self._folder / name).open("wb")
        file = self._open[name]
        line = orjson.dumps(record)
        if self._suffix == ".json":
            file.write(b"[\n" if file.tell() == 0 else b",\n")
            file.write(line)
        else:
            file.write(line + b"\n")
        return name

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, all of them on disk."""
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
        return {name: file.tell() for name, file in self._open.items()}


def finish(folder: Path, out: Path, sizes: Mapping[str, int], columns: Callable[[], Any] | None = None) -> None:
    """Close lists, make Parquet of lines, and give the files their places; may be killed and run again.

    Args:
        folder: Of unfinished work.
        out: Where the files belong.
        sizes: Bytes of each file before it is closed.
        columns: Gives the Arrow schema of Parquet files.
    """
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file():
            continue  # moved by a run that was killed after that
        with path.open("r+b") as file:
            file.truncate(size)
            file.seek(size)
            if path.suffix == ".json":
                file.write(b"\n]\n")
            file.flush()
            os.fsync(file.fileno())
        if columns is not None:
            whole = path.with_suffix(".whole")
            _to_parquet(path, whole, columns())
            whole.replace(out / name)
            path.unlink()
        else:
            path.replace(out / name)


def _to_parquet(lines: Path, out: Path, schema: Any) -> None:
    """Records a line as Parquet, some thousand in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with lines.open("rb") as source, out.open("wb") as file:
        with pq.ParquetWriter(file, schema) as writer:
            while rows := [orjson.loads(line) for line in islice(source, _ROWS)]:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        file.flush()
        os.fsync(file.fileno())


def digest(value: Any) -> str:
    """Names a value that JSON can hold."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
