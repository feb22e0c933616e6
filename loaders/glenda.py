"""GLENDA: endometriosis in images of gynecologic laparoscopy, outlined by where it grows.

The traps of this source and what is done about them are told in ``dataset_cards/glenda.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.coco import CocoFile, read_coco
from surgsigma_hub.parsers.releases.glenda_outlines import OutlinedImage, moment_of_outlines
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Video
from surgsigma_hub.source import Access, DeclaredSource, Modality, Procedure, Source, SourceInfo, Specialty, hash_split
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import as_ended

_COCO_IMAGE = re.compile(r"(?:.*/)?c_([0-9]{1,6})_v_\(?video_([0-9]{1,9})[^/]*?\)?_f_([0-9]{1,9})\.[A-Za-z]+")
_OUTLINE = "**/pathology/annotations/v_{video:d}_{scene}/f_{frame:d}/{name}.png"


class Glenda(Source):
    """Loader of GLENDA (see the module)."""

    info = SourceInfo(
        name="glenda",
        specialty=Specialty.GYNECOLOGY,
        procedure=Procedure.GYNECOLOGIC_LAPAROSCOPY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download Glenda_v1.5_classes.zip from Zenodo, or version 1.0 from its page, and unpack it",
        layout="Glenda_v1.5_classes/                      (any folders between will do as well)\n"
        "  coco.json\n"
        "  frames/c_100_v_(video_3062.mp4)_f_1458.jpg ...\n"
        "or version 1.0:\n"
        "  DS/pathology/annotations/v_7_s_1299-1299/f_1299/ovary_a_848.png ...\n"
        "  DS/pathology/frames/v_7_s_1299-1299/f_1299.jpg ...\n",
        facts=frozenset({Fact.TISSUE_BOXES}),
        split_schemes={"hashed": ("train", "val", "test")},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
    )

    hashed = DeclaredSource.hashed

    @cached_property
    def _file(self) -> tuple[Path, CocoFile] | None:
        """The file of version 1.5.

        Raises:
            LayoutError: it cannot be read.
        """
        found = [path for _, path in matches(self.root, "**/coco.json")]
        if not found:
            return None
        try:
            return found[0], read_coco(found[0], self.relative(found[0]))
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None

    @cached_property
    def _images(self) -> dict[tuple[str, str], dict[int, OutlinedImage]]:
        """Annotated images by case and video, and by number of the frame."""
        found: dict[tuple[str, str], dict[int, OutlinedImage]] = {}
        if self._file is not None:
            path, file = self._file
            for image in file.images.values():
                match = _COCO_IMAGE.fullmatch(image.name)
                picture = as_ended(path.parent / "frames" / image.name.rpartition("/")[2])
                case, video, number = match.groups() if match else ("0", "0", str(image.id))
                one = OutlinedImage(f"{file.where} image {image.id}", picture, coco=image)
                found.setdefault((f"c{case}", f"c{case}_v{video}"), {}).setdefault(int(number), one)
            return found
        for fields, path in matches(self.root, _OUTLINE):
            scene, frame = path.parent.parent, path.parent.name
            homes = (scene.parent.parent / kind / scene.name for kind in ("frames", "images"))  # the README says images
            pictures = next((home for home in homes if home.is_dir()), scene.parent.parent / "frames" / scene.name)
            own = found.setdefault((f"v{fields['video']}",) * 2, {})
            one = OutlinedImage(self.relative(path.parent), as_ended(pictures / f"{frame}.jpg"))
            own.setdefault(int(fields["frame"]), one).masks.append((str(fields["name"]), path))
        return found

    def videos(self) -> list[Video]:
        """The videos of all annotated images.

        Raises:
            LayoutError: there is neither a file of version 1.5 nor a mask of version 1.0.
        """
        if not self._images:
            raise self.layout_error(self.root, "neither coco.json nor masks like f_1299/ovary_a_848.png found")
        return [
            Video(
                id=video,
                canonical_id=f"glenda/{case}",
                split=hash_split(case, self.hashed),
                files=() if self._file is None else (self._file[0],),
                data={"case": case, "first": n == 0},
            )
            for n, (case, video) in enumerate(sorted(self._images))
        ]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated images of one video, by number of the frame."""
        if self._file is not None and video.data["first"]:
            yield from self._file[1].defects
        file = None if self._file is None else self._file[1]
        for number, image in sorted(self._images[video.data["case"], video.id].items()):
            yield from moment_of_outlines(number, image, file, self.relative)
