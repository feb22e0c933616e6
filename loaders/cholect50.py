"""CholecT50: action triplets, phases and (in the challenge-validation part) boxes, one JSON file per video.

Reads the full release and ``CholecT50-Challenge-Validation`` alike. The traps of this source and what is done about
them are told in ``dataset_cards/cholect50.md``.
"""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.media.boxes import BoxOutsideError, from_xywh
from surgsigma_hub.parsers.releases.triplet_vectors import (
    NAMES,
    NULL,
    NULL_TARGET,
    NULL_VERB,
    Names,
    Triples,
    Vector,
    VectorError,
    names_in,
    parse_vectors,
    read_label_mapping,
    triples_in,
)
from surgsigma_hub.parsers.runs import runs, stretches
from surgsigma_hub.parsers.triplet_files import frame_keys, has_boxes, labels_a_part, read_labels
from surgsigma_hub.records import (
    BoxExtent,
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    NumberedImages,
    Origin,
    Reason,
    Recording,
    Segment,
    Triplet,
    Video,
    VideoTimeline,
)
from surgsigma_hub.source import (
    Access,
    ImageOptions,
    Modality,
    Procedure,
    Redistribution,
    Source,
    SourceInfo,
    Specialty,
)
from surgsigma_hub.source.numbered_files import lacking, numbered_images

logger = logging.getLogger(__name__)

_BEYOND = 0.5
"""Share of the labels' length by which pictures may go on after them where they label parts of the video only."""
_NOT_CHOLEC80 = frozenset({92, 96, 103, 110, 111})
_NO_VERB, _NO_TARGET = NAMES["verb"].index(NULL_VERB), NAMES["target"].index(NULL_TARGET)
_PART = dict.fromkeys(
    (Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES, Fact.ACTION_SEGMENTS),
    Coverage.ANNOTATED_ONLY,
)
"""What the lists of the challenge part hold: in one frame of five an instrument in plain view has no label."""
_SCHEMES = ("rendezvous", "challenge", *(f"crossval-{fold}" for fold in range(1, 6)))


