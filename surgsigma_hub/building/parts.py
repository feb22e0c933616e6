"""Parts: what mapping one video, or one run of its frames, leaves on disk, read again by the shuffle.

``media.bin`` holds each distinct picture once, ``<task>.rows`` one row per sample (a line naming its media, then its
JSON), ``<task>.npy`` where the rows are and the key that orders them, ``defects.jsonl`` what was left out, each behind
its place in the video, and ``part.json``, written last, the counts.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import BuildError
from ..records import Verdict

INDEX = np.dtype(
    [("order", "<u8"), ("offset", "<u8"), ("length", "<u4"), ("bytes", "<u4"), ("text", "<u4"), ("medium", "<u8")]
)
"""One entry per row: its shuffle key, its place in ``<task>.rows``, the bytes it adds to a shard and those of its JSON
among them, and the name of its medium in the layout ``frames`` (0 where it stays in the layout by task)."""


def shuffle_key(seed: int, id: str) -> int:
    """Where a sample falls in the shuffled order: a hash, so it needs no list of all samples.

    >>> shuffle_key(0, "a") == shuffle_key(0, "a") != shuffle_key(1, "a")
    True
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}:{id}".encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored medium: member name in the shard, place in ``media.bin``."""

    member: str
    offset: int
    length: int


