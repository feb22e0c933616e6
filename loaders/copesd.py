"""CoPESD: what forceps and knife do in pictures of endoscopic submucosal dissection, and where they are.

The annotations are conversations; motions and boxes are read out of their sentences. The traps of this source and what
is done about them are told in ``dataset_cards/copesd.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.boxes import BoxOutsideError, from_xywh, from_xyxy
from surgsigma_hub.parsers.releases.esd_motions import (
    FLAP,
    Convention,
    Motion,
    Placed,
    convention_of,
    parse_boxes,
    parse_motions,
    says_no_view,
)
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.records import (
    BoxExtent,
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    NativeQA,
    NumberedImages,
    Reason,
    Recording,
    Triplet,
    Video,
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

_SPLITS = ("train", "val", "test")
_LABELS = ("", "annotations", "annotations/smllm")
_PICTURES = ("", "high_light_images", "images")
_IMAGE = re.compile(r"(?:.*[\\/])?([0-9A-Za-z_-]{1,40})[\\/]([0-9]{1,6})\.(?:jpg|jpeg|png)", re.IGNORECASE)
_FROZEN_LEAST = 5
_BEYOND = 3.0
"""How many times as many pictures a folder may hold after the last that is labelled: one file names part of them."""
_ONE_NAMED = dict.fromkeys(
    (Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES), Coverage.ANNOTATED_ONLY
)
"""What the lists hold where a sentence is on one instrument alone: the other may be in view."""
_BOTH = frozenset({"Forceps", "Knife"})
"""The instruments of this operation, one of each: a sentence on both leaves none out."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One conversation: place in its file, number of its picture, question and answer."""

    place: int
    number: int
    question: str
    answer: str


