"""The samples of a tree by number, for looking: opened by its manifests, filtered by its catalog, read one by one."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ..conformance import form_problem
from ..errors import ShardError, SurgSigmaError
from ..shards.by_medium import sample_of
from ..shards.config_names import FRAMES, split_order
from ..shards.manifest import Manifest
from ..streaming.order.permutation import Numbers
from ..streaming.selection.by_medium import read_conversations
from ..streaming.selection.catalog import find_wanted
from ..streaming.selection.filters import check_where
from ..streaming.selection.index import Listed, make_index
from ..streaming.selection.rows import read_columns
from ..streaming.storage.options import RemoteOptions
from ..streaming.storage.tree import SampleReader, find_tree

MOST_ROWS = 1_000_000
"""Rows of catalogs whose labels are counted; the first ones of a larger selection stand for all."""
MOST_TOGETHER = 60
"""Conversations of one moment that are shown together."""
_OPEN_SHARDS, _KEPT_VIEWS = 8, 16


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked at; an empty field lets everything pass."""

    task: str = ""
    source: str = ""
    specialty: str = ""
    label: str = ""
    split: str = ""

    @property
    def where(self) -> dict[str, str]:
        """The part of it that the catalog answers; the other names are those of manifests."""
        return {name: value for name in ("specialty", "label") if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sample is: its task, source and split, and its number (0-based) in their manifest.

    Of what is laid out by medium the task is ``frames``, and the numbers are those of the conversations.
    """

    task: str
    source: str
    split: str
    number: int

    def __str__(self) -> str:
        return f"{self.task}/{self.source}/{self.split}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """From the form in which a link holds it.

        Raises:
            SurgSigmaError: not of that form.
        """
        parts = text.split("/")
        if len(parts) != 4 or not (parts[3].isascii() and parts[3].isdigit()):
            raise SurgSigmaError(
                f"{text[:80]!r} is not the place of a sample", hint="Expected TASK/SOURCE/SPLIT/NUMBER."
            )
        return cls(parts[0], parts[1], parts[2], int(parts[3][:15]))


@dataclass(frozen=True)
class View:
    """The samples that a filter lets pass, numbered through.

    Attributes:
        manifests: In the order in which their samples are shown.
        kept: Numbers over all manifests; None: every sample.
    """

    manifests: tuple[Manifest, ...]
    kept: Numbers | None

    @cached_property
    def _first(self) -> Numbers:
        return np.cumsum([0, *(m.rows for m in self.manifests)])

    def __len__(self) -> int:
        return int(self._first[-1]) if self.kept is None else len(self.kept)

    def place(self, position: int) -> Place:
        """The sample at a position, which must be below the length."""
        number = position if self.kept is None else int(self.kept[position])
        at = int(np.searchsorted(self._first, number, side="right")) - 1
        m = self.manifests[at]
        return Place(m.task, m.source, m.split, number - int(self._first[at]))

    def position(self, place: Place) -> int | None:
        """Where a sample stands in the view; None where the filter leaves it out."""
        for first, m in zip(self._first.tolist(), self.manifests, strict=False):
            if (m.task, m.source, m.split) == (place.task, place.source, place.split) and place.number < m.rows:
                number = first + place.number
                if self.kept is None:
                    return int(number)
                at = int(np.searchsorted(self.kept, number))
                return at if at < len(self.kept) and self.kept[at] == number else None
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """One sample as it is read: its JSON, and its media as bytes by member."""

    doc: dict[str, Any]
    media: Mapping[str, bytes]
    place: Place


class Gallery:
    """A tree to look at. Owns its open shards; never reads a medium that is not looked at. Threads may share it.

    Args:
        tree: A folder, ``ORG/NAME[@REVISION]`` on the Hub, or a URL.
        options: Network options for remote trees.

    Raises:
        SurgSigmaError: no such place.
        ShardError: nothing is built there.
    """

    def __init__(self, tree: str | Path | None, options: RemoteOptions | None = None) -> None:
        self._storage = find_tree(tree, options=options)
        listed = self._storage.listed()
        if not listed:
            raise ShardError(f"{self._storage.where}: no built data", hint="Run: surgsigma build --help")
        self._listed = sorted(listed, key=lambda m: (m.task == FRAMES, split_order(m.split), m.task, m.source))
        self._lock = threading.Lock()
        self._manifests: dict[str, Manifest] = {}
        self._first_about: dict[str, Numbers] = {}
        self._views: OrderedDict[Filter, View] = OrderedDict()
        self._readers: OrderedDict[str, tuple[SampleReader, threading.Lock]] = OrderedDict()

    @property
    def where(self) -> str:
        """What the tree is called."""
        return self._storage.where

    @property
    def tasks(self) -> list[str]:
        """Its tasks, in whichever layout."""
        by_medium = {task for m in self._load(Filter(task=FRAMES)) for task in m.counts}
        return sorted({m.task for m in self._listed if m.task != FRAMES} | by_medium)

    @property
    def sources(self) -> list[str]:
        """Its sources."""
        return sorted({m.source for m in self._listed})

    @property
    def splits(self) -> list[str]:
        """Its splits, training first."""
        return sorted({m.split for m in self._listed}, key=split_order)

    def view(self, wanted: Filter) -> View:
        """The samples that a filter lets pass. Catalogs are read only for specialties and labels.

        Raises:
            ShardError: a manifest or catalog that cannot be read.
        """
        with self._lock:
            if wanted in self._views:
                self._views.move_to_end(wanted)
                return self._views[wanted]
        manifests = self._load(wanted)
        where = check_where(wanted.where) if wanted.where else {}
        by_medium = [m for m in manifests if m.task == FRAMES]
        kept = None
        if manifests and (where or (wanted.task and by_medium)):
            by_task = manifests[: len(manifests) - len(by_medium)]
            total = sum(m.samples for m in by_task)
            parts = [find_wanted(self._storage, by_task, where).numbers if where and by_task else np.arange(total)]
            if by_medium:
                asked = {(m.source, task): 1.0 for m in by_medium for task in m.counts if wanted.task in ("", task)}
                conversations = read_conversations(self._storage, by_medium, asked, where)
                parts.append(np.flatnonzero(conversations.kept) + total)
            kept = np.concatenate(parts)
        made = View(tuple(manifests), kept)
        with self._lock:
            self._views[wanted] = made
            while len(self._views) > _KEPT_VIEWS:
                self._views.popitem(last=False)
        return made

    def read(self, place: Place) -> Shown:
        """One sample.

        Raises:
            ShardError: it is not there, or its shard is damaged.
        """
        m = self._manifest(place)
        if place.number >= m.rows:
            raise ShardError(f"{m.path}: holds {m.rows} samples, none of number {place.number}")
        number, turn = self._about(m, place.number) if m.task == FRAMES else (place.number, 0)
        reader, lock = self._reader(m)
        with lock:  # nobody closes it meanwhile
            found = reader.read(number)
            media = {name: bytes(data) for name, data in found.media.items()}
            data = bytes(found.json)
        try:
            doc = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ShardError(f"{found.where}: sample {number} holds no JSON ({error})") from None
        if problem := form_problem(doc, layout=m.layout):
            raise ShardError(f"{found.where}: not a sample of this package: {problem}", hint="Run: surgsigma validate")
        if m.task == FRAMES:
            talks = doc["conversations"]
            if turn >= len(talks):
                raise ShardError(
                    f"{found.where}: {len(talks)} conversations about medium {number}, the catalog says more",
                    hint="Run: surgsigma validate",
                )
            doc = sample_of(doc, talks[turn])
        return Shown(doc, media, place)

    def _about(self, m: Manifest, number: int) -> tuple[int, int]:
        """The medium that a conversation is about, and which of those about it."""
        with self._lock:
            first = self._first_about.get(m.path)
        if first is None:
            first = read_conversations(self._storage, [m], {}, {}).first
            with self._lock:
                self._first_about[m.path] = first
        medium = int(np.searchsorted(first, number, side="right")) - 1
        return medium, number - int(first[medium])

    def labels(self, wanted: Filter) -> Counter[str]:
        """How often each label occurs, in the first :data:`MOST_ROWS` samples of a filter without its label."""
        counted: Counter[str] = Counter()
        left = MOST_ROWS
        for m in self._load(wanted):
            if left <= 0:
                break
            for _, table in read_columns(self._storage, m, ["labels", "specialty", "task"]):
                counted.update(_label_counts(table, {"specialty": wanted.specialty, "task": wanted.task}))
            left -= m.rows
        return counted

    def together(self, shown: Shown) -> list[Place]:
        """All samples that look at what this one looks at: the same surgery and frame, or the same clip."""
        doc = shown.doc
        key = [doc[name] for name in _MOMENT[1:]]
        found: list[Place] = []
        for m in self._load(Filter(source=doc["source"], split=shown.place.split)):
            for first, table in read_columns(self._storage, m, _MOMENT):
                found += [Place(m.task, m.source, m.split, first + n) for n in _rows(table, doc[_MOMENT[0]], key)]
        return found

    def find(self, id: str) -> Place | None:
        """The sample of an id; every catalog is looked through until it is found."""
        parts = set(id.split("-"))  # ids hold the source and the task, where the build gave them
        likely = sorted(self._listed, key=lambda m: (m.task not in parts, m.source not in parts))
        for listed in likely:
            m = self._manifest(listed)
            for first, table in read_columns(self._storage, m, ["id"]):
                for n in _equal(table["id"], id):
                    return Place(m.task, m.source, m.split, first + n)
        return None

    def close(self) -> None:
        """Let go of all files and connections."""
        with self._lock:
            readers = list(self._readers.values())
            self._readers.clear()
        for reader, _ in readers:
            reader.close()

    def _load(self, wanted: Filter) -> list[Manifest]:
        fits = [
            m
            for m in self._listed
            if (m.task == FRAMES or wanted.task in ("", m.task))
            and wanted.source in ("", m.source)
            and wanted.split in ("", m.split)
        ]
        with self._lock:
            new = [m for m in fits if m.path not in self._manifests]
        loaded = self._storage.load(list(new)) if new else []
        with self._lock:
            self._manifests |= {m.path: m for m in loaded}
            found = [self._manifests[m.path] for m in fits]
        return [m for m in found if m.shards and wanted.task in ("", m.task, *m.counts)]

    def _manifest(self, place: Place | Listed) -> Manifest:
        fits = [m for m in self._load(Filter(place.task, place.source, split=place.split)) if m.task == place.task]
        if not fits:
            raise ShardError(f"{self.where}: has no {place.task} of {place.source}, split {place.split}")
        return fits[0]

    def _reader(self, m: Manifest) -> tuple[SampleReader, threading.Lock]:
        closed: list[tuple[SampleReader, threading.Lock]] = []
        with self._lock:
            if m.path not in self._readers:
                self._readers[m.path] = self._storage.shards(make_index([m])), threading.Lock()
            self._readers.move_to_end(m.path)
            found = self._readers[m.path]
            while len(self._readers) > _OPEN_SHARDS:
                closed.append(self._readers.popitem(last=False)[1])
        for reader, lock in closed:
            with lock:
                reader.close()
        return found


_MOMENT = ("canonical_video_id", "frame_index", "start_seconds", "end_seconds")


def _equal(column: Any, value: str) -> Iterator[int]:
    """Rows of a column of texts that hold a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first = 0
    for chunk in column.chunks:
        hits = pc.is_in(chunk, value_set=pa.array([value], pa.string()))
        yield from (np.flatnonzero(np.asarray(hits)) + first).tolist()
        first += len(chunk)


def _rows(table: Any, video: str, moment: Sequence[Any]) -> list[int]:
    """Rows of a catalog that are of one moment of one surgery."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = np.zeros(len(table), bool)
    kept[list(_equal(table[_MOMENT[0]], video))] = True
    for name, value in zip(_MOMENT[1:], moment, strict=True):
        column = table[name]
        fits = pc.is_null(column) if value is None else pc.equal(column, pa.scalar(value, column.type)).fill_null(False)
        kept &= np.asarray(fits)
    found: list[int] = np.flatnonzero(kept).tolist()
    return found


def _label_counts(table: Any, asked: Mapping[str, str]) -> dict[str, int]:
    """How many rows name each label, counted without a loop over rows.

    Args:
        table: Rows of a catalog.
        asked: What other columns of a row must hold; empty: anything.
    """
    import pyarrow.compute as pc

    labels = table["labels"].combine_chunks()
    rows, flat = np.asarray(pc.list_parent_indices(labels)).astype(np.int64), pc.list_flatten(labels)
    codes, names = np.asarray(flat.indices).astype(np.int64), flat.dictionary.to_pylist()
    for column, value in asked.items():
        if value:
            of = np.zeros(len(table), bool)
            of[list(_equal(table[column], value))] = True
            kept = of[rows]
            rows, codes = rows[kept], codes[kept]
    once = np.unique(rows * max(1, len(names)) + codes)  # a label that a row names twice counts once
    counts = np.bincount(once % max(1, len(names)), minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}
