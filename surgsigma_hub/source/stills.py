"""Sources of single images: each image has labels of its own, and patterns name the video and the image."""

from __future__ import annotations

import filecmp
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter

from ..records import Defect, Frame, Reason, Video
from .declared import DeclaredSource, VideoLabels
from .layout import Fields, filled, matches
from .numbered_files import SUFFIXES


@dataclass(frozen=True, slots=True)
class Still:
    """One image of a video.

    Attributes:
        number: Its number within the video.
        path: The image.
        fields: What the pattern says of it.
    """

    number: int
    path: Path
    fields: Fields


class StillsSource(DeclaredSource):
    """A source of single images. A loader declares where they are and gives :meth:`moment`.

    Images name themselves, so that there is no recording and nothing to map.

    Attributes:
        stills: Patterns of the images without ending, relative to the home; of one video and number the first counts.
        labelled: Patterns of files that label one image each, with the fields of ``stills``: where that image is
            missing, it is told.
        numbered_by: Field that holds the number of an image within its video, whose fields are those of ``video_id``.
    """

    stills: tuple[str, ...]
    labelled: tuple[str, ...] = ()
    numbered_by: str = "image"

    @abstractmethod
    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """What is said of one image: its frame, and what is left out."""

    def fields_at(self, fields: Fields, path: Path) -> Fields | None:
        """The fields of an image from those of its pattern and its place; None leaves it out."""
        return self.fields_of(fields)

    def label_files(self, still: Still) -> Sequence[Path]:
        """The files that label an image; they belong to its video, and may be missing."""
        return ()

    @cached_property
    def _listed(self) -> tuple[dict[str, Fields], dict[str, dict[int, Still]], dict[str, dict[Path, Defect]]]:
        fields_of: dict[str, Fields] = {}
        stills: dict[str, dict[int, Still]] = {}
        twice: dict[str, dict[Path, Defect]] = {}
        for pattern in self.stills:
            for fields, path in matches(self.folder, f"{pattern}.*"):
                if path.suffix.lower() not in SUFFIXES:
                    continue
                named = self._place_of(fields, path)
                if named is None:
                    continue
                id, number, fields = named
                fields_of.setdefault(id, self._own(fields))
                other = stills.setdefault(id, {}).setdefault(number, Still(number, path, fields))
                if other.path != path and not filecmp.cmp(other.path, path, shallow=False):
                    detail = f"{id} has image {number} in {self.relative(other.path)} already: left out"
                    twice.setdefault(id, {})[other.path] = Defect(Reason.DUPLICATE_ID, self.relative(path), detail)
        return fields_of, stills, twice

    def _place_of(self, fields: Fields, path: Path) -> tuple[str, int, Fields] | None:
        """Video, number and fields of an image, or of the image that a file labels; None where it is left out."""
        named = self.fields_at(fields, path)
        return None if named is None else (filled(self.video_id, named), int(named[self.numbered_by]), named)

    def _own(self, fields: Fields) -> Fields:
        """Those of them that the id of the video holds."""
        names = {name for _, name, _, _ in Formatter().parse(self.video_id) if name}
        return {name: fields[name] for name in fields if name in names}

    @cached_property
    def _imageless(self) -> dict[str, tuple[Fields, list[Path]]]:
        """By video its fields, and the files of it that label an image which is not there."""
        there = {(id, number) for id, stills in self._listed[1].items() for number in stills}
        lacking: dict[str, tuple[Fields, dict[int, Path]]] = {}
        for pattern in self.labelled:
            for fields, path in matches(self.folder, pattern):
                named = self._place_of(fields, path)
                if named is not None and named[:2] not in there:
                    lacking.setdefault(named[0], (self._own(named[2]), {}))[1].setdefault(named[1], path)
        return {id: (fields, [path for _, path in sorted(paths.items())]) for id, (fields, paths) in lacking.items()}

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Fields and label files of each video that has an image, or a file that labels one."""
        fields_of, stills, _ = self._listed
        bare = {id: (fields, {str(p): p for p in paths}) for id, (fields, paths) in self._imageless.items()}
        return bare | {
            id: (
                fields,
                {str(p): p for s in stills[id].values() for p in self.label_files(s) if p.is_file()},
            )
            for id, fields in fields_of.items()
        }

    def stills_of(self, video: Video) -> list[Still]:
        """The images of a video by number."""
        return [still for _, still in sorted(self._listed[1].get(video.id, {}).items())]

    def has_double(self, video_id: str, still: Still) -> bool:
        """Whether another image of this video and number was left out: labels that lie elsewhere may be of that one."""
        return still.path in self._listed[2].get(video_id, {})

    def labels(self, video: Video) -> VideoLabels:
        """What all images of the video say."""
        said = (one for still in self.stills_of(video) for one in self.moment(video, still))
        return VideoLabels.of([*self._listed[2].get(video.id, {}).values(), *self._without_image(video), *said])

    def _without_image(self, video: Video) -> Iterator[Defect]:
        paths = self._imageless.get(video.id, ((), ()))[1]
        if paths:
            detail = "the image that this file labels is not there" + f", nor are {len(paths) - 1} others" * (
                len(paths) > 1
            )
            yield Defect(Reason.MEDIA_MISSING, self.relative(paths[0]), detail, len(paths))
