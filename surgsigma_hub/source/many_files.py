"""Sources whose labels lie in many small files, one for each labelled frame of a video."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from ..records import Defect, Reason, Video
from .declared import DeclaredSource
from .layout import Fields, Files, matches


class FilePerFrame(DeclaredSource):
    """A declared source with a file a frame.

    Attributes:
        per_frame: Patterns of those files by kind; their field ``frame`` is the number of the frame, the other fields
            are those of the video. Of several patterns the first that has a frame counts. The kind ``image`` are the
            images of the frames; neither they nor films alone make a video, a file of labels of its own does.
    """

    per_frame: Files

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Fields and files of each video, those of its frames under ``<kind> <number>``."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        own = {kind for kind, patterns in self.files.items() if all("{" in pattern for pattern in patterns)}
        labelled = {id for id, (_, paths) in found.items() if own & paths.keys()}
        compared: set[tuple[Path, Path]] = set()
        for kind, patterns in self.per_frame.items():
            for pattern in patterns:
                for fields, path in matches(self.folder, pattern):
                    id, of_video = self._named({key: value for key, value in fields.items() if key != "frame"})
                    if kind != "image":
                        labelled.add(id)
                    paths = found.setdefault(id, (of_video, {}))[1]
                    key = f"{kind} {fields['frame']}"
                    before = paths.setdefault(key, path)
                    of_one = before != path and before.parent == path.parent and kind != "image"
                    if of_one and not filecmp.cmp(before, path, shallow=False):
                        names = f"{self.relative(before)} and {self.relative(path)}"
                        raise self.layout_error(self.root, f"{names} are of the same frame; keep one of them")
                    folders = (before.parent, path.parent)
                    if folders[0] == folders[1] or kind != "image" or folders in compared:
                        continue
                    compared.add(folders)  # masks or smoky copies under the names of the images, as often as not
                    if not filecmp.cmp(before, path, shallow=False):
                        names = f"{self.relative(before)} and {self.relative(path)}"
                        raise self.layout_error(self.root, f"{names} are other images of one frame; keep one of them")
        return {id: held for id, held in found.items() if id in labelled}

    def frame_files(self, video: Video, kind: str) -> dict[int, Path]:
        """The files of one kind by number of the frame, rising."""
        paths = self.found[video.id][1]
        numbered = ((key.rpartition(" "), path) for key, path in paths.items())
        return dict(sorted((int(n), path) for (name, _, n), path in numbered if name == kind))

    def unlabelled(self, video: Video, images: Iterable[int] = ()) -> list[Defect]:
        """Frames that lack a file which others of their video have; that is usual, and told as one count a kind.

        Args:
            video: The video.
            images: Numbers of images that :attr:`per_frame` does not name.
        """
        files = {kind: self.frame_files(video, kind) for kind in self.per_frame}
        every = {*images, *(number for paths in files.values() for number in paths)}
        told: list[Defect] = []
        for kind, paths in files.items():
            lacking = sorted(every - {*paths})
            if kind != "image" and paths and lacking:
                detail = f"{len(lacking)} of {len(every)} frames have no file of {kind}; the first is {lacking[0]}"
                told.append(Defect(Reason.LABEL_MISSING, video.id, detail, len(lacking)))
        return told
