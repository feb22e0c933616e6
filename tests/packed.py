"""Trees with many samples, written by the package's own writers: shards of several blocks, a catalog, a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
from surgsigma_hub import records as r
from surgsigma_hub.building.catalog import CatalogRows, merge
from surgsigma_hub.shards.by_medium import joined, samples_of
from surgsigma_hub.shards.config_names import FRAMES
from surgsigma_hub.shards.manifest import Manifest, Shard
from surgsigma_hub.shards.shard_names import shard_name
from surgsigma_hub.shards.writer import ShardWriter
from surgsigma_hub.whole_files import write_atomic

from handmade import jpeg, sample


def write_packed(
    tree: Path,
    sizes: Sequence[Sequence[int]],
    *,
    labels: Sequence[str] = ("common",),
    task: str = "phase_recognition",
    split: str = "train",
) -> Manifest:
    """One part; ``sizes`` are the bytes of each shard's media, and the samples get the ``labels`` in turn."""
    rng = np.random.default_rng(len(sizes))
    folder = tree / "data" / task / "synthetic"
    folder.mkdir(parents=True, exist_ok=True)
    listed: list[Shard] = []
    pieces: list[Path] = []
    number = 0
    for n, shard in enumerate(sizes):
        rows = CatalogRows()
        with ShardWriter(folder / f"{split}-{n:05d}.tar") as writer:
            for size in shard:
                label = labels[number % len(labels)]
                data = rng.bytes(size)
                made, media = sample(
                    number, task=task, split=split, media=[("image.jpg", "image", "input", data)],
                    answer=r.Answer(text=label, labels=(label,)),
                )  # fmt: skip
                text = orjson.dumps(made)
                place = writer.add(made.id, [("json", text), *media.items()])
                rows.add(orjson.loads(text), shard=f"{split}-{n:05d}.tar", place=place)
                number += 1
            listed.append(writer.close())
        pieces.append(tree / f"{split}-{n}.parquet")
        rows.write(pieces[-1])
    manifest = Manifest(
        task=task, source="synthetic", split=split, samples=number, bytes=sum(s.bytes for s in listed),
        media_bytes=sum(map(sum, sizes)), members=("image.jpg",), videos=(), options={}, shards=tuple(listed),
    )  # fmt: skip
    (tree / "catalog").mkdir(exist_ok=True)
    merge(pieces, tree / manifest.catalog)
    for piece in pieces:
        piece.unlink()
    write_atomic(tree / manifest.path, manifest.dumps())
    card(tree)
    return manifest


def write_talks(
    tree: Path,
    shards: Sequence[Sequence[Sequence[str]]],
    *,
    source: str = "synthetic",
    split: str = "train",
    size: int = 0,
) -> Manifest:
    """One part by medium: of each shard the media, of each medium the tasks of its conversations, which may repeat.

    A conversation's label is ``common``, and ``rare`` for every third medium. ``size``: bytes of a medium that is no
    picture; 0: a JPEG of its own.
    """
    folder = tree / "data" / FRAMES / source
    folder.mkdir(parents=True, exist_ok=True)
    listed: list[Shard] = []
    pieces: list[Path] = []
    counts: Counter[str] = Counter()
    number, stored = 0, 0
    rng = np.random.default_rng(7)
    for n, shard in enumerate(shards):
        rows, name = CatalogRows(), shard_name(FRAMES, source, split, n)
        with ShardWriter(folder / name) as writer:
            for tasks in shard:
                data = rng.bytes(size) if size else jpeg((number % 256, number // 256, 99))
                label = "rare" if number % 3 == 0 else "common"
                talks = [
                    sample(number, task=task, split=split, source=source, media=[("image.jpg", "image", "input", data)],
                           answer=r.Answer(text=label, labels=(label,)), question=f"Question {k}?")[0]
                    for k, task in enumerate(tasks)
                ]  # fmt: skip
                docs = [orjson.loads(orjson.dumps(replace(t, id=f"{t.id}-{k}"))) for k, t in enumerate(talks)]
                medium = joined(docs)
                place = writer.add(medium["id"], [("json", orjson.dumps(medium)), ("image.jpg", data)])
                for one in samples_of(medium):
                    rows.add(one, shard=name, place=place)
                counts.update(tasks)
                number, stored = number + 1, stored + len(data)
            listed.append(writer.close())
        pieces.append(tree / f"{split}-{n}.parquet")
        rows.write(pieces[-1])
    manifest = Manifest(
        task=FRAMES, source=source, split=split, samples=number, bytes=sum(s.bytes for s in listed),
        media_bytes=stored, members=("image.jpg",), videos=(), options={}, shards=tuple(listed),
        conversations=dict(sorted(counts.items())),
    )  # fmt: skip
    (tree / "catalog").mkdir(exist_ok=True)
    merge(pieces, tree / manifest.catalog)
    for piece in pieces:
        piece.unlink()
    write_atomic(tree / manifest.path, manifest.dumps())
    card(tree)
    return manifest


def card(tree: Path) -> None:
    """The lines of a card that name what a tree holds."""
    lines = []
    for path in sorted(tree.glob("data/*/*/*.manifest.json")):
        split, place = path.name.split(".")[0], path.parent.relative_to(tree).as_posix()
        name = f"{path.parent.parent.name}-{path.parent.name}"
        lines.append(f"- config_name: {name}\n  data_files: [{{split: {split}, path: {place}/{split}-*.tar}}]\n")
    (tree / "README.md").write_text(f"---\nconfigs:\n{''.join(lines)}---\n")