@dataclass(slots=True)
class PartWriter:
    """Writes the part of one run of a video into ``folder`` (a temporary name; the caller renames it).

    Attributes:
        at: Place in the video of what is being added: defects of all its runs are told in this order.
        weight: Pictures that all runs of the video have together.
        things: Images and clips that these are.
        taken: Of these, what this run took.
        reading: Seconds of a processor that opening it and its labels took, of all its runs.
        making: Seconds that all the rest took, of this run alone.
        rescaled: How many images are a rescale of what the labels say, by both sizes.
        rated: By criterion, verdicts of several raters in this run.
        of_one_mind: In how many of them all raters say the same.
    """

    folder: Path
    seed: int
    frames: int = 0
    clipped_boxes: int = 0
    rated: Counter[str] = field(default_factory=Counter)
    of_one_mind: Counter[str] = field(default_factory=Counter)
    footage: dict[str, Any] = field(default_factory=dict)
    labels: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    at: int = 0
    weight: int = 0
    things: int = 0
    taken: int = 0
    reading: float = 0.0
    making: float = 0.0
    rescaled: Counter[str] = field(default_factory=Counter)
    _media: IO[bytes] = field(init=False)
    _media_bytes: int = field(init=False, default=0)
    _defects: IO[bytes] = field(init=False)
    _rows: dict[str, IO[bytes]] = field(init=False, default_factory=dict)
    _index: dict[str, list[tuple[int, ...]]] = field(init=False, default_factory=dict)
    _ids: set[str] = field(init=False, default_factory=set)
    counts: dict[str, int] = field(init=False, default_factory=dict)
    _answers: dict[str, Counter[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._media = (self.folder / "media.bin").open("wb", buffering=1 << 20)
        self._defects = (self.folder / "defects.jsonl").open("wb")

    def add_media(self, member: str, data: bytes) -> Blob:
        """Store a medium once; the blob can be named by any number of rows."""
        blob = Blob(member, self._media_bytes, len(data))
        self._media.write(data)
        self._media_bytes += len(data)
        return blob

    def has(self, id: str) -> bool:
        """Whether this part has a sample of that id already."""
        return id in self._ids

    def add_row(
        self, task: str, id: str, text: bytes, blobs: list[Blob], *, answer: str | None = None, medium: int = 0
    ) -> None:
        """Store one sample, and count its ``answer`` where it is one that can occur again.

        ``medium`` names what it looks at, where samples about one medium go into one.
        """
        if task not in self._rows:
            self._rows[task] = (self.folder / f"{task}.rows").open("wb")
        file = self._rows[task]
        offset = file.tell()
        head = orjson.dumps([id, [(b.member, b.offset, b.length) for b in blobs]])
        file.write(head + b"\n" + text)
        size = len(text) + sum(b.length for b in blobs)
        entry = (shuffle_key(self.seed, id), offset, len(head) + 1 + len(text), size, len(text), medium)
        self.count_row(task, id, entry, answer)

    def count_row(self, task: str, id: str, entry: tuple[int, ...], answer: str | None) -> None:
        """Count one sample; ``entry`` is one of :data:`INDEX`."""
        if answer is not None:
            self._answers.setdefault(task, Counter())[answer] += 1
        self._index.setdefault(task, []).append(entry)
        self._ids.add(id)

    def add_defect(self, line: dict[str, Any]) -> None:
        """Record one left-out thing, which may stand for several moments."""
        self._defects.write(b"%d\t%b\n" % (self.at, orjson.dumps(line)))
        self.counts[line["reason"]] = self.counts.get(line["reason"], 0) + line.get("moments", 1)

    def add_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Count those of several raters."""
        for one in verdicts:
            if len(one.scores) > 1:
                self.rated[one.criterion.id] += 1
                self.of_one_mind[one.criterion.id] += len(set(one.scores)) == 1

    def close(self) -> None:
        """Finish all files; ``part.json`` last."""
        self._media.close()
        self._defects.close()
        for task, file in self._rows.items():
            file.close()
            np.save(self.folder / f"{task}.npy", np.array(self._index[task], dtype=INDEX))
        summary = {
            "frames": self.frames,
            "clipped_boxes": self.clipped_boxes,
            "rated": self.rated,
            "of_one_mind": self.of_one_mind,
            "samples": {task: len(rows) for task, rows in sorted(self._index.items())},
            "answers": self._answers,
            "defects": dict(sorted(self.counts.items())),
            "footage": self.footage,
            "rescaled": self.rescaled,
            "weight": self.weight,
            "things": self.things,
            "taken": self.taken,
            "reading": self.reading,
            "making": self.making,
            "labels": self.labels,
            "inputs": self.inputs,
        }
        (self.folder / "part.json").write_bytes(orjson.dumps(summary))

    def abandon(self) -> None:
        """Close the files of a part that will not be finished."""
        for file in (self._media, self._defects, *self._rows.values()):
            file.close()


def read_summary(folder: Path) -> dict[str, Any]:
    """The counts of a finished part.

    Raises:
        BuildError: they are damaged, as a computer that lost its power leaves them.
    """
    path = folder / "part.json"
    try:
        summary: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BuildError(
            f"{path}: the counts of a part of an unfinished build cannot be read ({error})",
            hint=f"Remove the folder {folder} and run the same command again.",
        ) from None
    return summary


def read_defects(runs: Sequence[Path]) -> Iterator[bytes]:
    """What was left out of one video, lines of JSON in the order of the video, from the parts of all its runs."""
    with ExitStack() as files:
        lines = [files.enter_context((folder / "defects.jsonl").open("rb")) for folder in runs]
        placed = heapq.merge(*(map(_placed, some) for some in lines), key=itemgetter(0))
        yield from (line for _, line in placed)


def _placed(line: bytes) -> tuple[int, bytes]:
    at, text = line.split(b"\t", 1)
    return int(at), text


def read_index(folder: Path, task: str) -> npt.NDArray[Any]:
    """The rows of one task in a part, in the order they were written; empty when it has none."""
    path = folder / f"{task}.npy"
    if not path.exists():
        return np.empty(0, dtype=INDEX)
    index: npt.NDArray[Any] = np.load(path)
    return index


def split_row(row: bytes) -> tuple[str, list[Blob], bytes]:
    """A row as sample id, media and JSON."""
    head, text = row.split(b"\n", 1)
    id, blobs = orjson.loads(head)
    return id, [Blob(*b) for b in blobs], text
