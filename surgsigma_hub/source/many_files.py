"""Sources whose labels lie in many small files, one for each labelled frame of a video."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from ..records import Video
from .declared import DeclaredSource
from .layout import Fields, Files, matches


class FilePerFrame(DeclaredSource):
    """A declared source with a file a frame.

    Attributes:
        per_frame: Patterns of those files by kind; their field ``frame`` is the number of the frame, the other fields
            are those of the video. Of several patterns the first that has a frame counts.
    """

    per_frame: Files

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Fields and files of each video, those of its frames under ``<kind> <number>``."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        labelled: set[str] = set()
        for kind, patterns in self.per_frame.items():
            for pattern in patterns:
                for fields, path in matches(self.folder, pattern):
                    id, of_video = self._named({key: value for key, value in fields.items() if key != "frame"})
                    labelled.add(id)
                    paths = found.setdefault(id, (of_video, {}))[1]
                    key = f"{kind} {fields['frame']}"
                    if paths.setdefault(key, path) != path and paths[key].parent == path.parent:
                        names = f"{self.relative(paths[key])} and {self.relative(path)}"
                        raise self.layout_error(self.root, f"{names} are of the same frame; keep one of them")
        return {id: held for id, held in found.items() if id in labelled}

    def frame_files(self, video: Video, kind: str) -> dict[int, Path]:
        """The files of one kind by number of the frame, rising."""
        paths = self.found[video.id][1]
        numbered = ((key.rpartition(" "), path) for key, path in paths.items())
        return dict(sorted((int(n), path) for (name, _, n), path in numbered if name == kind))
