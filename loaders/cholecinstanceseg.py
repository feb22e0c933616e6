"""CholecInstanceSeg: polygons of every instrument on pictures of Cholec80, CholecT50 and CholecSeg8k.

One labelme file per picture. The operations are those of Cholec80 and CholecT50, and ``canonical_video_id`` says which.
The traps of this source and what is done about them are told in ``dataset_cards/cholecinstanceseg.md``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.boxes import from_xyxy
from surgsigma_hub.media.metadata import probe
from surgsigma_hub.parsers.labelme import parse_labelme
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
    Origin,
    Polygons,
    Reason,
    Video,
)
from surgsigma_hub.source import Access, Redistribution, Source, SourceInfo

logger = logging.getLogger(__name__)

_SPLITS = ("train", "val", "test")
_SEQUENCE = re.compile("VID([0-9]{2,3})_(?:(t50)_full|(t50)_sparse|(t80)_sparse|(seg8k))")
_FPS = {"t50": 1, "t80": 1, "seg8k": 25}
"""Frames per second that the number in a file name counts, by the dataset that the picture is from."""

_STEM = {"t50": "t50_VID{:02d}_", "t80": "t80_VID{:02d}_", "seg8k": "seg8k_video{:02d}_"}
_NOT_CHOLEC80 = frozenset({92, 96, 103, 110, 111})
_USUAL_SIZE = (854, 480)
_PICTURES = (".png", ".jpg", ".jpeg")


class CholecInstanceSeg(Source):
    """Loader of CholecInstanceSeg (see the module)."""

    info = SourceInfo(
        name="cholecinstanceseg",
        title="CholecInstanceSeg",
        specialty="general_surgery",
        procedure="laparoscopic_cholecystectomy",
        modality="laparoscopy",
        license="cc-by-nc-sa-4.0",
        access=Access.REGISTRATION,
        access_steps="Register at Synapse, download the annotations and the reference images that the homepage links "
        "to, and move each ann_dir beside its img_dir",
        homepage="https://github.com/labdeeman7/cholec_instance_seg",
        layout="cholecinstanceseg/\n"
        "  train/VID01_t50_full/ann_dir/t50_VID01_000000.json ...\n"
        "  train/VID01_t50_full/img_dir/t50_VID01_000000.png ...\n"
        "  val/VID03_t80_sparse/...      (and VIDnn_t50_sparse, VIDnn_seg8k; folders train, val and test)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        redistribution=Redistribution(annotations=True, media=False, derived=False),
        box_extent=BoxExtent.WHOLE,
    )

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
        origin: str = video.data["origin"]
        name = re.compile(re.escape(_STEM[origin].format(video.data["number"])) + "([0-9]{6})")
        pictures = {p.stem: p for suffix in reversed(_PICTURES) for p in _listed(folder / "img_dir", suffix)}
        numbered: dict[int, Path] = {}
        for path in video.files:
            match = name.fullmatch(path.stem)
            if match is None:
                detail = f"not named like {_STEM[origin].format(video.data['number'])}000000.json: no frame number"
                yield Defect(Reason.ROW_MALFORMED, self.relative(path), detail)
            else:
                numbered[int(match[1])] = path
        bare = sorted(pictures.keys() - {p.stem for p in numbered.values()})
        if bare:
            detail = f"{len(bare)} pictures have no JSON in ann_dir and are left out, the first is {bare[0]}"
            yield Defect(Reason.ROW_MALFORMED, self.relative(folder), detail)
        for index, path in sorted(numbered.items()):
            picture = pictures.get(path.stem)
            if picture is None:
                detail = f"no {path.stem}.png or .jpg in {self.relative(folder / 'img_dir')}"
                yield Defect(Reason.MEDIA_MISSING, f"{video.id}/{path.stem}", detail)
            else:
                yield from self._moment(index, _FPS[origin], path, picture)

    def _moment(self, index: int, fps: int, path: Path, picture: Path) -> Iterator[Frame | Defect]:
        where = self.relative(path)
        try:
            data = path.read_bytes()
            # 18 thousand files state no size; that of the picture holds then.
            width, height = _size(picture) if _says_no_size(data) else _USUAL_SIZE
            masks = parse_labelme(data, where=path.name, width=width, height=height).masks
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, where, error.message)
            return
        except OSError as error:
            yield Defect(Reason.ROW_MALFORMED, where, f"the file cannot be opened ({error.strerror})")
            return
        boxes: tuple[LabeledBox, ...] | None = None
        try:
            boxes = tuple(_box(mask) for mask in masks)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, where, f"{error.message}; the frame keeps its other facts")
        names = dict.fromkeys(mask.label.native for mask in masks if mask.label is not None)
        yield Frame(
            index=index,
            fps=fps,
            image=FileImage(picture),
            instruments=tuple(Label(name) for name in names),
            instrument_boxes=boxes,
            instrument_masks=masks,
            origins={} if boxes is None else {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the polygons")},
        )


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
