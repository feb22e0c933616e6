"""Join: an annotation-only tree and the user's own copy give the shards of a full build, byte for byte.

The copy goes through the same loader and encoder as in a build. Each sample is found by its id, and its media are held
against what is noted beside the tree: by sha256, else by size and perceptual hash, so that pictures that were extracted
or encoded anew are recognised, and those of another moment are refused with the reading of the copy that would fit.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import BuildError, ShardError, UnknownNameError
from ..schema import Layout
from ..shards.by_medium import conversations_in
from ..shards.lock import only_writer
from ..shards.manifest import Manifest, Shard, load_tree, parse_manifest
from ..shards.part_reader import parsed, read_part_shard
from ..tasks.common.question_kinds import Style
from .annotations_only import join_place
from .commit import STAGING, staged_manifest, write_part
from .copying import copy_rest
from .frame_runs import map_videos
from .joined_media import Comparison, Read
from .map import MapJob, map_video
from .new_tree import become, check_out, drop_records, keep_own_work
from .parts import read_index, shuffle_key, split_row
from .plan import Settings, SplitPolicy, make_plan, states_of
from .pool import run_jobs
from .report import counts_of
from .shuffle import Opened, Ready, write_shard

PLACES = np.dtype([("order", "<u8"), ("part", "<u4"), ("offset", "<u8"), ("length", "<u4")])
"""Where the row of a sample lies in the parts of a copy, by the key that its id gives."""

_TOLD = 10
"""Videos that an error names."""


@dataclass(frozen=True, slots=True)
class JoinJob:
    """One shard to complete; see :class:`surgsigma_hub.building.shuffle.Job`.

    Attributes:
        places: Files of :data:`PLACES`, in order, by task.
    """

    path: Path
    tree: Path
    folder: str
    shard: Shard
    layout: Layout
    parts: tuple[Path, ...]
    places: Mapping[str, Path]
    seed: int

    def samples(self) -> Iterator[Ready]:
        """The samples of the annotation-only shard, with the media of the copy."""
        rows = CopyRows.of(self.parts, self.places, self.seed)
        for key, members in read_part_shard(self.tree, self.folder, self.shard):
            doc = parsed(members, where=f"{self.folder}/{self.shard.name}: {key}", layout=self.layout)
            talks = conversations_in(doc, self.layout)
            found = rows.find(talks[0]["task"], talks[0]["id"])
            if found is None:
                raise BuildError(f"{self.folder}/{self.shard.name}: the copy has no media of {key}")
            own, media = found
            for one in (doc, *talks):
                one["media"] = own["media"]
            yield Ready(key, orjson.dumps(doc), list(media()), talks)


@dataclass(slots=True)
class CopyRows:
    """What a copy holds, by the task and the id of a sample."""

    parts: Sequence[Path]
    places: Mapping[str, npt.NDArray[Any]]
    seed: int
    _opened: Opened = field(default_factory=Opened)

    @classmethod
    def of(cls, parts: Sequence[Path], places: Mapping[str, Path], seed: int) -> CopyRows:
        """From files of :data:`PLACES`."""
        return cls(parts, {task: np.load(path, mmap_mode="r") for task, path in places.items()}, seed)

    def find(self, task: str, id: str) -> tuple[dict[str, Any], Read] | None:
        """The JSON of a sample as the copy gives it, and what reads its media; None where the copy has no such."""
        order, places = np.uint64(shuffle_key(self.seed, id)), self.places[task]
        at = int(np.searchsorted(places["order"], order))
        if at == len(places) or places["order"][at] != order:
            return None
        part = self.parts[int(places["part"][at])]
        row = self._opened(part / f"{task}.rows")
        _, blobs, text = split_row(row.read(int(places["offset"][at]), int(places["length"][at])))
        store = self._opened(part / "media.bin")
        return orjson.loads(text), lambda: ((b.member, store.read(b.offset, b.length)) for b in blobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinReport:
    """What was joined.

    Attributes:
        identical: Shards that are those of the full build, byte for byte.
        recognised: Samples whose media are the same pictures in other bytes; their sha256 is that of the copy.
    """

    source: str
    samples: int
    shards: int
    identical: int
    recognised: int
    bytes: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        names = ("source", "samples", "shards", "identical", "recognised", "bytes")
        return {**{name: getattr(self, name) for name in names}, "seconds": round(self.seconds, 1)}


def join_media(
    source: str, root: Path, tree: Path, out: Path, *, options: Mapping[str, str], workers: int, progress: bool,
    finish: Callable[[Path], None],
) -> JoinReport:  # fmt: skip
    """Write ``out``: the annotation-only tree with the media of one source from the user's own copy.

    Args:
        source: Name of the source.
        root: The copy.
        tree: The annotation-only tree; it is only read.
        out: The new tree, made whole or not at all.
        options: How the copy differs from the usual, such as ``image_base``; what decides the samples is the tree's.
        workers: Processes; the bytes do not depend on their number.
        progress: Whether to show progress bars.
        finish: Called with the unfinished new tree: writes what describes it.

    Raises:
        BuildError: the copy lacks media, or shows other moments than the labels are of.
        LayoutError: the root does not look like the source.
        ShardError: the tree is damaged, is none, or holds no notes for joining.
        UnknownNameError: the tree holds nothing of this source without media.
    """
    started = time.monotonic()
    check_out(tree, out)
    everything = load_tree(tree)
    chosen = [m for m in everything if m.source == source and m.without_media]
    if not chosen:
        there = sorted({m.source for m in everything if m.without_media})
        raise UnknownNameError("source", source, there, where=f"what {tree} holds without media")
    notes = {m.path: read_notes(tree, m) for m in chosen}
    settings = _settings(chosen, root, options)
    work = Path(f"{out.resolve()}.join")
    with only_writer(work, shown=out, work="join"):
        staging = work / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        (work / "cache").mkdir(parents=True, exist_ok=True)
        plan = make_plan(settings, settings.open_source(work / "cache"))
        keep_own_work(work, plan.digest, ("parts", "places"))
        (work / "places").mkdir(exist_ok=True)
        maps = [
            MapJob(settings, video, work / "parts" / f"{n:05d}-{video.id}", work / "cache", states_of(video))
            for n, video in enumerate(plan.videos)
        ]
        run = partial(run_jobs, workers=workers, progress=progress)
        videos = map_videos(map_video, maps, partial(run, title="read the copy"))
        parts = tuple(folder for runs in videos for folder in runs)
        jobs: dict[str, list[JoinJob]] = {}
        compared = Comparison()
        places = {task: _places(work / "places" / f"{task}.npy", task, parts) for task in settings.tasks}
        for m in chosen:
            mine = {task: places[task] for task in m.counts}
            compared.add(notes[m.path][1], CopyRows.of(parts, mine, settings.seed))
            jobs[m.path] = [
                JoinJob(staging / m.folder / s.name, tree, m.folder, s, m.layout, parts, mine, settings.seed)
                for s in m.shards
            ]
        _refuse(compared, counts_of(plan.videos, videos)["examples"], root)
        run(write_shard, [j for some in jobs.values() for j in some], title="join")
        identical = sum(_staged(m, notes[m.path][0], jobs[m.path], staging) for m in chosen)
        gone = {p for m in chosen for p in (m.catalog, m.path, join_place(m))}
        copy_rest(tree, staging, leave=gone | {f"{m.folder}/{s.name}" for m in chosen for s in m.shards})
        become(out, work, finish)
    return JoinReport(
        source=source,
        samples=sum(m.samples for m in chosen),
        shards=sum(len(m.shards) for m in chosen),
        identical=identical,
        recognised=compared.recognised,
        bytes=sum(s.bytes for m in chosen for s in notes[m.path][0].shards),
        seconds=time.monotonic() - started,
    )


def read_notes(tree: Path, manifest: Manifest) -> tuple[Manifest, list[dict[str, Any]]]:
    """The manifest of before, and what is noted of each sample.

    Raises:
        ShardError: the notes are missing or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = join_place(manifest)
    try:
        with (tree / place).open("rb") as file:
            found = pq.read_table(file)
        text = found.schema.metadata[b"manifest"]
        rows: list[dict[str, Any]] = found.to_pylist()
        if {"id", "task", "media", "hash", "video_id", "frame_index"} - set(found.column_names):
            raise KeyError("columns")
    except (OSError, KeyError, TypeError, pa.ArrowException) as error:
        raise ShardError(
            f"{place}: what is needed to join media cannot be read ({str(error)[:200]})",
            hint="Download the tree again, or strip the full tree again: surgsigma repack --annotations-only.",
        ) from None
    return parse_manifest(text, where=f"{place} (the manifest in it)", place=manifest.path), rows


