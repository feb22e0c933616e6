"""A run over a source: which images lack a map, in batches through the model, each map whole or not at all."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..errors import BuildError, MediaError, UnknownNameError
from ..media.image import load_rgb
from ..media.moments import Seen
from ..records import Defect, Frame, Reason, Video
from ..registry import get_source
from ..shards.lock import only_writer
from ..source import Source, check_stated, parse_options
from ..temporary import remove_leftovers
from .cache import DepthCache, Header
from .encode import to_relative_depth
from .model import Estimator, Pixels

_EXAMPLES = 5
_LOCK, _SOURCE_CACHE = ".lock", ".cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthReport:
    """What a run did.

    Attributes:
        model: As :meth:`DepthCache.describe`.
        made: Maps made by this run.
        present: Maps that were there already.
        left_out: Pictures without a map, by reason.
        examples: For each reason, the first few.
        bytes: Size of the maps made.
    """

    model: str
    source: str
    videos: int
    made: int
    present: int
    left_out: Mapping[str, int]
    examples: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    bytes: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether any picture has a map now."""
        return self.made + self.present > 0

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "ok": self.ok}


def run_depth(
    source: str,
    *,
    root: Path | None,
    out: Path,
    open_model: Callable[[], Estimator],
    options: Mapping[str, str],
    splits: tuple[str, ...] = (),
    batch: int = 8,
    progress: bool = False,
) -> DepthReport:
    """Write a map for every picture of ``source`` that has none in ``out`` yet.

    Batches are cut by place within a video, whatever is there already, so that a run that was stopped and run again
    with the same ``batch`` ends with the same bytes as one that was not.

    Args:
        source: Name of the source.
        root: Folder of the user's copy.
        out: Folder of the maps; made when absent, added to when present.
        open_model: Loads the model; called once the source has been found in order.
        options: Options of the source as strings.
        splits: Only these splits; all when empty.
        batch: Pictures that go through the model together.
        progress: Whether to show a progress bar.

    Raises:
        BuildError: ``out`` cannot be written, is in use, holds maps of another model or source; nothing to do.
        LayoutError: the root does not look like the source.
        UnknownNameError: no such source, option or split.
    """
    started = time.monotonic()
    kind = get_source(source)
    reader = kind(root if kind.info.needs_root else None, parse_options(kind, options), cache_dir=out / _SOURCE_CACHE)
    with only_writer(out, name=_LOCK, shown=out, work="run"):
        for folder in (out, *(path for path in out.iterdir() if path.is_dir())):
            remove_leftovers(folder)
        videos = _choose(reader, splits)
        model = open_model()
        card = model.card
        header = Header(
            model=card.model, revision=card.revision, commit=card.commit, sha256=card.sha256, processor=card.processor,
            source=source, options=_picture_options(options),
        )  # fmt: skip
        cache = DepthCache.create(out, header)
        tally = _Tally()
        with tqdm(desc="depth", unit=" frames", disable=not progress, mininterval=0.2) as bar:
            run = _Run(reader, cache, model, batch, tally, bar)
            for number, video in enumerate(videos, 1):
                bar.set_postfix_str(f"video {number} of {len(videos)}", refresh=False)
                run.video(video)
        shutil.rmtree(out / _SOURCE_CACHE, ignore_errors=True)
    return DepthReport(
        model=cache.describe(),
        source=source,
        videos=len(videos),
        made=tally.made,
        present=tally.present,
        left_out=dict(sorted(tally.left_out.items())),
        examples={reason: tuple(lines) for reason, lines in sorted(tally.examples.items())},
        bytes=tally.bytes,
        seconds=time.monotonic() - started,
    )


def _picture_options(options: Mapping[str, str]) -> dict[str, str]:
    """Options that may change pictures, as a header may show them: no split scheme, no path of this machine."""
    return {k: v for k, v in sorted(options.items()) if k != "split_scheme" and "/" not in v and "\\" not in v}


def _choose(source: Source, splits: tuple[str, ...]) -> list[Video]:
    known = source.info.split_schemes[source.split_scheme]
    for split in splits:
        if split not in known:
            raise UnknownNameError("split", split, known, where=f"{source.info.name} ({source.split_scheme})")
    listed = tuple(source.videos())
    check_stated(source, (v.id for v in listed))
    videos = [v for v in listed if not splits or v.split in splits]
    if not videos:
        raise BuildError(
            f"no video of {source.info.name} is in split {' or '.join(splits) or 'any'}",
            hint=f"Split scheme {source.split_scheme!r}; choose another with --option split_scheme=NAME.",
        )
    return videos


class _Tally:
    def __init__(self) -> None:
        self.made = self.present = self.bytes = 0
        self.left_out: Counter[str] = Counter()
        self.examples: dict[str, list[dict[str, str]]] = {}

    def leave_out(self, video: Video, defect: Defect) -> None:
        reason = str(defect.reason)
        self.left_out[reason] += defect.moments
        examples = self.examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append({"video": video.id, "where": defect.where, "detail": defect.detail[:400]})


class _Run:
    """One source through one model into one cache."""

    def __init__(
        self, source: Source, cache: DepthCache, model: Estimator, batch: int, tally: _Tally, bar: Any
    ) -> None:
        self._source, self._cache, self._model = source, cache, model
        self._batch, self._tally, self._bar = batch, tally, bar

    def video(self, video: Video) -> None:
        """Every picture of one video; several frames of one moment and variant share their map."""
        waiting: list[Frame] = []
        seen: set[Path] = set()
        for found in Seen(self._source, video).frames():
            if isinstance(found, Defect):
                self._tally.leave_out(video, found)
            elif found.image is None:
                self._tally.leave_out(video, _defect(video, found, Reason.MEDIA_MISSING, "the frame has no image"))
            elif (path := self._cache.path(video.id, found)) not in seen:
                seen.add(path)
                waiting.append(found)
                if len(waiting) == self._batch:
                    self._together(video, waiting)
                    waiting = []
        self._together(video, waiting)

    def _together(self, video: Video, frames: list[Frame]) -> None:
        lacking = {id(f) for f in frames if self._cache.ref(video.id, f) is None}
        self._tally.present += len(frames) - len(lacking)
        pixels = {id(f): p for f in frames if id(f) in lacking and (p := self._load(video, f)) is not None}
        if pixels:
            # Those that have their map go through the model again: a batch of other pictures could differ in a bit.
            pixels |= {id(f): p for f in frames if id(f) not in lacking and (p := _read(f)[0]) is not None}
            batch = [f for f in frames if id(f) in pixels]
            for frame, depth in zip(batch, self._model.predict([pixels[id(f)] for f in batch]), strict=True):
                if id(frame) in lacking:
                    self._tally.bytes += self._cache.write(video.id, frame, to_relative_depth(depth, self._model.sense))
                    self._tally.made += 1
        self._bar.update(len(frames))

    def _load(self, video: Video, frame: Frame) -> Pixels | None:
        pixels, problem = _read(frame)
        if problem is not None:
            self._tally.leave_out(video, _defect(video, frame, Reason(problem.reason), problem.message))
        return pixels


def _read(frame: Frame) -> tuple[Pixels | None, MediaError | None]:
    assert frame.image is not None  # such frames were left out
    try:
        return load_rgb(frame.image), None
    except MediaError as error:
        return None, error


def _defect(video: Video, frame: Frame, reason: Reason, detail: str) -> Defect:
    return Defect(reason, f"{video.id} frame {frame.index} at {frame.fps:g} fps", detail)
