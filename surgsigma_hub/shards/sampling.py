"""A few samples out of a tree or one shard, spread over its tasks and sources: for looking, not for statistics."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from ..conformance import form_problem
from ..errors import ShardError, UnknownNameError
from ..plain_file import open_plain
from .by_medium import conversations_in, layout_of
from .manifest import Manifest, load_tree
from .reader import open_shard, read_shard


@dataclass(frozen=True, slots=True)
class Picked:
    """One sample: its parsed JSON, its media members, and its shard relative to the tree."""

    doc: dict[str, Any]
    media: dict[str, bytes]
    shard: str


def pick(path: Path, *, count: int, task: str | None = None, seed: int = 0) -> list[Picked]:
    """``count`` samples, or as many as there are; the same ones for the same data and seed.

    Args:
        path: The folder of a tree, or a tar.
        count: How many.
        task: Only this task.
        seed: Chooses other samples.

    Raises:
        ShardError: nothing to read there, or a damaged shard.
        UnknownNameError: the tree has no such task.
    """
    if path.is_file():
        return _from_shard(path, count, task, seed)
    if not path.is_dir():
        raise ShardError(f"{path}: no such file or folder", hint="Give the folder of a built tree, or one of its tars.")
    manifests = [m for m in load_tree(path) if m.samples]
    names = sorted({name for m in manifests for name in m.counts})
    if task is not None:
        if task not in names:
            raise UnknownNameError("task", task, names, where=str(path))
        names = [task]
    rng = random.Random(seed)
    if len(names) > count:
        names = sorted(rng.sample(names, count))
    queues = {name: _places(name, [m for m in manifests if name in m.counts], rng) for name in names}
    chosen: dict[str, list[tuple[Manifest, int]]] = {name: [] for name in names}
    left = count
    while left and queues:
        for name in list(queues):
            place = next(queues[name], None)
            if place is None:
                del queues[name]
            elif left:
                chosen[name].append(place)
                left -= 1
    taken: set[str] = set()
    found = (_read(path, manifest, index, name, taken) for name in names for manifest, index in chosen[name])
    return [one for one in found if one is not None]


def _places(task: str, manifests: Sequence[Manifest], rng: random.Random) -> Iterator[tuple[Manifest, int]]:
    """Samples of one task, source by source in turn, none twice."""
    seeds = {m.path: rng.getrandbits(32) for m in manifests}
    sources = sorted({m.source for m in manifests})
    queues = [
        _of_source(task, [m for m in manifests if m.source == s], random.Random(seeds[manifests[0].path]))
        for s in sources
    ]
    while queues:
        for queue in list(queues):
            place = next(queue, None)
            if place is None:
                queues.remove(queue)
            else:
                yield place


def _of_source(task: str, manifests: Sequence[Manifest], rng: random.Random) -> Iterator[tuple[Manifest, int]]:
    total = sum(m.counts[task] for m in manifests)
    seen: set[int] = set()
    while len(seen) < total:
        index = rng.randrange(total)
        while index in seen:
            index = (index + 1) % total
        seen.add(index)
        for manifest in manifests:
            if index < manifest.counts[task]:
                yield manifest, index
                break
            index -= manifest.counts[task]


def _read(tree: Path, manifest: Manifest, index: int, task: str, taken: set[str]) -> Picked | None:
    """Sample ``index`` of a manifest; of one by medium, a conversation of the task about as far on, or the next one.

    ``taken`` are those that were given before; None where all were.
    """
    if manifest.layout == "frames":
        index = index * manifest.samples // manifest.counts[task]
        for members, where in chain(_onwards(tree, manifest, index), _onwards(tree, manifest, 0)):
            for one in samples_in(members, where):
                if one.doc["task"] == task and one.doc["id"] not in taken:
                    taken.add(one.doc["id"])
                    return one
        return None
    for members, where in _onwards(tree, manifest, index):
        return samples_in(members, where)[0]
    raise ShardError(f"{manifest.path}: lists more samples than its shards hold", hint="Run: surgsigma validate")


def _onwards(tree: Path, manifest: Manifest, index: int) -> Iterator[tuple[dict[str, bytes], str]]:
    """The samples of a manifest from one on, and their shards."""
    for shard in manifest.shards:
        if index >= shard.samples:
            index -= shard.samples
            continue
        where = f"{manifest.folder}/{shard.name}"
        offset, first = max((b for b in shard.blocks if b[1] <= index), key=lambda b: b[1], default=(0, 0))
        with open_shard(tree, where) as file:
            file.seek(offset)
            yield from ((members, where) for _, members in islice(read_shard(file, where=where), index - first, None))
        index = 0


def _from_shard(path: Path, count: int, task: str | None, seed: int) -> list[Picked]:
    rng = random.Random(seed)
    kept: list[tuple[int, Picked]] = []  # a reservoir, so that a large shard is read once and never held
    seen = 0
    with open_plain(path) as file:
        for _, members in read_shard(file, where=path.name):
            for found in samples_in(members, path.name):
                if task is not None and found.doc["task"] != task:
                    continue
                if len(kept) < count:
                    kept.append((seen, found))
                elif (place := rng.randrange(seen + 1)) < count:
                    kept[place] = (seen, found)
                seen += 1
    if not kept and task is not None:
        raise ShardError(f"{path.name}: holds no sample of task {task!r}")
    return [found for _, found in sorted(kept, key=lambda pair: pair[0])]


def samples_in(members: dict[str, bytes], where: str) -> list[Picked]:
    """The conversations of one sample of a shard."""
    try:
        doc = orjson.loads(members["json"])
    except (KeyError, orjson.JSONDecodeError) as error:
        raise ShardError(f"{where}: holds a sample without a usable JSON member ({error})") from None
    layout = layout_of(doc) if isinstance(doc, dict) else "tasks"
    if problem := form_problem(doc, layout=layout):
        raise ShardError(f"{where}: not a sample of this package: {problem}", hint="Run: surgsigma validate")
    media = {name: data for name, data in members.items() if name != "json"}
    return [Picked(one, media, where) for one in conversations_in(doc, layout)]
