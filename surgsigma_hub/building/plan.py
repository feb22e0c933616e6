"""The plan of a build: which source, tasks, splits and videos, with which settings. It looks at files, writes none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from ..errors import BuildError, SurgSigmaError, UnknownNameError
from ..reasoning.warrants import Row, rows_text
from ..records import Defect, Fact, Video
from ..registry import get_source
from ..schema import KEY, Layout
from ..source import Source, check_stated, parse_options
from ..source.benchmarks import held_out_surgeries
from ..tasks import all_tasks, get_task
from ..tasks.common.base import TRAINING
from ..tasks.common.question_kinds import Style
from ..version import code_digest


class SplitPolicy(StrEnum):
    """Which split a video gets."""

    OFFICIAL = "official"
    """That of its source."""
    LEAK_FREE = "leak-free"
    """The same, but what any known benchmark tests on is never trained on: it goes to ``test``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides the bytes of a build, and the workers' view of it (picklable).

    Attributes:
        options: The source's options as ``key=value`` strings.
        seed: Seeds the order of samples.
        jpeg_quality: 1..95, for frames that are no JPEG already.
        shard_bytes: Shards are cut so that they come near this size.
        clip_fps: Highest frame rate of clips.
        clip_side: Longest short side of clips, in pixels.
        even_clips: Whether clips begin a little later where that makes the number of their frames even.
        frame_side: Longest short side of frames, in pixels; larger ones are made smaller. None: as they are.
        joint: Fraction (0..1) of training samples with two questions or several turns.
        explained: Fraction (0..1) of training samples whose answer also defines its labels.
        smoke: Fraction (0..1) of frames to pair with a smoky copy, for desmoking.
        depth: Folder of depth maps that a model made, see ``surgsigma depth``.
        style: Which kinds of question are asked.
        layout: ``tasks``, or ``frames``: each input medium once, with all that is asked about it.
        split_policy: Whether surgeries that a benchmark tests on may be trained on where their source says so.
        warrants: Rows that traces may cite in place of those of the package, see ``surgsigma warrants``.
    """

    source: str
    root: Path | None
    tasks: tuple[str, ...]
    splits: tuple[str, ...]
    options: Mapping[str, str]
    seed: int
    jpeg_quality: int
    shard_bytes: int
    clip_fps: float = 10.0
    clip_side: int = 480
    even_clips: bool = False
    frame_side: int | None = None
    joint: float = 0.0
    explained: float = 0.0
    smoke: float = 0.0
    depth: Path | None = None
    style: Style = Style.VARIED
    layout: Layout = "tasks"
    split_policy: SplitPolicy = SplitPolicy.OFFICIAL
    warrants: tuple[Row, ...] = ()

    def open_source(self, cache_dir: Path) -> Source:
        """The source, ready to read; errors of a wrong root or option come from here."""
        kind = get_source(self.source)
        return kind(self.root, parse_options(kind, self.options), cache_dir=cache_dir)

    def published(self) -> dict[str, object]:
        """What a manifest says of how it was built; no path of this machine."""
        shown = {k: v for k, v in self.options.items() if "/" not in v and "\\" not in v}
        later: dict[str, object] = {}  # what older trees say nothing of, where it is as it was then
        if self.frame_side is not None:
            later["frame_side"] = self.frame_side
        if self.even_clips:
            later["even_clips"] = True
        if self.split_policy is not SplitPolicy.OFFICIAL:
            later["split_policy"] = self.split_policy.value
        if self.layout != "tasks":
            later["layout"] = self.layout
        return {
            "seed": self.seed,
            "jpeg_quality": self.jpeg_quality,
            "shard_bytes": self.shard_bytes,
            "clip_fps": self.clip_fps,
            "clip_side": self.clip_side,
            "joint": self.joint,
            "explained": self.explained,
            "smoke": self.smoke,
            "style": self.style.value,
            "depth": None if self.depth is None else self.depth.name,
            "warrants": hashlib.sha256(rows_text(self.warrants).encode()).hexdigest()[:16] if self.warrants else None,
            "source_options": dict(sorted(shown.items())),
            **later,
        }


def chosen_policy(name: str) -> SplitPolicy:
    """The split policy of that name.

    Raises:
        UnknownNameError: there is none.
    """
    try:
        return SplitPolicy(name)
    except ValueError:
        raise UnknownNameError("split policy", name, [one.value for one in SplitPolicy]) from None


FileState = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings, the videos to map in order, and all that the source has.

    Attributes:
        now: Split to the canonical ids of its videos, those included that were not asked for.
    """

    settings: Settings
    videos: tuple[Video, ...]
    now: Mapping[str, frozenset[str]]
    digest: str

    @property
    def moved(self) -> tuple[str, ...]:
        """Ids of the videos that are in another split than their source says."""
        return tuple(video.id for video in self.videos if video.moved_from)


