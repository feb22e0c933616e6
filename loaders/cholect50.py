"""CholecT50: action triplets, phases and (in the challenge-validation part) boxes, one JSON file per video.

Reads the full release and ``CholecT50-Challenge-Validation`` alike. The traps of this source and what is done about
them are told in ``dataset_cards/cholect50.md``.
"""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.media.boxes import BoxOutsideError, from_xywh
from surgsigma_hub.parsers.runs import runs
from surgsigma_hub.parsers.strict_json import Pairs, read_json
from surgsigma_hub.parsers.triplet_vectors import (
    NAMES,
    NULL,
    NULL_TARGET,
    NULL_VERB,
    Names,
    Triples,
    Vector,
    VectorError,
    has_box,
    names_in,
    parse_vectors,
    read_label_mapping,
    triples_in,
)
from surgsigma_hub.records import (
    Course,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    Origin,
    Reason,
    Segment,
    Stills,
    Triplet,
    Video,
)
from surgsigma_hub.source import Access, Redistribution, Source, SourceInfo

logger = logging.getLogger(__name__)

_PICTURE = re.compile(r"([0-9]{6})\.(png|jpg|jpeg)", re.IGNORECASE)  # not "000030 (1).png"
_KEY = re.compile("[0-9]{1,6}")
_NOT_CHOLEC80 = frozenset({92, 96, 103, 110, 111})
_NO_VERB, _NO_TARGET = NAMES["verb"].index(NULL_VERB), NAMES["target"].index(NULL_TARGET)
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
        title="CholecT50",
        specialty="general_surgery",
        procedure="laparoscopic_cholecystectomy",
        modality="laparoscopy",
        license="cc-by-nc-sa-4.0",
        access=Access.REQUEST,
        access_steps="Fill in the CholecT50 request form linked from the homepage; the challenge-validation zip (parts "
        "of 5 videos) needs no form",
        homepage="https://github.com/CAMMA-public/cholect50",
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
    )

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
        """The annotated seconds of one video; reads its label file and lists its picture folder."""
        if not video.files:
            yield Defect(Reason.ROW_MALFORMED, f"videos/{video.id}", f"pictures without labels/{video.id}.json")
            return
        where = self.relative(video.files[0])
        try:
            document = _document(video.files[0], video.id)
        except VectorError as error:
            yield Defect(error.reason, where, error.message)
            return
        categories, annotations = document.get("categories"), document["annotations"]
        names, differences = names_in(categories)
        for place, detail in differences:
            yield Defect(Reason.LABEL_UNKNOWN, f"{where} categories.{place}", detail)
        keys, doubtful = _keys(annotations)
        for key, reason, detail in doubtful:
            yield Defect(reason, f"{where} frame {key[:40]}", detail)
        triples = self._triples or triples_in(categories)
        boxed = any(has_box(row) for rows in annotations.values() if isinstance(rows, list) for row in rows)
        pictures = self._pictures(video)
        for index, key in sorted(keys.items()):
            place = f"{where} frame {key}"
            try:
                vectors = parse_vectors(annotations[key], triples)
            except VectorError as error:
                yield Defect(error.reason, place, error.message)
                continue
            if index not in pictures:
                detail = f"no {index:06d}.png or .jpg in videos/{video.id}"
                yield Defect(Reason.MEDIA_MISSING, f"{video.id}/{index:06d}", detail)
                continue
            boxes: tuple[LabeledBox, ...] | None = None
            if boxed:
                try:
                    boxes = _boxes(vectors, names)
                except BadRowError as error:
                    reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
                    yield Defect(reason, place, f"{error.message}; the frame keeps its other facts")
            yield _frame(index, pictures[index], vectors, boxes, names)

    def course(self, video: Video) -> Course | None:
        """Runs of phases and of verbs as segments, the picture folder as footage.

        What cannot be read ends a run here and is told by :meth:`frames`.
        """
        pictures = self._pictures(video)
        stills = tuple(FileImage(pictures[n]) if n in pictures else None for n in range(max(pictures, default=-1) + 1))
        segments = self._segments(video) if video.files else ()
        if not segments and not stills:
            return None
        return Course(
            segments=segments,
            footage=Stills(stills, 1.0) if stills else None,
            origins=dict.fromkeys((Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS), Origin("derived")),
        )

    def _segments(self, video: Video) -> tuple[Segment, ...]:
        try:
            document = _document(video.files[0], video.id)
        except VectorError:
            return ()
        categories, annotations = document.get("categories"), document["annotations"]
        names, _ = names_in(categories)
        triples = self._triples or triples_in(categories)
        phases: list[tuple[int, Label | None]] = []
        verbs: list[tuple[int, frozenset[int]]] = []
        for index, key in sorted(_keys(annotations)[0].items()):
            try:
                vectors = parse_vectors(annotations[key], triples)
            except VectorError:
                continue
            phase = vectors[0].phase
            phases.append((index, None if phase == NULL else Label(names["phase"][phase])))
            verbs.append((index, frozenset(v.verb for v in vectors) if _complete(vectors) else frozenset()))
        made = list(runs(phases, fps=1, layer="phase"))
        for verb, name in enumerate(names["verb"]):
            if verb != _NO_VERB:
                seen = ((index, Label(name) if verb in found else None) for index, found in verbs)
                made += runs(seen, fps=1, layer="action")
        return tuple(sorted(made, key=lambda s: (s.layer, s.start_seconds)))

    def _pictures(self, video: Video) -> dict[int, Path]:
        """Picture of each second; a PNG goes before a JPEG of the same number."""
        number = _number(video.id)
        folders = [p for p in (self._home / "videos").iterdir() if p.is_dir() and _number(p.name) == number]
        found: dict[int, Path] = {}
        for folder in sorted(folders):
            for path in sorted(folder.iterdir(), key=lambda p: p.suffix.lower() != ".png"):
                if match := _PICTURE.fullmatch(path.name):
                    found.setdefault(int(match[1]), path)
        return found

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


