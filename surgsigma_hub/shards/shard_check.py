"""Checking one shard: everything is read, nothing is trusted. A unit of work that any process can do."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ShardError
from ..plain_file import open_plain
from .by_medium import layout_of
from .config_names import FRAMES
from .manifest import Shard
from .problems import Notes
from .sample_checks import check, parse
from .tar_walk import Damage, Group, HashingReader, groups
from .tree_files import TreeFiles


@dataclass(frozen=True, slots=True)
class ShardCheck:
    """One shard to check.

    Attributes:
        base: What places are relative to.
        place: Where the tar is.
        inside: Whether it must not be reached by a link that leads out of ``base``.
        entry: What the manifest says of it; None where nothing does.
        names: Task, source and split that its samples must have; empty where no manifest says.
        without_media: Its samples are to have no media.
        hash_only: Compare size and sha256, and look at no sample.
    """

    base: Path
    place: str
    inside: bool
    entry: Shard | None = None
    names: tuple[tuple[str, str], ...] = ()
    hash_only: bool = False
    without_media: bool = False

    def open(self) -> BinaryIO:
        """The tar.

        Raises:
            ShardError: it leads out of the tree.
            OSError: it cannot be opened, or is no plain file.
        """
        if self.inside:
            return os.fdopen(TreeFiles(self.base).open(self.place), "rb")
        return open_plain(self.base / self.place)

    def ids(self) -> Iterator[str]:
        """What must be unique of its samples, read again; see :func:`_ids`."""
        with suppress(OSError), self.open() as file:  # it was read a moment ago
            for found in groups(HashingReader(file)):
                if isinstance(found, Group):
                    yield from _ids(found.key, parse(found.members.get("json", b""))[0])


@dataclass(slots=True)
class Seen:
    """What a shard turned out to hold.

    Attributes:
        readable: False where it is missing or cannot be read, which is noted.
        samples: How many.
        hashes: Of all that must be unique, see :func:`_ids`: 8 bytes each, so that a tree of millions fits.
        conversations: In the layout ``frames``, how many of each task.
        splits: Canonical video to source to the splits that samples of it say.
    """

    notes: Notes = field(default_factory=Notes)
    readable: bool = True
    bytes: int = 0
    samples: int = 0
    media: int = 0
    media_bytes: int = 0
    members: set[str] = field(default_factory=set)
    videos: set[str] = field(default_factory=set)
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    conversations: Counter[str] = field(default_factory=Counter)
    splits: dict[str, dict[str, set[str]]] = field(default_factory=dict)


def check_shard(job: ShardCheck) -> Seen:
    """Read a shard and compare it with the format and with its entry; nothing that it holds raises."""
    seen, starts, where = Seen(), list[int](), job.place
    try:
        with job.open() as file:
            reader = HashingReader(file)
            for found in () if job.hash_only else groups(reader):
                if isinstance(found, Damage):
                    place = f"{where}:{found.name}" if found.name else f"{where} at byte {found.offset}"
                    seen.notes.add(place, "tar", found.what, found.expected)
                else:
                    starts.append(found.offset)
                    _sample(found, job, seen)
            sha256, seen.bytes = reader.finish(), reader.bytes
    except ShardError as error:
        return _missing(seen, where, error.message.removeprefix(f"{where}: "), "the shard itself")
    except FileNotFoundError:
        return _missing(seen, where, "the manifest lists this shard, but there is no such file", "the shard")
    except OSError as error:
        return _missing(seen, where, f"cannot be read ({error.strerror or error})", "the shard")
    if job.entry is not None:
        _compare(job, job.entry, seen, sha256, starts)
    return seen


def _missing(seen: Seen, where: str, what: str, expected: str) -> Seen:
    seen.notes.add(where, "missing", what, expected)
    seen.readable = False
    return seen


def _compare(job: ShardCheck, entry: Shard, seen: Seen, sha256: str, starts: list[int]) -> None:
    samples = entry.samples if job.hash_only else len(starts)
    for what, found, listed in (
        ("bytes", seen.bytes, entry.bytes), ("sha256", sha256, entry.sha256), ("samples", samples, entry.samples),
    ):  # fmt: skip
        if found != listed:
            seen.notes.add(job.place, "manifest", f"{what} of the shard: {found}", f"{listed}, as the manifest says")
    blocks = () if job.hash_only else entry.blocks
    wrong = [b for b in blocks if not (b[1] < len(starts) and starts[b[1]] == b[0])]
    if wrong:
        what = f"no sample {wrong[0][1]} starts at byte {wrong[0][0]} ({len(wrong)} such blocks)"
        seen.notes.add(job.place, "blocks", what, "block offsets of the manifest where samples start")


def _ids(key: str, doc: Mapping[str, Any]) -> Iterator[str]:
    """What must be unique in a tree: the key of a sample, and the id of every conversation in it."""
    yield key
    talks = doc.get("conversations")
    for talk in talks if isinstance(talks, list) else ():
        if isinstance(talk, dict) and isinstance(talk.get("id"), str):
            yield talk["id"]


def _sample(group: Group, job: ShardCheck, seen: Seen) -> None:
    where = f"{job.place}:{group.key}"
    for note in group.notes:
        seen.notes.add(where, "tar", note.what, note.expected)
    doc, findings = check(group.key, group.members, without_media=job.without_media)
    for finding in findings:
        seen.notes.add(where, finding.kind, finding.what, finding.expected)
    media = {name: data for name, data in group.members.items() if name != "json"}
    seen.media += len(media)
    seen.media_bytes += sum(map(len, media.values()))
    seen.members |= set(media)
    seen.samples += 1
    for id in _ids(group.key, doc):
        digest = hashlib.blake2b(id.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        seen.hashes.append(int.from_bytes(digest, "big"))
    seen.conversations.update(talk["task"] for talk in doc.get("conversations", ()))
    if doc and ("task", FRAMES) in job.names and layout_of(doc) != FRAMES:
        seen.notes.add(where, "place", "a sample of the layout by task", f"the layout {FRAMES}, as its manifest")
    for name, wanted in job.names:
        if name in doc and doc[name] != wanted:
            seen.notes.add(where, "place", f"{name} is {doc[name]!r}", f"{wanted!r}, as its manifest")
    if {"canonical_video_id", "source", "split"} <= set(doc):
        seen.videos.add(doc["canonical_video_id"])
        by_source = seen.splits.setdefault(doc["canonical_video_id"], {})
        by_source.setdefault(doc["source"], set()).add(doc["split"])
