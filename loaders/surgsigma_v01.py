"""SurgSigma-DB v0.1: conversations of many kinds over CholecT50 frames, and dense predictions for part of them.

The release is one JSON for all videos, ``raw_data/`` as an empty layout for the user's own CholecT50 frames, and one
archive of smoky twins, instrument masks and a third set taken to be depth. What its ``task type`` integers mean is told
nowhere but for 1, so an unknown integer is reported, never guessed (``surgsigma_v01_task_types.csv``).
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.media.numbering import declared, image_number
from surgsigma_hub.parsers.archive import archive_members, find_archive
from surgsigma_hub.parsers.releases.sigma_pieces import SigmaPieces
from surgsigma_hub.parsers.releases.sigma_release import Localization, read_localization, task_types
from surgsigma_hub.records import (
    BoxExtent,
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    ImageRef,
    LabeledMask,
    MaskImage,
    NumberedImages,
    Reason,
    Recording,
    Video,
)
from surgsigma_hub.source import (
    Access,
    ImageOptions,
    Modality,
    Procedure,
    Source,
    SourceInfo,
    Specialty,
)
from surgsigma_hub.source.numbered_files import numbered_images

LOCALIZATION = "instrument_localization"
_KINDS = {LOCALIZATION}
_DENSE_PATH = re.compile(r"(?:^|/)([^/]+)/CholecT50/(?:videos/)?VID(\d+)/(\d+)\.(?:png|jpe?g)$")
_BEYOND = 3.0
"""How many times as long as its annotations a video may go on after them: most have some here and there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgSigmaOptions(ImageOptions):
    """Where the parts are that the release itself does not hold or name."""

    frames_root: str = field(default="", metadata={"help": "CholecT50 copy that holds videos/VIDnn/*.png"})
    annotations: str = field(default="", metadata={"help": "name of the annotation JSON if the root has several"})
    task_types: str = field(default="", metadata={"help": "CSV (type,kind) to use in place of the built-in one"})


