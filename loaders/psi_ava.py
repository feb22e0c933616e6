"""PSI-AVA: robot-assisted prostatectomy with phases and steps every second, instruments and actions in key frames.

The traps of this source and what is done about them are told in ``dataset_cards/psi_ava.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from surgsigma_hub.errors import BadRowError, LayoutError, SurgSigmaError
from surgsigma_hub.parsers.delimited import Line, read_delimited
from surgsigma_hub.parsers.releases.psi_ava_keyframes import PHASES, STEPS, KeyFrame, cases_in, read_key_frames
from surgsigma_hub.parsers.runs import runs, stretches
from surgsigma_hub.records import (
    BoxExtent,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    NumberedImages,
    Origin,
    Reason,
    Recording,
    Segment,
    Video,
    VideoTimeline,
)
from surgsigma_hub.source import (
    Access,
    ImageOptions,
    Modality,
    Options,
    Procedure,
    Source,
    SourceInfo,
    Specialty,
)
from surgsigma_hub.source.numbered_files import lacking, numbered_images

_HALVES = (
    frozenset({"CASE001", "CASE004", "CASE014", "CASE015"}),
    frozenset({"CASE002", "CASE003", "CASE007", "CASE021"}),
)
_SCHEMES = {"fold1": _HALVES[0], "fold2": _HALVES[1]}
"""Training cases by scheme; the other half is val."""
_ANNOTATIONS = ("", "data_annotations", "outputs/data_annotations", "TAPIR/outputs/data_annotations")
_KEYFRAMES = ("keyframes", "PSI-AVA/keyframes", "outputs/PSIAVA/keyframes", "TAPIR/outputs/PSIAVA/keyframes")
_SHORT, _LONG = (
    "psi-ava/{fold}/coco_anns/{part}_coco_anns_v3_35s.json",
    "psi-ava_extended/{fold}/annotations/{part}.csv",
)
_LAYERS: tuple[Literal["phase", "step"], ...] = ("phase", "step")
_KEY_SECONDS, _BEYOND = 35, 0.25
"""Key frames are so many seconds apart; where they alone are labelled, pictures may go on for this share after them."""
_COLUMNS = ("case", "second", "id", "x1", "y1", "x2", "y2", "act1", "act2", "act3", "instrument", "step", "phase")


@dataclass(frozen=True, slots=True, kw_only=True)
class PsiAvaOptions(ImageOptions):
    """Options of PSI-AVA."""

    step_seconds: int = field(
        default=1, metadata={"help": "take one moment every so many seconds; key frames are always taken"}
    )


class PsiAva(Source):
    """Loader of PSI-AVA (see the module)."""

    info = SourceInfo(
        name="psi_ava",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_RADICAL_PROSTATECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Clone the repository that the homepage names (it holds the annotations) and put the "
        "keyframes its README links to beside them",
        layout="TAPIR/                                                  (a clone of the repository)\n"
        "  outputs/data_annotations/psi-ava/fold1/coco_anns/train_coco_anns_v3_35s.json ...  (instruments, actions)\n"
        "  outputs/data_annotations/psi-ava_extended/fold1/annotations/train.csv ...  (phases, steps of each second)\n"
        "  outputs/PSIAVA/keyframes/CASE001/00000.jpg ...        (1 picture per second)\n"
        "or psi-ava/, psi-ava_extended/ and keyframes/ side by side\n",
        facts=frozenset(
            {
                Fact.PHASE,
                Fact.STEP,
                Fact.INSTRUMENTS,
                Fact.ACTIONS,
                Fact.INSTRUMENT_BOXES,
                Fact.PHASE_SEGMENTS,
                Fact.STEP_SEGMENTS,
                Fact.FOOTAGE,
            }
        ),
        split_schemes=dict.fromkeys(_SCHEMES, ("train", "val")),
        box_extent=BoxExtent.WHOLE,
    )
    options_type = PsiAvaOptions

    def __init__(self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None):
        super().__init__(root, options, cache_dir=cache_dir)
        if self.options.step_seconds < 1:
            raise SurgSigmaError(f"psi_ava: step_seconds={self.options.step_seconds}, expected 1 or more")

    # ------------------------------------------------------------------------------------------------ finding files

    @cached_property
    def _home(self) -> Path:
        """The folder with ``psi-ava`` or ``psi-ava_extended``."""
        for place in _ANNOTATIONS:
            if any((self.root / place / name).is_dir() for name in ("psi-ava", "psi-ava_extended")):
                return self.root / place
        raise self.layout_error(self.root, "neither psi-ava/ nor psi-ava_extended/ found")

    @cached_property
    def _keyframes(self) -> Path | None:
        return next((self.root / p for p in _KEYFRAMES if (self.root / p).is_dir()), None)

    def videos(self) -> list[Video]:
        """All cases with annotations or pictures, by number.

        Raises:
            LayoutError: no annotation file is there, or one cannot be read at all.
            SurgSigmaError: a case that the folds do not name.
        """
        short, long = self._files(_SHORT), self._files(_LONG)
        if not short and not long:
            expected = _SHORT.format(fold="fold1", part="train")
            raise self.layout_error(self.root, f"no annotation file such as {expected}")
        folders = [p.name for p in self._keyframes.iterdir() if p.is_dir()] if self._keyframes else []
        cases = sorted({*short, *long, *(name for name in folders if re.fullmatch("CASE[0-9]{3}", name))})
        strange = [case for case in cases if not any(case in half for half in _HALVES)]
        if strange:
            raise SurgSigmaError(
                f"psi_ava: {', '.join(strange[:10])} not in split scheme {self.split_scheme!r}: the folds name 8 cases",
                hint="Move the annotations and picture folders of other cases out of this folder.",
            )
        return [
            Video(
                id=case,
                canonical_id=f"psi_ava/{case}",
                split="train" if case in _SCHEMES[self.split_scheme] else "val",
                files=tuple(found[case] for found in (short, long) if case in found),
                # A copy may hold one of the two releases; of one that it holds, no file should be missing.
                data={"lacks": [p for p, of in ((_SHORT, short), (_LONG, long)) if of and not self._holds(p, case)]},
            )
            for case in cases
        ]

    def _holds(self, pattern: str, case: str) -> bool:
        """Whether a file is there that should hold this case: each half trains one fold and is val of the other."""
        parts = ("train", "val") if case in _HALVES[0] else ("val", "train")
        return any((self._home / pattern.format(fold=f"fold{n}", part=p)).is_file() for n, p in enumerate(parts, 1))

    def _files(self, pattern: str) -> dict[str, Path]:
        """The file of each case. The folds hold the same annotations, so the second one only fills in."""
        found: dict[str, Path] = {}
        for fold in ("fold1", "fold2"):
            for part in ("train", "val"):
                path = self._home / pattern.format(fold=fold, part=part)
                if not path.is_file() or len(found) == sum(map(len, _HALVES)):
                    continue
                try:
                    cases = cases_in(path) if path.suffix == ".json" else {x.cells[0] for x in _lines(path)}
                except BadRowError as error:
                    raise LayoutError(
                        f"{self.relative(path)}: {error.message}", hint="Restore this file from the repository."
                    ) from None
                for case in sorted(cases):
                    if re.fullmatch("CASE[0-9]{3}", case):
                        found.setdefault(case, path)
        return found

    # ----------------------------------------------------------------------------------------------- reading labels

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated seconds of one case; reads its two annotation files and lists its pictures."""
        if not video.files:
            yield Defect(Reason.ROW_MALFORMED, f"keyframes/{video.id}", "pictures without annotations")
            return
        for pattern in video.data["lacks"]:
            expected = pattern.format(fold="fold1", part="train" if video.id in _HALVES[0] else "val")
            yield Defect(Reason.ROW_MALFORMED, expected, f"the file that holds {video.id} is missing, another is there")
        keys, defects = self._key_frames(video)
        yield from defects
        seconds, defects = self._seconds(video)
        yield from defects
        bare: list[int] = []
        for second in sorted(keys.keys() | {s for s in seconds if s % self.options.step_seconds == 0}):
            where, key = f"{video.id}/{second:05d}", keys.get(second, KeyFrame())
            phase, step = seconds.get(second, (None, None))
            for name, ours, theirs in (("phase", key.phase, phase), ("step", key.step, step)):
                if ours is not None and theirs is not None and ours != theirs:
                    detail = f"{name} {ours.native} in the key frame, {theirs.native} in the table of seconds: left out"
                    yield Defect(Reason.LABEL_CORRUPT, where, detail)
            frame = Frame(
                index=second,
                fps=1,
                size=key.size,
                phase=_agreed(key.phase, phase),
                step=_agreed(key.step, step),
                instruments=key.instruments,
                actions=key.actions,
                instrument_boxes=key.boxes,
            )
            if frame.facts():
                yield frame
            elif second in keys and not key.told:
                bare.append(second)
        if bare:
            detail = f"{len(bare)} key frames without any annotation, the first is {bare[0]:05d}.jpg: it is not said "
            yield Defect(
                Reason.SAMPLE_INVALID, video.id, f"{detail}that no instrument is in view, so they tell nothing"
            )

    def recording(self, video: Video) -> Recording | None:
        """One picture a second, numbered from 0."""
        if not video.files:
            return None
        keys, _ = self._key_frames(video)
        seconds, bad = self._seconds(video)
        labelled = sorted(keys.keys() | seconds.keys())
        lasts = labelled[-1] + 1 if labelled else 0
        folder = (self._keyframes or self.root / "keyframes") / video.id
        pictures = numbered_images(folder, "([0-9]{5})")
        return Recording(
            media=NumberedImages(images={n: FileImage(p) for n, p in pictures.items()}, name="{:05d}.jpg"),
            place=self.relative(folder),
            absent=lacking(folder, "00000.jpg"),
            moments=labelled,
            lasts=lasts,
            said_by=video.files[-1].name,
            beyond=1.0 + len(bad) if seconds else _KEY_SECONDS + _BEYOND * lasts,
            stated=self.stated(video),
        )

    def course(self, video: Video) -> VideoTimeline | None:
        """Phases and steps as intervals where the table of seconds is there."""
        seconds, _ = self._seconds(video)
        segments: list[Segment] = []
        labelled: dict[Literal["action", "phase", "step"], tuple[tuple[float, float], ...]] = {}
        for place, layer in enumerate(_LAYERS):
            labels = [(n, both[place]) for n, both in sorted(seconds.items()) if both[place] is not None]
            segments += runs(labels, fps=1, layer=layer)
            labelled[layer] = stretches([n for n, _ in labels], fps=1)
        if not segments:
            return None
        return VideoTimeline(
            segments=tuple(segments),
            origins=dict.fromkeys((Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS), Origin("derived")),
            labelled=labelled,
        )

    def _key_frames(self, video: Video) -> tuple[dict[int, KeyFrame], list[Defect]]:
        path = next((p for p in video.files if p.suffix == ".json"), None)
        if path is None:
            return {}, []
        where = self.relative(path)
        try:
            keys, problems = read_key_frames(path, video.id)
        except BadRowError as error:
            return {}, [Defect(Reason.ROW_MALFORMED, where, error.message)]
        return keys, [Defect(reason, f"{where} {place}", detail) for reason, place, detail in problems]

    def _seconds(self, video: Video) -> tuple[dict[int, tuple[Label | None, Label | None]], list[Defect]]:
        """Phase and step of every second; those that the table says in two ways are left out."""
        path = next((p for p in video.files if p.suffix == ".csv"), None)
        found: dict[int, tuple[Label | None, Label | None]] = {}
        defects: list[Defect] = []
        if path is None:
            return found, defects
        for line in _lines(path):
            if line.cells[0] != video.id:
                continue
            where = f"{self.relative(path)} line {line.number}"
            numbers = Line(line.number, (line.cells[1], *line.cells[-2:]), line.problem).integers()
            if numbers is None or numbers[0] < 0:
                detail = line.problem or f"{','.join(line.cells)[:80]!r}: second, step or phase is no number"
                defects.append(Defect(Reason.ROW_MALFORMED, where, detail))
                continue
            second, step, phase = numbers
            # -1 is the code of this family of sources for "not labelled".
            for name, number, names in (("phase", phase, PHASES), ("step", step, STEPS)):
                if number != -1 and number not in names:
                    detail = f"{name} {number} is not one of 0 to {max(names)}; it is left out"
                    defects.append(Defect(Reason.LABEL_UNKNOWN, where, detail))
            labels = (_named(phase, PHASES), _named(step, STEPS))
            before = found.setdefault(second, labels)
            if before != labels:
                detail = f"second {second} of {video.id} is said twice in two ways; what differs is left out"
                defects.append(Defect(Reason.DUPLICATE_ID, where, detail))
                found[second] = (_same(before[0], labels[0]), _same(before[1], labels[1]))
        return found, defects


def _lines(path: Path) -> tuple[Line, ...]:
    return read_delimited(path, _COLUMNS, delimiter=",", header=False)


def _named(number: int, names: Mapping[int, str]) -> Label | None:
    return Label(names[number]) if number in names else None


def _same(a: Label | None, b: Label | None) -> Label | None:
    return a if a == b else None


def _agreed(a: Label | None, b: Label | None) -> Label | None:
    """What one of the two says, or both alike."""
    if a is None or b is None:
        return a or b
    return a if a == b else None
