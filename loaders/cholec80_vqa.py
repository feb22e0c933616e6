"""Cholec80-VQA: two questions on each of 21,591 frames of forty videos of Cholec80, on the phase and on the tools.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/cholec80_vqa.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surgsigma_hub.parsers.questions import Asked, QuestionForms, forms, read_question_lines
from surgsigma_hub.records import Check, Coverage, Defect, Fact, Frame, Label, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    FilePerFrame,
    Files,
    FilmOrImageOptions,
    Films,
    Home,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)

_FPS = 25
_FORMS = forms(
    phase=r"what is the (?:cur+ent )?phase(?: of (?:the )?image)? ?\??",
    tool=r"is (?:the )?(?P<tool>.+?) used in (?P<phase>.+?) ?\??",
    count=r"how many tools are (?:operating|being operated|used) ?\??",
)
_FOLDERS = ("Classification", "Sentence")
_BEYOND = 0.5
"""Share of the labels' length by which footage may go on after them: not every second has questions."""


@dataclass(frozen=True, kw_only=True)
class Cholec80VQAOptions(StepOptions, FilmOrImageOptions):
    """Options of Cholec80-VQA."""


class Cholec80VQA(FilePerFrame):
    """Loader of Cholec80-VQA (see the module)."""

    info = SourceInfo(
        name="cholec80_vqa",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Download the questions by the link on the homepage; the images are those of Cholec80, which "
        "has a request form of its own: put its videos, or frames cut from them, beside the questions",
        layout="Cholec80-VQA/\n"
        "  Classification/1/0_QA.txt ...       (folders 1 to 40, named by the frame number at 25 fps)\n"
        "  cropped_image/1/0.png ...           (frame numbers at 25 fps)\n"
        "  videos/video01.mp4 ...              (in place of cropped_image/)\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS}),
        split_schemes={"official": ("train", "test")},
        coverage={Fact.INSTRUMENTS: Coverage.ANNOTATED_ONLY},
    )
    options_type = Cholec80VQAOptions
    home = Home(
        any_of=("Classification/*/", "Sentence/*/"),
        missing="no folder Classification or Sentence with folders of questions in it",
        depth=2,
    )
    per_frame = Files(questions=tuple(f"{f}/{{number:d}}/{{frame:d}}{e}.txt" for f in _FOLDERS for e in ("_*", "")))
    films = Films(places=("videos/video{number:02d}", "video{number:02d}"))
    images = ImageFolders(
        places=("cropped_image/{number:d}", "cropped_images/{number:d}"), names="{image:d}.png", fps={_FPS: "*"}
    )
    video_id = "video{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its videos are those of Cholec80, under their numbers."""
        return f"cholec80/{id}"

    def labels(self, video: Video) -> VideoLabels:
        """What the questions of each frame say."""
        asked = QuestionForms(_FORMS)
        found: list[Frame | Defect] = []
        files = self.frame_files(video, "questions")
        lacking = self.unlabelled(video, self.image_numbers(video))
        for number, path in files.items():
            found += _frame(number, path, self.relative(path), asked)
        lasts = (max(files, default=0) + 1) / _FPS
        return VideoLabels.of(
            [*found, *asked.defects(), *lacking],
            lasts=lasts,
            said_by=f"questions of {video.id}",
            beyond=max(60.0, _BEYOND * lasts),
        )


def _frame(number: int, path: Path, where: str, forms: QuestionForms) -> Iterator[Frame | Defect]:
    """The frame that one file of questions is on."""
    phases: dict[str, Asked] = {}
    tools: dict[tuple[str, bool], Asked] = {}
    counts: list[Asked] = []
    others: list[tuple[str, Asked]] = []
    for asked in read_question_lines(path, where):
        if isinstance(asked, Defect):
            yield asked
        elif found := forms.read(asked):
            form, match = found
            said = asked.answer.casefold()
            if form == "phase":
                phases[said.rpartition(" is ")[2]] = asked
            elif form == "tool" and (said in ("yes", "no") or " is " in said):
                others.append((match["phase"].casefold(), asked))
                tools[match["tool"].casefold(), said == "yes" or (said != "no" and " not " not in said)] = asked
            elif form == "count" and len(re.findall("[0-9]+", said)) == 1:
                counts.append(asked)
            else:
                yield Defect(Reason.LABEL_CORRUPT, asked.where, f"{asked.answer!r} is no answer to {asked.question!r}")
    if len(phases) > 1 or len({name for name, _ in tools}) < len(tools):
        yield Defect(Reason.DUPLICATE_ID, where, "one question has two different answers; the frame is left out")
        return
    phase = next(iter(phases), None)
    for said, asked in others:
        if phase is not None and said != phase:  # what is used in a phase that does not go on cannot be seen
            forms.pass_over(asked, "about another phase than that of its frame")
            tools = {key: one for key, one in tools.items() if one is not asked}
    checks = [Check(Fact.INSTRUMENTS, Label(name), used, a.native) for (name, used), a in tools.items()]
    there = tuple(c.label for c in checks if c.holds)
    whole = [a for a in counts if re.search(rf"\b{len(there)}\b", a.answer)]  # as many as are named: then these are all
    for asked in counts if not whole else ():
        forms.pass_over(asked, "how many tools there are")
    if phase is None and not checks and not whole:
        return
    told = [(Fact.PHASE, asked) for asked in phases.values()] + [(Fact.INSTRUMENTS, asked) for asked in whole]
    yield Frame(
        index=number,
        fps=_FPS,
        phase=None if phase is None else Label(phase),
        instruments=there if there or whole else None,
        asked={fact: asked.native for fact, asked in told},
        checks=tuple(checks),
        coverage={Fact.INSTRUMENTS: Coverage.ALL_IN_VIEW} if whole else {},
    )