def choose_tasks(source: str, names: Sequence[str] | None, added: frozenset[Fact] = frozenset()) -> tuple[str, ...]:
    """The tasks to build: those asked for, or all that the source's facts and those ``added`` allow.

    Raises:
        UnknownNameError: no such task.
        BuildError: the source cannot offer it.
    """
    info = get_source(source).info
    offered = {t.name: t for t in all_tasks().values() if t.allowed_by(info, added)}
    if not names:
        if not offered:
            raise BuildError(f"no task can be built from source {source!r}")
        return tuple(offered)
    for name in names:
        if get_task(name).name in offered:
            continue
        raise BuildError(
            f"source {source!r} does not offer task {name!r}: its annotations lack the facts for it",
            hint=f"Source {source!r} offers: {', '.join(offered) or 'nothing'}. See: surgsigma tasks --matrix",
        )
    return tuple(sorted(set(names)))


def make_plan(settings: Settings, source: Source) -> Plan:
    """List the videos, check their names, and fingerprint all inputs.

    Raises:
        UnknownNameError: a split that the split scheme does not have, or an option for a video that is not there.
        BuildError: two videos with one id, or an id that cannot be part of a key.
    """
    known = source.info.split_schemes[source.split_scheme]
    leak_free = settings.split_policy is SplitPolicy.LEAK_FREE
    held_out = held_out_surgeries() if leak_free else frozenset()
    offered = (*known, "test") if leak_free and "test" not in known else known
    for split in settings.splits:
        if split not in offered:
            raise UnknownNameError("split", split, offered, where=f"{source.info.name} ({source.split_scheme})")
    seen: set[str] = set()
    videos: list[Video] = []
    now: dict[str, set[str]] = {}
    for video in source.videos():
        if not KEY.fullmatch(video.id):
            raise BuildError(f"video id {video.id!r} of {source.info.name} may hold only letters, digits, _ and -")
        if video.id in seen:
            raise BuildError(f"two videos of {source.info.name} share the id {video.id!r}")
        if video.split not in known:
            raise SurgSigmaError(f"{source.info.name} puts {video.id} into split {video.split!r}, known: {known}")
        seen.add(video.id)
        if video.split == TRAINING and video.canonical_id in held_out:
            video = replace(video, split="test", moved_from=TRAINING)
        now.setdefault(video.split, set()).add(video.canonical_id)
        if not settings.splits or video.split in settings.splits:
            videos.append(video)
    check_stated(source, seen)
    if not videos:
        raise BuildError(
            f"no video of {source.info.name} is in split {' or '.join(settings.splits) or 'any'}",
            hint=f"Split scheme {source.split_scheme!r}; choose another with --option split_scheme=NAME.",
        )
    return Plan(settings, tuple(videos), {k: frozenset(v) for k, v in now.items()}, _digest(settings, videos))


def states_of(video: Video) -> tuple[FileState | None, ...]:
    """Bytes, time of change and inode of every file of a video; None for one that is not there.

    Without the device, whose number is not the same on every machine that mounts it.
    """
    return tuple(map(_state, video.files))


def _state(path: Path) -> FileState | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def check_unchanged(video: Video, states: tuple[FileState | None, ...]) -> None:
    """Hold the files of a video against what they were: labels of one must not meet pictures of another.

    Raises:
        BuildError: a film, an archive or an annotation file was changed, exchanged or removed.
    """
    for path, before, now in zip(video.files, states, states_of(video), strict=True):
        if before != now:
            raise BuildError(
                f"{path}: was {'changed' if now else 'removed'} while {video.id} was built from it",
                hint="Nothing of this build was written. Let whatever changes the file end, then build again.",
            )


def _digest(settings: Settings, videos: list[Video]) -> str:
    """Changes when anything changes that an unfinished build could have read: then its parts are not used again."""
    files = [
        (str(path), *state[:2])
        for video in videos
        for path, state in zip(video.files, states_of(video), strict=True)
        if state
    ]
    return hashlib.sha256(
        orjson.dumps(
            {
                "code": code_digest(),
                "settings": {**settings.published(), "root": str(settings.root), "options": dict(settings.options)},
                "scope": [settings.source, settings.tasks, settings.splits],
                "videos": [(v.id, v.canonical_id, v.split) for v in videos],
                "files": files,
            }
        )
    ).hexdigest()


def defect_line(video: str, defect: Defect) -> dict[str, Any]:
    """One left-out thing as reports show it; ``moments`` where it stands for several."""
    line = {"video": video, "reason": str(defect.reason), "where": defect.where, "detail": defect.detail[:800]}
    return line if defect.moments == 1 else {**line, "moments": defect.moments}
