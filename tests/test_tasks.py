"""One contract for all tasks, and the typed answers of hand-written frames."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.hub.frontmatter import split_card
from surgsigma_hub.media.boxes import region_words
from surgsigma_hub.ontology import KINDS, concepts, resolve_frame
from surgsigma_hub.records import Box, Frame, Label, LabeledBox, LabeledMask, Polygons, Triplet, Verdict
from surgsigma_hub.tasks import Draft, all_tasks, get_task
from surgsigma_hub.tasks.wording import bank, slots_of, word

WORKING = [name for name, task in all_tasks().items() if task.working]
EVERYWHERE = frozenset({"procedure"})


def box(name: str, x1: float, y1: float, x2: float, y2: float) -> LabeledBox:
    return LabeledBox(Label(name), Box(x1, y1, x2, y2))


RICH = Frame(
    index=3,
    fps=1.0,
    phase=Label("calot_triangle_dissection"),
    step=Label("clear_triangle"),
    instruments=(Label("hook"), Label("grasper"), Label("scissors"), Label("bipolar")),
    tissues=(Label("gallbladder"), Label("liver")),
    actions=(Label("retract"), Label("dissect")),
    triplets=(
        Triplet(Label("grasper"), Label("retract"), Label("gallbladder")),
        Triplet(Label("scissors"), Label("null"), Label("null")),
        Triplet(Label("bipolar"), Label("dissect"), Label("null")),
    ),
    instrument_boxes=(
        box("hook", 0.5, 0.1, 0.7, 0.4),
        box("grasper", 0.0, 0.1, 0.2, 0.3),
        box("grasper", 0.7, 0.7, 0.9, 0.9),
    ),
    tissue_boxes=(box("liver", 0.2, 0.2, 0.8, 0.9), box("gut", 0.0, 0.0, 0.1, 0.1), box("gut", 0.8, 0.8, 0.9, 0.9)),
    instrument_masks=(LabeledMask(Label("hook"), Polygons((((0, 0), (1, 0), (1, 1)),))),),
    criteria=(Verdict(Label("two_structures"), True, (1.0, 0.0, 1.0)), Verdict(Label("cystic_plate"), False)),
)
BARE = replace(
    RICH, instruments=(), tissues=(), actions=(), triplets=(), instrument_boxes=(), tissue_boxes=(),
    instrument_masks=(),
    criteria=(Verdict(Label("two_structures"), True), Verdict(Label("cystic_plate"), True)),
)  # fmt: skip
OTHER = replace(
    RICH,
    phase=None,
    actions=(Label("clip"),),
    criteria=(Verdict(Label("two_structures"), False), Verdict(Label("cystic_plate"), False)),
)


def drafts(task: str, frame: Frame) -> list[Draft]:
    draft = get_task(task).draft
    assert draft is not None
    return list(draft(resolve_frame("synthetic", frame)))


def test_there_are_eighteen() -> None:
    assert len(all_tasks()) == 18
    assert len({t.title for t in all_tasks().values()}) == 18


def test_every_task_has_its_card() -> None:
    cards = resources.files("surgsigma_hub.dataset_cards")
    found = {c.name for c in cards.iterdir() if c.name.startswith("task_")}
    assert found == {f"task_{name}.md" for name in all_tasks()}


@pytest.mark.parametrize("name", all_tasks())
def test_the_card_agrees_with_the_task(name: str) -> None:
    task, card = get_task(name), resources.files("surgsigma_hub.dataset_cards") / f"task_{name}.md"
    front, body = split_card(card.read_text("utf-8"), where=card.name)
    assert front == {"name": name, "title": task.title}
    heading, _, prose = body.strip().partition("\n")
    assert heading == f"# {task.title}"
    assert 60 <= len(prose.split()) <= 120
    # A card must not promise samples that nobody can build, nor withhold those that can be built.
    assert ("only the metadata" in " ".join(prose.lower().split())) == (not task.working)


@pytest.mark.parametrize("name", WORKING)
def test_every_group_is_used_and_every_slot_is_filled(name: str) -> None:
    used = {"questions": set[str](), "answers": set[str]()}
    wordings = bank(name)
    for frame in (RICH, BARE, OTHER):
        for draft in drafts(name, frame):
            used["questions"].add(draft.question)
            used["answers"].add(draft.answer_group)
            for line in (*wordings.questions[draft.question], *wordings.answers[draft.answer_group]):
                assert slots_of(line) <= set(draft.slots) | EVERYWHERE, line
    assert used["questions"] == set(wordings.questions) and used["answers"] == set(wordings.answers)


@pytest.mark.parametrize("name", WORKING)
def test_there_are_enough_wordings(name: str) -> None:
    wordings = bank(name)
    for least, groups in ((24, wordings.questions), (8, wordings.answers)):
        for group, lines in groups.items():
            # Case and punctuation alone do not make a wording of its own.
            plain = {" ".join(re.findall(r"[\w{}]+", line.lower())) for line in lines}
            assert len(plain) == len(lines) >= least, group


@pytest.mark.parametrize("name", WORKING)
def test_texts_read_well(name: str) -> None:
    for frame in (RICH, BARE, OTHER):
        for draft in drafts(name, frame):
            slots = {"procedure": "laparoscopic cholecystectomy", **draft.slots}
            for salt in range(60):
                question, answer, _ = word(
                    name, f"id-{salt}", question=draft.question, answer=draft.answer_group, slots=slots
                )
                for text in (question, answer):
                    assert (text[0].isupper() or text[0] == "[") and text[-1] in ".?", text
                    assert not re.search(r"  |\{|\}|\.\.|,\.|\ba [aeio]|\ba (scissors|bipolar)", text), text


@pytest.mark.parametrize(
    "name", ["phase_recognition", "step_recognition", "instrument_recognition", "tissue_recognition"]
)
def test_the_question_does_not_hold_the_answer(name: str) -> None:
    for frame in (RICH, BARE):
        (draft,) = drafts(name, frame)
        for line in bank(name).questions[draft.question]:
            assert slots_of(line) <= EVERYWHERE


def test_wording_is_stable() -> None:
    chosen = [
        word(
            "phase_recognition", f"id{n}", question="default", answer="default", slots={"procedure": "p", "phase": "q"}
        )[2]
        for n in range(3)
    ]
    assert len(set(chosen)) > 1
    again = word(
        "phase_recognition", "id0", question="default", answer="default", slots={"procedure": "p", "phase": "q"}
    )
    assert again[2] == chosen[0]


def test_typed_answers_of_a_rich_frame() -> None:
    assert drafts("phase_recognition", RICH)[0].answer.labels == ("calot_triangle_dissection",)
    found = drafts("instrument_recognition", RICH)[0].answer
    assert found.labels == ("grasper", "bipolar", "hook", "scissors")
    assert found.text == "grasper, bipolar forceps, hook, scissors"
    triplets = drafts("triplet_recognition", RICH)[0]
    assert [(t.instrument, t.action, t.target) for t in triplets.answer.triplets] == [
        ("grasper", "retract", "gallbladder"), ("scissors", "null", "null"), ("bipolar", "dissect", "null"),
    ]  # fmt: skip
    assert "the scissors are in view without acting" in triplets.slots["clauses"]
    assert drafts("action_recognition", RICH)[0].answer.labels == ("retract", "dissect")
    safety = drafts("safety_assessment", RICH)[0].answer
    assert [(c.criterion, c.met, c.scores) for c in safety.criteria] == [
        ("two_structures", True, (1.0, 0.0, 1.0)), ("cystic_plate", False, ()),
    ]  # fmt: skip
    assert safety.text == "two structures: yes; exposed cystic plate: no"


def test_none_is_an_answer_and_absence_is_no_sample() -> None:
    unknown = Frame(index=0, fps=1.0)
    for name in WORKING:
        assert drafts(name, unknown) == []
    for name in ("instrument_recognition", "tissue_recognition", "triplet_recognition", "instrument_localization"):
        (draft,) = drafts(name, BARE)
        assert (draft.answer.text, draft.answer_group) == ("none", "none")
    (mask,) = drafts("instrument_segmentation", BARE)
    assert mask.masks == ()


def test_boxes_in_reading_order_and_by_name_only_without_doubt() -> None:
    everything, *single = drafts("instrument_localization", RICH)
    assert [b.label for b in everything.answer.boxes] == ["grasper", "hook", "grasper"]
    assert everything.answer.text.startswith("grasper [0.000, 0.100, 0.200, 0.300]; hook [")
    assert {d.key for d in single} == {"grasper-top-left", "hook", "grasper-bottom-right"}
    twins = replace(RICH, instrument_boxes=(box("hook", 0.1, 0.1, 0.2, 0.2), box("hook", 0.15, 0.1, 0.25, 0.2)))
    assert len(drafts("instrument_localization", twins)) == 1


corner = st.floats(0, 0.9)
boxes = st.lists(
    st.builds(
        lambda n, x, y: box(n, x, y, x + 0.1, y + 0.1), st.sampled_from(["hook", "grasper", "clipper"]), corner, corner
    ),
    max_size=8,
)


@given(boxes)
def test_a_region_names_exactly_one(found: list[LabeledBox]) -> None:
    frame = replace(RICH, instrument_boxes=tuple(found))
    keys = []
    for draft in drafts("instrument_localization", frame)[1:]:
        (answer,) = draft.answer.boxes
        same = [b for b in found if b.label.native == answer.label]
        if draft.question == "by_region":
            same = [b for b in same if region_words(b.box) == draft.slots["region"]]
        assert len(same) == 1
        keys.append(draft.key)
    assert len(keys) == len(set(keys))


def test_captions_claim_only_what_is_annotated() -> None:
    text = drafts("image_captioning", RICH)[0].answer.text
    assert "Calot's triangle dissection" in text and "Smoke" not in text and "the liver" in text
    assert (
        drafts(
            "image_captioning",
            replace(
                RICH,
                step=None,
                triplets=None,
                instruments=None,
                criteria=None,
                tissues=None,
                actions=None,
                instrument_boxes=None,
            ),
        )
        == []
    )
    assert "No instrument is in view." in drafts("image_captioning", replace(BARE, triplets=None))[0].answer.text


def test_every_concept_has_a_definition_of_its_own() -> None:
    for kind in KINDS:
        found = concepts(kind)  # type: ignore[arg-type]
        assert all(c.definition.endswith(".") and c.definition[0].isupper() for c in found.values())
        assert len({c.definition for c in found.values()}) == len(found)


def test_tasks_import_nothing_heavy() -> None:
    code = (
        "import sys, surgsigma_hub.tasks as t; t.all_tasks(); print({'datasets', 'pyarrow', 'av'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