def _settings(chosen: Sequence[Manifest], root: Path, options: Mapping[str, str]) -> Settings:
    """The settings that the tree was built with, as its manifests say."""
    said = chosen[0].options
    if said.get("depth"):
        raise BuildError(
            f"{chosen[0].source}: its depth maps were made by a model ({said['depth']}), and are in no copy",
            hint="Leave the task out of the annotation-only tree, or make the maps anew: surgsigma depth.",
        )
    try:
        return Settings(
            source=chosen[0].source,
            root=root.resolve(),
            tasks=tuple(sorted({task for m in chosen for task in m.counts})),
            splits=(),
            options={**said["source_options"], **options},
            split_policy=SplitPolicy(said.get("split_policy", "official")),
            frame_side=said.get("frame_side"),
            even_clips=said.get("even_clips", False),
            style=Style(said["style"]),
            **{
                name: said[name]
                for name in (
                    "seed", "jpeg_quality", "shard_bytes", "clip_fps", "clip_side", "joint", "explained", "smoke"
                )
            },
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ShardError(
            f"{chosen[0].path}: does not say how it was built ({error})", hint="Strip the full tree again."
        ) from None


def _places(path: Path, task: str, parts: Sequence[Path]) -> Path:
    found = [np.empty(0, PLACES)]
    for number, part in enumerate(parts):
        index = read_index(part, task)
        made = np.empty(len(index), PLACES)
        for name in ("order", "offset", "length"):
            made[name] = index[name]
        made["part"] = number
        found.append(made)
    whole = np.concatenate(found)
    np.save(path, whole[np.argsort(whole["order"], kind="stable")])
    return path


def _refuse(compared: Comparison, examples: Mapping[str, Any], root: Path) -> None:
    """Stop where the copy is not the one that the labels were made on.

    Raises:
        BuildError: naming the videos, what is wrong with each and what would fit.
    """
    lines = list(islice(compared.wrong(), _TOLD))
    if compared.missing:
        lines.append(f"media of {compared.missing:,} samples are missing in the copy (first: {compared.first_missing})")
        lines += [f"{few[0]['where']}: {few[0]['detail']}" for few in examples.values() if few][:_TOLD]
    if lines:
        raise BuildError(
            f"{root}: not the copy that these annotations were made on:\n  " + "\n  ".join(lines),
            hint="Complete the copy, or say how it is numbered with --option (surgsigma info SOURCE lists options).",
        )


def _staged(old: Manifest, before: Manifest, jobs: Sequence[JoinJob], staging: Path) -> int:
    """Write manifest and catalog of what was joined; how many of its shards are those of the full build."""
    paths = [job.path for job in jobs]
    made = staged_manifest(paths, task=old.task, source=old.source, split=old.split, options=before.options)
    made = replace(made, builder=before.builder)
    write_part(made, staging)
    drop_records(paths)
    return sum(one.sha256 == other.sha256 for one, other in zip(made.shards, before.shards, strict=True))
