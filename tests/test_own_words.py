"""What a source asks becomes a sample in our words and one in its own, marked; what no task asks is counted by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.records import Defect, Reason, Sample
from surgsigma_hub.tasks import all_tasks
from surgsigma_hub.tasks.common.question_kinds import QuestionKind, Style, kind_of

import sources

ASKING = {
    "cholec80_vqa": "what is the phase of image?",
    "ssg_vqa": "Which tools are present?",
    "endovis18_vqa": "What is the state of",
    "endovis18_vqla": "What is the state of",
    "endovis17_vqla": "What is the state of",
    "pitvqa": "How many instruments are present in the image?",
    "kvasir_vqa": "Are there any instruments in the image?",
}


@cache
def samples(name: str, style: Style = Style.VARIED) -> list[Sample]:
    source = sources.opened(name, Path("unused"))
    made = [s for video in source.videos() for _, _, s in rehearse(source, video, [*all_tasks().values()], style=style)]
    return sorted(made, key=lambda s: s.id)


def is_own(sample: Sample) -> bool:
    return kind_of(sample.provenance.template or "") is QuestionKind.SOURCE


@pytest.mark.parametrize("name", ASKING)
def test_what_a_source_asks_is_told_in_its_words_beside_ours(name: str) -> None:
    every = samples(name)
    own = [s for s in every if is_own(s)]
    assert own and len({s.id for s in every}) == len(every)
    for sample in own:
        question, answer = sample.messages
        assert question.content.partition("\n")[2] == sample.native.question and answer.content == sample.native.answer
        assert "-own" in sample.id and not sample.reasoning.level and not sample.answer.boxes
        moment = (sample.task, sample.video_id, sample.frame_index, sample.answer)
        same = [s for s in every if (s.task, s.video_id, s.frame_index, s.answer) == moment and not is_own(s)]
        ours = [s for s in same if s.native.question == sample.native.question]
        assert ours and all(s.messages != sample.messages for s in ours)
    assert any((s.native.question or "").startswith(ASKING[name]) for s in own)
    assert {s.split for s in own} <= {s.split for s in every}


def test_without_questions_of_its_own_a_source_has_no_such_sample_nor_has_the_style_of_the_paper() -> None:
    assert not any(is_own(s) for s in samples("cholec80"))
    plain = samples("ssg_vqa", Style.PAPER)
    assert plain and not any(is_own(s) for s in plain)


@pytest.mark.parametrize("name", ["ssg_vqa", "pitvqa", "kvasir_vqa"])
def test_what_no_task_asks_is_counted_by_name(name: str) -> None:
    source = sources.opened(name, Path("unused"))
    told = [one for video in source.videos() for one in source.frames(video) if isinstance(one, Defect)]
    asked = [d.detail for d in told if d.reason is Reason.QUESTION_UNTYPED]
    assert asked and all(" ask" in detail and "which no typed answer holds" in detail for detail in asked)