def _document(path: Path, id: str) -> Pairs:
    """The label file of a video, its outer form checked.

    Raises:
        VectorError: the file cannot be used at all.
    """
    try:
        document = read_json(path)
    except BadRowError as error:
        raise VectorError(error.message) from None
    except OSError as error:
        raise VectorError(f"the file cannot be opened ({error.strerror})") from None
    if not isinstance(document, Pairs) or not isinstance(document.get("annotations"), Pairs):
        raise VectorError("no object 'annotations' of frame number to vectors")
    if document.repeated:
        raise VectorError.because(Reason.DUPLICATE_ID, f"the file repeats {', '.join(sorted(document.repeated))}")
    number = document.get("video")
    if isinstance(number, int) and number != _number(id):
        raise VectorError(f"the file says video {number}, its name says {id}")
    if document.get("fps", 1) != 1:
        raise VectorError(f"fps {str(document['fps'])[:20]}, expected 1: its frame numbers would be misread")
    return document


def _keys(annotations: Pairs) -> tuple[dict[int, str], list[tuple[str, Reason, str]]]:
    """Frame numbers with their keys, and the keys that are no frame number or name a frame more than once."""
    keys: dict[int, str] = {}
    doubtful: list[tuple[str, Reason, str]] = []
    twice: set[int] = set()
    for key in annotations:
        if _KEY.fullmatch(key) is None:
            doubtful.append((key, Reason.ROW_MALFORMED, "the key is no frame number (0..999999)"))
            continue
        if key in annotations.repeated or int(key) in keys:
            twice.add(int(key))
        keys.setdefault(int(key), key)
    detail = "the file holds this frame more than once; it is left out, since either may be wrong"
    doubtful.extend((keys[index], Reason.DUPLICATE_ID, detail) for index in sorted(twice))
    return {index: key for index, key in keys.items() if index not in twice}, doubtful


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
    picture: Path,
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
        image=FileImage(picture),
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