class CoPESD(Source):
    """Loader of CoPESD (see the module)."""

    info = SourceInfo(
        name="copesd",
        specialty=Specialty.GASTROENTEROLOGY,
        procedure=Procedure.ENDOSCOPIC_SUBMUCOSAL_DISSECTION,
        modality=Modality.FLEXIBLE_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download pictures and annotations by the links on the homepage and put them into one folder",
        layout="CoPESD/\n"
        "  smllm_train.json, smllm_test.json    (or in annotations/, or in annotations/smllm/)\n"
        "  high_light_images/023521/0001.jpg ...    (or images/023521/..., or 023521/...)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        redistribution=Redistribution(annotations=True, media=False, derived=False),
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
        box_extent=BoxExtent.WHOLE,
    )
    options_type = ImageOptions

    @cached_property
    def _files(self) -> dict[str, Path]:
        """The annotation file of each split."""
        found: dict[str, Path] = {}
        for split in _SPLITS:
            paths = [p for folder in _LABELS if (p := self.root / folder / f"smllm_{split}.json").is_file()]
            if len(paths) > 1:
                names = " and ".join(self.relative(p) for p in paths)
                raise self.layout_error(self.root, f"{names} are the same split; keep one of them")
            if paths:
                found[split] = paths[0]
        if not found:
            raise self.layout_error(self.root, "no smllm_train.json and no smllm_test.json")
        return found

    def videos(self) -> list[Video]:
        """Each folder of pictures that an annotation file names, by split and name."""
        videos: list[Video] = []
        for split, path in self._files.items():
            try:
                document = self._document(path)
            except BadRowError as error:
                raise self.layout_error(self.root, f"{self.relative(path)}: {error.message}") from None
            names = sorted({_folder(row) for row in document} - {None}, key=str)
            # A row whose picture is not told belongs to no video; the first one reports it.
            for n, name in enumerate(names):
                videos.append(
                    Video(
                        id=f"{name}-{split}",
                        canonical_id=f"copesd/{name}",
                        split=split,
                        files=(path,),
                        data={"folder": name, "first": n == 0},
                    )
                )
        if not videos:
            raise self.layout_error(self.root, "no row names a picture like 023521/0001.jpg")
        return videos

    @cached_property
    def _read(self) -> dict[Path, list[Any]]:
        """Annotation files read so far: all videos of a split are in one file."""
        return {}

    def _document(self, path: Path) -> list[Any]:
        """The rows of an annotation file.

        Raises:
            BadRowError: not a JSON list.
        """
        if path not in self._read:
            document = read_json(path)
            if not isinstance(document, list):
                raise BadRowError("not a list of conversations")
            self._read[path] = document
        return self._read[path]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated pictures of one video, by number."""
        (path,) = video.files
        where = self.relative(path)
        items: dict[int, _Item] = {}
        twice: set[int] = set()
        for place, row in enumerate(self._document(path)):
            folder = _folder(row)
            if folder is None and video.data["first"]:
                yield Defect(Reason.ROW_MALFORMED, f"{where} item {place}", "no image like 023521/0001.jpg")
            if folder != video.data["folder"]:
                continue
            try:
                item = _item(place, row)
            except BadRowError as error:
                yield Defect(Reason.ROW_MALFORMED, f"{where} item {place}", error.message)
                continue
            other = items.setdefault(item.number, item)
            if other is not item:
                detail = f"picture {item.number} is item {other.place} already"
                if (other.question, other.answer) != (item.question, item.answer):
                    detail += ", with another text; both are left out"
                    twice.add(item.number)
                yield Defect(Reason.DUPLICATE_ID, f"{where} item {place}", detail)
        good = [item for number, item in sorted(items.items()) if number not in twice]
        yield from self._moments(video, where, good)

    def _moments(self, video: Video, where: str, items: list[_Item]) -> Iterator[Frame | Defect]:
        placed: dict[int, tuple[Placed, ...] | BadRowError] = {}
        for item in items:
            try:
                placed[item.number] = parse_boxes(item.answer)
            except BadRowError as error:
                placed[item.number] = error
        reading = _Reading.of([boxes for boxes in placed.values() if not isinstance(boxes, BadRowError)])
        for item in items:
            place = f"{where} item {item.place}"
            if says_no_view(item.answer):
                yield Defect(Reason.NO_SURGICAL_VIEW, place, "the sentence says that the lens has to be cleaned")
                continue
            motions: tuple[Motion, ...] | None = None
            boxes: tuple[LabeledBox, ...] | None = None
            try:
                motions = parse_motions(item.answer)
            except BadRowError as error:
                yield Defect(Reason.ROW_MALFORMED, place, f"{error.message}; its boxes are read all the same")
            found = placed[item.number]
            try:
                if isinstance(found, BadRowError):
                    raise found
                boxes = reading.boxes(found)
            except _BoxesError as error:
                yield Defect(error.reason, place, f"{error.message}; the frame keeps its other facts")
            except BadRowError as error:
                reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
                yield Defect(reason, place, f"{error.message}; the frame keeps its other facts")
            if motions is None and isinstance(found, BadRowError):
                continue
            named = [m.instrument for m in motions or ()]
            if motions is None and not isinstance(found, BadRowError):
                named = [p.instrument for p in found]
            yield _frame(item, named, motions, boxes)

    def recording(self, video: Video) -> Recording:
        """Pictures numbered from 1; their rate is not published, so that a number counts as a second."""
        (path,), folder = video.files, str(video.data["folder"])
        rows = (row["image"] for row in self._document(path) if _folder(row) == folder)
        labelled = sorted({int(match[2]) for image in rows if (match := _IMAGE.fullmatch(image))})
        # The first folder of the layout that has the video counts.
        home = next((p for p in (self.root / h / folder for h in _PICTURES) if p.is_dir()), self.root / folder)
        images = numbered_images(home, "([0-9]{1,6})")
        stated = self.stated(video)
        base, lasts = min(1, *labelled[:1]) if labelled else 1, (labelled[-1] + 1 if labelled else 0)
        return Recording(
            media=NumberedImages(
                images={n: FileImage(p) for n, p in images.items()}, name="{:04d}.jpg", base=base, base_seconds=base
            ),
            place=self.relative(home),
            absent=lacking(home, "0001.jpg"),
            moments=labelled,
            lasts=lasts,
            said_by=self.relative(path),
            beyond=_BEYOND * lasts,
            # Pictures are had as released only: what is missing at the end was lost, not numbered anew.
            stated=replace(stated, starts_at=stated.starts_at or 0.0),
        )


class _BoxesError(BadRowError):
    """Boxes that cannot be believed though they are well written."""

    reason = Reason.LABEL_CORRUPT


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the boxes of one video are to be read: what the numbers mean, and which boxes stand still throughout."""

    convention: Convention | None
    frozen: frozenset[tuple[Placed, ...]]

    @classmethod
    def of(cls, sentences: list[tuple[Placed, ...]]) -> _Reading:
        """The reading that fits all sentences of a video."""
        often = Counter(sentences)
        frozen = {boxes for boxes, n in often.items() if n >= _FROZEN_LEAST and n * 4 > len(sentences)}
        return cls(convention_of(p for boxes in sentences for p in boxes), frozenset(frozen))

    def boxes(self, sentence: tuple[Placed, ...]) -> tuple[LabeledBox, ...]:
        """The boxes of one sentence.

        Raises:
            BadRowError: a box that is empty or outside the picture, frozen, or of unknown meaning.
        """
        if sentence in self.frozen:
            raise _BoxesError("the same boxes stand in over a quarter of the video's pictures, whatever they show")
        if self.convention is None:
            raise _BoxesError("the boxes of this video do not tell whether they are written as corners or as sizes")
        read = from_xyxy if self.convention == "corners" else from_xywh
        made: list[LabeledBox] = []
        for placed in sentence:
            box, clipped = read(*placed.numbers)
            made.append(LabeledBox(Label(placed.instrument), box, clipped))
        return tuple(made)


