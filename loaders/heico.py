"""HeiCo: the phase of every frame of 30 operations on colon and rectum of three kinds.

The traps of this source and what is done about them are told in ``dataset_cards/heico.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import Code, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
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

_FPS = 25
_NAME = "{kind:Proctocolectomy|RectalResection|SigmoidResection}_{number:d}"
_GERMAN = {"Prokto": "Proctocolectomy", "Rektum": "RectalResection", "Sigma": "SigmoidResection"}
_AGAIN = f"* - Heico - {{kind:{'|'.join(_GERMAN)}}} - {{number:d}}"
"""Names of a later release: ``0000 - Heico - Prokto - 1``."""
_SHORT = f"{{kind:{'|'.join(_GERMAN)}}}{{number:d}}"
"""Names of copies for a viewer, whose tables lie in folders by what they tell: ``PhaseAnnotation/Prokto1.csv``."""
_PHASES = (
    "General preparation and orientation in the abdomen",
    "Dissection of lymph nodes and blood vessels en bloc",
    "Retroperitoneal preparation towards lower pancreatic border",
    "Retroperitoneal preparation of duodenum and pancreatic head",
    "Mobilization of sigmoid colon and descending colon",
    "Mobilization of splenic flexure",
    "Mobilization of transverse colon",
    "Mobilization of ascending colon",
    "Dissection and resection of the rectum",
    "Extra-abdominal preparation of anastomosis",
    "Intra-abdominal preparation of anastomosis",
    "Creation of stoma",
    "Finalization of operation",
    "Exception",
)
_PHASE = FrameTable(columns=(Code("Phase", dict(enumerate(_PHASES))),), kind="phase", delimiter=",")


@dataclass(frozen=True, kw_only=True)
class HeiCoOptions(StepOptions, FilmOptions):
    """Options of HeiCo."""


class HeiCo(DeclaredSource):
    """Loader of HeiCo (see the module)."""

    info = SourceInfo(
        name="heico",
        specialty=Specialty.COLORECTAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_COLORECTAL_RESECTION,
        modality=Modality.LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse and download the three folders of operations (about 600 GB with videos)",
        layout="heico/                                                   (any folders between will do as well)\n"
        "  Proctocolectomy/1/Proctocolectomy_1.avi, Proctocolectomy_1_Phase.csv ... 10     (25 fps)\n"
        "  Rectal resection/1/RectalResection_1.avi, RectalResection_1_Phase.csv ... 10\n"
        "  Sigmoid/1/SigmoidResection_1.avi, SigmoidResection_1_Phase.csv ... 10\n"
        "  (names like '0000 - Heico - Prokto - 1' and PhaseAnnotation/Prokto1.csv are known, too)\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"endovis2017": ("train", "val", "test")},
    )
    options_type = HeiCoOptions
    files = Files(
        phase=tuple(f"**/{name}_Phase.csv" for name in (_NAME, _AGAIN, _SHORT))
        + tuple(f"**/PhaseAnnotation/{name}.csv" for name in (_NAME, _AGAIN, _SHORT))
    )
    films = Films(places=tuple(f"**/{name}" for name in (_NAME, _AGAIN, _SHORT)))
    video_id = _NAME

    def fields_of(self, fields: Fields) -> Fields:
        """The kind of operation as the first release names it."""
        kind = str(fields["kind"])
        return {**fields, "kind": _GERMAN.get(kind, kind)}

    def labels(self, video: Video) -> VideoLabels:
        """The phase of each frame."""
        rows = read_frame_table(*self.file(video, "phase"), _PHASE)
        phases = rows.named["Phase"]
        return VideoLabels(
            frames=moments_of(fps=_FPS, phase=phases),
            defects=rows.defects,
            course=course_of({"phase": phases}, fps=_FPS),
            lasts=(rows.last + 1) / _FPS,
            beyond=1 + rows.unread / _FPS,
        )
