"""m2cai16-tool-locations: boxes of instruments in 2,532 pictures of ten operations of Cholec80.

The traps of this source and what is done about them are told in ``dataset_cards/m2cai16_tool_locations.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.cells import table_text
from surgsigma_hub.parsers.voc import read_voc
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.layout import Home, matches
from surgsigma_hub.source.numbered_files import SUFFIXES, as_ended

_FPS = 25
_FIRST_IN_CHOLEC80 = 67
_VIDEOS = range(1, 11)
_TOOLS = ("Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag")
_NAMES = {name.casefold(): name for name in _TOOLS}
_STEM = re.compile("v([0-9]{2})_([0-9]{6})", re.IGNORECASE)
_LISTS = "ImageSets/Main/*.txt"


class M2cai16ToolLocations(DeclaredSource):
    """Loader of m2cai16-tool-locations (see the module)."""

    info = SourceInfo(
        name="m2cai16_tool_locations",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Ask the authors through the homepage and unpack the archive",
        layout="m2cai16-tool-locations/\n"
        "  Annotations/v01_002050.xml ...\n"
        "  JPEGImages/v01_002050.jpg ...\n"
        "  ImageSets/Main/{train,val,test}.txt      (optional: names of the images that count)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    home = Home(all_of=("Annotations/", "JPEGImages/"), depth=2)
    video_id = "v{number:02d}"

    @cached_property
    def _documents(self) -> Mapping[int, Mapping[int, Path]]:
        """By video and frame, the document of each picture that is named after a frame."""
        found: dict[int, dict[int, Path]] = {}
        for _, path in matches(self.folder, "Annotations/*.xml"):
            stem = _STEM.fullmatch(path.stem)
            if stem is not None:
                found.setdefault(int(stem[1]), {})[int(stem[2])] = path
        return found

    @cached_property
    def _counted(self) -> frozenset[str] | None:
        """Names of the pictures that the lists name; None where there are no lists."""
        lists = [path for _, path in matches(self.folder, _LISTS)]
        lines = (line.split() for path in lists for line in table_text(path).splitlines())
        return frozenset(words[0].casefold() for words in lines if words) if lists else None

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """The videos whose pictures have documents."""
        return {
            f"v{n:02d}": ({"number": n}, {str(k): path for k, path in sorted(frames.items())})
            for n, frames in self._documents.items()
        }

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80: videos 1 to 10 are those of m2cai16-tool, which are its 67 to 76."""
        number = int(fields["number"])
        known = number in _VIDEOS
        return f"cholec80/video{number + _FIRST_IN_CHOLEC80 - 1}" if known else super().canonical_id(id, fields)

    def labels(self, video: Video) -> VideoLabels:
        """Boxes of each picture."""
        frames: list[Frame] = []
        documents = sorted(self._documents[video.data["number"]].items())
        unlisted = [p for _, p in documents if self._counted is not None and p.stem.casefold() not in self._counted]
        detail = f"{len(unlisted)} documents of this video are in no list of ImageSets/Main: they are left out"
        defects = [Defect(Reason.SAMPLE_INVALID, self.relative(p), detail, len(unlisted)) for p in unlisted[:1]]
        for number, path in documents:
            if path in unlisted:
                continue
            read = read_voc(path, self.relative(path), _NAMES)
            defects += read.defects
            if read.boxes is None:
                continue
            image = self._image(path.stem)
            if image is None:
                where = f"{self.relative(self.folder / 'JPEGImages')}/{path.stem}.jpg"
                defects.append(Defect(Reason.MEDIA_MISSING, where, "the image of this document is missing"))
                continue
            labels = tuple(dict.fromkeys(box.label for box in read.boxes))
            frames.append(
                Frame(
                    index=number,
                    fps=_FPS,
                    image=FileImage(image),
                    size=read.size,
                    instruments=labels,
                    instrument_boxes=read.boxes,
                )
            )
        return VideoLabels(frames=frames, defects=defects)

    def _image(self, stem: str) -> Path | None:
        places = (as_ended(self.folder / "JPEGImages" / f"{stem}{suffix}") for suffix in (".jpg", *SUFFIXES))
        return next((path for path in places if path.is_file()), None)
