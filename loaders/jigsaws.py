"""JIGSAWS: the gestures of eight surgeons at three tasks of sewing on a bench with a robot.

The traps of this source and what is done about them are told in ``dataset_cards/jigsaws.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.intervals import IntervalTable, course_in, moments_in, read_intervals
from surgsigma_hub.records import Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOptions,
    Films,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)

_FPS = 30
_NAME = "{task:Suturing|Needle_Passing|Knot_Tying}_{user:B|C|D|E|F|G|H|I}{trial:03d}"
_USERS = "BCDEFGHI"
_TRIALS = range(1, 6)
_LOUO, _LOSO = "user-", "trial-"
"""Names of schemes: the surgeon, or the number of the trial, that is left out for the test."""
_GESTURES = (
    "Reaching for needle with right hand",
    "Positioning needle",
    "Pushing needle through tissue",
    "Transferring needle from left to right",
    "Moving to center with needle in grip",
    "Pulling suture with left hand",
    "Pulling suture with right hand",
    "Orienting needle",
    "Using right hand to help tighten suture",
    "Loosening more suture",
    "Dropping suture at end and moving to end points",
    "Reaching for needle with left hand",
    "Making C loop around right hand",
    "Reaching for suture with right hand",
    "Pulling suture with both hands",
)
_INTERVALS = IntervalTable(
    start=0,
    end=1,
    label=2,
    unit=float(_FPS),
    base=1,
    closed=True,
    names={f"G{n}": name for n, name in enumerate(_GESTURES, 1)},
    delimiter="",
    header=False,
)


@dataclass(frozen=True, kw_only=True)
class JigsawsOptions(StepOptions, FilmOptions):
    """Options of JIGSAWS."""


class Jigsaws(DeclaredSource):
    """Loader of JIGSAWS (see the module)."""

    info = SourceInfo(
        name="jigsaws",
        specialty=Specialty.SKILLS_TRAINING,
        procedure=Procedure.SURGICAL_SKILLS_TRAINING,
        modality=Modality.ROBOTIC_BENCH,
        access=Access.REGISTRATION,
        access_steps="Fill in the form on the homepage and unpack the archives of the three tasks side by side",
        layout="jigsaws/                                             (any folders between will do as well)\n"
        "  Suturing/transcriptions/Suturing_B001.txt ...\n"
        "  Suturing/video/Suturing_B001_capture1.avi ...      (30 fps, the left camera)\n"
        "  Needle_Passing/ ... Knot_Tying/ ...\n",
        facts=frozenset({Fact.ACTIONS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={
            **{f"{_LOUO}{user}": ("train", "test") for user in _USERS},
            **{f"{_LOSO}{trial}": ("train", "test") for trial in _TRIALS},
        },
    )
    options_type = JigsawsOptions
    files = Files(transcription=f"**/transcriptions/{_NAME}.txt")
    films = Films(places=(f"**/{_NAME}_capture1",), fps={_FPS: "*"})
    video_id = _NAME

    def split_of(self, id: str, fields: Fields) -> str:
        """One surgeon, or one trial of each, is left out."""
        kind, _, out = self.split_scheme.partition("-")
        return "test" if str(fields[kind]) == out else "train"

    def labels(self, video: Video) -> VideoLabels:
        """Gestures as intervals."""
        gestures = read_intervals(*self.file(video, "transcription"), _INTERVALS)
        return VideoLabels(
            frames=moments_in({"action": gestures}, index=_FPS),
            defects=gestures.defects,
            course=course_in({"action": gestures}),
            lasts=gestures.ends or None,
            beyond=max(1.0, gestures.ends),  # a film goes on after the last gesture, for as long as it may be
        )
