"""C3VD: videos of a real colonoscope in colons made of silicone, each frame with its depth, measured by registration.

The traps of this source and what is done about them are told in ``dataset_cards/c3vd.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    Still,
    StillsSource,
    VideoLabels,
)
from surgsigma_hub.source.layout import hash_split, matches

_FIRST, _SECOND = "**/{name}/{frame:d}_color", "**/{name}/rgb/{frame:d}"
"""Images of the first release, and of the second, whose depth maps lie in a folder of their own. Each video is an
archive, which some tools unpack into a folder of its name."""
_MAPS = tuple(
    f"**/{{name}}/{place}{{frame:d}}_depth.{ending}" for place in ("", "depth/") for ending in ("tiff", "tif")
)
"""Depth maps of either release; in the first one their numbers may be padded where those of images are not."""


class C3VD(StillsSource):
    """Loader of C3VD (see the module)."""

    info = SourceInfo(
        name="c3vd",
        specialty=Specialty.GASTROENTEROLOGY,
        procedure=Procedure.GASTROINTESTINAL_ENDOSCOPY,
        modality=Modality.FLEXIBLE_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download the registered videos that the homepage lists and unpack them beside each other",
        layout="C3VD/                             (any name)\n"
        "  cecum_t1_a/0000_color.png 0000_depth.tiff ...\n"
        "  c1_cecum_t1_v1/rgb/0000.png, depth/0000_depth.tiff ...    (the second release)\n",
        facts=frozenset({Fact.DEPTH}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    home = Home(
        any_of=(f"{_FIRST}.*", *_MAPS),
        depth=0,
        missing="no folder like cecum_t1_a/ with 0000_color.png or 0000_depth.tiff (screening videos have no depth)",
    )
    stills = (_FIRST, _SECOND)
    numbered_by = "frame"
    video_id = "{name}"

    def split_of(self, id: str, fields: Fields) -> str | None:
        """By the painted model, so that no two videos of one model part."""
        return hash_split(id.rpartition("_")[0] or id, self.hashed)

    @cached_property
    def _maps(self) -> dict[str, dict[int, Path]]:
        """Depth maps by video and number."""
        found: dict[str, dict[int, Path]] = {}
        for place in _MAPS:
            for fields, path in matches(self.folder, place):
                found.setdefault(str(fields["name"]), {}).setdefault(int(fields["frame"]), path)
        return found

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The depth map; where there is none, the place where it was looked for."""
        name = str(still.fields["name"])
        folder = still.path.parent.parent if still.path.parent.name.lower() == "rgb" else still.path.parent
        missing = folder / f"{still.number:04d}_depth.tiff"
        return (self._maps.get(name, {}).get(still.number, missing),)

    def labels(self, video: Video) -> VideoLabels:
        """What all images say, and which depth maps have none."""
        said = super().labels(video)
        shown = {still.number for still in self.stills_of(video)}
        alone = [path for number, path in sorted(self._maps.get(video.id, {}).items()) if number not in shown]
        if not alone:
            return said
        detail = f"no image has the number of this depth map, and of {len(alone) - 1} others"
        return replace(
            said, defects=[*said.defects, Defect(Reason.MEDIA_MISSING, self.relative(alone[0]), detail, len(alone))]
        )

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The depth of one image."""
        (depth,) = self.label_files(still)
        if depth.is_file():
            image = FileImage(still.path)
            yield Frame(index=still.number, fps=1, image=image, depth=FileImage(depth), depth_has_gaps=True)
        else:
            yield Defect(Reason.LABEL_MISSING, self.relative(depth), "the image has no depth map")
