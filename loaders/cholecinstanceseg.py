"""CholecInstanceSeg: polygons of every instrument on pictures of Cholec80, CholecT50 and CholecSeg8k.

One labelme file per picture. The operations are those of Cholec80 and CholecT50, and ``canonical_video_id`` says which.
The traps of this source and what is done about them are told in ``dataset_cards/cholecinstanceseg.md``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.boxes import from_xyxy
from surgsigma_hub.media.metadata import probe
from surgsigma_hub.parsers.labelme import parse_labelme
from surgsigma_hub.parsers.strict_json import as_utf8
from surgsigma_hub.records import (
    Box,
    BoxExtent,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    NumberedImages,
    Origin,
    Polygons,
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
from surgsigma_hub.source.numbered_files import lacking, numbered_images

logger = logging.getLogger(__name__)

_SPLITS = ("train", "val", "test")
_SEQUENCE = re.compile("VID([0-9]{2,3})_(?:(t50)_full|(t50)_sparse|(t80)_sparse|(seg8k))")
_FPS = {"t50": 1, "t80": 1, "seg8k": 25}
"""Frames per second that the number in a file name counts, by the dataset that the picture is from."""

_STEM = {"t50": "t50_VID{:02d}_", "t80": "t80_VID{:02d}_", "seg8k": "seg8k_video{:02d}_"}
_NOT_CHOLEC80 = frozenset({92, 96, 103, 110, 111})
_USUAL_SIZE = (854, 480)
_BEYOND = 0.5
"""Share of the labels' length by which pictures may go on after them: some sequences are labelled here and there."""


class CholecInstanceSeg(Source):
    """Loader of CholecInstanceSeg (see the module)."""

    info = SourceInfo(
        name="cholecinstanceseg",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse, download the annotations and the reference images that the homepage links "
        "to, and move each ann_dir beside its img_dir",
        layout="cholecinstanceseg/\n"
        "  train/VID01_t50_full/ann_dir/t50_VID01_000000.json ...\n"
        "  train/VID01_t50_full/img_dir/t50_VID01_000000.png ...\n"
        "  val/VID03_t80_sparse/...      (and VIDnn_t50_sparse, VIDnn_seg8k; folders train, val and test)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        box_extent=BoxExtent.WHOLE,
    )
    options_type = ImageOptions

    @cached_property
    def _home(self) -> Path:
        """The folder with ``train``, ``val`` or ``test``: the root or, one level deep, the only such folder in it."""

        def fits(folder: Path) -> bool:
            return any(_sequences(folder / split) for split in _SPLITS)

        return self.find_home(fits, "no folder train/, val/ or test/ holds a folder like VID01_t50_full")

    def videos(self) -> list[Video]:
        """All sequences, by name; an operation may have two (``VID01_t50_full`` and ``VID01_seg8k``)."""
        found: dict[str, Video] = {}
        for split in _SPLITS:
            for folder, (number, origin) in _sequences(self._home / split).items():
                if folder.name in found:
                    raise self.layout_error(
                        self.root, f"{folder.name} is in {found[folder.name].split}/ and in {split}/; keep one of them"
                    )
                files = tuple(sorted(_listed(folder / "ann_dir", ".json")))
                home = "cholect50/VID" if number in _NOT_CHOLEC80 else "cholec80/video"
                found[folder.name] = Video(
                    id=folder.name,
                    canonical_id=f"{home}{number:02d}",
                    split=split,
                    files=files,
                    data={"number": number, "origin": origin, "folder": folder},
                )
            self._tell_strangers(self._home / split)
        return [found[name] for name in sorted(found)]

    def _tell_strangers(self, folder: Path) -> None:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and _SEQUENCE.fullmatch(path.name) is None:
                logger.warning("%s: not named VIDnn_t50_full or the like, not read", self.relative(path))

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated pictures of one sequence, by number; opens its JSON files, and pictures for their size."""
        folder: Path = video.data["folder"]
        pictures, numbered = self._pictures(video), self._numbered(video)
        for path in sorted(set(video.files) - set(numbered.values())):
            detail = f"not named like {_stem(video)}000000.json: no frame number"
            yield Defect(Reason.ROW_MALFORMED, self.relative(path), detail)
        bare = sorted(pictures.keys() - numbered.keys())
        if bare:
            detail = f"{len(bare)} pictures have no JSON in ann_dir, the first is {pictures[bare[0]].name}"
            yield Defect(Reason.ROW_MALFORMED, self.relative(folder), detail)
        for index, path in numbered.items():
            yield from self._moment(index, _FPS[video.data["origin"]], path, pictures.get(index))

    def recording(self, video: Video) -> Recording:
        """Pictures numbered as the dataset that they are from numbers them: seconds, or frames at 25 a second."""
        fps, numbers = _FPS[video.data["origin"]], list(self._numbered(video))
        lasts = (numbers[-1] + 1) / fps if numbers else 0
        apart = min((b - a for a, b in pairwise(numbers)), default=1) / fps
        folder: Path = video.data["folder"]
        return Recording(
            media=NumberedImages(
                images={n: FileImage(p) for n, p in self._pictures(video).items()},
                name=f"{_stem(video)}{{:06d}}.png",
                fps=float(fps),
            ),
            place=self.relative(folder / "img_dir"),
            absent=lacking(folder / "img_dir", f"{_stem(video)}000000.png"),
            moments=[n / fps for n in numbers],
            lasts=lasts,
            said_by=self.relative(folder / "ann_dir"),
            beyond=_BEYOND * lasts + apart,
            stated=self.stated(video),
        )

    def _numbered(self, video: Video) -> dict[int, Path]:
        """The annotation file of each number, rising."""
        name = re.compile(re.escape(_stem(video)) + "([0-9]{6})")
        found = {int(match[1]): path for path in video.files if (match := name.fullmatch(path.stem))}
        return dict(sorted(found.items()))

    def _pictures(self, video: Video) -> dict[int, Path]:
        folder: Path = video.data["folder"]
        return numbered_images(folder / "img_dir", re.escape(_stem(video)) + "([0-9]{6})")

    def _moment(self, index: int, fps: int, path: Path, picture: Path | None) -> Iterator[Frame | Defect]:
        where = self.relative(path)
        try:
            data = as_utf8(path.read_bytes())
            # 18 thousand files state no size; that of the picture holds then.
            silent = _says_no_size(data)
            width, height = _size(picture) if silent and picture is not None else _USUAL_SIZE
            parsed = parse_labelme(data, where=path.name, width=width, height=height)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, where, error.message)
            return
        except OSError as error:
            yield Defect(Reason.ROW_MALFORMED, where, f"the file cannot be opened ({error.strerror})")
            return
        masks = parsed.masks
        boxes: tuple[LabeledBox, ...] | None = None
        try:
            boxes = tuple(_box(mask) for mask in masks)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, where, f"{error.message}; the frame keeps its other facts")
        names = dict.fromkeys(mask.label.native for mask in masks if mask.label is not None)
        yield Frame(
            index=index,
            fps=fps,
            size=None if silent else (parsed.width, parsed.height),
            instruments=tuple(Label(name) for name in names),
            instrument_boxes=boxes,
            instrument_masks=masks,
            origins={} if boxes is None else {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the polygons")},
        )


def _stem(video: Video) -> str:
    """What the names of a sequence's files begin with."""
    return _STEM[video.data["origin"]].format(video.data["number"])