@cache
def _splits() -> dict[str, dict[str, str]]:
    """``scheme -> video -> split``, as the dataset's authors list them."""
    text = (resources.files("surgsigma_hub.loaders") / "cholect50_splits.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {scheme: {r["video"]: r[scheme] for r in rows} for scheme in rows[0] if scheme != "video"}


class CholecT50(Source):
    """Loader of CholecT50 (see the module)."""

    info = SourceInfo(
        name="cholect50",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Fill in the CholecT50 request form linked from the homepage; the challenge-validation zip (parts "
        "of 5 videos) needs no form",
        layout="CholecT50/\n"
        "  labels/VID01.json ...\n"
        "  videos/VID01/000000.png ...      (1 picture per second; .jpg is read too)\n"
        "  label_mapping.txt                (optional, used to check the labels)\n",
        facts=frozenset(
            {Fact.PHASE, Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES}
            | {Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE}
        ),
        split_schemes=dict.fromkeys(_SCHEMES, ("train", "val", "test")),
        redistribution=Redistribution(annotations=True, media=False, derived=False),
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
        box_extent=BoxExtent.TIP,
    )

    options_type = ImageOptions

    @cached_property
    def _home(self) -> Path:
        """The folder with ``labels`` and ``videos``: the root or, one level deep, the only such folder in it."""

        def fits(folder: Path) -> bool:
            return (folder / "labels").is_dir() and (folder / "videos").is_dir()

        return self.find_home(fits, "no folder holds both labels/ and videos/")

    def videos(self) -> list[Video]:
        """All videos with a label file or a picture folder, by number."""
        numbers: dict[int, Path] = {}
        for path in sorted((self._home / "labels").glob("VID*.json")):
            number = _number(path.stem)
            if number is None:
                logger.warning("%s: not named VIDnn.json, not read", self.relative(path))
                continue
            if number in numbers:
                raise self.layout_error(self.root, f"{numbers[number].name} and {path.name} are the same video")
            numbers[number] = path
        if not numbers:
            raise self.layout_error(self.root, "labels/ holds no VIDnn.json")
        self._triples  # noqa: B018  a broken label_mapping.txt shall fail now, not in the middle of a build
        folders = {n for p in (self._home / "videos").iterdir() if p.is_dir() and (n := _number(p.name)) is not None}
        return [self._video(n, numbers.get(n)) for n in sorted(self._in_scheme(numbers.keys() | folders))]

    def _in_scheme(self, numbers: set[int]) -> set[int]:
        known = _splits()[self.split_scheme]
        strange = [_id(n) for n in sorted(numbers) if _id(n) not in known]
        if strange:
            raise SurgSigmaError(
                f"cholect50: {', '.join(strange[:10])} not in split scheme {self.split_scheme!r}: it names the "
                f"{len(known)} videos of CholecT50",
                hint="Move the label files and picture folders of other videos out of this folder.",
            )
        return numbers

    def _video(self, number: int, labels: Path | None) -> Video:
        id = _id(number)
        return Video(
            id=id,
            canonical_id=f"cholect50/{id}" if number in _NOT_CHOLEC80 else f"cholec80/video{number:02d}",
            split=_splits()[self.split_scheme][id],
            files=(labels,) if labels else (),
        )

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated seconds of one video; reads its label file."""
        if not video.files:
            yield Defect(Reason.ROW_MALFORMED, f"videos/{video.id}", f"pictures without labels/{video.id}.json")
            return
        where = self.relative(video.files[0])
        try:
            document = read_labels(video.files[0], int(video.id[3:]))
        except VectorError as error:
            yield Defect(error.reason, where, error.message)
            return
        categories, annotations = document.get("categories"), document["annotations"]
        names, differences = names_in(categories)
        for place, detail in differences:
            yield Defect(Reason.LABEL_UNKNOWN, f"{where} categories.{place}", detail)
        keys, doubtful = frame_keys(annotations)
        for key, reason, detail in doubtful:
            yield Defect(reason, f"{where} frame {key[:40]}", detail)
        triples = self._triples or triples_in(categories)
        boxed = has_boxes(annotations)
        coverage = _PART if labels_a_part(document, keys) else {}
        for index, key in sorted(keys.items()):
            place = f"{where} frame {key}"
            try:
                vectors = parse_vectors(annotations[key], triples)
            except VectorError as error:
                yield Defect(error.reason, place, error.message)
                continue
            boxes: tuple[LabeledBox, ...] | None = None
            if boxed:
                try:
                    boxes = _boxes(vectors, names)
                except BadRowError as error:
                    reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
                    yield Defect(reason, place, f"{error.message}; the frame keeps its other facts")
            yield replace(_frame(index, vectors, boxes, names), coverage=coverage)

    def recording(self, video: Video) -> Recording | None:
        """One picture a second, numbered from 0; the folder of a video, or several if its number is padded anew."""
        if not video.files:
            return None
        try:
            document = read_labels(video.files[0], int(video.id[3:]))
        except VectorError:
            return None
        keys, doubtful = frame_keys(document["annotations"])
        labelled = sorted(keys)
        lasts = labelled[-1] + 1 if labelled else 0
        declared, told = document.get("num_frames"), tuple[str, ...]()
        if type(declared) is int and declared not in (len(keys), lasts):
            told = (f"num_frames is {declared}, the file labels {len(keys)} seconds, the last is {lasts - 1}",)
        part = labels_a_part(document, keys) or 10 * len(labelled) < 9 * (lasts - labelled[0] if labelled else 0)
        folders = [p for p in sorted((self._home / "videos").iterdir()) if _number(p.name) == _number(video.id)]
        pictures: dict[int, Path] = {}
        for folder in folders:
            pictures = numbered_images(folder, "([0-9]{6})") | pictures
        return Recording(
            media=NumberedImages(images={n: FileImage(p) for n, p in pictures.items()}, name="{:06d}.png"),
            place=f"videos/{video.id}",
            absent=lacking(self._home / "videos" / video.id, "000000.png"),
            moments=labelled,
            lasts=lasts,
            said_by=self.relative(video.files[0]),
            beyond=_BEYOND * lasts if part else 1.0 + len(doubtful),
            told=told,
            stated=self.stated(video),
        )

    def course(self, video: Video) -> VideoTimeline | None:
        """Runs of phases and of verbs as segments.

        What cannot be read leaves the end of a run open here and is told by :meth:`frames`.
        """
        made = self._labelled_course(video) if video.files else VideoTimeline()
        if not made.segments:
            return None
        return replace(made, origins=dict.fromkeys((Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS), Origin("derived")))

    def _labelled_course(self, video: Video) -> VideoTimeline:
        try:
            document = read_labels(video.files[0], int(video.id[3:]))
        except VectorError:
            return VideoTimeline()
        categories, annotations = document.get("categories"), document["annotations"]
        names, _ = names_in(categories)
        triples = self._triples or triples_in(categories)
        phases: list[tuple[int, Label | None]] = []
        verbs: list[tuple[int, frozenset[int]]] = []
        keys = frame_keys(annotations)[0]
        for index, key in sorted(keys.items()):
            try:
                vectors = parse_vectors(annotations[key], triples)
            except VectorError:
                continue
            phase = vectors[0].phase
            if phase != NULL:
                phases.append((index, Label(names["phase"][phase])))
            if _complete(vectors):
                verbs.append((index, frozenset(v.verb for v in vectors)))
        made: list[Segment] = []
        for verb, name in enumerate(names["verb"]):
            if verb != _NO_VERB:
                seen = ((index, Label(name) if verb in found else None) for index, found in verbs)
                made += runs(seen, fps=1, layer="action")
        coverage: dict[Fact, Coverage] = {}
        if labels_a_part(document, keys):  # a verb that is not said may be done by an instrument without label
            made = [replace(s, start_known=False, end_known=False) for s in made]
            coverage = {Fact.ACTION_SEGMENTS: Coverage.ANNOTATED_ONLY}
        made += runs(phases, fps=1, layer="phase")
        return VideoTimeline(
            segments=tuple(sorted(made, key=lambda s: (s.layer, s.start_seconds))),
            labelled={
                "action": stretches([n for n, _ in verbs], fps=1),
                "phase": stretches([n for n, _ in phases], fps=1),
            },
            coverage=coverage,
        )

    @cached_property
    def _triples(self) -> Triples:
        """What each triplet id stands for by ``label_mapping.txt``; empty where the copy lacks that file."""
        path = self._home / "label_mapping.txt"
        if not path.is_file():
            return {}
        try:
            return read_label_mapping(path.read_text("utf-8-sig", errors="replace"))
        except BadRowError as error:
            raise BadRowError(
                f"{self.relative(path)}, {error.message}",
                hint="Restore this file from the release, or remove it to go without this check.",
            ) from None


def _id(number: int) -> str:
    return f"VID{number:02d}"


def _number(name: str) -> int | None:
    match = re.fullmatch("VID([0-9]{1,4})", name)
    return int(match[1]) if match else None


def _boxes(vectors: list[Vector], names: Names) -> tuple[LabeledBox, ...] | None:
    """Boxes of all instruments of a frame; None where one of them has no box, since the list would be half true.

    Raises:
        BadRowError: a box that is empty or outside the frame.
    """
    boxes: list[LabeledBox] = []
    for vector in vectors:
        if vector.instrument == NULL:
            continue
        if vector.box is None:
            return None
        box, clipped = from_xywh(*vector.box)
        boxes.append(LabeledBox(Label(names["instrument"][vector.instrument]), box, clipped))
    return tuple(boxes)


def _complete(vectors: list[Vector]) -> bool:
    """Whether all is said of what the instruments do; one without triplet id would make the list half true."""
    return all(v.triplet != NULL for v in vectors if v.instrument != NULL)


def _frame(
    index: int,
    vectors: list[Vector],
    boxes: tuple[LabeledBox, ...] | None,
    names: Names,
) -> Frame:
    phase = vectors[0].phase  # the same in all of them, or the parser would have refused
    present = [v for v in vectors if v.instrument != NULL]
    complete = _complete(vectors)
    verbs = [names["verb"][v.verb] for v in present if v.verb not in (NULL, _NO_VERB)]
    targets = [names["target"][v.target] for v in present if v.target not in (NULL, _NO_TARGET)]
    triples = dict.fromkeys((v.instrument, v.verb, v.target) for v in present)
    labels = {kind: [Label(name) for name in names[kind]] for kind in ("instrument", "verb", "target")}
    triplets = [Triplet(labels["instrument"][i], labels["verb"][v], labels["target"][t]) for i, v, t in triples]
    return Frame(
        index=index,
        fps=1,
        phase=None if phase == NULL else Label(names["phase"][phase]),
        instruments=_labels([names["instrument"][v.instrument] for v in present]),
        tissues=_labels(targets) if complete else None,
        actions=_labels(verbs) if complete else None,
        triplets=tuple(triplets) if complete else None,
        instrument_boxes=boxes,
    )


def _labels(names: list[str]) -> tuple[Label, ...]:
    """Labels in order, each once."""
    return tuple(Label(name) for name in dict.fromkeys(names))
