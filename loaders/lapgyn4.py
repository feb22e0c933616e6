"""LapGyn4: images of gynecologic laparoscopy, sorted into folders by action, by structure and by what is sewn.

The traps of this source and what is done about them are told in ``dataset_cards/lapgyn4.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from surgsigma_hub.records import Coverage, Defect, Fact, FileImage, Frame, Label, Reason, Video
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
)
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import SUFFIXES

_ACTIONS = (
    *("Coagulation", "Cutting_Cold", "Cutting_HF", "Dissection_Blunt", "Injection", "Sling_Hysterectomy"),
    *("Suction_Irrigation", "Suturing"),
)
_STRUCTURES = ("Colon", "Liver", "Ovary", "Oviduct", "Uterus")
_SEWN = {"Suturing_Ovary": "Ovary", "Suturing_Uterus": "Uterus", "Suturing_Vagina": "Vagina", "Suturing_Other": None}
_CLASSES = {"Surgical_Actions": _ACTIONS, "Anatomical_Structures": _STRUCTURES, "Actions_on_Anatomy": tuple(_SEWN)}
_PARTS = {"Surgical_Actions": "actions", "Anatomical_Structures": "structures", "Actions_on_Anatomy": "sewing"}
_COUNTED = "Instrument_Count"


def _places(part: str) -> str:
    return f"{{part:{part}|{part.replace('_', ' ')}}}/{{label}}/c_{{case:d}}_v_{{video:d}}_f_{{frame:d}}"


class LapGyn4(StillsSource):
    """Loader of LapGyn4 (see the module)."""

    info = SourceInfo(
        name="lapgyn4",
        specialty=Specialty.GYNECOLOGY,
        procedure=Procedure.GYNECOLOGIC_LAPAROSCOPY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive of version 1.2 from the page of the release and unpack it",
        layout="LapGyn4_v1.2/                     (the folder above will do as well)\n"
        "  Surgical_Actions/Coagulation/c_4_v_55_f_2203.jpg ...\n"
        "  Anatomical_Structures/Uterus/...\n"
        "  Actions_on_Anatomy/Suturing_Uterus/...\n",
        facts=frozenset({Fact.ACTIONS, Fact.TISSUES}),
        split_schemes={"hashed": ("train", "val", "test")},
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
    )
    home = Home(any_of=tuple(f"{part}/" for part in (*_CLASSES, _COUNTED)), depth=2)
    stills = tuple(_places(part) for part in _CLASSES)
    numbered_by = "frame"
    video_id = "c{case:d}_v{video:d}_{part}"

    def fields_at(self, fields: Fields, path: Any) -> Fields:
        """The part of the set goes into the id: one image may be in several, with other labels."""
        return {**fields, "part": _PARTS[str(fields["part"]).replace(" ", "_")]}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The case, of which there may be several videos."""
        return f"lapgyn4/c{fields['case']}"

    def split_of(self, id: str, fields: Fields) -> str | None:
        """By case, so that all images of a patient are in one split."""
        return super().split_of(f"c{fields['case']}", fields)

    @cached_property
    def _first(self) -> tuple[str, int]:
        """Video and number of the first image."""
        video = self.videos()[0]
        return video.id, self.stills_of(video)[0].number

    @cached_property
    def _counted(self) -> list[Defect]:
        """What is not read: images sorted by how many instruments are in view, which tells not which."""
        numbers = [
            path for _, path in matches(self.folder, f"{_COUNTED}/{{count:d}}/*") if path.suffix.lower() in SUFFIXES
        ]
        if not numbers:
            return []
        detail = f"{len(numbers)} images tell how many instruments are in view, which no typed answer holds"
        return [Defect(Reason.QUESTION_UNTYPED, _COUNTED, detail, len(numbers))]

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The classes of one image: all folders of its part that have it."""
        if (video.id, still.number) == self._first:
            yield from self._counted
        folder, name = still.path.parent.parent, still.path.name
        part = next(p for p, short in _PARTS.items() if short == still.fields["part"])
        if str(still.fields["label"]) not in _CLASSES[part]:
            detail = f"folder {still.fields['label']!r} is none of {', '.join(_CLASSES[part])}"
            yield Defect(Reason.LABEL_UNKNOWN, self.relative(still.path), detail)
            return
        held = [label for label in _CLASSES[part] if (folder / label / name).is_file()]
        image = FileImage(still.path)
        if part == "Surgical_Actions":
            yield Frame(index=still.number, fps=1, image=image, actions=tuple(map(Label, held)))
        elif part == "Anatomical_Structures":
            coverage = {Fact.TISSUES: Coverage.ANNOTATED_ONLY}
            yield Frame(index=still.number, fps=1, image=image, tissues=tuple(map(Label, held)), coverage=coverage)
        else:
            sewn = [structure for label in held if (structure := _SEWN[label]) is not None]
            yield Frame(
                index=still.number,
                fps=1,
                image=image,
                actions=(Label("Suturing"),),
                tissues=tuple(map(Label, sewn)) if len(sewn) == len(held) else None,
            )
