"""What a model writes: honest rewrites pass, and nothing else does, whatever true caption stands before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.enrich.judge import cleaned, judge
from surgsigma_hub.enrich.wording import strange_character, strange_words

HERE = Path(__file__).parent
CAPTION = (
    "This picture of laparoscopic cholecystectomy was taken during preparation. A grasper is retracting the "
    "gallbladder. The liver and the gallbladder can be seen. Safety criteria met: two structures."
)
TRACE = {"level": 3, "perceptual": "A grasper is in view. The liver can be seen.", "relational": None,
         "contextual": "It is the preparation."}  # fmt: skip
TRUE = {
    "caption": "A grasper is retracting the gallbladder during preparation of a laparoscopic cholecystectomy. The "
    "liver and the gallbladder can be seen. The safety criterion two structures is met.",
    "reasoning": "Level 1: In view there is a grasper. The liver can be seen too. {}\nLevel 3: It is preparation.",
}
HONEST = (HERE / "honest_captions.txt").read_text("utf-8").splitlines()
HOSTILE = (HERE / "hostile_captions.txt").read_text("utf-8").splitlines()
SENTENCES = (HERE / "honest_sentences.txt").read_text("utf-8").splitlines()


def doc(what: str) -> dict[str, Any]:
    if what == "reasoning":  # of a task whose answer the trace comes to
        phase = {"text": "preparation", "labels": ["preparation"], "triplets": [], "boxes": [], "criteria": [],
                 "seconds": None}  # fmt: skip
        return {**doc("caption"), "task": "phase_recognition", "answer": phase}
    triplet = {"instrument": "grasper", "action": "retract", "target": "gallbladder"}
    return {
        "id": "a-1", "task": "image_captioning", "source": "cholect50", "split": "train", "width": 64, "height": 48,
        "procedure": "laparoscopic_cholecystectomy", "family": "understanding", "frame_index": None, "fps": None,
        "start_seconds": None, "end_seconds": None, "reasoning": TRACE,
        "media": [{"member": "image.jpg", "kind": "image", "role": "input"}],
        "messages": [{"role": "user", "content": "<image>\nWhat is shown?"}, {"role": "assistant", "content": CAPTION}],
        "answer": {"text": CAPTION, "labels": ["gallbladder", "liver"], "triplets": [triplet], "boxes": [],
                   "criteria": [{"criterion": "two_structures", "met": True, "scores": []}], "seconds": None},
        "native": {"labels": [], "question": None, "answer": None},
        "provenance": {"label_origin": "expert", "model": None, "template": None, "augmentation": []},
    }  # fmt: skip


def verdict(text: str, what: Any = "caption") -> str | None:
    return judge(doc(what), cleaned(text, what), what)


def test_the_true_texts_are_taken() -> None:
    assert verdict(TRUE["caption"]) is None
    assert verdict(TRUE["reasoning"].format(""), "reasoning") is None


@pytest.mark.parametrize("line", HOSTILE)
def test_nothing_else_passes_after_a_true_caption(line: str) -> None:
    assert verdict(f"{TRUE['caption']} {line}") is not None
    assert verdict(f"{line} {TRUE['caption']}") is not None
    assert verdict(TRUE["reasoning"].format(line), "reasoning") is not None


@pytest.mark.parametrize("line", HONEST)
def test_an_honest_rewrite_is_refused_by_the_facts_alone(line: str) -> None:
    refusal = verdict(line)
    assert refusal is None or refusal.startswith("claim: ")
    assert strange_words(line, "") is None


def test_most_honest_rewrites_are_taken() -> None:
    taken = sum(verdict(line) is None for line in HONEST)
    assert taken >= 18, f"{taken} of {len(HONEST)} honest captions are taken, 18 were before their words counted"


@pytest.mark.parametrize("line", SENTENCES)
def test_sentences_of_other_operations_use_known_words(line: str) -> None:
    assert strange_words(line, "") is None and strange_character(line) is None


STRANGE = (
    *(0x00, 0x07, 0x1B, 0x7F, 0x9B, 0xAD, 0x200B, 0x200D, 0x200E, 0x202E, 0x2066, 0x2069, 0xFEFF, 0xFFFC, 0xE000),
    *(0xE0041, 0x430, 0x4E2D, 0x1F600, *map(ord, "\\`{|~@#$^_*<")),
)


@pytest.mark.parametrize("code", STRANGE, ids=hex)
def test_characters_that_no_description_needs_are_refused(code: int) -> None:
    assert verdict(TRUE["caption"].replace("liver", f"li{chr(code)}ver")) is not None


@given(st.characters())
def test_only_latin_letters_digits_and_marks_of_prose_are_known_characters(c: str) -> None:
    if strange_character(c) is None:
        assert c.isprintable() or c in "\n\t"


def test_what_the_old_text_says_may_be_said_again() -> None:
    assert strange_words("The zebra grazes.", "") is not None
    assert strange_words("The zebra grazes.", "Zebras grazing everywhere.") is None


def test_claims_do_not_carry_many_strange_words() -> None:
    true = "A grasper is retracting the gallbladder"
    assert strange_words(f"{true} nicely.", "") is None
    assert strange_words(f"{true} cheaply tonight.", "") is not None
    assert strange_words(f"{true} Acmely.", "") is not None, "a name is more than an adjective"
    assert strange_words("A zesty liver, a crunchy liver, a salty liver.", "") is None
    assert strange_words("A zesty liver, a crunchy liver, a salty liver, a spicy liver.", "") is not None
