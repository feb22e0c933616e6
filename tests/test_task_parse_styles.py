"""None of the answers in the styles of public models reads wrong, and none that is plain is refused.

``answer_styles.jsonl`` holds the answers, written by us. ``reads`` null: no answer to read; a leading ``?``: a reader
may refuse the text, but must not read another thing. ``question``, where it stands, is what was asked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.errors import BadAnswerError, UnknownNameError
from surgsigma_hub.ontology import Kind
from surgsigma_hub.records import Answer
from surgsigma_hub.tasks import get_task
from surgsigma_hub.tasks.reading import PartialAnswer
from surgsigma_hub.tasks.reading.lexicon import lexicon
from surgsigma_hub.tasks.reading.prose import told

ROWS = [json.loads(line) for line in (Path(__file__).parent / "answer_styles.jsonl").read_text("utf-8").splitlines()]


def said(answer: Answer) -> list[Any]:
    if answer.triplets:
        return [[t.instrument, t.action, t.target] for t in answer.triplets]
    if answer.boxes:
        return [[b.label, b.x1, b.y1, b.x2, b.y2] for b in answer.boxes]
    if answer.seconds is not None:
        return [str(answer.seconds)]
    return sorted(answer.labels or (f"{c.criterion}{'+' if c.met else '-'}" for c in answer.criteria))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['task']}-{row['text'][:40]!r}")
def test_an_answer_reads_as_what_it_says_or_is_refused(row: dict[str, Any]) -> None:
    wanted = row["reads"]
    try:
        read = said(get_task(row["task"]).parse(row["text"], question=row.get("question")))
    except BadAnswerError:
        assert wanted is None or (isinstance(wanted, str) and wanted.startswith("?")), "a plain answer was refused"
        return
    assert wanted is not None, f"read as {read}"
    assert read == (sorted(wanted.removeprefix("?").split()) if isinstance(wanted, str) else wanted)


@pytest.mark.parametrize(
    ("text", "labels", "unread"),
    [
        ("the thyroid, the liver", ("liver",), ("thyroid",)),
        ("zapper, liver and gallbladder", ("gallbladder", "liver"), ("zapper",)),
        ("I see a liver, the portal triad and the omentum.", ("liver", "omentum"), ("portal triad",)),
    ],
)
def test_a_reading_in_part_names_what_was_not_read(text: str, labels: tuple[str, ...], unread: tuple[str, ...]) -> None:
    read = get_task("tissue_recognition").parse(text)
    assert isinstance(read, PartialAnswer)
    assert (read.labels, read.unread) == (labels, unread)


@pytest.mark.parametrize(
    "text",
    [
        '[{"tool": "grasper", "count": 2}, {"tool": "hook", "visible": true}]',
        "Primary instrument: grasper; secondary instrument: hook; confidence: 85 %",
        "Instrument 1: grasper. Instrument 2: hook. Instrument 3: none.",
    ],
)
def test_keys_and_headings_of_an_answer_are_nothing_unread(text: str) -> None:
    read = get_task("instrument_recognition").parse(text)
    assert (read.labels, isinstance(read, PartialAnswer)) == (("grasper", "hook"), False)


def test_an_instrument_that_is_called_as_an_action_is_named_as_unread() -> None:
    read = get_task("instrument_recognition").parse("- Kerrison punch\n- Suction")
    assert isinstance(read, PartialAnswer)
    assert (read.labels, read.unread) == (("kerrison_rongeur",), ("Suction",))


@pytest.mark.parametrize(
    "text", ["liver, gallbladder", "The liver is retracted, and the view is smoky.", "liver, etc."]
)
def test_prose_and_whole_lists_are_not_called_partial(text: str) -> None:
    assert not isinstance(get_task("tissue_recognition").parse(text), PartialAnswer)


def test_the_procedure_passes_over_phases_of_other_operations() -> None:
    parse = get_task("phase_recognition").parse
    text = "Creation of the gastric pouch, with irrigation and aspiration"
    with pytest.raises(BadAnswerError, match="labels named"):
        parse(text)
    assert parse(text, procedure="laparoscopic_gastric_bypass").labels == ("gastric_pouch_creation",)
    with pytest.raises(BadAnswerError, match="labels named: none"):
        parse("phacoemulsification", procedure="laparoscopic_gastric_bypass")
    with pytest.raises(UnknownNameError):
        parse(text, procedure="bypass")


def test_synonyms_mean_one_thing_each() -> None:
    said_of: tuple[tuple[Kind, str], ...] = (
        ("instrument", "endobag"),
        ("target", "small bowel"),
        ("phase", "leak test"),
        ("step", "DVC ligation"),
    )
    for kind, text in said_of:
        (span,) = lexicon(kind).find(text)
        assert len(span.ids(kind)) == 1, text


def test_prose_that_denies_or_looks_ahead_tells_nothing() -> None:
    assert told("phase", "The gallbladder is not yet separated from the liver") == ()
    assert told("phase", "Before the gallbladder is separated from the liver") == ()


OPTIONS = "Mark every option that is in the field.\nA. clip applier\nB. hook\nC. bipolar forceps\nD. grasper"
PHASES = "Which option names the phase?\nA. clipping and cutting\nB. gallbladder packaging\nC. preparation"


@pytest.mark.parametrize(
    ("task", "question", "text", "reads"),
    [
        ("instrument_recognition", OPTIONS, "Only B.", "hook"),
        ("instrument_recognition", OPTIONS, '["B", "D"]', "grasper hook"),
        ("instrument_recognition", OPTIONS, "<answer>BD</answer>", "grasper hook"),
        ("instrument_recognition", OPTIONS, "A is absent; B and D are present; C is absent.", "grasper hook"),
        ("instrument_recognition", OPTIONS, "A, D; B is not visible", "clipper grasper"),
        ("instrument_recognition", OPTIONS, "All of them", "bipolar clipper grasper hook"),
        ("phase_recognition", PHASES, "The best answer is A because clips are being applied.", "clipping_and_cutting"),
        ("phase_recognition", PHASES, "I choose C.", "preparation"),
        ("phase_recognition", PHASES, '{"answer": "B"}', "gallbladder_packaging"),
        ("phase_recognition", PHASES, "A or C", None),
        ("phase_recognition", PHASES, "A, although C is possible", None),
        ("phase_recognition", "Would you call this the preparation phase?", "Yes, it is.", "preparation"),
        ("phase_recognition", "Would you call this the preparation phase?", "No.", None),
        ("instrument_recognition", "Can you see a grasper?", '{"answer": "yes"}', "grasper"),
        ("instrument_recognition", "Can you see a grasper?", "There is no grasper in the image.", ""),
        ("instrument_recognition", "Can you see a grasper?", "I cannot tell whether there is a grasper.", None),
        ("instrument_recognition", "How many kinds of instrument can you see?", "Zero.", ""),
        ("safety_assessment", "Is the cystic plate exposed?", "Not yet.", "cystic_plate-"),
    ],
)
def test_an_answer_that_means_something_beside_its_question(
    task: str, question: str, text: str, reads: str | None
) -> None:
    try:
        read = said(get_task(task).parse(text, question=question))
    except BadAnswerError:
        assert reads is None, "a plain answer was refused"
        return
    assert reads is not None and read == reads.split(), read
