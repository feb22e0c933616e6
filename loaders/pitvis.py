"""PitVis: the step and up to two instruments of every second of 24 pituitary operations through the nose.

The traps of this source and what is done about them are told in ``dataset_cards/pitvis.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import Code, FrameRows, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
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

_STEPS = (
    "nasal corridor creation",
    "anterior sphenoidotomy",
    "septum displacement",
    "sphenoid sinus clearance",
    "sellotomy",
    "durotomy",
    "tumour excision",
    "haemostasis",
    "synthetic graft placement",
    "fat graft placement",
    "gasket seal construct",
    "dural sealant",
    "nasal packing",
    "debris clearance",
)
_INSTRUMENTS = (
    "bipolar_forceps",
    "cottle",
    "cup_forceps",
    "dural_scissors",
    "freer_elevator",
    "haemostatic_foam",
    "irrigation_syringe",
    "kerrisons",
    "micro_doppler",
    "nasal_cutting_forceps",
    "pituitary_rongeurs",
    "retractable_knife",
    "ring_curette",
    "spatula_dissector",
    "stealth_pointer",
    "suction",
    "surgical_drill",
    "tissue_glue",
)
_NONE = ""
"""What stands for "no instrument": 0 of either column, and -2 of the second."""
_OUTSIDE = frozenset({-1})
_NAMES = {0: _NONE, **dict(enumerate(_INSTRUMENTS, 1))}
_TABLE = FrameTable(
    number="int_time",
    columns=(
        Code("int_step", dict(enumerate(_STEPS, 1)), unlabelled=_OUTSIDE),
        Code("int_instrument1", _NAMES, unlabelled=_OUTSIDE),
        Code("int_instrument2", {-2: _NONE, **_NAMES}),
    ),
    kind="step and instrument",
    delimiter=",",
    header=True,
    spare=True,  # the number of the video stands in front
)


@dataclass(frozen=True, kw_only=True)
class PitVisOptions(StepOptions, FilmOptions):
    """Options of PitVis."""


class PitVis(DeclaredSource):
    """Loader of PitVis (see the module)."""

    info = SourceInfo(
        name="pitvis",
        specialty=Specialty.NEUROSURGERY,
        procedure=Procedure.ENDOSCOPIC_PITUITARY_SURGERY,
        modality=Modality.ENDONASAL_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download the videos and tables from the record that the homepage links to",
        layout="26531686/                                 (any folders between will do as well)\n"
        "  annotations_01.csv ... annotations_25.csv   (19 is missing in the release)\n"
        "  video_01.mp4 ... video_25.mp4               (24 fps, video_24 25 fps)\n",
        facts=frozenset({Fact.STEP, Fact.INSTRUMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"pitvqa": ("train", "val"), "hashed": ("train", "val", "test")},
    )
    options_type = PitVisOptions
    files = Files(annotations="**/annotations_{number:02d}.csv")
    films = Films(places=("**/video_{number:02d}",), fps={24: "*", 25: "24"}, counted=False)
    video_id = "video_{number:02d}"

    def labels(self, video: Video) -> VideoLabels:
        """Step and instruments of each second."""
        rows = read_frame_table(*self.file(video, "annotations"), _TABLE)
        steps = rows.named["int_step"]
        return VideoLabels(
            frames=moments_of(fps=1, step=steps, instruments=_instruments(rows)),
            defects=rows.defects,
            course=course_of({"step": steps}, fps=1),
            lasts=max(rows.last - 1, 0) if rows.last >= 0 else None,  # the last row has no picture
            beyond=2 + rows.unread,
        )


def _instruments(rows: FrameRows) -> dict[int, tuple[str, ...] | None]:
    """The instruments of each second that both columns tell; None outside the patient."""
    first, second = rows.named["int_instrument1"], rows.named["int_instrument2"]
    return {
        n: None if name is None else tuple(dict.fromkeys(i for i in (name, second[n]) if i))
        for n, name in first.items()
        if n in second
    }
