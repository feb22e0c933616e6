"""CATARACTS: the step of every frame of cataract operations through the microscope.

The traps of this source and what is done about them are told in ``dataset_cards/cataracts.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.cells import table_text
from surgsigma_hub.parsers.frame_tables import Code, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Fact, Video
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
        access_steps="Register with IEEE DataPort and download the videos and the labels of steps of 2020",
        layout="cataracts/                                      (any folders between will do as well)\n"
        "  train01.csv ...                  (header Frame,Steps)\n"
        "  train01.mp4 ... or micro_train01.mp4 ...       (about 30 fps)\n"
        "  test01.csv, test01.mp4 ...\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"official": ("train", "test")},
    )
    options_type = CataractsOptions
    films = Films(places=(f"**/{_NAME}", f"**/micro_{_NAME}"), fps={_FPS: "*"})
    video_id = _NAME

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Films and tables of each video; tables of instruments have the same names and another header."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        for fields, path in matches(self.folder, f"**/{_NAME}.csv"):
            if _of_instruments(path):
                continue
            id, fields = self._named(fields)
            before = found.setdefault(id, (fields, {}))[1].setdefault("steps", path)
            if before != path and before.read_bytes() != path.read_bytes():
                names = f"{self.relative(before)} and {self.relative(path)}"
                raise self.layout_error(self.root, f"{names} are the same video; keep one of them")
        return found

    def split_of(self, id: str, fields: Fields) -> str:
        """As the name says."""
        return str(fields["part"])

    def labels(self, video: Video) -> VideoLabels:
        """The step of each frame."""
        path = self.found[video.id][1].get("steps")
        rows = read_frame_table(path, f"{video.id}.csv" if path is None else self.relative(path), _TABLE)
        steps = rows.named["Steps"]
        return VideoLabels(
            frames=moments_of(fps=_FPS, phase=steps),
            defects=rows.defects,
            course=course_of({"phase": steps}, fps=_FPS),
            lasts=(rows.last + 1) / _FPS,
            beyond=1 + rows.unread / _FPS,
        )


def _of_instruments(path: Path) -> bool:
    """Whether a table tells instruments: its first line names one of them."""
    return "biomarker" in table_text(path)[:2000].split("\n", 1)[0].lower()