def _sequences(folder: Path) -> dict[Path, tuple[int, str]]:
    """The sequences of a split: operation number and dataset of origin by folder."""
    found: dict[Path, tuple[int, str]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _SEQUENCE.fullmatch(path.name)
        if match is not None and path.is_dir():
            found[path] = (int(match[1]), next(group for group in match.groups()[1:] if group))
    return found


def _listed(folder: Path, suffix: str) -> list[Path]:
    return [p for p in folder.iterdir() if p.suffix.lower() == suffix] if folder.is_dir() else []


def _says_no_size(data: bytes) -> bool:
    """Whether a size is null or absent; told without reading the JSON twice, which is most of a loader's work."""
    return any(re.search(rb'"%b"\s*:\s*[0-9]' % key, data) is None for key in (b"imageWidth", b"imageHeight"))


def _size(picture: Path) -> tuple[int, int]:
    """Size of the picture by its first bytes, or the usual one where they do not tell."""
    with picture.open("rb") as file:
        found = probe(file.read(65536))
    return (found.width, found.height) if found is not None and found.width and found.height else _USUAL_SIZE


def _box(mask: LabeledMask) -> LabeledBox:
    """Bounds of all pieces of an instance.

    Raises:
        BadRowError: the instance has no width or no height.
    """
    assert mask.label is not None and isinstance(mask.mask, Polygons)
    xs, ys = zip(*(point for ring in mask.mask.rings for point in ring), strict=True)
    box: Box = from_xyxy(min(xs), min(ys), max(xs), max(ys))[0]
    return LabeledBox(mask.label, box)