def _folder(row: Any) -> str | None:
    image = row.get("image") if isinstance(row, dict) else None
    match = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    return match[1] if match else None


def _item(place: int, row: dict[str, Any]) -> _Item:
    """One row whose picture is known.

    Raises:
        BadRowError: not one question of "human" and one answer of "gpt".
    """
    turns = row.get("conversations")
    if not isinstance(turns, list) or [t.get("from") if isinstance(t, dict) else None for t in turns] != [
        "human",
        "gpt",
    ]:
        raise BadRowError("conversations are not one turn of 'human' and one of 'gpt'")
    question, answer = (turn.get("value") for turn in turns)
    if not isinstance(question, str) or not isinstance(answer, str):
        raise BadRowError("a turn has no text 'value'")
    match = _IMAGE.fullmatch(row["image"])
    assert match is not None
    return _Item(place, int(match[2]), question, answer)


def _frame(
    item: _Item,
    named: list[str],
    motions: tuple[Motion, ...] | None,
    boxes: tuple[LabeledBox, ...] | None,
) -> Frame:
    done = [m for m in motions or () if m.motion != "idle"]
    acting = [m for m in done if m.motion != "reach"]
    return Frame(
        index=item.number,  # the rate is not published, so that the number is an order and no time
        fps=1,
        instruments=tuple(Label(name) for name in named),
        tissues=(Label(FLAP),) if any(m.target == FLAP for m in acting) else None,
        actions=None if motions is None else tuple(Label(m) for m in dict.fromkeys(m.motion for m in done)),
        triplets=None
        if motions is None
        else tuple(Triplet(Label(m.instrument), Label(m.motion), Label(m.target)) for m in motions),
        instrument_boxes=boxes,
        native_qa=NativeQA(item.question, item.answer),
        coverage={} if {*named} >= _BOTH else _ONE_NAMED,
    )
