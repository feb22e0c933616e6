"""CholecTrack20: boxes of every instrument once a second in 20 operations, and in eight of them what each does.

The traps of this source and what is done about them are told in ``dataset_cards/cholectrack20.md``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from surgsigma_hub.parsers.releases.track_moments import PHASES, TOOLS, course_of_tracks, moments_of_tracks
from surgsigma_hub.parsers.releases.track_records import TrackedVideo, numbers_in, read_tracks, signature_of
from surgsigma_hub.records import Coverage, Defect, Fact, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.surgeries import cholect50_surgery

_FPS = 25
_NAME = "VID{number:02d}"
_ACTS = (Fact.TRIPLETS, Fact.ACTIONS, Fact.TISSUES)
_STRANGE = 0.02
"""More keys than that without a picture of their own are labels of another film; fewer are pictures that got lost."""


@dataclass(frozen=True, kw_only=True)
class CholecTrack20Options(StepOptions, FilmOrImageOptions):
    """Options of CholecTrack20."""


class CholecTrack20(DeclaredSource):
    """Loader of CholecTrack20 (see the module)."""

    info = SourceInfo(
        name="cholectrack20",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Agree to the data use agreement on the homepage and download the three parts from Synapse",
        layout="cholecTrack20/                                (any folders between will do as well)\n"
        "  Training/VID02/VID02.json, Training/VID02/Frames/011851.png ...\n"
        "  Validation/VID30/ ...\n"
        "  Testing/VID01/VID01.json, Testing/VID01/VID01.mp4 ...              (25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES, *_ACTS})
        | {Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE},
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
        split_schemes={"official": ("train", "val", "test")},
    )
    options_type = CholecTrack20Options
    files = Files(labels=f"**/{_NAME}.json")
    images: ImageFolders = ImageFolders(places=(f"**/{_NAME}/Frames", f"**/{_NAME}/images"), fps={_FPS: "*"}, base=1)
    films = Films(places=(f"**/{_NAME}",))
    video_id = _NAME

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80, or in CholecT50 where it is not one of Cholec80."""
        return cholect50_surgery(int(fields["number"]))

    def labels(self, video: Video) -> VideoLabels:
        """Boxes, triplets and the phase of each second; nothing where the labels are those of another film."""
        read = self._read(video.id)
        strange = self._of_another(video.id)
        if strange:
            told = Defect(Reason.LABEL_CORRUPT, self.file(video, "labels")[1], strange, max(1, len(read.frames)))
            return VideoLabels(defects=[told])
        if not read.frames:
            return VideoLabels(defects=read.defects)
        last = max(read.frames)
        return VideoLabels(
            frames=moments_of_tracks(read, fps=_FPS),
            defects=read.defects,
            course=course_of_tracks(read, fps=_FPS),
            lasts=last / _FPS,
            beyond=1 + last / _FPS,  # a film goes on when its last instrument has left
        )

    @cached_property
    def _tracks(self) -> dict[str, TrackedVideo]:
        """What the file of the video in hand says."""
        return {}

    def _read(self, id: str) -> TrackedVideo:
        if id not in self._tracks:
            path = self.found[id][1].get("labels")
            where = f"{id}.json" if path is None else self.relative(path)
            self._tracks.clear()
            self._tracks[id] = read_tracks(path, where, TOOLS, PHASES, every=_FPS)
        return self._tracks[id]

    @cached_property
    def _signatures(self) -> dict[str, str]:
        """Digests of the labels of each video that another one might share; empty for the others."""
        files = {id: paths.get("labels") for id, (_, paths) in self.found.items()}
        numbers = {id: numbers_in(path) for id, path in files.items()}
        alike = Counter(numbers.values())
        doubted = {id for id, n in numbers.items() if n is None or alike[n] + alike[None] > 1}
        return {id: signature_of(path) if id in doubted else "" for id, path in files.items()}

    def _of_another(self, id: str) -> str:
        """Why the labels of a video are taken for those of another film; empty where they are its own."""
        mine, lost = self._signatures[id], self._without_picture(id)
        if lost > _STRANGE:
            return f"{lost:.0%} of its frames are not among its own images: they are labels of another video"
        twins = [other for other, found in self._signatures.items() if other != id and found == mine]
        if not twins or not mine or (id in self._pictured and self._without_picture(twins[0]) > _STRANGE):
            return ""
        return f"its frames and boxes are those of {twins[0]}, and nothing says whose they are"

    @cached_property
    def _pictured(self) -> dict[str, frozenset[int]]:
        """Numbers of the pictures of each video that has some."""
        layout = type(self).images
        found = {id: layout.images(folders[0][1], folders[0][0]) for id, folders in self._image_folders.items()}
        return {id: frozenset(numbers) for id, numbers in found.items() if numbers}

    def _without_picture(self, id: str) -> float:
        """Share of the labelled frames of which there is no picture in a folder that holds pictures."""
        keys = self._read(id).frames
        return len(keys.keys() - self._pictured[id]) / len(keys) if keys and id in self._pictured else 0.0
