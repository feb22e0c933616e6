"""SSG-VQA: questions made from scene graphs of frames of CholecT45, and the graphs themselves.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/ssg_vqa.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.questions import Asked, QuestionForms, forms, read_question_lines
from surgsigma_hub.parsers.releases.scene_graphs import read_scene_graph
from surgsigma_hub.records import BoxExtent, Defect, Fact, FileImage, Frame, Label, Origin, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    FilePerFrame,
    Files,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)

_FORMS = forms(
    tissues=r"which anatomical structures are present ?\??",
    instruments=r"which (?:tools|instruments) are present ?\??",
)
_TYPED = 3
"""Fields after the answer of a question of a graph: template, type, relation."""


class SSGVQA(FilePerFrame):
    """Loader of SSG-VQA (see the module)."""

    info = SourceInfo(
        name="ssg_vqa",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Download questions and scene graphs by the links on the homepage; the images are those of "
        "CholecT45, which has a request form of its own: put its folders VIDnn beside them",
        layout="ssg_vqa/\n"
        "  data/qa_txt/VID01/1.txt ...           (or qa_txt/ssg-qa/VID01/1.txt)\n"
        "  scene_graph/VID01_1.json ...          (either of the two may be missing)\n"
        "  data/VID01/000001.png ...             (images of CholecT45, anywhere below)\n",
        facts=frozenset(
            {Fact.INSTRUMENTS, Fact.TISSUES, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES, Fact.TISSUE_BOXES},
        ),
        split_schemes={"official": ("train", "val", "test")},
        label_origin="model",
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(
        any_of=("**/VID*/*.txt", "**/VID*_*.json"), missing="neither questions VID01/1.txt nor graphs VID01_1.json"
    )
    per_frame = Files(
        questions=("**/VID{number:d}/{frame:d}.txt",),
        graph=("**/VID{number:d}_{frame:d}.json",),
        image=("**/VID{number:d}/{frame:d}.png", "**/VID{number:d}/{frame:d}.jpg"),
    )
    video_id = "VID{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its videos are those of CholecT45, which are videos of Cholec80 under their numbers."""
        return f"cholec80/video{int(fields['number']):02d}"

    def labels(self, video: Video) -> VideoLabels:
        """What questions and graph of each frame say."""
        asked = QuestionForms(_FORMS)
        files = {kind: self.frame_files(video, kind) for kind in ("questions", "graph", "image")}
        found: list[Frame | Defect] = []
        for number in sorted({*files["questions"], *files["graph"]}):
            held = {kind: paths[number] for kind, paths in files.items() if number in paths}
            found += self._frame(number, held, asked)
        return VideoLabels.of(
            [*found, *asked.defects(), *self.unlabelled(video)],
        )

    def _frame(self, number: int, held: Mapping[str, Path], asked: QuestionForms) -> Iterator[Frame | Defect]:
        facts: dict[str, Any] = {}
        told: dict[Fact, Asked] = {}
        if "questions" in held:
            for row in read_question_lines(held["questions"], self.relative(held["questions"]), rest=(0, 1, _TYPED)):
                if isinstance(row, Defect):
                    yield row
                elif len(row.rest) == _TYPED:
                    asked.pass_over(row, f"of the type {row.rest[1]}")
                elif row.rest:
                    asked.pass_over(row, "what lies in one region of the frame")
                elif " present" not in row.question:
                    asked.pass_over(row, "what is done to one structure, or to which")
                elif found := asked.read(row):
                    names = [name.strip() for name in row.answer.split(",")]
                    facts[found[0]] = tuple(Label(n) for n in names if n and n.casefold() != "none")
                    told[Fact(found[0])] = row
        if "graph" in held:
            where = self.relative(held["graph"])
            try:
                graph = read_scene_graph(held["graph"])
            except BadRowError as error:
                yield Defect(Reason.ROW_MALFORMED, where, error.message)
            else:
                for problem in graph.problems:
                    yield Defect(Reason.LABEL_CORRUPT, where, f"{problem}; the lists of this graph are left out")
                if not graph.problems:
                    facts |= {"instrument_boxes": graph.instruments, "tissue_boxes": graph.structures}
                if graph.triplets is not None:
                    facts["triplets"] = graph.triplets
        if facts:
            yield Frame(
                index=number,
                fps=1,
                image=FileImage(held["image"]) if "image" in held else None,
                asked={fact: row.native for fact, row in told.items()},
                origins={Fact.TRIPLETS: Origin("derived", note="triplets of CholecT50")} if "triplets" in facts else {},
                **facts,
            )
