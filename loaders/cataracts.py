"""CATARACTS: the step of every frame of cataract operations through the microscope, and the instruments in it.

The traps of this source and what is done about them are told in ``dataset_cards/cataracts.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.cells import table_text
from surgsigma_hub.parsers.frame_tables import Code, Flags, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Defect, Fact, Reason, Video
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
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_FPS = 30
_NAME = "{part:train|test}{number:02d}"
_STEPS = (
    "Idle",
    "Toric Marking",
    "Implant Ejection",
    "Incision",
    "Viscodilatation",
    "Capsulorhexis",
    "Hydrodissection",
    "Nucleus Breaking",
    "Phacoemulsification",
    "Vitrectomy",
    "Irrigation / Aspiration",
    "Preparing Implant",
    "Manual Aspiration",
    "Implanting",
    "Positioning",
    "OVD Aspiration",
    "Suturing",
    "Sealing Control",
    "Wound Hydration",
)
_TABLE = FrameTable(columns=(Code("Steps", dict(enumerate(_STEPS))),), kind="step", base=1, delimiter=",", header=True)
_INSTRUMENTS = (
    *("Biomarker", "Charleux Cannula", "Hydrodissection Cannula", "Rycroft Cannula", "Viscoelastic Cannula"),
    *("Capsulorhexis Cystotome", "Bonn Forceps", "Capsulorhexis Forceps", "Troutman Forceps", "Needle Holder"),
    *("Irrigation/Aspiration Handpiece", "Phacoemulsifier Handpiece", "Vitrectomy Handpiece", "Implant Injector"),
    *("Primary Incision Knife", "Secondary Incision Knife", "Micromanipulator", "Suture Needle", "Mendez Ring"),
    "Vannas Scissors",
)
_EMPTY = "empty"
_OF_TOOLS = frozenset({"tools", "evaluated"})
_TOOLS = FrameTable(
    # Where raters differ stands 0.5: such a frame has no list. Cotton is no instrument.
    columns=(Flags(_INSTRUMENTS, unsure=frozenset({0.5}), ignored=frozenset({"Cotton"})),),
    kind="instrument",
    base=1,
    delimiter=",",
    header=True,
    only_if="to_be_evaluated",
)


@dataclass(frozen=True, kw_only=True)
class CataractsOptions(StepOptions, FilmOptions):
    """Options of CATARACTS."""


class Cataracts(DeclaredSource):
    """Loader of CATARACTS (see the module)."""

    info = SourceInfo(
        name="cataracts",
        specialty=Specialty.OPHTHALMOLOGY,
        procedure=Procedure.CATARACT_SURGERY,
        modality=Modality.SURGICAL_MICROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register with IEEE DataPort and download the videos, the labels of steps of 2020, those of "
        "instruments of 2017 or 2018, or both",
        layout="cataracts/                                      (any folders between will do as well)\n"
        "  train01.csv ...                  (header Frame,Steps)\n"
        "  train_labels/train01.csv ...     (header Frame and 21 instruments; of 2018 with to_be_evaluated)\n"
        "  train01.mp4 ... or micro_train01.mp4 ...       (about 30 fps)\n"
        "  test01.csv, test01.mp4 ...\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"official": ("train", "test")},
    )
    options_type = CataractsOptions
    films = Films(places=(f"**/{_NAME}", f"**/micro_{_NAME}"), fps={_FPS: "*"})
    video_id = _NAME

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Films and tables of each video; tables of steps and of instruments have the same names, and other headers."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        for fields, path in matches(self.folder, f"**/{_NAME}.csv"):
            id, fields = self._named(fields)
            kind = _kind(path)
            before = found.setdefault(id, (fields, {}))[1].setdefault(kind, path)
            if before != path and before.read_bytes() != path.read_bytes():
                names = f"{self.relative(before)} and {self.relative(path)}"
                raise self.layout_error(self.root, f"{names} are the same video; keep one of them")
        return found

    def split_of(self, id: str, fields: Fields) -> str:
        """As the name says."""
        return str(fields["part"])

    def labels(self, video: Video) -> VideoLabels:
        """Step and instruments of each frame."""
        paths = self.found[video.id][1]
        path, listed = paths.get("steps"), paths.get("tools") or paths.get("evaluated")
        rows = read_frame_table(path, f"{video.id}.csv" if path is None else self.relative(path), _TABLE)
        tools = read_frame_table(listed, self.relative(listed), _TOOLS) if listed is not None else None
        empty = [
            Defect(Reason.ROW_MALFORMED, self.relative(path), "the table holds nothing: an aborted download?")
            for kind, path in paths.items()
            if kind.startswith(_EMPTY)
        ]
        steps, last = rows.named["Steps"], max(rows.last, tools.last if tools is not None else -1)
        return VideoLabels(
            frames=moments_of(fps=_FPS, phase=steps, instruments={} if tools is None else tools.listed),
            defects=[*empty, *rows.defects, *(self._without_tools(video) if tools is None else tools.defects)],
            course=course_of({"phase": steps}, fps=_FPS),
            lasts=(last + 1) / _FPS,
            beyond=1 + rows.unread / _FPS,
        )

    def _without_tools(self, video: Video) -> list[Defect]:
        """Told where other videos of the copy have a table of instruments and this one has none."""
        if not any(_OF_TOOLS & paths.keys() for _, paths in self.found.values()):
            return []
        return [
            Defect(Reason.LABEL_MISSING, video.id, "no table of instruments of this video is there, of others it is")
        ]


def _kind(path: Path) -> str:
    """What a table tells by its first line: ``steps``, or instruments as ``tools`` or, of 2018, as ``evaluated``.

    One that holds nothing may be any of them, and is a kind of its own.
    """
    head = table_text(path).lstrip()[:2000].split("\n", 1)[0].lower()
    if not head:
        return f"{_EMPTY} {path}"
    if "biomarker" not in head:
        return "steps"
    return "evaluated" if "to_be_evaluated" in head else "tools"
