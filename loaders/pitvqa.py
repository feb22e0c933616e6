"""PitVQA: five to twelve questions on each second of 25 pituitary operations through the nose, made from labels.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/pitvqa.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surgsigma_hub.parsers.questions import Asked, QuestionForms, forms, read_question_lines
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Label, Origin, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    FilePerFrame,
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

_TYPED = forms(
    phase=r"what is the surgical phase (?:shown )?in (?:the|this) (?:image|frame) ?\??",
    step=r"what is the surgical step (?:shown )?in (?:the|this) (?:image|frame) ?\??",
    instrument=r"what (?:surgical )?instrument is used (?:at|in) the [a-z -]+? of the image ?\??",
    count=r"how many (?:surgical )?instruments are present in the image ?\??",
)
_UNTYPED = forms(
    which_phase_or_step_a_fixed_list_has_next=r"what is the next surgical (?:phase|step) ?\??",
    what_is_done_in_words=r"what (?:is the surgical operation performed in|surgical activity is (?:being )?perform).*",
    in_which_part_of_the_image_a_tip_is=r"where is the surgical instrument .*",
)
_NUMBERS = {"zero": 0, "one": 1, "two": 2}
_NO_INSTRUMENT = frozenset({"no_visible_instrument", "no_secondary_instrument"})
_BEYOND = 0.5
"""Share of the labels' length by which footage may go on after them: blurred seconds have no questions."""


@dataclass(frozen=True, kw_only=True)
class PitVQAOptions(StepOptions, FilmOrImageOptions):
    """Options of PitVQA."""


class PitVQA(FilePerFrame):
    """Loader of PitVQA (see the module)."""

    info = SourceInfo(
        name="pitvqa",
        specialty=Specialty.NEUROSURGERY,
        procedure=Procedure.ENDOSCOPIC_PITUITARY_SURGERY,
        modality=Modality.ENDONASAL_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download the questions from the record that the homepage links to; the images are those of "
        "PitVis: put its videos, or frames cut from them once a second, beside the questions",
        layout="pitvqa/                                (any folders between will do as well)\n"
        "  qa/video_01/00001.txt ...            (named by the second)\n"
        "  images/video_01/00001.png ...        (one a second, from 00000 on)\n"
        "  video_01.mp4 ...                     (in place of images: 24 fps, video_24 25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.STEP, Fact.INSTRUMENTS}),
        split_schemes={"official": ("train", "val")},
    )
    options_type = PitVQAOptions
    per_frame = Files(questions="**/video_{number:02d}/{frame:05d}.txt")
    films = Films(places=("**/video_{number:02d}",), fps={24: "*", 25: "24"}, counted=False)
    images = ImageFolders(places=("**/video_{number:02d}",), names="{image:05d}.png")
    video_id = "video_{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its videos are those of PitVis, under their numbers."""
        return f"pitvis/{id}"

    def labels(self, video: Video) -> VideoLabels:
        """What the questions of each second say."""
        asked = QuestionForms(_TYPED, _UNTYPED)
        files = self.frame_files(video, "questions")
        found: list[Frame | Defect] = []
        for second, path in files.items():
            found += _frame(second, path, self.relative(path), asked)
        lasts = max(files, default=0) + 1
        return VideoLabels(
            frames=[one for one in found if isinstance(one, Frame)],
            defects=[
                *(one for one in found if isinstance(one, Defect)),
                *asked.defects(),
                *self.unlabelled(video, self.image_numbers(video)),
            ],
            lasts=lasts,
            said_by=f"questions of {video.id}",
            beyond=max(60.0, _BEYOND * lasts),
        )


def _frame(second: int, path: Path, where: str, forms: QuestionForms) -> Iterator[Frame | Defect]:
    """The second that one file of questions is on."""
    said: dict[str, dict[str, Asked]] = {}
    for asked in read_question_lines(path, where):
        if isinstance(asked, Defect):
            yield asked
        elif found := forms.read(asked):
            said.setdefault(found[0], {}).setdefault(asked.answer.casefold(), asked)
    if any(len(said.get(form, ())) > 1 for form in ("phase", "step", "count")):
        yield Defect(Reason.DUPLICATE_ID, where, "one question has two different answers; the frame is left out")
        return
    named = [name for name in said.get("instrument", {}) if name not in _NO_INSTRUMENT]
    counts = list(said.get("count", {}).items())
    if counts and counts[0][0] not in _NUMBERS:
        yield Defect(Reason.LABEL_CORRUPT, counts[0][1].where, f"{counts[0][0]!r:.40} is none of {', '.join(_NUMBERS)}")
        counts = []
    whole = bool(counts) and _NUMBERS[counts[0][0]] == len(named)  # as many as are named: these are all
    if counts and not whole:
        forms.pass_over(counts[0][1], "how many instruments there are, of which not each is named")
    facts = {form: next(iter(said[form].items())) for form in ("phase", "step") if form in said}
    if not facts and not named and not whole:
        return
    told = {Fact(form): asked.native for form, (_, asked) in facts.items()}
    yield Frame(
        index=second,
        fps=1,
        phase=Label(facts["phase"][0]) if "phase" in facts else None,
        step=Label(facts["step"][0]) if "step" in facts else None,
        instruments=tuple(map(Label, named)) if named or whole else None,
        asked=told | ({Fact.INSTRUMENTS: counts[0][1].native} if whole else {}),
        origins={Fact.PHASE: Origin("derived", note="the phase that the step belongs to")} if "phase" in facts else {},
        coverage={} if whole else {Fact.INSTRUMENTS: Coverage.ANNOTATED_ONLY},
    )
