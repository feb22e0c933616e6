"""How every wording of the tasks reads with every label, and that the choice among them is stable."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import KINDS, NULL, concept, concepts
from surgsigma_hub.tasks.wording import bank, is_plural, participle, slots_of, with_article, word

from task_frames import (
    BY_NAME,
    TASKS,
    all_drafts,
    some_drafts,
)


def _rendered(name: str, side: str) -> Iterator[tuple[str, str, str]]:
    """Group, template and text of every template that each draft could get."""
    groups = bank(name).questions if side == "q" else bank(name).answers
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for _, draft in all_drafts()[name]:
        group = draft.question if side == "q" else draft.answer_group
        slots = {"procedure": concept("procedure", "laparoscopic_cholecystectomy").name, **draft.slots}
        if (group, tuple(slots.items())) in seen:
            continue
        seen.add((group, tuple(slots.items())))
        for template in groups[group]:
            text = template.format_map(slots)
            yield group, template, text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------------------------------- wordings

_BAD = {
    "two spaces": re.compile(r"\s\s|^\s|\s$"),
    "wrong article": re.compile(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou\W]"),
    "slot left": re.compile(r"[{}]"),
    "space before a stop": re.compile(r"\s[.,;:?]"),
    "two stops": re.compile(r"[.,;:?][.,;:?]"),
    "small letter after a stop": re.compile(r"[.?] [a-z]"),
    "doubled word": re.compile(r"\b([A-Za-z]+) \1\b"),
    "article before a plural": re.compile(r"\b[Aa]n? (?:\w+ )?(?:scissors|forceps)\b"),
    "singular verb": re.compile(r"^(?:The )?(?:scissors|bipolar forceps) is\b", re.IGNORECASE),
    "singular verb beside a plural": re.compile(
        r"\b(?:does|has|is|was) the (?:\w+ )?(?:scissors|forceps)\b|(?:scissors|forceps) (?:does|has|lies|was)\b"
    ),
    "plural verb": re.compile(r"^(?:The |An? )?(?:hook|grasper|liver|gut|snare|irrigator) are\b", re.IGNORECASE),
    "Calot": re.compile(r"calot"),
    "null": re.compile(r"\b(null|no action|no target|None\.)"),
}


@pytest.mark.parametrize("side", ["q", "a"])
@pytest.mark.parametrize("name", TASKS)
def test_every_wording_reads_well_with_every_label(name: str, side: str) -> None:
    count = 0
    for group, template, text in _rendered(name, side):
        for what, pattern in _BAD.items():
            if (what, group) == ("null", "none"):
                continue  # there, "no action" is the answer
            assert not pattern.search(text), f"{what} in {group}: {template!r} -> {text!r}"
        assert text[0].isupper(), (template, text)
        assert text.endswith((".", "?")), (template, text)
        assert side == "q" or text.endswith("."), (template, text)
        count += 1
    assert count >= (24 if side == "q" else 8)


@pytest.mark.parametrize("name", TASKS)
def test_bank_is_large_distinct_and_has_no_dead_group(name: str) -> None:
    reached = [d for _, d in all_drafts()[name]]
    for side, least in (("questions", 24), ("answers", 8)):
        groups = getattr(bank(name), side)
        assert set(groups) == {d.question if side == "questions" else d.answer_group for d in reached}
        for group, lines in groups.items():
            assert len(lines) >= least, f"{side}.{group} holds {len(lines)}"
            assert len({re.sub(r"\W+", " ", line).strip().lower() for line in lines}) == len(lines), group
            assert all(re.fullmatch(r"[ -~]+", line) for line in lines), "plain ASCII"


def test_wordings_do_not_repeat_within_a_task_or_fix_the_procedure() -> None:
    for name in TASKS:
        lines = [line for lines in bank(name).questions.values() for line in lines]
        assert len(set(lines)) == len(lines), name
        for line in lines + [a for lines in bank(name).answers.values() for a in lines]:
            assert not re.search(r"\b[Aa]n? \{", line), f"{name}: {line!r} puts an article before a slot"
            assert not re.search(r"cholecyst|laparosc|gallbladder", line, re.IGNORECASE), f"{name}: {line!r}"
        assert any("procedure" in slots_of(line) for line in lines), name


GIVEN_AWAY = {name: {"doing", "caption", "condition"} for name in TASKS if TASKS[name].family == "understanding"}
GIVEN_AWAY |= {"next_action_planning": {"doing"}, "video_captioning": {"caption"}, "action_recognition": {"doing"}}
"""Slots that would hold the answer there."""


@pytest.mark.parametrize("name", TASKS)
def test_a_question_does_not_tell_the_answer(name: str) -> None:
    """No label of any kind stands in a question, but for those that ask by name and the criteria, which are asked."""
    terms = {c.name.lower() for kind in KINDS if kind != "procedure" for c in concepts(kind).values()}  # type: ignore[arg-type]
    terms |= {participle(c.name) for c in concepts("action").values() if c.id != NULL}
    terms |= {c.id.replace("_", " ") for kind in KINDS if kind != "procedure" for c in concepts(kind).values()}  # type: ignore[arg-type]
    # What a planning or generation task tells on purpose: the action timed, the condition of what is to be made.
    asked = {"procedure", "doing", "interval", "condition", "caption", "part"} - GIVEN_AWAY.get(name, set())
    if name == "safety_assessment":
        terms, asked = {"verdicts", "unmet"}, {"procedure", "view", "criteria", "numbered", "definitions"}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, terms)))})s?(?!\w)", re.IGNORECASE)
    for group, lines in bank(name).questions.items():
        if group in BY_NAME:
            continue
        for line in lines:
            assert slots_of(line) <= asked, line
            assert not pattern.search(line), line


@pytest.mark.parametrize("name", TASKS)
def test_the_question_group_does_not_depend_on_the_answer(name: str) -> None:
    of_the_source = {"acted_on", "all_parts"}  # what its lists hold, what its boxes enclose
    groups = {d.question for _, d in all_drafts()[name]} - BY_NAME - of_the_source
    assert groups in ({"default"}, {"all"}, {"default", "clip"}, {"from_text", "from_picture"})


def test_a_question_by_name_holds_the_name_and_not_the_box() -> None:
    for name, slot in (("instrument_localization", "instrument"), ("tissue_localization", "tissue")):
        for group in ("by_name", "by_region"):
            for line in bank(name).questions[group]:
                assert slot in slots_of(line) and not {"box", "boxes"} & slots_of(line)
                assert ("region" in slots_of(line)) == (group == "by_region"), line
    assert all("instrument" in slots_of(line) for line in bank("instrument_segmentation").questions["by_name"])


def test_a_mask_answer_names_the_member() -> None:
    for lines in bank("instrument_segmentation").answers.values():
        assert all("target.png" in line for line in lines)


def test_answers_carry_what_the_answer_is() -> None:
    """A wording that left out the labels would teach nothing."""
    must = {
        "instrument_recognition": {"instruments", "a_instruments"},
        "tissue_recognition": {"tissues", "the_tissues"},
        "action_recognition": {"doing"},
        "triplet_recognition": {"clauses"},
        "phase_recognition": {"phase"},
        "step_recognition": {"step"},
    }
    for name, slots in must.items():
        for line in bank(name).answers["default"]:
            assert slots & slots_of(line), line
    for name in ("instrument_localization", "tissue_localization"):
        for group in ("all", "by_name", "by_region"):
            assert all({"box", "boxes"} & slots_of(line) for line in bank(name).answers[group])
    for lines in bank("safety_assessment").answers.values():
        assert all("verdicts" in slots_of(x) or {"met", "unmet"} <= slots_of(x) for x in lines)
    for group, lines in bank("image_captioning").answers.items():
        assert all({"body", "procedure"} <= slots_of(x) for x in lines)
        assert group == "without_phase" or all("phase" in slots_of(x) for x in lines)


def test_word_spreads_over_the_bank() -> None:
    slots = {"procedure": "x", "phase": "y"}
    texts = [
        word("phase_recognition", f"id-{n}", question="default", answer="default", slots=slots) for n in range(999)
    ]
    used = Counter(q for q, _, _ in texts)
    assert len(used) == len(bank("phase_recognition").questions["default"])
    assert max(used.values()) < 4 * min(used.values())


GOLDEN = "69677a0a55ca227c"


def test_word_is_stable() -> None:
    """The wording of a sample follows from its id alone, on any machine and in any run.

    A change of a bank changes this digest: that is a change of published texts, so it must be meant.
    """
    digest = hashlib.sha256()
    for name in TASKS:
        for _, draft in some_drafts(name):
            slots = {"procedure": "laparoscopic cholecystectomy", **draft.slots}
            for n in range(50):
                id = f"cholect50-VID{n:02d}-{n * 25:06d}-{name}"
                texts = word(name, id, question=draft.question, answer=draft.answer_group, slots=slots)
                digest.update("\n".join(texts).encode())
    assert digest.hexdigest()[:16] == GOLDEN


def test_word_names_what_is_missing() -> None:
    with pytest.raises(UnknownNameError, match=r"slot 'phase'.*phase_recognition\.yaml"):
        word("phase_recognition", "x", question="default", answer="default", slots={"procedure": "p"})
    with pytest.raises(UnknownNameError, match="template group 'by_moon'"):
        word("phase_recognition", "x", question="by_moon", answer="default", slots={})
    with pytest.raises(SurgSigmaError, match=r"templates/unknown\.yaml"):
        word("unknown", "x", question="default", answer="default", slots={})


def test_grammar_fits_the_vocabularies() -> None:
    assert is_plural(concept("instrument", "scissors").name) and is_plural(concept("instrument", "bipolar").name)
    assert not any(is_plural(concept("instrument", id).name) for id in ("grasper", "hook", "clipper", "specimen_bag"))
    assert not any(is_plural(concept("target", id).name) for id in ("liver", "omentum", "fluid"))
    doing = {c.id: participle(c.name) for c in concepts("action").values() if c.id != NULL}
    known = {
        "grasp": "grasping",
        "retract": "retracting",
        "dissect": "dissecting",
        "coagulate": "coagulating",
        "clip": "clipping",
        "cut": "cutting",
        "aspirate": "aspirating",
        "irrigate": "irrigating",
        "pack": "packing",
    }
    assert {id: doing[id] for id in known} == known
    assert with_article("specimen bag") == "a specimen bag"