class SurgSigmaV01(Source):
    """Loader of the CholecT50 subset of SurgSigma-DB v0.1."""

    info = SourceInfo(
        name="surgsigma_v01",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Download SurgSigma-DB from the Hub (open), and request CholecT50 from CAMMA for the frames.",
        layout="""
  <root>/*.json                                      annotations: {"images": [...], "annos": [...]}
  <root>/raw_data/CholecT50/videos/VID02/000509.png  your CholecT50 frames (or --option frames_root=CHOLECT50)
  <root>/dense_prediction/ or .tar or .tar.gz        optional: seg, desmoke, depth
""",
        facts=frozenset(
            {
                Fact.INSTRUMENT_BOXES,
                Fact.INSTRUMENTS,
                Fact.INSTRUMENT_MASKS,
                Fact.CLEAN_IMAGE,
                Fact.DEPTH,
                Fact.TRACE,
            }
        ),
        split_schemes={"release": ("train",)},
        label_origin="model",
        box_extent=BoxExtent.WHOLE,
    )
    options_type = SurgSigmaOptions

    def videos(self) -> Iterator[Video]:
        """All videos with an annotation or a dense prediction; the first also reports what belongs to no video."""
        document, archive = self._document(), find_archive(self.root / "dense_prediction")
        if not self._frames_folder().is_dir():
            raise self.layout_error(
                self.root, "there are no CholecT50 frames in raw_data/CholecT50/videos, nor at the option frames_root"
            )
        dense, left_out = self._dense()
        # a video with nothing but unusable files is planned too, so that these are told
        numbers = self._pieces.videos() | dense.keys() | {n for n in left_out if n is not None}
        if not numbers:
            raise self.layout_error(self.root, f"{document.name} holds no annotation of a CholecT50 frame")
        for number in sorted(numbers):
            yield Video(
                id=f"VID{number:02d}",
                canonical_id=f"cholec80/video{number:02d}" if number <= 80 else f"cholect50/VID{number:02d}",
                split=self.info.split_schemes[self.split_scheme][0],
                files=(document, archive) if archive and archive.is_file() else (document,),
                data={"number": number, "first": number == min(numbers)},
            )

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated and the densely predicted moments of one video; the smoky twin of a moment follows it."""
        number, first = video.data["number"], video.data["first"]
        rows = self._pieces.rows(number)
        dense, dense_defects = self._dense()
        if first:
            yield from self._pieces.strays()
            yield from dense_defects[None]
        yield from dense_defects[number]
        pictures = self._pictures(video)
        kinds, unknown = self._kinds(), dict[int, list[str]]()
        annos: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for index, anno in rows:
            types = task_types(anno)
            if any(t in kinds for t in types):
                annos[index].append(anno)
            for type_number in types:
                if type_number not in kinds:
                    unknown.setdefault(type_number, []).append(str(anno["id"]))
        for type_number, ids in sorted(unknown.items()):
            yield Defect(
                Reason.TYPE_UNKNOWN,
                f"{video.id} annotations of task type {type_number}",
                f"task type {type_number} is not in the table of task types; {len(ids)} annotations left out, "
                f"the first is anno {ids[0]}",
            )
        for index in sorted(annos.keys() | dense.get(number, {}).keys()):
            yield from self._moment(video.id, index, annos[index], dense.get(number, {}).get(index, {}), pictures)

    # ---------------------------------------------------------------------------------------------- one moment

    def _moment(
        self,
        video_id: str,
        index: int,
        annos: list[dict[str, Any]],
        dense: dict[str, ImageRef],
        pictures: Mapping[int, ImageRef],
    ) -> Iterator[Frame | Defect]:
        where = f"{video_id}/{index:06d}"
        image = pictures.get(index)
        readings: dict[str, Localization] = {}
        seen: set[tuple[str, ...]] = set()
        for anno in annos:
            place = f"{where} anno {anno['id']}"
            reading, defects = read_localization(anno, where=place)
            yield from defects
            if reading is None:
                continue
            variant = "a" + re.sub(r"[^A-Za-z0-9_-]", "-", str(anno["id"])) if readings else ""
            if reading.key in seen or variant in readings:
                yield Defect(Reason.DUPLICATE_ID, place, "the same annotation of this frame occurs more than once")
                continue
            seen.add(reading.key)
            readings[variant] = reading
        # Annotations that name different instruments of one picture are not each complete.
        coverage = dict.fromkeys((Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES), Coverage.ANNOTATED_ONLY)
        plain = {name: ref for name, ref in dense.items() if name != "desmoke"}
        if image is None:
            what = [*(["annotations"] if readings else []), *sorted(dense)]
            if what:
                detail = f"CholecT50 frame videos/{where}.png is not there; left out: {', '.join(what)}"
                yield Defect(Reason.MEDIA_MISSING, where, detail)
            return
        if not readings and plain:
            yield Frame(index=index, fps=1.0, image=image, **_dense_facts(plain))
        for variant, reading in readings.items():
            yield Frame(
                index=index,
                fps=1.0,
                image=image,
                variant=variant,
                instruments=tuple(dict.fromkeys(b.label for b in reading.boxes)),
                instrument_boxes=reading.boxes,
                trace=reading.trace,
                native_qa=reading.native,
                coverage=coverage if len(readings) > 1 else {},
                **({} if variant else _dense_facts(plain)),
            )
        if "desmoke" in dense:
            yield Frame(index=index, fps=1.0, image=dense["desmoke"], variant="smoke", clean_image=image)

    # --------------------------------------------------------------------------------------------- the JSON

    def _document(self) -> Path:
        if self.options.annotations:
            chosen = Path(self.root, self.options.annotations)
            if not chosen.is_file():
                raise self.layout_error(self.root, f"there is no file {self.options.annotations}")
            return chosen
        found = sorted(self.root.glob("*.json"))
        if len(found) != 1:
            names = ", ".join(p.name for p in found[:5])
            what = f"there are {len(found)} *.json ({names}); choose with --option annotations=NAME" if found else ""
            raise self.layout_error(self.root, what or "there is no *.json")
        return found[0]

    @cached_property
    def _pieces(self) -> SigmaPieces:
        """The annotations by video.

        Raises:
            LayoutError: the file is no such release.
        """
        pieces = SigmaPieces(self._document(), self.cache_dir)
        try:
            pieces.videos()
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None
        return pieces

    def _kinds(self) -> dict[int, str]:
        """The editable table of what a task type integer means."""
        chosen = self.options.task_types
        place = Path(chosen) if chosen else resources.files(__package__) / "surgsigma_v01_task_types.csv"
        if not place.is_file():
            raise SurgSigmaError(f"option task_types: there is no file {chosen}")
        kinds: dict[int, str] = {}
        for n, row in enumerate(csv.DictReader(place.read_text("utf-8").splitlines()), 2):
            text, kind = (row.get("type") or "").strip(), (row.get("kind") or "").strip()
            if not text.isdecimal() or kind not in _KINDS or int(text) in kinds:
                raise SurgSigmaError(
                    f"{place.name} line {n}: cannot use type {text!r} as {kind!r}",
                    hint=f"Columns: type (a whole number, each once), kind (one of: {', '.join(sorted(_KINDS))}).",
                )
            kinds[int(text)] = kind
        return kinds

    # --------------------------------------------------------------------------------------------- pictures

    def _frames_folder(self) -> Path:
        own = self.options.frames_root
        return Path(own) / "videos" if own else self.root / "raw_data" / "CholecT50" / "videos"

    def recording(self, video: Video) -> Recording:
        """The CholecT50 frames: one a second, numbered from 0."""
        number = video.data["number"]
        dense, _ = self._dense()
        labelled = sorted({index for index, _ in self._pieces.rows(number)} | dense.get(number, {}).keys())
        lasts = labelled[-1] + 1 if labelled else 0
        return Recording(
            media=self._images(video),
            place=f"videos/{video.id}",
            absent="there are no CholecT50 frames",
            moments=labelled,
            lasts=lasts,
            said_by=self._document().name,
            beyond=_BEYOND * lasts,
            stated=self.stated(video),
        )

    def _images(self, video: Video) -> NumberedImages:
        found = numbered_images(self._frames_folder() / video.id, "([0-9]+)")
        return NumberedImages(images={n: FileImage(p) for n, p in found.items()}, name="{:06d}.png")

    def _pictures(self, video: Video) -> dict[int, ImageRef]:
        """The CholecT50 frame of each second: a smoky twin needs it beside its own picture."""
        images, stated = self._images(video), self.stated(video)
        reading = declared(images, stated)
        seconds = {round(reading.seconds(n)) for n in images.images}
        numbers = {s: image_number(reading, images, s) for s in sorted(seconds)}
        return {s: images.images[n] for s, n in numbers.items() if n is not None}

    def _dense(self) -> tuple[dict[int, dict[int, dict[str, ImageRef]]], dict[int | None, list[Defect]]]:
        """Dense predictions by video number, frame number and kind; defects by video number, None for those of none."""
        found: dict[int, dict[int, dict[str, ImageRef]]] = defaultdict(lambda: defaultdict(dict))
        left: Counter[tuple[int | None, Reason, str]] = Counter()
        archive = find_archive(self.root / "dense_prediction")
        for name, ref in archive_members(archive, cache_dir=self.cache_dir).items() if archive else ():
            match = _DENSE_PATH.search(name)
            if match is None:
                left[None, Reason.ROW_MALFORMED, "not named <kind>/CholecT50/VIDnn/NNNNNN.png"] += 1
                continue
            folder, number, index = match.group(1), int(match.group(2)), int(match.group(3))
            kind = folder if folder in ("seg", "desmoke") else "depth" if "depth" in folder.lower() else None
            if kind is None:
                left[number, Reason.TYPE_UNKNOWN, f"folder {folder!r} is not seg, desmoke or a kind of depth"] += 1
            elif kind in found[number][index]:
                left[number, Reason.DUPLICATE_ID, f"a second file of kind {kind} for a frame, {name}"] += 1
            else:
                found[number][index][kind] = ref
        defects: dict[int | None, list[Defect]] = defaultdict(list)
        for (video, reason, what), count in left.items():
            defects[video].append(Defect(reason, archive.name if archive else "", f"{what} ({count} files)"))
        return found, defects


def _dense_facts(dense: dict[str, ImageRef]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if "seg" in dense:
        facts["instrument_masks"] = (LabeledMask(None, MaskImage(dense["seg"], None)),)
    if "depth" in dense:
        facts["depth"] = dense["depth"]
    return facts
