"""SurgicalActions160: 160 short clips of gynecologic laparoscopy, ten of each of sixteen actions.

The traps of this source and what is done about them are told in ``dataset_cards/surgicalactions160.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.records import Defect, Fact, Frame, Label, Reason, Segment, Video, VideoTimeline
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    FilmOptions,
    Films,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)

_CLASSES = {
    1: "Abdominal access",
    2: "Injection",
    3: "Cutting",
    4: "Blunt dissection",
    5: "Dissection (thermal)",
    6: "Irrigation",
    7: "Coagulation",
    8: "Suction",
    9: "Needle positioning",
    10: "Needle puncture",
    11: "Knot pushing",
    12: "Knotting",
    13: "Thread cut",
    14: "Sling-In",
    15: "Endobag-In",
    16: "Endobag-Out",
}
_FPS = 25
_SHORTEST, _LONGEST = 51 / _FPS, 126 / _FPS
"""Seconds of a clip, as the release states them for all: how long each one is, is told nowhere."""


@dataclass(frozen=True, kw_only=True)
class SurgicalActions160Options(FilmOptions):
    """Options of SurgicalActions160."""


class SurgicalActions160(DeclaredSource):
    """Loader of SurgicalActions160 (see the module)."""

    info = SourceInfo(
        name="surgicalactions160",
        specialty=Specialty.GYNECOLOGY,
        procedure=Procedure.GYNECOLOGIC_LAPAROSCOPY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive from the page of the release and unpack it",
        layout="SurgicalActions160/                     (any folders between will do as well)\n"
        "  01_abdominal_access/01_01.mp4 ... 01_10.mp4\n"
        "  ...\n"
        "  16_endobag-out/16_01.mp4 ... 16_10.mp4\n",
        facts=frozenset({Fact.ACTIONS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"hashed": ("train", "val", "test")},
        ends_known=False,
    )
    options_type = SurgicalActions160Options
    films = Films(places=("**/{action:02d}_{name}/{action:02d}_{clip:02d}",))
    video_id = "{action:02d}_{clip:02d}"

    def fields_of(self, fields: Fields) -> Fields:
        """Class and number of a clip; how its folder is called beside its number does not matter."""
        return {"action": fields["action"], "clip": fields["clip"]}

    def labels(self, video: Video) -> VideoLabels:
        """The one action of a clip, from its first frame to its last; of both it is open whether it went on there."""
        name = _CLASSES.get(int(video.data["action"]))
        if name is None:
            found = f"class {video.data['action']}, expected 1 to {len(_CLASSES)}"
            return VideoLabels(defects=[Defect(Reason.LABEL_UNKNOWN, self.relative(video.files[0]), found)])
        seconds = range(int(_LONGEST) + 1)
        shown = Segment("action", Label(name), 0.0, _SHORTEST, start_known=False, end_known=False)
        return VideoLabels(
            frames=[Frame(index=second * _FPS, fps=_FPS, actions=(Label(name),)) for second in seconds],
            course=VideoTimeline(segments=(shown,), labelled={"action": ((0.0, _SHORTEST),)}),
            lasts=_SHORTEST,
            said_by="README: 51 to 126 frames a clip",
            beyond=_LONGEST - _SHORTEST + 1,
            spare=frozenset(float(second) for second in seconds if second > _SHORTEST - 1 / _FPS),
        )
