"""MultiBypass140: phases and steps of 140 gastric bypass operations of two centres, as intervals in milliseconds.

The traps of this source and what is done about them are told in ``dataset_cards/multibypass140.md``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.parsers.plain_pickle import load_plain
from surgsigma_hub.parsers.runs import Layer, covered
from surgsigma_hub.parsers.strict_json import Pairs, read_json
from surgsigma_hub.records import (
    Defect,
    Fact,
    FileImage,
    FilmFile,
    Frame,
    Label,
    NumberedImages,
    Reason,
    Recording,
    Segment,
    Video,
    VideoTimeline,
)
from surgsigma_hub.source import (
    Access,
    FilmOrImageOptions,
    Modality,
    Options,
    Procedure,
    Source,
    SourceInfo,
    Specialty,
)
from surgsigma_hub.source.numbered_files import find_film, is_film, numbered_images

logger = logging.getLogger(__name__)

_FPS = 25
_BEYOND = 0.25
"""Share of the labels' length by which footage may go on after them: they end with the operation, not with the film."""
_BEYOND_DAMAGED = 3.0
"""The same where intervals cannot be read: the last may be among them."""
_FOLDS = tuple(f"fold-{k}" for k in range(5))
_CENTRES = {"bern": ("BBP", "BernBypass70"), "strasbourg": ("SBP", "StrasBypass70")}
_MARKS = frozenset({"out_of_body", "severe_index"})
"""Entries of the phase table that lie over the phases and are none."""
_LAYERS: tuple[tuple[Literal["phase", "step"], str], ...] = (("phase", "phases"), ("step", "steps"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiBypass140Options(FilmOrImageOptions):
    """Options of MultiBypass140."""

    marks: bool = field(
        default=False,
        metadata={"help": "also give out_of_body and severe_index as phase segments; they lie over the phases"},
    )
    step_seconds: int = field(default=1, metadata={"help": "take one moment every so many seconds"})


@dataclass(frozen=True, slots=True)
class _Span:
    """One interval ``[start, end)`` in milliseconds."""

    layer: Literal["phase", "step"]
    name: str
    start: int
    end: int

    @property
    def mark(self) -> bool:
        return self.layer == "phase" and self.name in _MARKS


class MultiBypass140(Source):
    """Loader of MultiBypass140 (see the module)."""

    info = SourceInfo(
        name="multibypass140",
        specialty=Specialty.BARIATRIC_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_GASTRIC_BYPASS,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Clone the repository that the homepage names (it holds the labels) and unpack the video archives "
        "its README links to",
        layout="MultiBypass140/                                              (a clone of the repository)\n"
        "  labels/bern/labels_by70/BBP01.mp4.json ...                 (likewise labels/strasbourg, SBP01 ...)\n"
        "  labels/bern/labels_by70_splits/labels/{val,test}/1fps_0.pickle ...    (name the videos of each fold)\n"
        "  labels/bern/labels_by70_splits/frames/BBP01/BBP01_00000001.jpg ...    (1 picture per second), or\n"
        "  datasets/MultiBypass140/BernBypass70/videos/BBP01.mp4 ...             (films, 25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.STEP, Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={**dict.fromkeys(_FOLDS, ("train", "val", "test")), "undivided": ("train",)},
    )
    options_type = MultiBypass140Options

    def __init__(self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None):
        super().__init__(root, options, cache_dir=cache_dir)
        if self.options.step_seconds < 1:
            raise SurgSigmaError(f"multibypass140: step_seconds={self.options.step_seconds}, expected 1 or more")

    # ------------------------------------------------------------------------------------------------ finding files

    @cached_property
    def _home(self) -> Path:
        """The folder with ``labels/bern`` or ``labels/strasbourg``: the root or, one level deep, the only one in it."""

        def fits(folder: Path) -> bool:
            return any((folder / "labels" / centre / "labels_by70").is_dir() for centre in _CENTRES)

        return self.find_home(fits, "neither labels/bern/labels_by70 nor labels/strasbourg/labels_by70")

    def videos(self) -> list[Video]:
        """All videos with a label file, Bern first.

        Raises:
            SurgSigmaError: the files that name the videos of the fold are missing or damaged.
        """
        found: list[Video] = []
        for centre, (prefix, _) in _CENTRES.items():
            paths = sorted((self._home / "labels" / centre / "labels_by70").glob("*.json"))
            splits = self._splits(centre) if paths else {}
            for path in paths:
                if re.fullmatch(rf"{prefix}[0-9]{{2}}\.mp4\.json", path.name) is None:
                    logger.warning("%s: not named %snn.mp4.json, not read", self.relative(path), prefix)
                    continue
                id = path.name.split(".")[0]
                film = self._film(centre, id)
                found.append(
                    Video(
                        id=id,
                        canonical_id=f"multibypass140/{id}",
                        split=splits.get(id, "train"),
                        files=(path, film) if film is not None else (path,),
                        data={"centre": centre},
                    )
                )
        if not found:
            raise self.layout_error(self.root, "labels_by70 holds no BBPnn.mp4.json or SBPnn.mp4.json")
        return found

    def _splits(self, centre: str) -> dict[str, str]:
        """Which videos of a centre are val or test in the fold chosen; all others are train."""
        if self.split_scheme == "undivided":
            return {}
        fold = self.split_scheme.removeprefix("fold-")
        found: dict[str, str] = {}
        for split in ("val", "test"):
            path = self._home / "labels" / centre / "labels_by70_splits" / "labels" / split / f"1fps_{fold}.pickle"
            hint = "Restore it from the repository, or take all videos as train with --option split_scheme=undivided."
            if not path.is_file():
                raise SurgSigmaError(
                    f"multibypass140: {self.relative(path)}, which names the {split} videos of fold {fold}, is missing",
                    hint=hint,
                )
            try:
                content = load_plain(path)
            except BadRowError as error:
                raise BadRowError(f"{self.relative(path)}: {error.message}", hint=hint) from None
            if not isinstance(content, dict) or not content or not all(isinstance(k, str) for k in content):
                raise BadRowError(f"{self.relative(path)}: expected a mapping of video to its frames", hint=hint)
            twice = sorted(found.keys() & content.keys())
            if twice:
                raise SurgSigmaError(f"multibypass140: {twice[0]} is both val and test in fold {fold} of {centre}")
            found |= dict.fromkeys(content, split)
        return found

    def _media_folders(self, centre: str) -> list[Path]:
        named = _CENTRES[centre][1]
        above = (self._home / "datasets" / "MultiBypass140", self._home / "datasets", self._home)
        return [folder / named for folder in above] + [self._home]

    def _film(self, centre: str, id: str) -> Path | None:
        places = [p for folder in self._media_folders(centre) for p in (folder / "videos", folder)]
        return next((film for p in places if (film := find_film(p, id)) is not None), None)

    def _pictures(self, video: Video) -> dict[int, Path]:
        """Pictures of a video by the number in their names, from the first folder that has any."""
        centre = video.data["centre"]
        own = self._home / "labels" / centre / "labels_by70_splits" / "frames"
        for folder in (own, *(p / "frames" for p in self._media_folders(centre))):
            found = numbered_images(folder / video.id, rf"{video.id}_([0-9]{{8}})")
            if found:
                return found
        return {}

    # ----------------------------------------------------------------------------------------------- reading labels

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """One moment a second wherever a phase or a step is told; reads the label file and lists the pictures."""
        spans, defects = self._spans(video)
        yield from defects
        base = [s for s in spans if not s.mark]
        last = max((s.end for s in base), default=0)
        # Label and picture of a second as in the authors' own tables: picture n goes with the label at n seconds.
        for second in range(1, last // 1000 + 1):
            if second % self.options.step_seconds:
                continue
            now = [s for s in base if s.start <= 1000 * second < s.end]
            labels = {layer: {s.name for s in now if s.layer == layer} for layer, _ in _LAYERS}
            phase, step = (Label(names.pop()) if len(names) == 1 else None for names in labels.values())
            if phase is None and step is None:
                continue
            yield Frame(index=second, fps=1, phase=phase, step=step)

    def recording(self, video: Video) -> Recording:
        """Pictures where they are there, numbered from 1 as the authors' script makes them; and the film.

        Picture 1 goes with the label at 1 second, as in the authors' own tables.
        """
        spans, defects = self._spans(video)
        base = [s for s in spans if not s.mark]
        lasts = max((s.end for s in spans), default=0) / 1000
        pictures, path = self._pictures(video), next((p for p in video.files if is_film(p)), None)
        film = None if path is None else FilmFile(path=path, fps=float(_FPS), counted=False)
        images = NumberedImages(
            images={n: FileImage(p) for n, p in pictures.items()},
            name=f"{video.id}_{{:08d}}.jpg",
            base=1,
            base_seconds=1.0,
        )
        used = next(iter(pictures.values())).parent if pictures else path
        return Recording(
            media=images if pictures else film,
            film=film,
            place=f"frames/{video.id} or videos/{video.id}.mp4" if used is None else self.relative(used),
            absent="neither pictures nor a film are there",
            moments=[n for n in range(1, int(lasts) + 1) if any(s.start <= 1000 * n < s.end for s in base)],
            lasts=lasts,
            said_by=video.files[0].name,
            within=0.5,
            beyond=(_BEYOND_DAMAGED if defects else _BEYOND) * lasts,
            stated=self.stated(video),
        )

    def course(self, video: Video) -> VideoTimeline:
        """Phases and steps as two layers of intervals."""
        spans, _ = self._spans(video)
        shown = [s for s in spans if self.options.marks or not s.mark]
        segments = (Segment(s.layer, Label(s.name), s.start / 1000, s.end / 1000) for s in shown)
        labelled: dict[Layer, tuple[tuple[float, float], ...]] = {
            layer: covered((s.start / 1000, s.end / 1000) for s in spans if s.layer == layer and not s.mark)
            for layer, _ in _LAYERS
        }
        return VideoTimeline(segments=tuple(segments), labelled=labelled)

    def _spans(self, video: Video) -> tuple[list[_Span], list[Defect]]:
        """The intervals of a video by layer and start, and what is wrong with its label file."""
        where = self.relative(video.files[0])
        try:
            document = read_json(video.files[0])
        except BadRowError as error:
            return [], [Defect(Reason.ROW_MALFORMED, where, error.message)]
        except OSError as error:
            return [], [Defect(Reason.ROW_MALFORMED, where, f"the file cannot be opened ({error.strerror})")]
        if not isinstance(document, Pairs) or document.repeated:
            return [], [Defect(Reason.ROW_MALFORMED, where, "expected one object with the lists phases and steps")]
        spans, defects = list[_Span](), list[Defect]()
        for layer, key in _LAYERS:
            rows = document.get(key)
            if not isinstance(rows, list):
                defects.append(Defect(Reason.ROW_MALFORMED, f"{where} {key}", "expected a list of intervals"))
                continue
            for n, row in enumerate(rows):
                span = _span(layer, row)
                if span is None:
                    detail = f"{str(row)[:80]!r}: expected whole numbers start < end from 0 up, and a label_name"
                    defects.append(Defect(Reason.ROW_MALFORMED, f"{where} {key} {n}", detail))
                else:
                    spans.append(span)
        spans.sort(key=lambda s: (s.layer, s.start, s.end, s.name))
        return spans, defects + _overlaps(where, spans)


def _span(layer: Literal["phase", "step"], row: Any) -> _Span | None:
    if not isinstance(row, dict):
        return None
    start, end, name = row.get("start"), row.get("end"), row.get("label_name")
    if type(start) is not int or type(end) is not int or not isinstance(name, str) or not 0 <= start < end < 10**9:
        return None
    return _Span(layer, name, start, end)


def _overlaps(where: str, spans: list[_Span]) -> list[Defect]:
    """Two phases at once, or two steps: the moments they share tell neither."""
    found: list[Defect] = []
    for layer, key in _LAYERS:
        longest: _Span | None = None
        for span in (s for s in spans if s.layer == layer and not s.mark):
            if longest is not None and span.start < longest.end and span.name != longest.name:
                until = min(span.end, longest.end)
                shared = f"{longest.name} and {span.name} overlap from {span.start} to {until} ms"
                found.append(Defect(Reason.ROW_MALFORMED, f"{where} {key}", f"{shared}; neither is told there"))
            if longest is None or span.end > longest.end:
                longest = span
    return found
